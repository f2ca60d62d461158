"""What differs from run to run: each such value gets a placeholder, the same for the same value of one case.

    <id 1>, <bare id 1>   a UUID with dashes, and the same digits without them in the id of a call
    <call 1>              the hash in the id of a call that came without a state
    <token 1>             an access token, as the sandbox's record shortens it
    <now>                 a time near the present; other times stay
    <n>                   a duration; <boundary> of a form; <gateway>, <sandbox>, <folder> where they are

A value that is a function of the request (the id of a session, of a client, of a tenant) stays as it is.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Mapping
from typing import Any

_HEX = "[0-9a-fA-F]"
_PATTERN = re.compile(
    rf"(?P<dashed>{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}})"
    rf"|(?P<bare>(?<!{_HEX}){_HEX}{{32}}(?=-v1-\d))"
    rf"|(?<=call_)(?P<call>{_HEX}{{32}})"
    rf"|(?<=boundary=)(?P<boundary>{_HEX}{{32}})"
    rf"|(?<=Bearer )(?P<token>sha256:{_HEX}{{12}})"
    r"|(?<=\"created\":)(?P<created>\d{10})"
    r"|(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00))"
    r"|(?P<date>[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)"
    r"|(?P<before>x-gateway-(?:upstream|overhead)-ms=|\"remaining_seconds\":|the last one )(?P<duration>\d+(?:\.\d+)?)"
)
_DAY = 86_400
_DURATIONS = frozenset({"x-gateway-upstream-ms", "x-gateway-overhead-ms"})
# Lists without an order: aiohttp-cors writes a set.
_SETS = frozenset({"access-control-expose-headers"})
# Fields of a log line beside those that end in `seconds`.
_LIVES = frozenset({"life"})


class Placeholders:
    """The placeholders of one case, in the order in which their values appear. `fixed`: those that are known before."""

    def __init__(self, fixed: Mapping[str, str]) -> None:
        self._fixed = fixed
        self._known: dict[tuple[str, str], int] = {}
        self._varied = False

    def text(self, text: str) -> str:
        """The text with placeholders."""
        for value, name in self._fixed.items():
            text = text.replace(value, name)
        return _PATTERN.sub(self._replace, text)

    def value(self, value: Any) -> Any:
        """The same for all strings of a JSON value, keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if isinstance(value, dict):
            return {self.text(name): self.value(one) for name, one in value.items()}
        return value

    def line(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """A log line: without its time, durations as placeholders."""
        timed = {name for name in line if name.endswith("seconds") or name in _LIVES}
        return {
            name: "<n>" if name in timed and isinstance(one, int | float) else self.value(one)
            for name, one in line.items()
            if name not in {"time", "traceback"}
        }

    def body(self, body: bytes) -> tuple[str, bool]:
        """A body, and whether its length differs from run to run."""
        self._varied = False
        return self.text(body.decode("utf-8", "surrogateescape")), self._varied

    def header(self, name: str, value: str, *, varied: bool, masked: frozenset[str]) -> str:
        """A header of an answer whose body is `varied` in length."""
        low = name.lower()
        if low in _DURATIONS or low in masked or (low == "content-length" and varied):
            return f"{name}: <n>"
        if low in _SETS:
            value = ",".join(sorted(value.split(",")))
        return f"{name}: {self.text(value)}"

    def _replace(self, found: re.Match[str]) -> str:
        kind, value = str(found.lastgroup), found[str(found.lastgroup)]
        if kind == "duration":
            self._varied = True
            return f"{found['before']}<n>"
        if kind == "boundary":
            return "<boundary>"
        if kind in {"created", "moment", "date"}:
            return "<now>" if abs(_seconds(kind, value) - time.time()) < _DAY else value
        if kind in {"dashed", "bare"}:
            number = self._number("id", value.replace("-", "").lower())
            return f"<id {number}>" if kind == "dashed" else f"<bare id {number}>"
        return f"<{kind} {self._number(kind, value)}>"

    def _number(self, kind: str, value: str) -> int:
        known = sum(one == kind for one, _ in self._known)
        return self._known.setdefault((kind, value), known + 1)


def _seconds(kind: str, value: str) -> float:
    if kind == "created":
        return float(value)
    if kind == "moment":
        return dt.datetime.fromisoformat(value).timestamp()
    return dt.datetime.strptime(value, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC).timestamp()
