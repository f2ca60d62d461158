"""Files of v1: upload, list, one file, its content, deletion.

Source: gigachat-api, sections 3.1 and 3.7. Documented is the 403 for another's file; assumed are the 404 for an id that
is unknown, deleted or lost, and that a list has the files of the same account and `X-Client-ID` only.
"""

from __future__ import annotations

from aiohttp import web

from app.sandbox.shelf import Stored
from app.sandbox.uploads import judge
from app.sandbox.wire import Call, Refused, reply

NO_FILE = "No such file"


async def upload(call: Call) -> web.Response:
    """Keep a file."""
    judge(call.upload)
    return reply(call.state.files.keep(call.owner, call.upload, int(call.now())).shown())


async def list_files(call: Call) -> web.Response:
    """The files of the one who asks."""
    return reply({"data": [file.shown() for file in call.state.files.of(call.owner)]})


async def one_file(call: Call) -> web.Response:
    """What is known of a file."""
    return reply(_asked(call).shown())


async def content(call: Call) -> web.Response:
    """A file's bytes, as they came."""
    return web.Response(body=_asked(call).content, content_type="application/octet-stream")


async def delete(call: Call) -> web.Response:
    """Delete a file."""
    file = _asked(call)
    file.deleted = True
    return reply({"id": file.id, "deleted": True, "access_policy": file.shown()["access_policy"]})


def find(call: Call, name: str) -> Stored:
    """The file of this id; Refused with 404 where there is none, 403 where it is another's."""
    file = call.state.files.get(name)
    if file is None or file.gone:
        raise Refused(404, NO_FILE)
    if file.owner != call.owner:
        raise Refused(403, f"Access to file '{name}' is denied")
    return file


def _asked(call: Call) -> Stored:
    return find(call, call.request.match_info["id"])
