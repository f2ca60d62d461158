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
    ("GigaChat:latest", "GigaChat:latest", "GigaChat:latest"),
    ("GigaChat:2.0.28.2-x", "GigaChat:2.0.28.2-x", "GigaChat:2.0.28.2-x"),
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
    """Told as adapted; an endpoint may have another default; aliases do not matter."""
    assert NAMES.resolve(None) == ("GigaChat", [Note("adapted", "model=default", "model")])
    assert NAMES.resolve(None, fallback="Embeddings")[0] == "Embeddings"


def test_aliases_are_listed_once_and_patterns_are_not() -> None:
    """The usual names first, then the operator's own exact ones."""
    assert PLAIN.listed() == list(LISTED_ALIASES)
    assert NAMES.listed() == [*LISTED_ALIASES, "mine", "azure/gpt-4"]


def test_a_long_hostile_name_costs_nothing() -> None:
    """A name of many digits and colons is cut in linear time."""
    name = "GigaChat" + ":1.1" * 50_000 + "x"
    assert NAMES.resolve(name)[0] == name
