"""The table of what models can do."""

from __future__ import annotations

from typing import Any

import pytest

from app.translate.abilities import Abilities, Ability, overrides
from app.translate.dialogue import Request, Sampling


def test_the_table_knows_the_documented_models() -> None:
    """A preview is like its model; a stranger is not limited."""
    abilities = Abilities()
    assert abilities.of("GigaChat-2-Max").output == 8192
    assert abilities.of("GigaChat-2-Pro-preview") == abilities.of("GigaChat-2-Pro")
    assert abilities.of("GigaChat-9") == Ability()


def test_the_operator_overrides_it() -> None:
    """Only the named models change, of known and of new ones."""
    abilities = Abilities(overrides({"GigaChat": {"output": 100}, "Own": {"output": None}}))
    assert abilities.of("GigaChat") == Ability(output=100)
    assert abilities.of("Own") == Ability()
    assert abilities.of("GigaChat-2") == Ability(output=8192)


@pytest.mark.parametrize(
    "given",
    [
        [],
        {"m": 1},
        {"m": {"speed": 1}},
        {"m": {"output": 0}},
        {"m": {"output": True}},
        {"m": {"output": "8192"}},
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
