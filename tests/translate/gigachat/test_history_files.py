"""Messages with files, as v1 has them: attachments of user messages and of no others."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import GatewayError
from app.sandbox.history import check_history
from app.translate.dialogue import Call, FileId, Media, Note, Part, Result, Role, Text, Thought, Turn, Uploaded
from app.translate.gigachat.names import FunctionNames
from app.translate.gigachat.v1 import attachments, history
from app.translate.turn_media import list_media
from tests.examples import examples
from tests.translate.gigachat.dialogues import call, result, turns
from tests.translate.test_abilities import asked


def media(name: str, kind: Any = "image") -> Media:
    """A file whose path is its name."""
    return Media(kind, FileId(name), name)


def says(role: Role, *parts: Part | str) -> Turn:
    """A turn of words and files."""
    return Turn(role, [Text(part) if isinstance(part, str) else part for part in parts], "")


def gave(number: str, *parts: Text | Media) -> Result:
    """A result that holds a file."""
    return Result(number, "f", list(parts))


def write(*given_: Any) -> tuple[list[Any], list[str]]:
    """The messages, shortened to (role, content, files) or (role, content), and the rules of the notes."""
    notes: list[Note] = []
    request = asked(turns(*given_))
    files = {one.path: Uploaded(f"id-{one.path}", "image") for one in list_media(request.turns)}
    messages = history.write(request, FunctionNames(request), notes, files=files)
    check_history(messages)
    return [_short(one) for one in messages], [note.rule for note in notes]


def _short(message: dict[str, Any]) -> tuple[Any, ...]:
    files = message.get("attachments")
    content = message.get("function_call", {}).get("name") or message["content"]
    return (message["role"], content) if files is None else (message["role"], content, files)


M, N = media("m"), media("n")
LATE = "file->user"
# name -> turns, messages in short, rules
HISTORIES: dict[str, tuple[list[Any], list[Any], list[str]]] = {
    "an image and words": ([says("user", "a", M, "b")], [("user", "a\nb", ["id-m"])], []),
    "an image alone": ([says("user", M)], [("user", "", ["id-m"])], []),
    "two images": (
        [says("user", M, "a", N)],
        [("user", "", ["id-m"]), ("user", "a", ["id-n"])],
        ["images.split"],
    ),
    "a system message with an image": (
        [says("system", "S", M), "U"],
        [("system", "S"), ("user", "", ["id-m"]), ("user", "U")],
        [LATE],
    ),
    "a system message of an image": ([says("system", M), "U"], [("user", "", ["id-m"]), ("user", "U")], [LATE]),
    "a late system message with an image": (
        ["U", says("assistant", "A"), says("system", "S", M)],
        [("user", "U"), ("assistant", "A"), ("user", "", ["id-m"]), ("user", "[system] S")],
        [LATE, "system->user"],
    ),
    "an assistant's image": (
        ["U", says("assistant", "A", M), "U2"],
        [("user", "U"), ("assistant", "A"), ("user", "", ["id-m"]), ("user", "U2")],
        [LATE],
    ),
    "an assistant's image alone": (
        ["U", says("assistant", M), "U2"],
        [("user", "U"), ("user", "", ["id-m"]), ("user", "U2")],
        [LATE],
    ),
    "an assistant's image and call": (
        ["U", says("assistant", M, Call("1", "f", {})), result("1")],
        [("user", "U"), ("assistant", "f"), ("function", "{}"), ("user", "", ["id-m"])],
        [LATE],
    ),
    "a thought and an image": (
        [says("user", Thought("t"), M, "a")],
        [("user", "a", ["id-m"])],
        ["turns.reasoning"],
    ),
    "a tool's image": (
        ["U", call("1"), says("tool", gave("1", Text("{}"), M)), "U2"],
        [
            ("user", "U"),
            ("assistant", "f"),
            ("function", "{}"),
            ("user", "[tool result] f", ["id-m"]),
            ("user", "U2"),
        ],
        [LATE],
    ),
    "a tool's image and no word": (
        ["U", call("1"), says("tool", gave("1", M))],
        [
            ("user", "U"),
            ("assistant", "f"),
            ("function", '{"result":"see the attached file"}'),
            ("user", "[tool result] f", ["id-m"]),
        ],
        [LATE],
    ),
    "images of two calls": (
        ["U", [call("1"), call("2", "g")], says("tool", gave("2", N)), says("tool", gave("1", M))],
        [
            ("user", "U"),
            ("assistant", "f"),
            ("function", '{"result":"see the attached file"}'),
            ("assistant", "g"),
            ("function", '{"result":"see the attached file"}'),
            ("user", "[tool result] f", ["id-m"]),
            ("user", "[tool result] g", ["id-n"]),
        ],
        ["calls.unrolled", LATE, LATE],
    ),
    "an image of a result without its call": (
        ["U", says("tool", gave("1", Text("x"), M))],
        [("user", "U"), ("user", '[tool result] f: {"result":"x"}'), ("user", "", ["id-m"])],
        ["result->user", LATE],
    ),
    "an image beside a result without its call": (
        ["U", says("user", gave("1", Text("x")), "a", M)],
        [("user", "U"), ("user", '[tool result] f: {"result":"x"}'), ("user", "a", ["id-m"])],
        ["result->user"],
    ),
}


@pytest.mark.parametrize(("given_", "expected", "rules"), HISTORIES.values(), ids=HISTORIES)
def test_files_go_into_user_messages(given_: list[Any], expected: list[Any], rules: list[str]) -> None:
    """At their place or right behind it, never between a call and its result; a move is told."""
    assert write(*given_) == (expected, rules)


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_a_move_is_told_with_its_message(role: Role) -> None:
    """A file that only a user may attach is adapted, at the message that it came in."""
    given_, notes = [says("user", "U"), Turn(role, [Text("A"), M], "messages[1]"), says("user", "U2")], list[Note]()
    request = asked(given_)
    history.write(request, FunctionNames(request), notes, files={"m": Uploaded("id-m", "image")})
    assert Note("adapted", LATE, "messages[1]") in notes


def test_images_that_are_too_many_leave_no_trace() -> None:
    """Words stay, a message of nothing else goes, a call keeps its result."""
    old = [
        says("user", media("0")),
        says("user", "words", media("1")),
        says("assistant", media("2")),
        call("1"),
        says("tool", gave("1", media("3"))),
        says("user", media("4")),
    ]
    new = [says("user", media(f"m{index}")) for index in range(10)]
    messages, rules = write(*old, *new)
    assert messages[:3] == [("user", "words"), ("assistant", "f"), ("function", '{"result":"see the attached file"}')]
    assert messages[3:] == [("user", "", [f"id-m{index}"]) for index in range(10)]
    assert rules == ["images>10"] * 5


def test_a_file_alone_is_something_to_answer() -> None:
    """A request of an image without a word may be asked; one of neither may not."""
    assert write(says("user", M))[0] == [("user", "", ["id-m"])]
    with pytest.raises(GatewayError, match="nothing to answer"):
        write(says("user"))


_TEXTS = st.builds(Text, st.sampled_from(["", "a", "да", "{}"]))
_FILES = st.builds(
    Media, st.sampled_from(["image", "audio", "document", None]), st.just(FileId("x")), st.uuids().map(str)
)
_CALLS = st.builds(Call, st.sampled_from("12"), st.just("f"), st.just({}))
_RESULTS = st.builds(Result, st.sampled_from("12"), st.none() | st.just("f"), st.lists(_TEXTS | _FILES, max_size=3))
_TURNS = st.lists(
    st.one_of(
        st.builds(says, st.sampled_from(["system", "user"]), _TEXTS, _FILES | _TEXTS, _FILES | _TEXTS),
        st.builds(says, st.just("assistant"), _TEXTS | _CALLS, _FILES | _CALLS, _FILES | _TEXTS),
        st.builds(says, st.just("tool"), _RESULTS, _RESULTS),
    ),
    min_size=1,
    max_size=12,
)


@examples(max_examples=100)
@given(_TURNS)
def test_any_history_with_files_is_accepted(turns_: list[Turn]) -> None:
    """GigaChat takes it; each file goes along once, or is told of as left out; one image a message; no word is lost."""
    found = list_media(turns_)
    files = {one.path: Uploaded(one.path, one.kind or "image") for one in found}
    request, notes = asked(turns_), list[Note]()
    try:
        messages = history.write(request, FunctionNames(request), notes, files=files)
    except GatewayError:
        assert not found
        return
    check_history(messages)
    sent = [one for message in messages for one in message.get("attachments", ())]
    out = [note.path for note in notes if note.rule == "images>10"]
    assert sorted([*sent, *out]) == sorted(files)
    assert sum(files[one].kind == "image" for one in sent) <= attachments.MAX_IMAGES
    for message in messages:
        assert message["role"] == "user" or "attachments" not in message
        assert sum(files[one].kind == "image" for one in message.get("attachments", ())) <= 1
    said = "\n".join(message["content"] for message in messages)
    assert all(part.text in said for turn in turns_ for part in turn.parts if isinstance(part, Text))
