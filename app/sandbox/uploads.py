"""Reads and checks an upload: `multipart/form-data` with `file` and `purpose`.

At most the largest size of the file's type is read into memory. The documentation has no statuses for refused uploads.
So they are assumed: 422 and 400, as v1 uses for wrong parameters and for a body that it cannot read; and 413, which is
documented for requests that are too large, but not for files.

Source: docs/gigachat-api.md, "Files", "Errors" and "Limits, models, prices".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from app.sandbox.file_store import Upload
from app.sandbox.filetypes import LARGEST, TYPES
from app.sandbox.record import replace_invalid_utf8
from app.sandbox.wire import Refused, RequestContext

NOT_MULTIPART = "Your request contains invalid multipart syntax."
PURPOSE = "general"

_OVERHEAD_BYTES = 65_536  # what a body may have beside the file
_PURPOSE_BYTES = 1_000
_CHUNK = 262_144


@dataclass(frozen=True, slots=True)
class UploadRule:
    """A reason to refuse an upload. `wrong`: whether it applies."""

    name: str
    wrong: Callable[[Upload], bool]
    status: int
    message: str
    source: str


RULES = (
    UploadRule("file", lambda one: one.filename is None, 422, "Invalid params: file is required", "[SPEC26] 3.7"),
    UploadRule("filename", lambda one: not one.filename, 422, "Invalid params: file must have a filename", "assumed"),
    UploadRule(
        "purpose",
        lambda one: one.purpose != PURPOSE,
        422,
        f"Invalid params: purpose must be: {PURPOSE}",
        "[SPEC26] 3.7",
    ),
    UploadRule(
        "type",
        lambda one: one.mime not in TYPES,
        422,
        f"Invalid params: type of file must be one of: {', '.join(TYPES)}",
        "[SPEC26] 7",
    ),
    UploadRule("empty", lambda one: not one.content, 422, "Invalid params: file must not be empty", "assumed"),
    UploadRule(
        "content",
        lambda one: not TYPES[one.mime].fits(one.content),
        422,
        "Invalid params: file is not what its type says",
        "assumed",
    ),
)


async def receive_upload(context: RequestContext) -> None:
    """Read the body of an upload. A problem is only noted: the token and faults are checked first."""
    upload = context.upload = Upload()
    try:
        await _read_form(context.request, upload)
    except Refused as refused:
        upload.problem = refused.status, refused.message
    except (HttpProcessingError, RuntimeError, ValueError):
        upload.problem = 400, NOT_MULTIPART
    context.record.body = {**upload.describe(), "client_id": context.owner.client}


def check_upload(upload: Upload) -> None:
    """Raise Refused for a body that could not be read, or for the first rule that applies to the upload."""
    if upload.problem is not None:
        raise Refused(*upload.problem)
    for rule in RULES:
        if rule.wrong(upload):
            raise Refused(rule.status, rule.message)


async def _read_form(request: web.Request, upload: Upload) -> None:
    if request.content_type != "multipart/form-data":
        raise Refused(400, NOT_MULTIPART)
    if (request.content_length or 0) > LARGEST + _OVERHEAD_BYTES:
        raise Refused(413)
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name == "purpose":
            upload.purpose = (await _read_limited(part, _PURPOSE_BYTES)).decode("utf-8", "replace")
        elif part.name == "file":
            await _read_file(part, upload)


async def _read_file(part: BodyPartReader, upload: Upload) -> None:
    """Read the part with the file. A file of an unknown type is read too, for the record."""
    if upload.filename is not None:
        raise Refused(422, "Invalid params: file must be one")
    upload.filename = replace_invalid_utf8(part.filename or "")
    upload.mime = replace_invalid_utf8(part.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
    kind = TYPES.get(upload.mime)
    upload.content = await _read_limited(part, kind.most if kind else LARGEST)
    upload.sha256 = hashlib.sha256(upload.content).hexdigest()


async def _read_limited(part: BodyPartReader, most: int) -> bytes:
    content = bytearray()
    while not part.at_eof():
        content += await part.read_chunk(_CHUNK)
        if len(content) > most:
            raise Refused(413)
    return bytes(content)
