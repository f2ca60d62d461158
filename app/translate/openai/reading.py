"""How strictly a conversation's messages are read.

Clients repeat their history with every turn, so that a refusal of an old message would end a conversation for good.
New is what stands behind the last message of the assistant's; all else is past. What cannot be understood is refused
where it is new, and left out where it is past.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.errors import GatewayError
from app.translate.dialogue import Note, NoteKind
from app.translate.openai import unread_fields

# What servers and SDKs add to what they give, and clients send back: thoughts, and the same again.
SILENT = frozenset(
    {
        *("id", "type", "status", "annotations", "citations", "parsed", "provider_specific_fields"),
        *("signature", "thoughtSignature"),
        *("reasoning_content", "reasoning", "reasoning_details", "thinking", "thinking_blocks"),
    }
)


@dataclass(slots=True)
class Reading:
    """The notes of one request, and what is known of the message that is being read."""

    notes: list[Note]
    past: bool = False
    assistant: bool = False  # it is the assistant's
    result: bool = False  # it is a function's result, which is not refused either: nobody can write it anew

    def note(self, kind: NoteKind, rule: str, path: str) -> None:
        """Tell what was done to a field. Of a long past not every key needs its note: the header counts them."""
        if not self.past or len(self.notes) < unread_fields.MOST_OF_PAST:
            self.notes.append(Note(kind, rule, path))

    def leave_out(self, fault: GatewayError, rule: str) -> None:
        """Raise the fault of something new; the past, and a function's result, go on without it."""
        if not (self.past or self.result):
            raise fault
        self.note("dropped", rule, fault.param or "messages")

    def tell_unread(self, given: dict[str, Any], path: str, read: frozenset[str]) -> None:
        """A note for each key of the object at `path` that is not among `read`."""
        unread_fields.tell(given, path, read, "messages", self.notes, SILENT, bounded=self.past or self.result)
