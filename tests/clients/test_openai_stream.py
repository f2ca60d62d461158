"""Streamed chat answers through the official `openai` package."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from tests.clients.sdk import IMPATIENT, TALKATIVE, GatewayWith, Gigachat, Sdk, logged, soon, strangers, words
from tests.dropped import DROPPED, DROPPED_NAME
from tests.running import Process

TEXTS = (
    "Привет, мир! Это ответ из нескольких фраз, чтобы было что передавать по частям.",
    "👨‍👩‍👧‍👦 \u2028\u2029 data: [DONE]\n\ndata: {}\r\n\n: a comment\nevent: error",
    '{"json": "in \\"json\\"", "error": {"message": "no"}}',
)


def address(response: Any) -> Any:
    """The client's end of the connection that an answer came on."""
    return response.extensions["network_stream"].get_extra_info("client_addr")


def started(sdk: Sdk, text: str, client: Any = None, **more: Any) -> Any:
    """An open stream."""
    return sdk.chat(text, client, stream=True, **more)


def streamed(sdk: Sdk, text: str, **more: Any) -> list[Any]:
    """All chunks of a stream."""
    return list(sdk.each(started(sdk, text, **more)))


def collect(sdk: Sdk, stream: Any, chunks: list[Any]) -> None:
    """Keep what comes, also when it ends in an exception."""
    for chunk in sdk.each(stream):
        chunks += [chunk]


def broken(sdk: Sdk, stream: Any) -> tuple[str, openai.APIError]:
    """The text that came before a stream broke off, and how it did."""
    chunks: list[Any] = []
    with pytest.raises(openai.APIError) as caught:
        collect(sdk, stream, chunks)
    assert not any(chunk.choices[0].finish_reason for chunk in chunks)
    return words(chunks), caught.value


@pytest.mark.parametrize("text", TEXTS)
def test_the_pieces_are_the_whole(sdk: Sdk, text: str) -> None:
    """Nothing is lost, added or split, whatever the text holds; the last choice says that it ended."""
    chunks = streamed(sdk, f"sandbox:say {text}")
    assert words(chunks) == text == sdk.chat(f"sandbox:say {text}").choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]


def test_the_form_of_the_chunks(sdk: Sdk) -> None:
    """A role first and alone, then words, then a finish; one id, one time, one model in all; all of the SDK's type."""
    chunks = streamed(sdk, "sandbox:reasoning\nsandbox:long 3")
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert [delta.role for delta in deltas] == ["assistant"] + [None] * (len(deltas) - 1)
    assert (deltas[0].content, deltas[-1].to_dict()) == ("", {})
    assert len({(one.id, one.created, one.model, one.system_fingerprint, one.object) for one in chunks}) == 1
    assert chunks[0].id.startswith("chatcmpl-")
    assert chunks[0].model == "GigaChat-2:2.0.28.2"
    for chunk in chunks:
        strict = ChatCompletionChunk.model_validate_json(chunk.to_json(), strict=True)
        assert strangers(strict) <= {"choices.0.delta.reasoning_content"}
        assert strict.usage is None
    assert "".join(getattr(delta, "reasoning_content", "") for delta in deltas).startswith("Пользователь спрашивает")


def test_usage_when_it_is_asked_for(sdk: Sdk) -> None:
    """One chunk more, without choices, with the usage of the whole answer; the others say null."""
    chunks = streamed(sdk, "sandbox:long 3", stream_options={"include_usage": True})
    whole = sdk.chat("sandbox:long 3")
    assert (chunks[-1].choices, chunks[-2].choices[0].finish_reason) == ([], "stop")
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
    assert [one.to_dict(exclude_unset=True)["usage"] for one in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].id == chunks[0].id


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": False}}, {"stream_options": None}])
def test_no_usage_when_it_is_not_asked_for(sdk: Sdk, options: dict[str, Any]) -> None:
    """No chunk names usage, and none is without a choice."""
    chunks = streamed(sdk, "sandbox:say x", **options)
    assert all(len(chunk.choices) == 1 and "usage" not in chunk.to_dict(exclude_unset=True) for chunk in chunks)


