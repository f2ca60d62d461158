"""What a client's name for a model means at GigaChat."""

from __future__ import annotations

import pytest

from app.translate.dialogue import Note
from app.translate.models import FAMILIES, LISTED_ALIASES, ModelNames

ALIASES = (
    ("claude-*", "Pro"),
    ("gpt-4o", "Max"),
    ("gpt-4o-*", "Mini"),
    ("claude-3-opus*", "Opus"),
    ("mine", "GigaChat-2"),
    ("azure/gpt-4", "Azure"),
    ("openai/*", "Open"),
    ("O1*", "Upper"),
    ("tagged:8b", "Tagged"),
)
NAMES = ModelNames("GigaChat", "Embeddings", ALIASES)
PLAIN = ModelNames("GigaChat", "Embeddings")
ALIAS = [Note("equivalent", "model", "model")]

# asked for, with the table above, without any
NAMED: list[tuple[str, str, str]] = [
    ("GigaChat", "GigaChat", "GigaChat"),
    ("GigaChat-2-Max", "GigaChat-2-Max", "GigaChat-2-Max"),
    ("unknown", "unknown", "unknown"),
    ("gpt-3.5-turbo", "GigaChat", "GigaChat"),
    ("gpt-4", "GigaChat", "GigaChat"),
    ("gpt-4o", "Max", "GigaChat"),
    ("gpt-4o-mini", "Mini", "GigaChat"),
    ("gpt-", "GigaChat", "GigaChat"),
    ("gpt", "gpt", "gpt"),
    ("chatgpt-4o-latest", "GigaChat", "GigaChat"),
    ("o1", "GigaChat", "GigaChat"),
    ("o3-mini", "GigaChat", "GigaChat"),
    ("o4-mini", "GigaChat", "GigaChat"),
    ("o2", "o2", "o2"),
    ("codex-mini", "GigaChat", "GigaChat"),
    ("claude-sonnet-4", "Pro", "GigaChat"),
    ("claude-3-opus-20240229", "Opus", "GigaChat"),
    ("claude-3-opus", "Opus", "GigaChat"),
    ("gemini-2.5-flash", "GigaChat", "GigaChat"),
    ("text-embedding-3-small", "Embeddings", "Embeddings"),
    ("mine", "GigaChat-2", "mine"),
    ("mine2", "mine2", "mine2"),
    ("azure/gpt-4", "Azure", "azure/gpt-4"),
    ("openai/gpt-4o", "Max", "GigaChat"),
    ("openai/mine", "GigaChat-2", "mine"),
    ("openai/unknown", "Open", "unknown"),
    ("gigachat/GigaChat-2-Pro", "GigaChat-2-Pro", "GigaChat-2-Pro"),
    ("gigachat/mine", "GigaChat-2", "mine"),
    ("GigaChat:2.0.28.2", "GigaChat", "GigaChat"),
    ("gigachat/GigaChat:2.0.28.2", "GigaChat", "GigaChat"),
    ("GigaChat:latest", "GigaChat", "GigaChat"),
    ("GigaChat-2-Max:latest", "GigaChat-2-Max", "GigaChat-2-Max"),
    ("gigachat/GigaChat-2-Max:latest", "GigaChat-2-Max", "GigaChat-2-Max"),
    ("GigaChat:2.0.28.2-x:y", "GigaChat", "GigaChat"),
    ("gpt-4o:latest", "Max", "GigaChat"),
    ("openai/gpt-4o:2024-08-06", "Max", "GigaChat"),
    ("mine:latest", "GigaChat-2", "mine"),
    ("azure/gpt-4:free", "Azure", "azure/gpt-4"),
    ("tagged:8b", "Tagged", "tagged"),
    ("openai/tagged:8b", "Tagged", "tagged"),
    ("tagged:70b", "tagged", "tagged"),
    ("ft:gpt-4o:acme::8x", "ft:gpt-4o:acme::8x", "ft:gpt-4o:acme::8x"),
    ("openai/ft:gpt-4o:acme::8x", "Open", "ft:gpt-4o:acme::8x"),
    (":latest", "", ""),
    ("O1-x", "Upper", "O1-x"),
]


@pytest.mark.parametrize(("asked", "aliased", "plain"), NAMED)
def test_a_name_means_a_model(asked: str, aliased: str, plain: str) -> None:
    """The most specific pattern wins; prefixes and builds are cut; every other name goes as it is."""
    assert NAMES.resolve(asked)[0] == aliased
    found, notes = PLAIN.resolve(asked)
    assert found == plain
    assert notes == ([] if found == asked else ALIAS)


def test_the_order_of_the_table_does_not_matter() -> None:
    """Specific is what is longer, whichever stands first; of two entries with one pattern the first wins."""
    backwards = ModelNames("GigaChat", "Embeddings", tuple(reversed(ALIASES)))
    assert [backwards.resolve(asked) for asked, *_ in NAMED] == [NAMES.resolve(asked) for asked, *_ in NAMED]
    assert ModelNames("G", "E", (("a", "1"), ("a", "2"))).resolve("a")[0] == "1"


@pytest.mark.parametrize("family", FAMILIES)
def test_an_own_entry_replaces_a_family(family: str) -> None:
    """The operator's word stands above the built-in meaning."""
    assert ModelNames("G", "E", ((family, "Own"),)).resolve(family.replace("*", "x"))[0] == "Own"


def test_a_star_takes_what_no_other_pattern_takes() -> None:
    """`*` is the least specific of all."""
    names = ModelNames("G", "E", (("*", "All"), ("mine", "Mine")))
    assert [names.resolve(name)[0] for name in ("mine", "GigaChat-Max", "gpt-4", "text-embedding-3")] == [
        *("Mine", "All", "G", "E"),
    ]


def test_no_name_is_the_configured_model() -> None:
    """Told as equivalent; an endpoint may have another default; aliases do not matter."""
    assert NAMES.resolve(None) == ("GigaChat", [Note("equivalent", "model=default", "model")])
    assert NAMES.resolve(None, fallback="Embeddings")[0] == "Embeddings"
    assert NAMES.resolve(None, field="name")[1] == [Note("equivalent", "name=default", "name")]


def test_a_note_names_the_clients_field() -> None:
    """What is remembered of a name is the same for every protocol."""
    assert [NAMES.resolve("gpt-4", field=field)[1] for field in ("model", "name")] == [
        [Note("equivalent", "model", "model")],
        [Note("equivalent", "name", "name")],
    ]


def test_aliases_are_listed_once_and_patterns_are_not() -> None:
    """The usual names first, then the operator's own exact ones."""
    assert PLAIN.listed() == list(LISTED_ALIASES)
    assert NAMES.listed() == [*LISTED_ALIASES, "mine", "azure/gpt-4", "tagged:8b"]


def test_a_long_hostile_name_costs_nothing() -> None:
    """A name of many digits and colons is cut in linear time."""
    name = "GigaChat" + ":1.1" * 50_000 + "x"
    assert NAMES.resolve(name)[0] == "GigaChat"


def test_what_the_operator_names_is_cut_alike() -> None:
    """A tag or a prefix in a setting would be a 404 with every request."""
    names = ModelNames("GigaChat:latest", "gigachat/Embeddings", (("mine", "gigachat/GigaChat-2-Max:2.0"),))
    assert [names.resolve(name)[0] for name in ("gpt-4", "text-embedding-3-small", "mine", None)] == [
        *("GigaChat", "Embeddings", "GigaChat-2-Max", "GigaChat"),
    ]
