"""Log lines are documented to the last field, and may be sampled without losing one that somebody would look for."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import pytest

from app.observe import access_log
from app.observe.gaps import Gaps
from app.observe.request_record import RequestRecord, Tokens, new_id
from app.sandbox import server
from tests.records import make_record
from tests.running import GatewayStarter, eventually
from tests.watching import CHAT, saying
from tests.watching import lines as written

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


def _fields(node: ast.expr | None, scope: ast.AST) -> set[str]:
    """The names of a `fields(...)` call, or of the variable that holds one."""
    if isinstance(node, ast.Name):
        values = [one.value for one in ast.walk(scope) if isinstance(one, ast.Assign) and _is(one.targets[0], node.id)]
        node = values[0]
    return {str(keyword.arg) for keyword in node.keywords} if isinstance(node, ast.Call) else set()


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def told() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Event, level and fields of every line that the code writes through its logger with a phrase of its own."""
    for path in (ROOT / "app").rglob("*.py"):
        for scope in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for call in ast.walk(scope):
                if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                    continue
                if not (_is(call.func.value, "LOGGER") and call.func.attr in LEVELS):
                    continue
                if isinstance(call.args[0], ast.Constant):
                    extra = next((keyword.value for keyword in call.keywords if keyword.arg == "extra"), None)
                    level = call.func.attr.replace("exception", "error")
                    yield str(call.args[0].value), level, frozenset(_fields(extra, scope))


def record() -> RequestRecord:
    """A request of which everything is known."""
    now = monotonic()
    return make_record(
        stream=True,
        client_request_id="c",
        model_asked="gpt-4o",
        model="GigaChat",
        wire_status=200,
        error_type="internal",
        detail="why",
        upstream_started=now,
        upstream_status=200,
        tries=1,
        queue_seconds=0.5,
        retries=1,
        files=1,
        uploads=1,
        lost_files=("why",),
        first_token=now,
        gaps=Gaps(),
        chunks=1,
        keepalives=1,
        aborted_by="client",
        tokens=Tokens(1, 1, 1),
        finish="stop",
        idempotent="joined",
        leaked_calls=1,
        adapted="a",
        dropped="b, c;n=2",
        slips="b->bb",
    )


def test_every_event_is_documented() -> None:
    """docs/logs.md has each event of the code with its level and fields, and no other."""
    text = (ROOT / "docs" / "logs.md").read_text("utf-8")
    table = text.partition("## Other events")[2]
    rows = re.findall(r"^\| `(.+)` \| (\w+) \| (.*?) ?\|$", table, re.MULTILINE)
    documented = {(event, level, frozenset(re.findall(r"`(\w+)`", names))) for event, level, names in rows}
    assert documented == set(told())


def test_every_field_of_a_request_is_documented(caplog: pytest.LogCaptureFixture) -> None:
    """The table of the line's fields is the line's, in its order."""
    caplog.set_level("INFO", "gpt2giga")
    access_log.log_request(record(), "/v1/chat/completions", "POST", monotonic(), 0.1, 0.5)
    text = (ROOT / "docs" / "logs.md").read_text("utf-8")
    table = text.partition("## `request`")[2].partition("## Other events")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(written(caplog)[0])


def test_what_was_not_there_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """An unknown path costs a short line."""
    caplog.set_level("INFO", "gpt2giga")
    access_log.log_request(make_record(status=404), "other", "GET", monotonic(), 0.0, None)
    assert set(written(caplog)[0]) == {
        "request_id",
        "method",
        "route",
        "endpoint",
        "tenant",
        "status",
        "stream",
        "seconds",
        "upstream_seconds",
    }


