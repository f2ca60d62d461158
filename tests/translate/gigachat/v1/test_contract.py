"""Contract v1 as one object."""

from __future__ import annotations

import pytest

from app.errors import GatewayError
from app.translate.dialogue import Request, Sampling, Tool
from app.translate.gigachat.v1.contract import V1Contract

TOOLS = [Tool(f"f{number}", None, {"a": [{}] * 2000}, "tools[0]") for number in range(200)]
MANY = Request("GigaChat", [], Sampling(), tools=TOOLS)


def test_too_many_schemas_are_refused_in_large_bodies_only() -> None:
    """To go through the schemas costs a little: small bodies can't hold too many."""
    contract = V1Contract()
    contract.refuse_too_large(MANY, 1000)
    with pytest.raises(GatewayError, match="send fewer"):
        contract.refuse_too_large(MANY, 10_000_000)


def test_a_request_without_functions_shares_one_reader() -> None:
    """Most requests have none, and cost no object."""
    contract, plain = V1Contract(), Request("GigaChat", [], Sampling())
    first, second = (contract.answer_reader(plain, seed, as_function=False) for seed in "ab")
    assert first is second
    assert contract.answer_reader(plain, "a", as_function=True) is not first
