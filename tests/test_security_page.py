"""The page of security names tests that there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLAIMS = sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", (ROOT / "docs/security.md").read_text("utf-8"))))


def test_there_are_claims() -> None:
    """The page is read as it is written."""
    assert len(CLAIMS) > 50


@pytest.mark.parametrize("claim", CLAIMS)
def test_each_claim_has_its_test(claim: str) -> None:
    """A test that is renamed or cut takes its claim along."""
    path, _, name = claim.partition("::")
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
