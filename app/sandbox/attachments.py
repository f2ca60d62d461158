"""The files that a chat request names: looked up, judged as a table, and told in the answer.

Source: gigachat-api, sections 5.3 and 7. Of its two sentences on ten images the one that counts by request is kept.
Assumed: the words of the refusals, and 422 for images that a model can't see, as for functions that it does not have.
The context is checked for plain text alone; files weigh nothing in `usage`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.sandbox.catalog import Model
from app.sandbox.files import find
from app.sandbox.filetypes import AUDIO, IMAGE, MEGABYTE, TEXT, TYPES
from app.sandbox.shelf import Stored
from app.sandbox.wire import Call, Refused

MOST_IMAGES = 10
MOST_BYTES = 80 * MEGABYTE
_HASH = 12


@dataclass(frozen=True, slots=True)
class Attached:
    """The files of a request, message by message; who looks at them, and how many tokens that one can read."""

    messages: Sequence[Sequence[Stored]]
    model: Model
    context: int

    def of(self, *kinds: str) -> list[Stored]:
        """The files of some kinds, in order."""
        return [file for files in self.messages for file in files if _kind(file) in kinds]


@dataclass(frozen=True, slots=True)
class AttachmentRule:
    """A refusal of what is attached."""

    name: str
    wrong: Callable[[Attached], bool]
    message: str
    source: str
    status: int = 422


RULES = (
    AttachmentRule(
        "blind model",
        lambda attached: bool(attached.of(IMAGE)) and not attached.model.images,
        "Requested model does not support images",
        "[DOC] 5.3, 7",
    ),
    AttachmentRule(
        "images of a message",
        lambda attached: any(sum(_kind(file) == IMAGE for file in files) > 1 for files in attached.messages),
        "Invalid params: only one image per message is allowed",
        "[SPEC26] 5.3",
    ),
    AttachmentRule(
        "images of a request",
        lambda attached: len(attached.of(IMAGE)) > MOST_IMAGES,
        f"Invalid params: at most {MOST_IMAGES} images per request are allowed",
        "[SPEC26] 5.3",
    ),
    AttachmentRule(
        "bytes of a request",
        lambda attached: sum(file.size for file in attached.of(IMAGE, AUDIO)) >= MOST_BYTES,
        "Invalid params: images and audio must be under 80 MB in all",
        "[SPEC26] 5.3",
    ),
    AttachmentRule(
        "text over the context",
        lambda attached: any(_tokens(file, attached.model) > attached.context for file in attached.of(TEXT)[:1]),
        "Invalid params: text of the document is longer than the context",
        "[SPEC26] 5.3",
    ),
)


def look(call: Call, model: Model, messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the model sees, a sentence for each file; Refused for what it can't be given."""
    named = [message.get("attachments", ()) for message in messages]
    if not any(named):
        return []
    if call.take("files_lost"):
        for name in (one for names in named for one in names):
            call.state.files.forget(name)
    files = [[find(call, name) for name in names] for names in named]
    attached = Attached(files, model, call.state.settings.context_tokens)
    for rule in RULES:
        if rule.wrong(attached):
            raise Refused(rule.status, rule.message)
    return list(_told(attached))


def _told(attached: Attached) -> Iterator[str]:
    """Of the text documents the first alone is used."""
    used = attached.of(TEXT)[:1]
    for file in attached.of(TEXT, IMAGE, AUDIO):
        what = f"{file.mime}, {file.size} bytes, sha256 {file.sha256[:_HASH]}…"
        if _kind(file) == TEXT and file is not used[0]:
            yield f"I do not read {what} (only the first document is used)."
        else:
            yield f"I see {what}."


def _kind(file: Stored) -> str:
    return TYPES[file.mime].kind


def _tokens(file: Stored, model: Model) -> int:
    return model.count(file.content.decode()) if file.mime == "text/plain" else 0
