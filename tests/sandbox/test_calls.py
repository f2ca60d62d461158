"""Function calls on the wire: when, which, with what, in which form, and what spoils them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
import pytest

from app.sandbox.calls import CALL_FAULTS, STREAM_CALL_FAULTS
from app.sandbox.faults import KINDS
from app.sandbox.server import Running
from app.sandbox.state import SandboxSettings
from tests.sandbox.calling import CHAT, CITY, FUNCTIONS, INVENTED, MAIL, after, choice, chunks, message

Ask = Callable[..., dict[str, Any]]

UUID = re.compile(rb'"functions_state_id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"')
STATE = b'"functions_state_id":"*"'
SOME_ID = "b02a1bbd-3e2e-4bd0-8d4b-5d1f3e5a5d11"
CALLING = 'sandbox:call get_weather {"city":"Омск"}'


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.sandbox.wire.time.time", lambda: 1768996174.0)


async def test_whole_bytes(session: aiohttp.ClientSession, ask: Ask) -> None:
    """The documented shape byte for byte: empty content, arguments as an object, the state id in the message."""
    async with session.post(CHAT, json=ask(CALLING, functions=[MAIL, CITY])) as response:
        assert (
            UUID.sub(STATE, await response.read())
            == (
                '{"choices":[{"message":{"content":"","role":"assistant",'
                '"function_call":{"name":"get_weather","arguments":{"city":"Омск"}},"functions_state_id":"*"},'
                '"index":0,"finish_reason":"function_call"}],'
                '"created":1768996174,"model":"GigaChat:2.0.28.2","object":"chat.completion",'
                '"usage":{"prompt_tokens":75,"completion_tokens":13,"total_tokens":88,"precached_prompt_tokens":0}}'
            ).encode()
        )


async def test_stream_bytes(session: aiohttp.ClientSession, ask: Ask) -> None:
    """One delta has all of it, with finish_reason on its choice and the usage beside; then [DONE]."""
    async with session.post(CHAT, json=ask(CALLING, functions=[MAIL, CITY], stream=True)) as response:
        assert (
            UUID.sub(STATE, await response.read())
            == (
                'data: {"choices":[{"delta":{"content":"","role":"assistant",'
                '"function_call":{"name":"get_weather","arguments":{"city":"Омск"}},"functions_state_id":"*"},'
                '"index":0,"finish_reason":"function_call"}],'
                '"created":1768996174,"model":"GigaChat:2.0.28.2","object":"chat.completion",'
                '"usage":{"prompt_tokens":75,"completion_tokens":13,"total_tokens":88,"precached_prompt_tokens":0}}\n\n'
                "data: [DONE]\n\n"
            ).encode()
        )


# text of the user, function_call (None: not sent), name of the called function (None: text)
CASES: list[tuple[str, Any, str | None]] = [
    ("Привет", {"name": "send_mail"}, "send_mail"),
    ("sandbox:call get_weather", {"name": "send_mail"}, "send_mail"),
    ("sandbox:say нет", {"name": "send_mail"}, "send_mail"),
    ("Привет", {"name": "text2image"}, None),
    ("Привет", "auto", None),
    ("sandbox:call send_mail", "auto", "send_mail"),
    ("sandbox:call send_mail", None, "send_mail"),
    ("sandbox:call send_mail", "none", None),
    ("sandbox:call no_such; send_mail", "auto", "send_mail"),
    ("sandbox:call no_such", "auto", None),
    ("Вызови send_mail, потом get_weather", "auto", "send_mail"),
    ("Что даст get_weather?", None, "get_weather"),
    ("Что даст get_weather.", "none", None),
    ("send_mails, get_weather_2, my.send_mail, send_mail.x", "auto", None),
    ("sandbox:say get_weather", "auto", None),
    ("get_weather\nsandbox:finish blacklist", "auto", None),
    ("get_weather\nsandbox:finish stop", "auto", "get_weather"),
]


@pytest.mark.parametrize(("text", "wanted", "name"), CASES)
async def test_when(session: aiohttp.ClientSession, ask: Ask, text: str, wanted: Any, name: str | None) -> None:
    """Forced: always. Auto, or not sent: by a directive, else by a name in the message. None: never."""
    more = {} if wanted is None else {"function_call": wanted}
    answer = await message(session, ask(text, functions=FUNCTIONS, **more))
    assert answer.get("function_call", {}).get("name") == name
    assert bool(answer["content"]) is (name is None)


@pytest.mark.parametrize("settings", [SandboxSettings(default_function_call="none")])
async def test_default_is_a_setting(session: aiohttp.ClientSession, ask: Ask) -> None:
    """What a missing function_call means is not certain."""
    assert "function_call" not in await message(session, ask("get_weather", functions=FUNCTIONS))
    assert "function_call" in await message(session, ask("get_weather", functions=FUNCTIONS, function_call="auto"))


async def test_no_functions_no_call(session: aiohttp.ClientSession, ask: Ask) -> None:
    """Without functions there is text, whatever is asked for; built-in ones are not played."""
    for more in ({}, {"function_call": "auto"}, {"functions": [{"name": "text2image"}]}):
        assert "function_call" not in await message(session, ask("sandbox:call text2image", **more))


async def test_arguments(session: aiohttp.ClientSession, ask: Ask) -> None:
    """Arguments are those of the directive, else invented to fit; for a forced function too."""
    forced = {"functions": FUNCTIONS, "function_call": {"name": "get_weather"}}
    for text, arguments in (
        ("Привет", INVENTED),
        ("sandbox:call get_weather {}", {}),
        ('sandbox:call send_mail; get_weather {"city": null}', {"city": None}),
    ):
        answer = await message(session, ask(text, **forced))
        assert answer["function_call"]["arguments"] == arguments


async def test_loop_ends(session: aiohttp.ClientSession, ask: Ask) -> None:
    """After the result there is text that quotes it; a new user message starts anew."""
    body = ask("Спроси get_weather", functions=FUNCTIONS, function_call="auto")
    body = after(body, await message(session, body))
    answer = await choice(session, body)
    assert answer["finish_reason"] == "stop"
    assert 'get_weather → {"t": 20}' in answer["message"]["content"]
    body["messages"] += [{"role": "assistant", "content": "20"}, {"role": "user", "content": "get_weather ещё раз"}]
    assert "function_call" in await message(session, body)


@pytest.mark.parametrize("text", ["sandbox:call get_weather; call send_mail", "get_weather, затем send_mail"])
async def test_several_calls(session: aiohttp.ClientSession, ask: Ask, text: str) -> None:
    """v1 knows one call a message: several come one after another, each with a state of its own."""
    body = ask(text, functions=FUNCTIONS)
    first = await message(session, body)
    second = await message(session, after(body, first))
    last = await message(session, after(body, first, second))
    assert [one["function_call"]["name"] for one in (first, second)] == ["get_weather", "send_mail"]
    assert first["functions_state_id"] != second["functions_state_id"]
    assert 'get_weather → {"t": 20}; send_mail → {"t": 20}' in last["content"]


async def test_reasoning_before_a_call(session: aiohttp.ClientSession, ask: Ask) -> None:
    """Thoughts come before the call, whole and streamed; the role is the call's."""
    body = ask("get_weather", functions=FUNCTIONS, reasoning_effort="high")
    assert (await message(session, body))["reasoning_content"]
    *thoughts, last = await chunks(session, body)
    assert all(one["choices"][0]["delta"].keys() == {"reasoning_content"} for one in thoughts)
    assert last["choices"][0]["delta"].keys() == {"content", "role", "function_call", "functions_state_id"}


