"""The table of repairs."""

from __future__ import annotations

from app.translate.schemas.repair_rules import RULES


def test_each_rule_says_why() -> None:
    """A row has its reason and its source."""
    assert all(rule.reason and rule.source and name == rule.name for name, rule in RULES.items())
