"""Notes as clients see them: bounded ASCII headers, and strict mode's refusals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import GatewayError
from app.translate.dialogue import Note, NoteKind
from app.translate.models import ModelNames
from app.translate.notes import MAX_BYTES, header, refuse_if_strict
from app.translate.openai import chat_request
from app.translate.openai.parameters import PARAMETERS
from tests.examples import examples


def drop(*rules: str) -> list[Note]:
    """Dropped fields."""
    return [Note("dropped", rule, rule) for rule in rules]


def unknown(*keys: str) -> list[Note]:
    """Keys of a body that nobody knows."""
    return [Note("dropped", "unknown", key) for key in keys]


HEADERS: list[tuple[list[Note], NoteKind, str]] = [
    ([], "dropped", ""),
    (drop("seed"), "dropped", "seed"),
    (drop("seed"), "adapted", ""),
    (drop("seed", "logit_bias"), "dropped", "seed, logit_bias"),
    (
        [*unknown("mood"), *drop("seed"), *unknown("mood", "fo?o: 1", "ключ", "k" * 41)],
        "dropped",
        "mood;n=2, seed, unknown;n=3",
    ),
    (unknown(*(f"k{n}" for n in range(10)), "k1"), "dropped", "k0, k1;n=2, k2, k3, k4, k5, k6, k7, unknown;n=2"),
    ([Note("adapted", "system->user", f"messages[{i}]") for i in range(37)], "adapted", "system->user;n=37"),
    ([Note("equivalent", "model"), *drop("seed")], "dropped", "seed"),
    (drop("x" * 600, "y" * 600, "z"), "dropped", "x" * 600 + ", more;n=2"),
    (drop("x" * 2000, "y"), "dropped", "more;n=2"),
]


@pytest.mark.parametrize(("notes", "kind", "expected"), HEADERS)
def test_a_header_is_aggregated(notes: list[Note], kind: NoteKind, expected: str) -> None:
    """By rule, in the order of appearance, counted, bounded."""
    assert header(notes, kind) == expected
    assert len(expected) <= MAX_BYTES


KEYS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(["\r\nX: y", "a;n=2, b", "seed\x00"])


@examples()
@given(st.dictionaries(KEYS, st.integers() | KEYS, max_size=30), st.dictionaries(KEYS, st.integers(), max_size=10))
def test_a_client_cannot_write_into_headers(keys: dict[str, object], more: dict[str, object]) -> None:
    """Whatever the keys and values, headers are short ASCII made of our own rules."""
    body = {key: value for key, value in keys.items() if key not in PARAMETERS}
    extra = {f"x{key}": value for key, value in more.items()}  # none that a message really has
    body = {"model": "m", "messages": [{"role": "user", "content": "a", **extra}], **body}
    shown = header(chat_request.read(body, ModelNames("m", "e")).notes, "dropped")
    assert len(shown) <= MAX_BYTES
    rules = {item.partition(";")[0] for item in shown.split(", ")}
    assert {rule for rule in rules if rule not in body} <= {"unknown", "messages.unknown", ""}
    assert sum(rule in body for rule in rules) <= 8


def test_everything_at_once_fits() -> None:
    """Every dropped parameter of the table together stays within the bound."""
    shown = header([Note("dropped", name, name) for name in PARAMETERS] * 20_000, "dropped")
    assert len(shown.encode("ascii")) <= MAX_BYTES


STRICT: list[tuple[Note, str, str]] = [
    (Note("dropped", "seed", "seed"), "seed", "'seed' is not carried by GigaChat"),
    (Note("dropped", "unknown", "foo"), "foo", "'foo' is a field that nobody knows"),
    (Note("dropped", "unknown", "temprature", "temperature"), "temprature", "'temprature' is a field that nobody"),
    (Note("adapted", "system->user", "messages[3]"), "messages[3]", "'messages[3]' would be adapted (system->user)"),
    (Note("adapted", "rule"), "rule", "'rule' would be adapted (rule)"),
]


@pytest.mark.parametrize(("note", "param", "message"), STRICT)
def test_strict_mode_names_the_field(note: Note, param: str, message: str) -> None:
    """A dropped or adapted field is a 400 that says which, and how strict mode is left."""
    with pytest.raises(GatewayError) as caught:
        refuse_if_strict([Note("equivalent", "model", "model"), note])
    assert (caught.value.kind.name, caught.value.param) == ("unsupported_parameter", param)
    assert caught.value.message.startswith(message)
    assert "X-Gateway-Strict" in caught.value.message


def test_equivalent_notes_never_refuse() -> None:
    """An alias or a joined system message loses nothing."""
    refuse_if_strict([Note("equivalent", "model", "model"), Note("equivalent", "system.joined")])
