"""Misspelt keys of a request: which known name was probably meant, and which key stands in a missing one's place.

Source: OpenAI's SDKs let any key through (`extra_body`, `TypedDict`), so that a slip is seen here first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import Any

_NEAR = 0.8  # how much of a name must be as in a known one, by difflib's measure
MOST_COMPARED = 32  # keys of a request, behind which no name is compared any more: each costs up to a millisecond
_WORD = re.compile(r"[A-Za-z0-9_.-]{3,40}")


@lru_cache(maxsize=512)
def find_near(key: str, known: frozenset[str]) -> str:
    """The one of `known` that was probably meant, whatever its case and underscores; empty where none is near."""
    if not _WORD.fullmatch(key):
        return ""
    folded = {_fold(one): one for one in sorted(known)}
    found = get_close_matches(_fold(key), folded, n=1, cutoff=_NEAR)
    return folded[found[0]] if found else ""


def find_in_place(given: Mapping[str, Any], field: str, others: frozenset[str] = frozenset()) -> str:
    """The key that stands where `field` should; empty where none does. `others`: other APIs' names for the field."""
    keys, wanted = [key for key in islice(given, MOST_COMPARED) if key != field], frozenset({field})
    slip = next((key for key in keys if find_near(key, wanted)), "")
    return slip or next((key for key in keys if key in others), "")


def _fold(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
