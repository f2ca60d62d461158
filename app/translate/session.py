"""Names at GigaChat: the conversation's (`X-Session-ID`), stable, so that GigaChat's prompt cache stays warm, and the
client's (`X-Client-ID`), which its files are bound to.

Source: GigaChat's REST API, "Usage" (prefix cache, pinned by the header), and the translation rules: a hash of the
tenant with the client's own name for the conversation, or with its system and first user text. It is never shared
between tenants and tells GigaChat nothing of either.
"""

from __future__ import annotations

import hashlib

from app.translate.dialogue import FileId, Inline, Media, Refusal, Request, Text, Turn, Url

_HEAD = 1024  # characters of a file's beginning and of its end


def session_id(tenant: str, request: Request) -> str:
    """32 hex digits, the same for every turn of a conversation."""
    digest = hashlib.blake2b(tenant.encode(), digest_size=16)
    if request.session is not None:
        digest.update(b"\0own\0" + request.session.encode())
        return digest.hexdigest()
    for turn in request.turns:
        if turn.role not in ("system", "user"):  # a greeting, or calls as an example, are no mark of a conversation
            continue
        for part in turn.parts:
            if isinstance(part, Text | Refusal):
                digest.update(b"\0" + turn.role.encode() + b"\0" + part.text.encode())
            elif isinstance(part, Media) and not _worded(turn):
                digest.update(b"\0file\0" + _shown(part).encode())
        if turn.role == "user":
            break
    return digest.hexdigest()


def _worded(turn: Turn) -> bool:
    return any(isinstance(part, Text | Refusal) and part.text.strip() for part in turn.parts)


def _shown(media: Media) -> str:
    """What tells one file from another well enough, without hashing megabytes for it."""
    match media.source:
        case Inline(text):
            return f"{len(text)} {text[:_HEAD]}{text[-_HEAD:]}"
        case Url(text) | FileId(text):
            return text


def client_id(tenant: str) -> str:
    """32 hex digits: the owner of a tenant's files. A client's own header never gets there."""
    return hashlib.blake2b(b"files\0" + tenant.encode(), digest_size=16).hexdigest()
