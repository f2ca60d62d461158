"""An upload is read and judged: `multipart/form-data` with `file` and `purpose`.

No more is read into memory than a file of its type may have. The status of each refusal but 413's is an assumption,
as the contract has none for uploads: 422 is what v1 answers to parameters that it does not take, 400 to a body that
it can't read; 413 is documented for what is too large, if not for files.

Source: gigachat-api, sections 3.7, 6 and 7.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import BodyPartReader, web
from aiohttp.http import HttpProcessingError

from app.sandbox.filetypes import LARGEST, TYPES
from app.sandbox.record import readable
from app.sandbox.shelf import Upload
from app.sandbox.wire import Call, Refused

NOT_MULTIPART = "Your request contains invalid multipart syntax."
PURPOSE = "general"

_AROUND = 65_536  # what a body may have beside the file
_PURPOSE_BYTES = 1_000
_CHUNK = 262_144


@dataclass(frozen=True, slots=True)
class UploadRule:
    """A refusal of an upload that was read."""

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


async def receive(call: Call) -> None:
    """Read the body of an upload; what is wrong with it is told later, when token and faults had their say."""
    upload = call.upload = Upload()
    try:
        await _collect(call.request, upload)
    except Refused as refused:
        upload.problem = refused.status, refused.message
    except (HttpProcessingError, RuntimeError, ValueError):
        upload.problem = 400, NOT_MULTIPART
    call.record.body = {**upload.shown(), "client_id": call.owner.client}


def judge(upload: Upload) -> None:
    """Raise Refused for what could not be read, or for the first rule that the upload breaks."""
    if upload.problem is not None:
        raise Refused(*upload.problem)
    for rule in RULES:
        if rule.wrong(upload):
            raise Refused(rule.status, rule.message)


async def _collect(request: web.Request, upload: Upload) -> None:
    if request.content_type != "multipart/form-data":
        raise Refused(400, NOT_MULTIPART)
    if (request.content_length or 0) > LARGEST + _AROUND:
        raise Refused(413)
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name == "purpose":
            upload.purpose = (await _read(part, _PURPOSE_BYTES)).decode("utf-8", "replace")
        elif part.name == "file":
            await _take(part, upload)


async def _take(part: BodyPartReader, upload: Upload) -> None:
    """The part that is the file; a type that nobody takes is read too, for the record."""
    if upload.filename is not None:
        raise Refused(422, "Invalid params: file must be one")
    upload.filename = readable(part.filename or "")
    upload.mime = readable(part.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
    kind = TYPES.get(upload.mime)
    upload.content = await _read(part, kind.most if kind else LARGEST)
    upload.sha256 = hashlib.sha256(upload.content).hexdigest()


async def _read(part: BodyPartReader, most: int) -> bytes:
    content = bytearray()
    while not part.at_eof():
        content += await part.read_chunk(_CHUNK)
        if len(content) > most:
            raise Refused(413)
    return bytes(content)
