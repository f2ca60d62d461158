"""Two records compared: each difference by request and part, as a unified diff that a person can read."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]

_CONTEXT = 2


def load(path: Path) -> dict[str, Record]:
    """The records of a file, by request, in their order."""
    found: dict[str, Record] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            found[one["request"]] = one
    return found


def differences(before: Mapping[str, Record], after: Mapping[str, Record]) -> Iterator[str]:
    """One text for each part of each request that differs."""
    for name, one in before.items():
        if name not in after:
            yield f"=== {name}\nonly in the first record\n"
            continue
        other = after[name]
        for part in dict.fromkeys((*one, *other)):
            if one.get(part) != other.get(part):
                yield f"=== {name} · {part}\n{_diff(one.get(part), other.get(part))}"
    for name in after:
        if name not in before:
            yield f"=== {name}\nonly in the second record\n"


def _diff(one: Any, other: Any) -> str:
    first, second = _lines(one), _lines(other)
    if first == second:  # equal as JSON, but for bytes between its values
        first, second = [repr(one)], [repr(other)]
    lines = difflib.unified_diff(first, second, "first", "second", n=_CONTEXT, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _lines(part: Any) -> list[str]:
    """A part as lines: JSON spread out, the events of a stream one by one."""
    if not isinstance(part, str):
        return json.dumps(part, ensure_ascii=False, indent=1).splitlines()
    try:
        return json.dumps(json.loads(part), ensure_ascii=False, indent=1).splitlines()
    except ValueError:
        return part.splitlines()
