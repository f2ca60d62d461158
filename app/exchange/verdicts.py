"""What an answer is, for the decision whether another one is asked for; and when a stream has told enough of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.translate.dialogue import Call, Delta, Event, Finish, Part, Text
from app.translate.wanted_json import Verdict, WantedJson, find_json

# Longer texts are looked through beside the loop.
_TURN = 64 * 1024
# Words before JSON in a stream that are waited for: "Here is the answer: ...".
_MAX_PREFACE = 256


@dataclass(slots=True)
class Seen:
    """An answer, or what has come of it. `finish`: None while it goes on; `json`: of its text, where that is wanted."""

    parts: Sequence[Part]
    finish: Finish | None
    verdict: Verdict | None = None
    json: str = ""
    is_cut: bool = False  # at a stop sequence

    @property
    def has_call(self) -> bool:
        """Whether a function is called."""
        return any(type(part) is Call for part in self.parts)


async def see(parts: Sequence[Part], finish: Finish | None, wanted: WantedJson | None, *, is_cut: bool = False) -> Seen:
    """Judge an answer, or its beginning."""
    if wanted is None:
        return Seen(parts, finish, is_cut=is_cut)
    text = "".join(part.text for part in parts if isinstance(part, Text))
    if finish is None or finish == "length" or is_cut:
        extractor = wanted.extractor()
        json = extractor.feed(text)
        verdict: Verdict = "json" if extractor.has_json else "broken" if extractor.misfit else "prose"
        return Seen(parts, finish, verdict, json or text, is_cut)
    if len(text) > _TURN:
        verdict, json = await asyncio.to_thread(find_json, text, wanted)
    else:
        verdict, json = find_json(text, wanted)
    return Seen(parts, finish, verdict, json, is_cut)


class Opening:
    """Whether enough of a stream has come to judge it. The stream's end always decides."""

    __slots__ = ("_extractor", "_needs_end", "_preface", "_waits_for_call")

    def __init__(self, wanted: WantedJson | None, *, waits_for_call: bool, needs_end: bool) -> None:
        """`waits_for_call`: words say nothing, since a call may follow. `needs_end`: nothing but the end decides."""
        self._extractor = None if wanted is None or wanted.is_scalar else wanted.extractor()
        self._waits_for_call = waits_for_call
        self._needs_end = needs_end
        self._preface = 0  # characters before any JSON

    def is_decided(self, events: Iterable[Event]) -> bool:
        """Take the next events, and decide."""
        if self._needs_end:
            return False
        parts = [event.part for event in events if type(event) is Delta]
        return any(self._decides(part) for part in parts)

    def _decides(self, part: Part) -> bool:
        if isinstance(part, Call):
            return True
        if not isinstance(part, Text) or self._extractor is None:
            return False
        self._extractor.feed(part.text)
        if self._extractor.has_json:
            return True
        self._preface += len(part.text.strip())
        return not self._waits_for_call and (self._extractor.misfit or self._preface > _MAX_PREFACE)
