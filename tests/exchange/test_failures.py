"""Typed failures of the exchange: nothing outside decides by a client's error."""

from __future__ import annotations

import ast

from app.exchange.failures import FAILURES, FileFailure, NoFirstEvent
from app.upstream.failures import Refused
from app.upstream.tokens import NoToken
from tests.test_repo import ROOT


def test_they_are_all_failures() -> None:
    """What the edge catches."""
    failures = [
        Refused(500, b"", None),
        NoToken("a", "b", 1.0),
        FileFailure("p", NoToken("a", "b", 1.0)),
        NoFirstEvent(3),
    ]
    assert all(isinstance(failure, FAILURES) for failure in failures)
    assert str(NoFirstEvent(30.0)) == "GigaChat began no answer in 30 seconds."


def test_no_error_is_read_back_or_edited() -> None:
    """The exchange decides by typed failures: it reads no error's cause or kind, and assigns to none."""
    for path in (ROOT / "app" / "exchange").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                read_back = node.attr == "kind" and isinstance(node.value, ast.Name) and node.value.id == "error"
                assert node.attr != "__cause__", f"{path.name}:{node.lineno}"
                assert not read_back, f"{path.name}:{node.lineno}"
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    named = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
                    assert not (named and target.value.id == "error"), f"{path.name}:{node.lineno}"  # type: ignore[attr-defined]