# What alone is known of a request -> the fields that its line has beside those of every line.
ALONE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"client_request_id": "c"}, {"client_request_id": "c"}),
    ({"model_asked": "gpt-4o"}, {"model_asked": "gpt-4o"}),
    ({"model": "GigaChat"}, {"model": "GigaChat"}),
    ({"wire_status": 200}, {"wire_status": 200}),
    ({"stream": True, "first_token": 12.25}, {"first_token_seconds": 2.25}),
    ({"stream": True, "gaps": Gaps()}, {"longest_gap_seconds": 0.0}),
    ({"stream": True, "chunks": 2}, {"chunks": 2}),
    ({"stream": True, "keepalives": 3}, {"keepalives": 3}),
    ({"upstream_status": 429}, {"upstream_status": 429}),
    ({"tries": 2}, {"tries": 2}),
    ({"queue_seconds": 0.12345}, {"queue_seconds": 0.1235}),
    ({"retries": 3}, {"retries": 3}),
    ({"files": 1}, {"files": 1, "files_seconds": 0.0}),
    ({"files": 2, "uploads": 1}, {"files": 2, "uploads": 1, "files_seconds": 0.0}),
    (
        {"files": 2, "lost_files": ("a", "b"), "files_seconds": 0.12345},
        {"files": 2, "files_lost": "a; b", "files_seconds": 0.1235},
    ),
    (
        {"tokens": Tokens(10, 5, 3)},
        {"prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 3, "billed_tokens": 12},
    ),
    (
        {"tokens": Tokens(0, 0, 0)},
        {"prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0, "billed_tokens": 0},
    ),
    ({"finish": "stop"}, {"finish": "stop"}),
    ({"idempotent": "joined"}, {"idempotent": "joined"}),
    ({"leaked_calls": 1}, {"leaked_calls": 1}),
    ({"adapted": "a"}, {"adapted": "a"}),
    ({"dropped": "b"}, {"dropped": "b"}),
    ({"slips": "b->bb"}, {"misspelt": "b->bb"}),
    ({"error_type": "internal"}, {"error_type": "internal"}),
    ({"detail": "why"}, {"error": "why"}),
    ({"aborted_by": "client"}, {"aborted_by": "client"}),
]


@pytest.mark.parametrize(("known", "told"), ALONE, ids=[next(reversed(told)) for _, told in ALONE])
def test_what_is_known_is_told(known: dict[str, Any], told: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Each field is there with its value when it is known, whatever else is not."""
    caplog.set_level("INFO", "gpt2giga")
    one = make_record(request_id="id", received=10.0, **known)
    access_log.log_request(one, "/v1/chat/completions", "POST", 13.5, 1.23456, None)
    assert written(caplog) == [
        {
            "request_id": "id",
            "method": "POST",
            "route": "/v1/chat/completions",
            "endpoint": "other",
            "tenant": "default",
            "status": 500,
            "stream": known.get("stream", False),
            "seconds": 3.5,
            "upstream_seconds": 1.2346,
            **told,
        }
    ]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_share_is_kept(share: float) -> None:
    """As many lines as were asked for, and the same verdict for the same request each time."""
    ids = [new_id() for _ in range(4000)]
    kept = [access_log.is_sampled(one, share) for one in ids]
    assert abs(sum(kept) / len(kept) - share) < 0.03
    assert kept == [access_log.is_sampled(one, share) for one in ids]


async def test_failures_and_slow_requests_always_have_their_line(
    start_gateway: GatewayStarter,
    sandbox: server.Running,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With a share of 0 no good request is told; a mistake, a failure and a slow first word are."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(GPT2GIGA_LOG_SAMPLE="0")

    async def ask(body: dict[str, Any]) -> None:
        async with http.post(gateway.url + CHAT, json=body) as response:
            await response.read()

    for _ in range(3):
        await ask(saying("x"))
    await ask({"model": "x"})
    sandbox.state.faults.add("status", where="chat", status=500)
    await ask(saying("x"))
    sandbox.state.faults.add("slow", where="chat", seconds=3.05)
    await ask(saying("x", stream=True))
    await eventually(lambda: len(written(caplog)) == 3)
    assert [line["status"] for line in written(caplog)] == [400, 502, 200]
    assert not any("sampled" in line for line in written(caplog))


async def test_a_sampled_line_says_so(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever counts lines can count requests; every metric counts all of them anyway."""
    caplog.set_level("INFO", "gpt2giga")
    gateway = await start_gateway(GPT2GIGA_LOG_SAMPLE="0.5")
    seen: Counter[str] = Counter()
    for _ in range(60):
        async with http.get(f"{gateway.url}/v1/models") as response:
            seen[response.headers["x-request-id"]] += 1
    assert 0 < len(written(caplog)) < 60
    assert {line["sampled"] for line in written(caplog)} == {0.5}
    assert {line["request_id"] for line in written(caplog)} <= set(seen)
