"""Names of functions, as clients give them."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.openai.function_names import MAX_NAME, MAX_TOOL_NAME, read_name


@pytest.mark.parametrize("name", ["f", "имя с пробелом", "n" * MAX_NAME])
def test_a_name_is_any_text(name: str) -> None:
    """What characters GigaChat takes is another module's."""
    assert read_name(name, "p") == name


@pytest.mark.parametrize("value", ["", 5, ["f"], {}, True, "n" * (MAX_NAME + 1)])
def test_what_is_no_name_is_told(value: Any) -> None:
    """At its path."""
    with pytest.raises(GatewayError) as caught:
        read_name(value, "p")
    assert (caught.value.kind.name, caught.value.param) == ("invalid_value", "p")


def test_a_tools_name_may_be_long() -> None:
    """Up to a bound."""
    assert read_name("n" * MAX_TOOL_NAME, "p", MAX_TOOL_NAME) == "n" * MAX_TOOL_NAME
    with pytest.raises(GatewayError):
        read_name("n" * (MAX_TOOL_NAME + 1), "p", MAX_TOOL_NAME)


def test_a_name_is_needed() -> None:
    """None is none."""
    with pytest.raises(GatewayError) as caught:
        read_name(None, "p")
    assert caught.value.kind.name == "missing_required_parameter"
