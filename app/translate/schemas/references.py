"""Targets of `$ref` inside one document. Source: RFC 6901, section 6 (URI fragments), and JSON Schema, `$ref`."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote


class References:
    """A document's own places, by pointer; what was found once is remembered."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._known: dict[str, Any] = {}

    def target(self, reference: str) -> Any:
        """The schema (an object or a boolean) at `#/a/b`, or None: nothing is there, or it is another document's."""
        if reference not in self._known:
            self._known[reference] = self._find(reference)
        return self._known[reference]

    def _find(self, reference: str) -> Any:
        if reference == "#":
            return self._document
        if not reference.startswith("#/"):
            return None
        found = self._document
        for token in unquote(reference[2:]).split("/"):
            found = _step(found, token.replace("~1", "/").replace("~0", "~"))
        return found if isinstance(found, dict | bool) else None


def _step(value: Any, token: str) -> Any:
    if isinstance(value, dict):
        return value.get(token)
    if isinstance(value, list) and token.isdecimal() and len(token) < 10 and int(token) < len(value):
        return value[int(token)]
    return None
