"""One call of a stream, put together of its deltas.

Source: docs/gigachat-api.md, "Streaming": a call comes whole, as one object in one delta. Nothing promises that it
stays so: the arguments may come as a string in pieces, repeated, or growing from delta to delta, as an object or as a
string; the name in the first delta only, the state in any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

from app.translate.gigachat.v1.calls import read_arguments

# So many growing strings in a row are no pieces that only look so: from then on pieces are not kept.
_SURELY_GROWING = 3
# So often all that has come is read, to see whether it is whole or goes on: more objects are pieces of one call.
_MAX_LOOKS = 256
_MAX_NAME = 512  # characters: a longer one is no name that GigaChat was told


class CallPieces:
    """The deltas of one call. `knows`: whether there is a function of this name, which GigaChat was told."""

    __slots__ = (
        "_grown",
        "_growths",
        "_id",
        "_joined",
        "_knows",
        "_looks",
        "_object",
        "_object_size",
        "_text_end",
        "name",
        "state",
    )

    def __init__(self, knows: Callable[[str], bool]) -> None:
        self._knows = knows
        self.name: Any = None
        self._id: Any = None
        self.state: Any = None
        self._object: dict[str, Any] | None = None
        self._object_size = 0
        self._joined: StringIO | None = StringIO()  # the strings, one after another; None where they grow
        self._grown: str | None = None  # the last string, where each begins with the one before
        self._growths = 0
        self._looks = 0  # at all that has come
        self._text_end = ""  # the last character that is no blank

    @property
    def size(self) -> int:
        """What is kept, about in bytes."""
        joined = 0 if self._joined is None else self._joined.tell()
        return self._object_size + joined + len(self._grown or "")

    def add(self, given: dict[str, Any], state: Any, size: int) -> bool:
        """Add a delta of so many bytes; False where it is another call's, and was not added."""
        name, number, arguments = given.get("name"), given.get("id"), given.get("arguments")
        if _differ(state, self.state) or _differ(number, self._id):
            return False
        if name and self.name:
            joined = self._join_name(name)
            if joined is None or (joined == self.name and not self._may_continue(arguments)):
                return False
            name = joined
        self.name, self._id, self.state = name or self.name, number or self._id, state or self.state
        if isinstance(arguments, str):
            self._add_text(arguments)
        elif isinstance(arguments, dict):
            if self._object is None or self._object.keys() <= arguments.keys():
                self._object, self._object_size = arguments, size
            else:
                self._object.update(arguments)
                self._object_size += size
        elif arguments is not None:  # no arguments at all: the reader of calls refuses them
            self._add_text("[]")
        return True

    def read(self) -> dict[str, Any]:
        """The call as GigaChat gives it whole."""
        return {"name": self.name, "arguments": self._arguments()}

    def is_whole(self) -> bool:
        """Whether it can be read as it is: of pieces, the last one may be missing."""
        self._looks += 1
        return bool(self.name) and self._looks <= _MAX_LOOKS and read_arguments(self._arguments()) is not None

    def _arguments(self) -> Any:
        text, given = self._text(), self._object
        if text is None or given is None:
            return given if text is None else text
        said = read_arguments(text)
        return given if said is None else {**said, **given}

    def _text(self) -> str | None:
        """The string of all pieces; the longest of strings that grew or were repeated."""
        if self._growths == 1 and self._grown is not None:
            return self._grown
        joined = None if self._joined is None else self._joined.getvalue()
        if self._grown is None or (joined is not None and read_arguments(joined) is not None):
            return joined or None
        return self._grown

    def _add_text(self, text: str) -> None:
        if self._grown is None and not self._growths:
            text = text.lstrip()
        if not text:
            return
        self._text_end = text.rstrip()[-1:] or self._text_end
        if not self._growths:
            self._grown, self._growths = text, 1
        elif self._grown is not None and text.startswith(self._grown):
            self._grown, self._growths = text, self._growths + 1
            if self._growths >= _SURELY_GROWING and len(text) > 1:
                self._joined = None
        else:
            self._grown = None
        if self._joined is not None:
            self._joined.write(text)

    def _join_name(self, name: Any) -> Any:
        """The name with this piece of it; None where it is another's. Names do not come in pieces behind arguments."""
        if name == self.name:
            return name
        begun = self._object is not None or self._growths
        if begun or not (isinstance(name, str) and isinstance(self.name, str)) or self._knows(self.name):
            return None
        if len(name) + len(self.name) > _MAX_NAME:
            return None
        if name.startswith(self.name):
            return name
        return None if self._knows(name) else self.name + name

    def _may_continue(self, arguments: Any) -> bool:
        """Whether arguments beside a repeated name are the same call's, and not those of the next call."""
        if isinstance(arguments, str):
            if not arguments.lstrip().startswith("{") or not self._ends_whole():
                return True
            arguments = read_arguments(arguments)
        if not arguments or not isinstance(arguments, dict) or self._looks >= _MAX_LOOKS:
            return True
        self._looks += 1
        before = self._object if self._text_end == "" else read_arguments(self._arguments())
        return not before or before.keys().isdisjoint(arguments) or _has_grown(before, arguments)

    def _ends_whole(self) -> bool:
        return self._object is not None or self._text_end == "}"


def _differ(one: Any, other: Any) -> bool:
    return bool(one and other) and one != other


def _has_grown(before: Any, now: Any) -> bool:
    """Whether a value may be the same one, written further."""
    try:
        return _continues(before, now)
    except RecursionError:
        return True


def _continues(before: Any, now: Any) -> bool:
    if before is None or before == now:
        return True
    if isinstance(before, dict) and isinstance(now, dict):
        return all(key in now and _continues(value, now[key]) for key, value in before.items())
    if isinstance(before, list) and isinstance(now, list):
        return len(before) <= len(now) and all(map(_continues, before, now))
    if isinstance(before, bool | dict | list) or type(before) is not type(now):
        return False
    return str(now).startswith(str(before))
