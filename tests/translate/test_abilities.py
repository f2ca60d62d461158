"""The table of what models can do."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.abilities import TABLE, Abilities, Ability, overrides
from app.translate.dialogue import Note, Request, Sampling, Turn
from app.translate.field_names import FieldNames


def asked(turns: list[Turn] | None = None, model: str = "GigaChat", **more: Any) -> Request:
    """A request of a model."""
    return Request(model, turns or [], Sampling(), **more)


def test_the_table_knows_the_documented_models() -> None:
    """A preview is like its model; a stranger is not limited."""
    abilities = Abilities()
    assert abilities.of("GigaChat-2-Max").output == 8192
    assert abilities.of("GigaChat-2-Pro-preview") == abilities.of("GigaChat-2-Pro")
    assert abilities.of("GigaChat-9") == Ability()
    assert [name for name, ability in TABLE.items() if ability.images] == [
        name for name in TABLE if name.endswith(("Pro", "Max")) and name != "GigaChat-3-Pro"
    ]
    assert {ability.context for ability in TABLE.values()} == {261_120}


def test_the_operator_overrides_it() -> None:
    """Only the named models change, of known and of new ones."""
    abilities = Abilities(overrides({"GigaChat": {"output": 100}, "Own": {"output": None}}))
    assert abilities.of("GigaChat") == Ability(output=100, images=False, context=261_120)
    assert abilities.of("Own") == Ability()
    assert abilities.of("GigaChat-2") == Ability(output=8192, images=False, context=261_120)


@pytest.mark.parametrize(
    "given",
    [
        [],
        {"m": 1},
        {"m": {"speed": 1}},
        {"m": {"output": 0}},
        {"m": {"output": True}},
        {"m": {"output": "8192"}},
        {"m": {"images": 1}},
        {"m": {"images": "yes"}},
    ],
)
def test_a_faulty_table_is_refused(given: Any) -> None:
    """The operator hears what is wrong."""
    with pytest.raises(ValueError, match=r"is|none|has"):
        overrides(given)


@pytest.mark.parametrize(
    ("model", "asked", "sent"), [("GigaChat", 64000, 8192), ("GigaChat", 8192, 8192), ("Own", 64000, 64000)]
)
def test_no_longer_answer_is_asked_for_than_a_model_gives(model: str, asked: int, sent: int) -> None:
    """Clients send 32,000 and 64,000: the model's own limit is asked for, and told."""
    request, notes = Abilities().fit(Request(model, [], Sampling(), max_tokens=asked))
    assert request.max_tokens == sent
    assert [note.rule for note in notes] == (["max_tokens->clamped"] if sent != asked else [])


SEEN = [Note("adapted", "model->vision", "model")]
# model, whether there are images, what takes over, the model that is asked, notes
VISION: list[tuple[str, bool, str, str, list[Note]]] = [
    ("GigaChat", True, "GigaChat-2-Pro", "GigaChat-2-Pro", SEEN),
    ("GigaChat-2-preview", True, "GigaChat-2-Pro", "GigaChat-2-Pro", SEEN),
    ("GigaChat", False, "GigaChat-2-Pro", "GigaChat", []),
    ("GigaChat-2-Max", True, "GigaChat-2-Pro", "GigaChat-2-Max", []),
    ("Own", True, "GigaChat-2-Pro", "Own", []),
    ("GigaChat", True, "", "GigaChat", []),
]


@pytest.mark.parametrize(("model", "images", "vision", "asked_", "notes"), VISION)
def test_another_model_takes_over_where_one_sees_nothing(
    model: str, images: bool, vision: str, asked_: str, notes: list[Note]
) -> None:
    """Only from models of which that is known, only for images, and only where the operator named one."""
    request, told = Abilities(vision=vision).fit(asked(model=model), images=images)
    assert (request.model, told) == (asked_, notes)


def test_the_operator_says_what_a_model_sees() -> None:
    """A new model that sees nothing, and one that does now."""
    table = Abilities(overrides({"Own": {"images": False}, "GigaChat": {"images": True}}), "Vision")
    assert [table.fit(asked(model=name), images=True)[0].model for name in ("Own", "GigaChat")] == [
        "Vision",
        "GigaChat",
    ]


def test_the_limit_is_that_of_the_model_that_takes_over() -> None:
    """Its own longest answer counts."""
    table = Abilities(overrides({"Vision": {"output": 10}}), "Vision")
    request, told = table.fit(asked(max_tokens=9000), images=True)
    assert (request.model, request.max_tokens) == ("Vision", 10)
    assert [note.rule for note in told] == ["model->vision", "max_tokens->clamped"]
    told = table.fit(asked(max_tokens=9000, fields=FieldNames(model="name", max_tokens="longest")), images=True)[1]
    assert [(note.rule, note.path) for note in told] == [("name->vision", "name"), ("longest->clamped", "longest")]
