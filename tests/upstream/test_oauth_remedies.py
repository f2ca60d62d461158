"""What operators are told to do about each failure of OAuth."""

from __future__ import annotations

import pytest

from app.upstream import oauth

TABLES = (oauth.CAUSES, oauth.REFUSALS, oauth.LOGIN_REFUSALS)
ROWS = [row for table in TABLES for row in table.values()]


@pytest.mark.parametrize(("reason", "remedy"), ROWS)
def test_a_remedy_is_something_to_do(reason: str, remedy: str) -> None:
    """It begins with a verb, and is no description of what the gateway does."""
    assert remedy.split(maxsplit=1)[0] in {"Check", "Set", "Run", "Look", "Find"}, reason


@pytest.mark.parametrize("cause", ["connect", "dns", "timeout", "cut"])
def test_what_passes_by_itself_has_a_bridge(cause: str) -> None:
    """While OAuth is down a ready token serves, and the runbook says how it is given."""
    _, remedy = oauth.CAUSES[cause]  # type: ignore[index]
    assert "GIGACHAT_ACCESS_TOKEN" in remedy
    assert '"Giving a ready token"' in remedy
