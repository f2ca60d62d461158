"""Whole requests, from a client's body to what a strict GigaChat takes, and nothing lost without a word."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from app.errors import GatewayError
from app.sandbox import server
from app.translate import preview
from app.translate.openai import unread_fields
from tests.dropped import DROPPED, DROPPED_NAME
from tests.examples import examples

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
ALIASES = (("gpt-4o", "GigaChat-2-Max"),)


def part(kinds: list[str]) -> st.SearchStrategy[Any]:
    """A part of text under one of these types, or a bare string."""
    return TEXT | st.builds(lambda kind, text: {"type": kind, "text": text}, st.sampled_from(kinds), TEXT)


def contents(kinds: list[str]) -> st.SearchStrategy[Any]:
    """Text, parts or nothing."""
    return TEXT | st.none() | st.lists(part(kinds), max_size=4)


PLAIN = contents(["text", "input_text"])
SAID = contents(["text", "output_text"]) | st.lists(
    st.builds(lambda t: {"type": "refusal", "refusal": t}, TEXT), max_size=2
)
UNKNOWN = st.dictionaries(TEXT.map(lambda key: f"x_{key}"), st.none() | st.integers(-9, 9) | TEXT, max_size=2)
MESSAGES = st.lists(
    st.builds(
        lambda role, content, name, more: {"role": role, "content": content, **name, **more},
        st.sampled_from(["system", "developer", "user"]),
        PLAIN,
        st.fixed_dictionaries({}, optional={"name": TEXT}),
        UNKNOWN,
    )
    | st.fixed_dictionaries(
        {"role": st.just("assistant")}, optional={"content": SAID, "refusal": st.none() | TEXT, "name": TEXT}
    ),
    min_size=1,
    max_size=8,
)
LIMIT = st.integers(0, 2**31) | st.integers(0, 9000).map(float) | st.none()
PARAMETERS = {
    "model": st.sampled_from(["gpt-4o", "GigaChat", "openai/gpt-4", "GigaChat-2-Pro", "GigaChat:2.0.28.2", None]),
    "temperature": st.floats(0, 2) | st.integers(0, 2) | st.just(-0.0) | st.none(),
    "top_p": st.floats(0, 1) | st.integers(0, 1) | st.just(-0.0) | st.none(),
    "max_tokens": LIMIT,
    "max_completion_tokens": LIMIT,
    "stream": st.booleans() | st.none(),
    "stream_options": st.fixed_dictionaries({}, optional={"include_usage": st.booleans()}) | st.none(),
    "n": st.just(1),
    "seed": st.integers(-(2**63), 2**63 - 1),
    "presence_penalty": st.floats(-2, 2),
    "frequency_penalty": st.integers(-2, 2),
    "logit_bias": st.dictionaries(st.integers(0, 9).map(str), st.integers(-100, 100), max_size=2),
    "logprobs": st.booleans(),
    "user": TEXT,
    "metadata": st.dictionaries(TEXT, TEXT, max_size=2),
    "service_tier": st.sampled_from(["auto", "flex"]),
    "response_format": st.just({"type": "text"}),
    "tools": st.just([]),
    "repetition_penalty": st.floats(0.01, 2),
    "update_interval": st.floats(0, 0.001),
    "profanity_check": st.booleans(),
    "flags": st.lists(TEXT, max_size=2),
    "function_ranker": st.fixed_dictionaries({}, optional={"enabled": st.booleans(), "top_n": st.integers(1, 5)}),
}
BODIES = st.builds(
    lambda known, unknown, messages, inner: {**known, **unknown, "messages": messages, **inner},
    st.fixed_dictionaries({}, optional=PARAMETERS),
    UNKNOWN,
    MESSAGES,
    st.fixed_dictionaries({}, optional={"extra_body": UNKNOWN | st.none()}),
)


def texts(body: dict[str, Any]) -> list[str]:
    """Every text that a client's messages hold."""
    found = []
    for message in body["messages"]:
        content = message.get("content") or []
        items = [content] if isinstance(content, str) else content
        found += [item if isinstance(item, str) else item.get("text") or item.get("refusal") or "" for item in items]
        found.append(message.get("refusal") or "")
    return found


def shown(body: dict[str, Any]) -> dict[str, Any] | None:
    """What the body becomes, or nothing where there is not a word to answer; any other refusal is a fault."""
    sent = orjson.loads(orjson.dumps(body))
    if "".join(texts(body)).strip():
        return preview.chat(sent, "GigaChat", "Embeddings", ALIASES)
    with pytest.raises(GatewayError, match="nothing to answer"):
        preview.chat(sent, "GigaChat", "Embeddings", ALIASES)
    return None


