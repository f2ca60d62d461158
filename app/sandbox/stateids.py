"""Issues and checks the `functions_state_id` of calls.

Source: docs/gigachat-api.md, "Function results": a UUID; echoing it is optional.
"""

from __future__ import annotations

import re
from collections import deque
from uuid import uuid4

KEPT = 10_000

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class StateIds:
    """The last ids that this server has issued."""

    __slots__ = ("_issued",)

    def __init__(self) -> None:
        self._issued: deque[str] = deque(maxlen=KEPT)

    def __contains__(self, state: str) -> bool:
        return state in self._issued

    def issue(self) -> str:
        """Make an id for a call."""
        state = str(uuid4())
        self._issued.append(state)
        return state


def is_state_id(value: object) -> bool:
    """Whether the value is a UUID in the usual form with dashes."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None