@pytest.mark.parametrize("finish", ["blacklist", "error", "length"])
async def test_finish_without_a_call(session: aiohttp.ClientSession, ask: Ask, finish: str) -> None:
    """An answer that was withheld, failed or cut has no call."""
    body = ask(f"get_weather\nsandbox:finish {finish}", functions=FUNCTIONS)
    answer = await choice(session, body)
    assert answer["finish_reason"] == finish
    assert answer["message"].keys() == {"content", "role"}
    assert (await chunks(session, body))[-1]["choices"][0]["finish_reason"] == finish


async def test_max_tokens(session: aiohttp.ClientSession, ask: Ask) -> None:
    """A call that is longer than the limit is not there."""
    body = ask("get_weather", functions=FUNCTIONS, max_tokens=5)
    async with session.post(CHAT, json=body) as response:
        answer = await response.json()
    assert answer["choices"][0] == {
        "message": {"content": "", "role": "assistant"},
        "index": 0,
        "finish_reason": "length",
    }
    assert answer["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize(
    ("kind", "values", "call"),
    [
        ("call_text", {}, {"name": "get_weather", "arguments": orjson.dumps(INVENTED).decode()}),
        ("call_broken", {"text": "{"}, {"name": "get_weather", "arguments": "{"}),
        ("call_unfit", {}, {"name": "get_weather", "arguments": {"unasked": [1, None]}}),
        ("call_stranger", {}, {"name": "no_such_function", "arguments": INVENTED}),
    ],
)
async def test_spoilt_calls(
    running: Running, session: aiohttp.ClientSession, ask: Ask, kind: str, values: dict[str, Any], call: Any
) -> None:
    """The same wrong call, whole and streamed."""
    running.state.faults.add(kind, "chat", times=2, **values)
    body = ask("get_weather", functions=FUNCTIONS)
    assert (await message(session, body))["function_call"] == call
    assert (await chunks(session, body))[0]["choices"][0]["delta"]["function_call"] == call
    assert len(running.state.faults) == 0