def test_usage_that_gigachat_did_not_count(sdk: Sdk, gigachat: Gigachat) -> None:
    """Nothing is invented, and the stream ends as usual."""
    gigachat.fault("no_usage")
    chunks = streamed(sdk, "sandbox:say x", stream_options={"include_usage": True})
    assert all(chunk.usage is None for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("text", ["sandbox:long 40", f"sandbox:say {TEXTS[0]}"])
def test_the_stream_helper_builds_the_whole_answer(sdk: Sdk, text: str) -> None:
    """`stream()`'s final completion is the answer that a request without a stream gives."""
    ask = {"model": "GigaChat-2", "messages": [{"role": "user", "content": text}]}
    with sdk.within(sdk.client.chat.completions.stream(**ask, stream_options={"include_usage": True})) as stream:
        kinds = {event.type for event in sdk.each(stream)}
        final = sdk.wait(stream.get_final_completion()).to_dict()
    whole = sdk.wait(sdk.client.chat.completions.create(**ask)).to_dict()
    assert final["choices"][0]["message"]["content"] == whole["choices"][0]["message"]["content"]
    assert final["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    for name in ("completion_tokens", "prompt_tokens", "total_tokens"):
        assert final["usage"][name] == whole["usage"][name]
    assert (final["model"], final["object"], set(final)) == (whole["model"], whole["object"], set(whole))
    assert kinds == {"chunk", "content.delta", "content.done"}


def test_with_streaming_response(sdk: Sdk) -> None:
    """The raw stream has its headers before its first word, and its lines are events."""
    opened = sdk.client.chat.completions.with_streaming_response.create(
        model="gpt-4o", messages=[{"role": "user", "content": "sandbox:say Привет"}], stream=True, **DROPPED
    )
    with sdk.within(opened) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache"
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["x-gateway-dropped"] == DROPPED_NAME
        assert float(response.headers["x-gateway-upstream-ms"]) > 0
        request_id = response.request_id
        lines = [line for line in sdk.each(response.iter_lines()) if line]
    assert [line for line in lines if not line.startswith("data: {")] == ["data: [DONE]"]
    assert all(f'"id":"chatcmpl-{request_id}"' in line for line in lines[:-1])


def test_a_whole_answer_with_streaming_response(sdk: Sdk) -> None:
    """The same call without a stream is parsed as an answer."""
    opened = sdk.client.chat.completions.with_streaming_response.create(
        model="gpt-4o", messages=[{"role": "user", "content": "sandbox:say x"}]
    )
    with sdk.within(opened) as response:
        assert sdk.wait(response.parse()).choices[0].message.content == "x"


def test_a_long_stream(sdk: Sdk) -> None:
    """A thousand phrases arrive in order, and each in a chunk of its own."""
    chunks = streamed(sdk, "sandbox:long 1000")
    assert words(chunks) == "".join(f"Фраза {n} из 1000, phrase {n} of 1000. " for n in range(1, 1001))
    assert len(chunks) == 1002


@pytest.mark.parametrize("fault", ["bom", "crlf", "surrogate", "no_done", "null_content"])
def test_gigachats_oddities_do_not_reach_the_client(sdk: Sdk, gigachat: Gigachat, fault: str) -> None:
    """A stream that GigaChat frames in another way is the same stream."""
    gigachat.fault(fault)
    chunks = streamed(sdk, "sandbox:say Привет")
    assert words(chunks) == {"surrogate": "Привет😀", "null_content": ""}.get(fault, "Привет")
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("way", ["close", "leave"])
def test_a_client_that_leaves(sdk: Sdk, gigachat: Gigachat, served: Process, way: str) -> None:
    """When the client closes its stream, GigaChat's ends soon; the log says who left, and nobody is blamed."""
    gigachat.fault("stall", after=3, seconds=5.0)
    stream = started(sdk, "sandbox:long 2000")
    request_id = stream.response.headers["x-request-id"]
    if way == "close":
        next(sdk.each(stream))
        sdk.wait(stream.close())
    else:
        with sdk.within(stream):
            next(sdk.each(stream))
    record = soon(lambda: next((one for one in gigachat.requests() if one["ended"]), None), 3.0)
    assert record["outcome"] == "client_gone"
    assert record["chunks"] <= 4
    line = logged(served, request_id)
    assert (line["status"], line["wire_status"], line["aborted_by"]) == (499, 200, "client")
    assert line["error_type"] == "client_closed"


def test_connections_are_reused(sdk: Sdk, gigachat: Gigachat) -> None:
    """Answers, refusals and streams leave the connection in order; the blocking client itself drops a stream's."""
    peers = []
    for _ in range(3):
        raw = sdk.wait(sdk.client.models.with_raw_response.list())
        gigachat.fault("status", status=500)
        with pytest.raises(openai.InternalServerError) as caught:
            started(sdk, "x")
        peers += [address(raw.http_response), address(caught.value.response)]
        if sdk.kind == "async":
            stream = started(sdk, "sandbox:long 20")
            peers.append(address(stream.response))
            assert len(list(sdk.each(stream))) == 22
    assert len(set(peers)) == 1, peers


def test_silence_is_filled(sdk: Sdk, gateway_with: GatewayWith, gigachat: Gigachat) -> None:
    """Comments before the first word and between words, which no client sees."""
    gateway = gateway_with(**TALKATIVE)
    gigachat.fault("stall", after=2, seconds=0.15)
    stream = started(sdk, "sandbox:wait 0.15\nsandbox:long 5", sdk.make(gateway.url))
    chunks = list(sdk.each(stream))
    assert words(chunks) == sdk.chat("sandbox:long 5").choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("sdk", ["async"], indirect=True)
def test_the_status_line_comes_before_the_clients_patience_ends(sdk: Sdk, gigachat: Gigachat) -> None:
    """The SDK tells its read time-out: long before, the status line is there, though GigaChat has said nothing yet."""
    stream = started(sdk, "sandbox:wait 2.2\nsandbox:say x", sdk.make(timeout=3))
    assert gigachat.last()["chunks"] == 0
    assert words(list(sdk.each(stream))) == "x"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "cut", "after": 3}, "stream_truncated"),
        ({"kind": "cut", "after": 3, "rst": True}, "stream_truncated"),
        ({"kind": "end", "after": 3}, "stream_truncated"),
        ({"kind": "event_error", "after": 3}, "upstream_error"),
        ({"kind": "garbage", "after": 3}, "upstream_error"),
    ],
    ids=lambda value: value["kind"] + "-rst" * value.get("rst", False) if isinstance(value, dict) else value,
)
def test_a_stream_that_breaks(sdk: Sdk, gigachat: Gigachat, served: Process, fault: dict[str, Any], code: str) -> None:
    """The words before come through, then the SDK raises: a broken answer never looks like a whole one."""
    gigachat.fault(**fault)
    stream = started(sdk, "sandbox:long 10", stream_options={"include_usage": True})
    text, error = broken(sdk, stream)
    assert text == "".join(f"Фраза {n} из 10, phrase {n} of 10. " for n in range(1, 4))
    assert not isinstance(error, openai.APIStatusError | openai.APIConnectionError)
    assert (error.code, error.type, error.param) == (code, "server_error", None)
    assert "GigaChat" in error.message
    line = logged(served, stream.response.headers["x-request-id"])
    assert (line["status"], line["wire_status"], line["aborted_by"]) == (502, 200, "upstream")
    assert len(gigachat.requests()) == 1


