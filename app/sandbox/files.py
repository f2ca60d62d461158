"""The files endpoints of v1: upload, list, one file, its content, deletion.

Source: docs/gigachat-api.md, "Headers" and "Files", which document the 403 for another owner's file. Assumed: the 404
for an id that is unknown, deleted or lost, and that a list has only files of the same account and `X-Client-ID`.
"""

from __future__ import annotations

from aiohttp import web

from app.sandbox.file_store import StoredFile
from app.sandbox.uploads import check_upload
from app.sandbox.wire import Refused, RequestContext, reply

NO_FILE = "No such file"


async def upload_file(context: RequestContext) -> web.Response:
    """Keep a file."""
    check_upload(context.upload)
    return reply(context.state.files.keep(context.owner, context.upload, int(context.now())).describe())


async def list_files(context: RequestContext) -> web.Response:
    """The files of the request's owner."""
    return reply({"data": [file.describe() for file in context.state.files.of(context.owner)]})


async def get_file(context: RequestContext) -> web.Response:
    """The description of a file."""
    return reply(_find_named_file(context).describe())


async def get_content(context: RequestContext) -> web.Response:
    """A file's bytes, unchanged."""
    return web.Response(body=_find_named_file(context).content, content_type="application/octet-stream")


async def delete_file(context: RequestContext) -> web.Response:
    """Delete a file."""
    file = _find_named_file(context)
    file.deleted = True
    return reply({"id": file.id, "deleted": True, "access_policy": file.describe()["access_policy"]})


def find_file(context: RequestContext, name: str) -> StoredFile:
    """The file with this id. Raises Refused: 404 if there is none, 403 if it has another owner."""
    file = context.state.files.get(name)
    if file is None or file.is_gone:
        raise Refused(404, NO_FILE)
    if file.owner != context.owner:
        raise Refused(403, f"Access to file '{name}' is denied")
    return file


def _find_named_file(context: RequestContext) -> StoredFile:
    return find_file(context, context.request.match_info["id"])