async def test_text_before_the_call(running: Running, session: aiohttp.ClientSession, ask: Ask) -> None:
    """Text first, with the role; then the call without it."""
    running.state.faults.add("call_after_text", "chat", times=2)
    body = ask("get_weather", functions=FUNCTIONS)
    answer = await message(session, body)
    assert (answer["content"], answer["function_call"]["name"]) == ("Сейчас посмотрю. ", "get_weather")
    text, call = (chunk["choices"][0]["delta"] for chunk in await chunks(session, body))
    assert text == {"content": "Сейчас посмотрю. ", "role": "assistant"}
    assert call.keys() == {"content", "function_call", "functions_state_id"}


async def test_without_state(running: Running, session: aiohttp.ClientSession, ask: Ask) -> None:
    """A call may lack the state id."""
    running.state.faults.add("no_state", "chat", times=2)
    body = ask("get_weather", functions=FUNCTIONS)
    assert "functions_state_id" not in await message(session, body)
    assert "functions_state_id" not in (await chunks(session, body))[0]["choices"][0]["delta"]


async def test_forms_of_the_delta(running: Running, session: aiohttp.ClientSession, ask: Ask) -> None:
    """Two other forms of a streamed call; a whole answer does not use the faults up."""
    body = ask("get_weather", functions=FUNCTIONS)
    running.state.faults.add("call_bare", "chat")
    running.state.faults.add("call_apart", "chat")
    assert (await choice(session, body))["finish_reason"] == "function_call"
    first, last = await chunks(session, body)
    assert first["choices"][0]["delta"].keys() == {"function_call", "functions_state_id"}
    assert not {"finish_reason", "usage"} & {*first, *first["choices"][0]}
    assert last["choices"][0] == {"delta": {"content": ""}, "index": 0, "finish_reason": "function_call"}
    assert last["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize("shown", [False, True])
async def test_failed_call(running: Running, session: aiohttp.ClientSession, ask: Ask, shown: bool) -> None:
    """The model failed to write arguments: the finish tells, with the call or without it; it is paid all the same."""
    running.state.faults.add("call_error", "chat", times=2, shown=shown)
    body = ask("get_weather", functions=FUNCTIONS)
    answer = await choice(session, body)
    assert answer["finish_reason"] == "error"
    assert ("function_call" in answer["message"]) is shown
    assert answer["message"]["content"] == ""
    (chunk,) = await chunks(session, body)
    assert chunk["choices"][0]["finish_reason"] == "error"
    assert chunk["usage"]["completion_tokens"] > 10


async def test_null_content(running: Running, session: aiohttp.ClientSession, ask: Ask) -> None:
    """Content may be null beside a call."""
    running.state.faults.add("null_content", "chat", times=2)
    body = ask("get_weather", functions=FUNCTIONS)
    assert (await message(session, body))["content"] is None
    assert (await chunks(session, body))[0]["choices"][0]["delta"]["content"] is None


async def test_faults_of_calls_wait_for_a_call(running: Running, session: aiohttp.ClientSession, ask: Ask) -> None:
    """A text uses up none of them."""
    for kind in (*CALL_FAULTS, *STREAM_CALL_FAULTS):
        running.state.faults.add(kind, "chat")
    await message(session, ask(functions=FUNCTIONS))
    await chunks(session, ask(functions=FUNCTIONS))
    assert len(running.state.faults) == len(CALL_FAULTS) + len(STREAM_CALL_FAULTS)


def test_each_spoil_is_a_kind() -> None:
    """What spoils a call stands in the table of kinds."""
    assert CALL_FAULTS.keys() | STREAM_CALL_FAULTS.keys() <= KINDS.keys()
