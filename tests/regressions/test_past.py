"""The past of a conversation: it never ends with a 400, whoever wrote it."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest

from app.sandbox import server
from tests.attaching import chats, talking
from tests.regressions import vendors
from tests.regressions.pasts import ASKED, HALF, NEXT, ROWS, YES, calling, noted, result
from tests.running import Running
from tests.watching import ask

STREAM = pytest.param(True, id="stream", marks=pytest.mark.long)
both = pytest.mark.parametrize("stream", [pytest.param(False, id="whole"), STREAM])
CASES = [
    pytest.param(*row, id=f"{kind}: {form}")
    for kind, forms in {**ROWS, **vendors.ROWS}.items()
    for form, row in forms.items()
]


def shown(message: dict[str, Any]) -> tuple[str, Any]:
    """A message that GigaChat got, in short."""
    if "function_call" in message:
        return "assistant", message["function_call"]
    if message["role"] == "function":
        return "function", orjson.loads(message["content"])
    return message["role"], message["content"]


@both
@pytest.mark.parametrize(("past", "sent", "told"), CASES)
async def test_the_past(
    stream: bool,
    past: list[Any],
    sent: list[Any],
    told: str,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
) -> None:
    """An answer, what is clear goes along, what is not is told, and strict mode names it."""
    body = {"model": "gpt-4o", "messages": [*past, NEXT], "stream": stream}
    reply = await ask(http, gateway, body)
    assert (reply.status, "И что дальше?" in reply.content) == (200, True), reply.text
    (got,) = chats(sandbox)
    seen = [shown(message) for message in got["messages"]]
    results = [message for message in got["messages"] if message["role"] == "function"]
    seen += [("pair", (message["name"], orjson.loads(message["content"]))) for message in results]
    for role, holds in sent:
        found = [what for who, what in seen if who == role]
        assert holds in found or any(isinstance(what, str) and str(holds) in what for what in found), seen
    notes = reply.headers.get("x-gateway-adapted", "") + ", " + reply.headers.get("x-gateway-dropped", "")
    assert told in notes
    strict = await ask(http, gateway, body, headers={"X-Gateway-Strict": "1"})
    assert strict.status == (400 if notes != ", " else 200), strict.text
    assert not told or strict.error["param"].startswith(("messages", "model"))


# What is new keeps its 400: the message, the field
NEW: dict[str, tuple[Any, str]] = {
    "a role": ({"role": "critic", "content": "a"}, "messages[3].role"),
    "no role": ({"content": "a"}, "messages[3].role"),
    "a part": ({"role": "user", "content": [{"type": "hologram"}]}, "messages[3].content[0].type"),
    "a content": ({"role": "user", "content": 5}, "messages[3].content"),
    "a file without one": ({"role": "user", "content": [{"type": "image_url"}]}, "messages[3].content[0].image_url"),
    "a file's id": ({"role": "user", "content": "a", "attachments": [5]}, "messages[3].attachments[0]"),
    "no message": ([], "messages[3]"),
}


@pytest.mark.parametrize(("message", "param"), NEW.values(), ids=NEW)
async def test_what_is_new_is_refused_by_name(
    message: Any, param: str, sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession
) -> None:
    """Behind the assistant's last message, whatever stands before it; nothing is paid."""
    reply = await ask(http, gateway, talking(ASKED, {"role": "robot"}, YES, message))
    assert (reply.status, reply.error["param"]) == (400, param)
    assert chats(sandbox) == []


# The last results are new, and none is refused: content, what GigaChat gets of it, a note
RESULTS: dict[str, tuple[Any, str, str]] = {
    "a link that is gone": (
        [{"type": "image_url", "image_url": {"url": "https://gone.invalid/a"}}],
        "gone.invalid",
        "",
    ),
    "no base64": ([{"type": "input_image", "image_url": "data:image/png;base64,!!"}], "[image is no longer", ""),
    "no image": ([{"type": "image", "data": "AAAA", "mimeType": "image/png"}], "[image is no longer", ""),
    "rows that look like files": ([{"type": "file", "file_id": "doc-5", "name": "Отчёт"}], "doc-5 Отчёт", ""),
    "a result beside another part": (
        [{"type": "tool-result", "toolCallId": "call_7", "result": "ok"}, {"type": "hologram"}],
        '{"result":"ok"}',
        "messages.part",
    ),
    "a result beside a file": (
        [
            {"type": "tool-result", "toolCallId": "call_7", "result": "ok"},
            {"type": "image", "source": {"file_id": "f"}},
        ],
        '{"result":"ok"}',
        "file->words",
    ),
}


@both
@pytest.mark.parametrize(("content", "sent", "told"), RESULTS.values(), ids=RESULTS)
async def test_a_result_is_never_refused(
    stream: bool,
    content: Any,
    sent: str,
    told: str,
    sandbox: server.Running,
    gateway: Running,
    http: aiohttp.ClientSession,
) -> None:
    """Nobody can write it anew, whatever is in it: its words stay, and what is lost is told."""
    body = {"model": "gpt-4o", "messages": [ASKED, calling(noted()), result(content)], "stream": stream}
    reply = await ask(http, gateway, body)
    assert reply.status == 200, reply.text
    (got,) = chats(sandbox)
    assert [one["role"] for one in got["messages"]] == ["user", "assistant", "function", "user"][: len(got["messages"])]
    assert sent in got["messages"][2]["content"]
    assert (told or "file->words") in reply.headers.get("x-gateway-adapted", "") + reply.headers.get(
        "x-gateway-dropped", ""
    )


async def test_an_agents_run_is_past(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """All stands behind one user message; the last results are new, and read all the same."""
    run = [calling(noted(HALF)), result({"a": 1}), calling(noted("{'a'}", id="b")), result([1], tool_call_id="b")]
    reply = await ask(http, gateway, talking(ASKED, *run, {"role": "tool", "content": 5, "tool_call_id": None}))
    assert reply.status == 200, reply.text
    (got,) = chats(sandbox)
    roles = [one["role"] for one in got["messages"]]
    assert roles == ["user", "assistant", "function", "assistant", "function", "user"]