def test_a_model_that_fails_in_its_answer(sdk: Sdk, gigachat: Gigachat) -> None:
    """GigaChat's finish reason `error` after words is an error event, with the words before it."""
    text, error = broken(sdk, started(sdk, "sandbox:finish error\nsandbox:say Начало"))
    assert (text, error.code) == ("Начало", "upstream_generation_error")


def test_a_stream_that_stalls(sdk: Sdk, gateway_with: GatewayWith, gigachat: Gigachat) -> None:
    """GigaChat's silence in the middle ends in an error event when its time is up."""
    gigachat.fault("stall", after=2, seconds=5.0)
    gateway = gateway_with(**IMPATIENT)
    text, error = broken(sdk, started(sdk, "sandbox:long 10", sdk.make(gateway.url)))
    assert text.startswith("Фраза 1")
    assert (error.code, error.type) == ("upstream_timeout", "server_error")
    assert soon(lambda: gigachat.last()["outcome"], 3.0) == "client_gone"


def test_the_stream_helper_raises_when_the_stream_breaks(sdk: Sdk, gigachat: Gigachat) -> None:
    """No final completion comes of half an answer."""
    gigachat.fault("cut", after=3)
    ask = {"model": "GigaChat-2", "messages": [{"role": "user", "content": "sandbox:long 10"}]}
    with sdk.within(sdk.client.chat.completions.stream(**ask)) as stream, pytest.raises(openai.APIError) as caught:
        sdk.wait(stream.get_final_completion())
    assert caught.value.code == "stream_truncated"


def test_a_stream_that_is_refused_is_no_stream(sdk: Sdk, gigachat: Gigachat) -> None:
    """A refusal before the first word is a real status with a real envelope, not a 200 with an error inside."""
    for fault, status, code in (
        ({"kind": "status", "status": 429}, 429, "rate_limit_exceeded"),
        ({"kind": "event_error", "after": 0}, 502, "upstream_error"),
        ({"kind": "cut", "after": 0}, 502, "upstream_error"),
        ({"kind": "html_200"}, 502, "upstream_error"),
    ):
        gigachat.fault(**fault)
        with pytest.raises(openai.APIStatusError) as caught:
            started(sdk, "x")
        assert (caught.value.status_code, caught.value.code) == (status, code)


def test_a_refusal_after_the_status_line(sdk: Sdk, gateway_with: GatewayWith, gigachat: Gigachat) -> None:
    """Where the status line had to go out before GigaChat's refusal came, the refusal is an error event."""
    gateway = gateway_with(**TALKATIVE)
    gigachat.fault("slow", seconds=0.15)
    gigachat.fault("status", status=402)
    text, error = broken(sdk, started(sdk, "x", sdk.make(gateway.url)))
    assert (text, error.code, error.type) == ("", "insufficient_quota", "insufficient_quota")


def test_a_stream_ends_with_its_last_event(sdk: Sdk, gigachat: Gigachat, served: Process) -> None:
    """What GigaChat does after its last event is no business of the client's: it has the whole answer, logged so."""
    gigachat.fault("stall", after=3, seconds=0.2)
    stream = started(sdk, "sandbox:say x")
    assert words(list(sdk.each(stream))) == "x"
    line = logged(served, stream.response.headers["x-request-id"])
    assert (line["status"], line.get("aborted_by"), line["finish"]) == (200, None, "stop")
