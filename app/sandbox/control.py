"""The control API, `/sandbox/...`: faults, recorded requests, tokens, files, and a page that explains them.

It needs no authorization, and its own requests are not recorded.
"""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from app.sandbox.directives import DIRECTIVES
from app.sandbox.examples import Examples
from app.sandbox.faults import KINDS, PLACES, UnknownFault
from app.sandbox.filetypes import TYPES
from app.sandbox.state import SETTINGS, STATE, State
from app.sandbox.tokens import ACCOUNT
from app.sandbox.wire import refusal, reply

_NO_OBJECT = 'the body must be a JSON object, such as {"kind": "status", "status": 429}'
_ABOUT = (
    "A GigaChat that runs locally and speaks like the real one; no model is asked. It echoes the last user message; "
    "it calls a function that is forced, or whose name stands in that message, and quotes the result; it writes JSON "
    "that fits a json_schema (GigaChat-Plus writes prose). "
    "Faults: POST, GET, DELETE /sandbox/faults; one fires `times` times, 1 where that is left out, and with null until "
    "it is deleted. Record: GET, DELETE /sandbox/requests?where=chat. "
    "Tokens: POST /sandbox/tokens (ttl, account), /sandbox/tokens/revoke. "
    "Files: GET /sandbox/files (those that are gone too), /sandbox/files/{id}/content; POST /sandbox/files/forget "
    "(id, or all): GigaChat lost them, 404. A file belongs to its account and X-Client-ID. The answer says what is "
    "attached; in the record the body of an upload is what it brought; deletions are recorded under files/delete."
)


async def about(request: web.Request) -> web.Response:
    """Describe the sandbox: its directives, its faults, its settings and its state."""
    state = request.app[STATE]
    show = Examples(request)
    kinds = {
        name: {
            "does": kind.description,
            "parameters": kind.parameters,
            "where": [place for place in PLACES if place in kind.places],
            "example": show.of_fault(kind.example(name)),
        }
        for name, kind in KINDS.items()
    }
    directives = {name: {"does": row.does, "example": show.of_message(row.example)} for name, row in DIRECTIVES.items()}
    counts = {
        "connections": state.connections,
        "chatting": state.chatting,
        "most_chatting": state.most_chatting,
        "tokens_issued": state.tokens.issued,
        "requests": len(state.requests),
        "files": sum(not file.is_gone for file in state.files),
        "file_bytes": state.files.held,
    }
    settings = {name: {"is": getattr(state.settings, name), "does": line} for name, line in SETTINGS.items()}
    shown = {
        "about": _ABOUT,
        "token": show.of_token(),
        "now": counts,
        "directives": directives,
        "where": PLACES,
        "faults": kinds,
        "files": {name: {"kind": row.kind, "most_bytes": row.most} for name, row in TYPES.items()},
        "settings": settings,
    }
    return web.Response(body=orjson.dumps(shown, option=orjson.OPT_INDENT_2), content_type="application/json")


async def add_fault(request: web.Request) -> web.Response:
    """Add a fault: `where`, `kind`, `times` (1 by default; null: until cleared) and its parameters."""
    body = await _read_object(request)
    if body is None:
        return refusal(400, _NO_OBJECT)
    try:
        fault = request.app[STATE].faults.add(**body)
    except UnknownFault as error:
        return refusal(400, str(error))
    return reply(fault.describe())


async def list_faults(request: web.Request) -> web.Response:
    """The active faults."""
    return reply([fault.describe() for fault in request.app[STATE].faults])


async def clear_faults(request: web.Request) -> web.Response:
    """Remove all faults."""
    request.app[STATE].faults.clear()
    return reply([])


async def list_requests(request: web.Request) -> web.Response:
    """The last requests, oldest first, all or those of the place `where`."""
    if request.query.get("where", "any") not in PLACES:
        return refusal(400, f"where must be one of: {', '.join(PLACES)}")
    return reply([record.describe() for record in request.app[STATE].requests.of(request.query.get("where"))])


async def clear_requests(request: web.Request) -> web.Response:
    """Forget all requests."""
    request.app[STATE].requests.clear()
    return reply([])


async def issue_token(request: web.Request) -> web.Response:
    """Issue a token of an `account` (by default that of the key) that is valid for `ttl` seconds."""
    state: State = request.app[STATE]
    body = await _read_object(request)
    ttl = (body or {}).get("ttl", state.settings.token_ttl)
    if body is None or type(ttl) not in (int, float):
        return refusal(400, "ttl must be a number of seconds")
    account = body.get("account", ACCOUNT)
    if not isinstance(account, str):
        return refusal(400, "account must be a string")
    return reply({"access_token": state.tokens.issue(ttl, account)})


async def revoke_tokens(request: web.Request) -> web.Response:
    """Revoke the given `access_token`, or all tokens."""
    body = await _read_object(request)
    token = (body or {}).get("access_token")
    if body is None or not isinstance(token, str | None):
        return refusal(400, "access_token must be a string")
    return reply({"revoked": request.app[STATE].tokens.revoke(token)})


async def list_files(request: web.Request) -> web.Response:
    """All files, oldest first, with their owners, and whether they are deleted or lost."""
    return reply([file.describe_for_control() for file in request.app[STATE].files])


async def get_file_content(request: web.Request) -> web.Response:
    """The bytes of a file, even a deleted or lost one, unless they were dropped to make room."""
    file = request.app[STATE].files.get(request.match_info["id"])
    if file is None or not file.content:
        return refusal(404, "no such file, or its bytes had to give way")
    return web.Response(body=file.content, content_type=file.mime)


async def forget_files(request: web.Request) -> web.Response:
    """Lose the file with the given `id`, or all files."""
    body = await _read_object(request)
    name = (body or {}).get("id")
    if body is None or not isinstance(name, str | None):
        return refusal(400, "id must be a string")
    return reply({"forgotten": request.app[STATE].files.forget(name)})


async def _read_object(request: web.Request) -> dict[str, Any] | None:
    try:
        body = orjson.loads(await request.read() or b"{}")
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


ROUTES = (
    web.get("/sandbox", about),
    web.get("/sandbox/faults", list_faults),
    web.post("/sandbox/faults", add_fault),
    web.delete("/sandbox/faults", clear_faults),
    web.get("/sandbox/requests", list_requests),
    web.delete("/sandbox/requests", clear_requests),
    web.post("/sandbox/tokens", issue_token),
    web.post("/sandbox/tokens/revoke", revoke_tokens),
    web.get("/sandbox/files", list_files),
    web.get("/sandbox/files/{id}/content", get_file_content),
    web.post("/sandbox/files/forget", forget_files),
)
