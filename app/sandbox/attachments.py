"""Finds the files that a chat request names, checks them by a table of rules, and describes them for the answer.

Source: docs/gigachat-api.md, "Attachments" and "Limits, models, prices". It has two sentences about ten images; the
limit per request is used. Assumed: the texts of the refusals, and 422 if the model does not support images, as for
functions. The context is checked for plain text only. Files do not count in `usage`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.sandbox.catalog import Model
from app.sandbox.file_store import StoredFile
from app.sandbox.files import find_file
from app.sandbox.filetypes import AUDIO, IMAGE, MEGABYTE, TEXT, TYPES
from app.sandbox.wire import Refused, RequestContext

MOST_IMAGES = 10
MOST_BYTES = 80 * MEGABYTE
_HASH = 12


@dataclass(frozen=True, slots=True)
class AttachedFiles:
    """The files of a request, by message; the model, and its context in tokens."""

    messages: Sequence[Sequence[StoredFile]]
    model: Model
    context: int

    def select(self, *kinds: str) -> list[StoredFile]:
        """The files of these kinds, in order."""
        return [file for files in self.messages for file in files if _find_kind(file) in kinds]


@dataclass(frozen=True, slots=True)
class AttachmentRule:
    """A reason to refuse attached files. `wrong`: whether it applies."""

    name: str
    wrong: Callable[[AttachedFiles], bool]
    message: str
    source: str
    status: int = 422


RULES = (
    AttachmentRule(
        "blind model",
        lambda attached: bool(attached.select(IMAGE)) and not attached.model.images,
        "Requested model does not support images",
        "[DOC] 5.3, 7",
    ),
    AttachmentRule(
        "images of a message",
        lambda attached: any(sum(_find_kind(file) == IMAGE for file in files) > 1 for files in attached.messages),
        "Invalid params: only one image per message is allowed",
        "[SPEC26] 5.3",
    ),
    AttachmentRule(
        "images of a request",
        lambda attached: len(attached.select(IMAGE)) > MOST_IMAGES,
        f"Invalid params: at most {MOST_IMAGES} images per request are allowed",
        "[SPEC26] 5.3",
    ),
    AttachmentRule(
        "bytes of a request",
        lambda attached: sum(file.size for file in attached.select(IMAGE, AUDIO)) >= MOST_BYTES,
        "Invalid params: images and audio must be under 80 MB in all",
        "[SPEC26] 5.3",
    ),
    AttachmentRule(
        "text over the context",
        lambda attached: any(
            _count_tokens(file, attached.model) > attached.context for file in attached.select(TEXT)[:1]
        ),
        "Invalid params: text of the document is longer than the context",
        "[SPEC26] 5.3",
    ),
)


def read_attachments(context: RequestContext, model: Model, messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Find and check the attached files. Returns a sentence about each. Raises Refused."""
    named = [message.get("attachments", ()) for message in messages]
    if not any(named):
        return []
    if context.fire("files_lost"):
        for name in (one for names in named for one in names):
            context.state.files.forget(name)
    files = [[find_file(context, name) for name in names] for names in named]
    attached = AttachedFiles(files, model, context.state.settings.context_tokens)
    for rule in RULES:
        if rule.wrong(attached):
            raise Refused(rule.status, rule.message)
    return list(_describe_files(attached))


def _describe_files(attached: AttachedFiles) -> Iterator[str]:
    """A sentence about each file. Only the first text document is used."""
    used = attached.select(TEXT)[:1]
    for file in attached.select(TEXT, IMAGE, AUDIO):
        what = f"{file.mime}, {file.size} bytes, sha256 {file.sha256[:_HASH]}…"
        if _find_kind(file) == TEXT and file is not used[0]:
            yield f"I do not read {what} (only the first document is used)."
        else:
            yield f"I see {what}."


def _find_kind(file: StoredFile) -> str:
    return TYPES[file.mime].kind


def _count_tokens(file: StoredFile, model: Model) -> int:
    return model.count(file.content.decode()) if file.mime == "text/plain" else 0
