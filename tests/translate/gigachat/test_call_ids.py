"""Ids of calls: what they carry, and what is never taken for a state."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.translate.gigachat.call_ids import is_state, make_call_id, read_state
from tests.examples import examples

STATE = "7f1d2c3a-1111-4222-8333-944445555666"


@examples()
@given(st.uuids(), st.integers(0, 9999), st.text(max_size=50))
def test_an_id_carries_the_state(state: UUID, index: int, seed: str) -> None:
    """Any state comes back word for word; an id is short, plain, and the same each time."""
    for spelled in (str(state), str(state).upper()):
        made = make_call_id(spelled, index, seed)
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", made)
        assert read_state(made) == spelled
        assert made == make_call_id(spelled, index, "another seed")


@examples()
@given(st.none() | st.text(max_size=40), st.integers(0, 10**9), st.text(st.characters(), max_size=50))
def test_an_id_without_a_state_is_the_seeds(state: str | None, index: int, seed: str) -> None:
    """What is no UUID is no state: the id is made of seed and index, and carries nothing."""
    made = make_call_id(state, index, seed)
    assert re.fullmatch(r"call_[0-9a-f]{32}", made)
    assert read_state(made) is None
    assert made == make_call_id(None, index, seed)
    assert made not in (make_call_id(None, index + 1, seed), make_call_id(None, index, seed + "1"))


@pytest.mark.parametrize("index", [-1, 10_000, 10**30])
def test_an_index_that_is_too_large_makes_no_long_id(index: int) -> None:
    """The length holds, whatever the index."""
    assert len(make_call_id(STATE, index, "s")) <= 40


FOREIGN = [
    "",
    "call_abc",
    STATE,
    STATE.replace("-", ""),
    f"chatcmpl-tool-{STATE.replace('-', '')}",
    f"{STATE.replace('-', '')}-v2-0",
    f"{STATE.replace('-', '')}-v1-",
    f"{STATE.replace('-', '')}-v1-0\n",
    f"x{STATE.replace('-', '')}-v1-0",
    f"{STATE.replace('-', 'g')}-v1-0",
]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_foreign_id_is_no_state(foreign: str) -> None:
    """Ids of other servers never go upstream as a state."""
    assert read_state(foreign) is None


@pytest.mark.parametrize(
    ("value", "known"), [(STATE, True), (STATE + "\n", False), ("", False), (None, False), (5, False)]
)
def test_a_state_is_a_uuid(value: object, known: bool) -> None:
    """As GigaChat writes it."""
    assert is_state(value) is known