@examples(max_examples=150, suppress=[HealthCheck.too_slow])
@given(BODIES)
def test_nothing_is_lost_without_a_word(body: dict[str, Any]) -> None:
    """Each text stands in the payload, in order of its message; each other field too, or it is told by its name."""
    found = shown(body)
    if found is None:
        return
    sent = [message["content"] for message in found["payload"]["messages"]]
    assert all(any(text in content for content in sent) for text in texts(body))
    assert [message["role"] for message in found["payload"]["messages"][1:]].count("system") == 0
    told = {note["path"] for note in found["notes"]}
    merged = {**(body.get("extra_body") or {}), **{key: value for key, value in body.items() if value is not None}}
    for key, value in merged.items():
        if value is None or key in ("messages", "extra_body"):
            continue
        neutral = value in ({}, [], [[]], 0, 1, False, "auto", {"type": "text"})
        assert found["payload"].get(key) == value or neutral or key in told or key.startswith(("x_", "max_", "stream"))
    counted = [note for note in found["notes"] if note["rule"] == "unknown"]
    assert len(counted) == sum(
        key.startswith("x_") and not unread_fields.asks_nothing(value) for key, value in merged.items()
    )
    names = [note for note in found["notes"] if note["rule"] == "messages.name"]
    assert len(names) == sum(bool(message.get("name")) for message in body["messages"])


async def test_a_strict_gigachat_takes_every_payload(sandbox: server.Running, http: aiohttp.ClientSession) -> None:
    """Whatever text conversation is not refused by us, GigaChat does not refuse either."""
    bodies: list[dict[str, Any]] = []

    @examples(max_examples=60, suppress=[HealthCheck.too_slow])
    @given(BODIES)
    def collect(body: dict[str, Any]) -> None:
        bodies.append(body)

    collect()
    headers = {"Authorization": f"Bearer {sandbox.state.tokens.issue(60)}", "Content-Type": "application/json"}
    asked = 0
    for body in bodies:
        found = shown(body)
        if found is None:
            continue
        data = orjson.dumps(found["payload"])
        async with http.post(f"{sandbox.url}/v1/chat/completions", data=data, headers=headers) as response:
            assert response.status == 200, (await response.text(), body)
            await response.read()
        asked += 1
        assert sandbox.state.requests.of("chat")[-1].unknown == []
    assert asked > 0


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}

# body, payload beside its messages, notes that a client sees
SHOWN: list[tuple[dict[str, Any], dict[str, Any], list[tuple[str, str, str]]]] = [
    ({"model": "gpt-4o"}, {"model": "GigaChat-2-Max"}, [("equivalent", "model", "model")]),
    (
        {"temperature": 0, "top_p": 0.1, **DROPPED, "zzz": 1},
        {"model": "GigaChat", "temperature": 0.0001, "top_p": 0.1},
        [
            ("equivalent", "model=default", "model"),
            ("dropped", DROPPED_NAME, DROPPED_NAME),
            ("dropped", "unknown", "zzz"),
            ("equivalent", "temperature=0", "temperature"),
        ],
    ),
    (
        {
            "model": "GigaChat",
            "tools": [{"type": "function", "function": {"name": "f", "strict": True, "parameters": SCHEMA}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "reasoning_effort": "max",
        },
        {
            "model": "GigaChat",
            "functions": [{"name": "f", "parameters": SCHEMA}],
            "function_call": {"name": "f"},
            "reasoning_effort": "high",
        },
        [
            ("dropped", "tools.strict", "tools[0].function.strict"),
            ("adapted", "reasoning_effort=max->high", "reasoning_effort"),
        ],
    ),
]


@pytest.mark.parametrize(("body", "payload", "notes"), SHOWN)
def test_the_preview_shows_payload_and_notes(
    body: dict[str, Any], payload: dict[str, Any], notes: list[tuple[str, str, str]]
) -> None:
    """Reading's and writing's notes together, with kind, rule and path."""
    found = preview.chat({**body, "messages": [{"role": "user", "content": "a"}]}, "GigaChat", "Embeddings", ALIASES)
    assert found["payload"] == {**payload, "messages": [{"role": "user", "content": "a"}]}
    assert [(note["kind"], note["rule"], note["path"]) for note in found["notes"]] == notes


def test_a_refusal_is_raised() -> None:
    """The preview refuses what the gateway refuses."""
    with pytest.raises(GatewayError, match="messages"):
        preview.chat({}, "GigaChat", "Embeddings", ())
