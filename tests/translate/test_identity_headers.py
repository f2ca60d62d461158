"""The conversation's name at GigaChat."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from app.translate.dialogue import Call, FileId, Inline, Media, Part, Request, Result, Role, Sampling, Text, Turn, Url
from app.translate.identity_headers import derive_client_id, derive_session_id


def request(*said: tuple[Role, str], session: str | None = None, **more: Any) -> Request:
    """A request of these turns."""
    turns = [Turn(role, [Text(text)], f"messages[{index}]") for index, (role, text) in enumerate(said)]
    return Request("GigaChat", turns, Sampling(), session=session, **more)


FIRST: tuple[tuple[Role, str], ...] = (("system", "S"), ("user", "U"))
GREETED: tuple[tuple[Role, str], ...] = (("system", "S"), ("assistant", "Hi"), ("user", "U"))

SAME: list[tuple[Request, Request]] = [
    (request(*FIRST), request(*FIRST, ("assistant", "A"), ("user", "U2"))),
    (request(*FIRST), request(*FIRST, stream=True, max_tokens=5)),
    (request(*GREETED), request(*GREETED, ("assistant", "A"), ("user", "U2"))),
    (request(*FIRST, session="user:1"), request(("user", "other"), session="user:1")),
]
OTHER: list[tuple[Request, Request]] = [
    (request(*FIRST), request(("system", "S"), ("user", "U2"))),
    (request(*FIRST), request(("system", "S2"), ("user", "U"))),
    (request(*FIRST), request(("user", "S"), ("user", "U"))),
    (request(*GREETED), request(("system", "S"), ("assistant", "Hi"), ("user", "U2"))),
    (request(*FIRST, session="user:1"), request(*FIRST, session="user:2")),
    (request(*FIRST, session="user:1"), request(*FIRST)),
]


CALLED = [
    Turn("assistant", [Text("a"), Call("1", "f", {})], "messages[0]"),
    Turn("tool", [Result("1", "f", [Text("b")])], "messages[1]"),
]


@pytest.mark.parametrize("before", [[], CALLED, CALLED * 2])
def test_only_parts_with_text_count(before: list[Turn]) -> None:
    """Calls and results are no mark of a conversation, wherever they stand."""
    asked = request(*FIRST)
    asked.turns = [*before, *asked.turns, *CALLED]
    assert derive_session_id("t", asked) == derive_session_id("t", request(*FIRST))


SOURCES: list[Inline | Url | FileId] = [
    Inline("AAAA"),
    Inline("AAAB"),
    Inline("A" * 5000),
    Inline("A" * 5001),
    Url("https://example.com/1.png"),
    Url("https://example.com/2.png"),
    FileId("1"),
    FileId("2"),
]


def test_conversations_about_images_differ() -> None:
    """Where the first message is an image without words, the image tells."""
    names = set()
    for source in SOURCES:
        asked = request(("user", ""))
        asked.turns[0].parts = [Media("image", source, "messages[0].content[0]")]
        names.add(derive_session_id("t", asked))
    assert len(names) == len(SOURCES)


IMAGE = request(("user", ""))
IMAGE.turns[0].parts = [Media("image", FileId("1"), "messages[0].content[0]")]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (request(*FIRST), "f08dfaf6c1f20677ec9e5c02d58784c2"),
        (request(*FIRST, session="user:1"), "d682728f50508c5b1961173c6800f80c"),
        (IMAGE, "fa2bc247c57d72ac288f55393b937e5c"),
    ],
)
def test_an_upgrade_keeps_the_name(asked: Request, expected: str) -> None:
    """A new version of the gateway finds GigaChat's prompt cache as warm as the one before has left it."""
    assert derive_session_id("t", asked) == expected


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_conversation_keeps_its_name(one: Request, other: Request) -> None:
    """Every turn of it has the same name: GigaChat's prompt cache stays warm."""
    assert derive_session_id("t", one) == derive_session_id("t", other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_conversations_differ(one: Request, other: Request) -> None:
    """Another system, first text or name of the client's own is another conversation."""
    assert derive_session_id("t", one) != derive_session_id("t", other)


@pytest.mark.parametrize("asked", [request(*FIRST), request(*FIRST, session="user:1"), request(("assistant", "a"))])
def test_tenants_never_share(asked: Request) -> None:
    """The same words of another tenant have another name, which tells nothing of either."""
    names = {derive_session_id(tenant, asked) for tenant in ("a", "b", "", "ab")}
    assert len(names) == 4
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)


def test_the_owner_of_files_is_a_hash_of_the_tenant() -> None:
    """Each tenant has one of its own, telling nothing of it, and no conversation's; an update keeps it."""
    names = {derive_client_id(tenant) for tenant in ("a", "b", "", "ab")}
    assert len(names) == 4
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)
    assert derive_client_id("a") == derive_client_id("a") == "5c2e05de3d951ccd66835951a8295c5b"
    assert derive_session_id("a", Request("GigaChat", [], Sampling())) not in names


def test_a_message_of_many_files_takes_no_time() -> None:
    """Nobody else is served meanwhile."""
    parts: list[Part] = [Media("image", Url(f"u{number}"), f"p{number}") for number in range(20_000)]
    begun = time.perf_counter()
    derive_session_id("t", Request("GigaChat", [Turn("user", parts, "messages[0]")], Sampling()))
    assert time.perf_counter() - begun < 2


def test_a_long_text_is_not_hashed_whole() -> None:
    """Its length and its ends tell it from others; 60 MB take no time."""
    text = "я" * 30_000_000
    begun = time.perf_counter()
    names = [derive_session_id("t", request(("user", one))) for one in (text, text[1:], f"{text[1:]}x", f"x{text[1:]}")]
    assert time.perf_counter() - begun < 3
    assert len(set(names)) == 4
    assert derive_session_id("t", request(("user", text), ("assistant", "a"), ("user", "b"))) == names[0]
