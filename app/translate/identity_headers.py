"""Values of the headers that tell GigaChat who asks: `X-Session-ID` names a conversation, `X-Client-ID` a client.

A session's id is stable, so that GigaChat's prompt cache stays warm; files are bound to a client's id.

Source: docs/gigachat-api.md, "Headers" and "Usage" (the prefix cache, pinned by the header). A session's id is a hash
of the tenant with the client's own name for the conversation, or with its system and first user text. It is never
shared between tenants and tells GigaChat nothing of either.
"""

from __future__ import annotations

import hashlib
import re

from app.translate.dialogue import FileId, Inline, Media, Request, Text, Turn, Url

_TENANT_OF_0_1_0 = re.compile(r"[0-9a-f]{12}")
_END_LENGTH = 1024  # characters of a long text's beginning, and of its end, that are hashed
_MAX_HASHED_LENGTH = 256 * 1024  # characters of a text that is hashed whole: few models read more


def derive_session_id(tenant: str, request: Request) -> str:
    """32 hex digits, the same for every turn of a conversation."""
    digest = hashlib.blake2b(tenant.encode(), digest_size=16)
    if request.session is not None:
        digest.update(f"\0own\0{request.session}".encode())
        return digest.hexdigest()
    for turn in request.turns:
        role = turn.role
        if role not in ("system", "user"):  # a greeting, or calls as an example, may open any conversation
            continue
        has_words: bool | None = None  # not known yet: most turns have no file
        for part in turn.parts:
            if isinstance(part, Text):
                text = part.text
                if len(text) > _MAX_HASHED_LENGTH:
                    text = _shorten(text)
                digest.update(f"\0{role}\0{text}".encode())
            elif isinstance(part, Media):
                has_words = _has_words(turn) if has_words is None else has_words
                if not has_words:
                    digest.update(f"\0file\0{_describe_file(part)}".encode())
        if role == "user":
            break
    return digest.hexdigest()


def derive_client_id(tenant: str) -> str:
    """32 hex digits: the owner of a tenant's files. A client's own header is never part of it.

    Version 0.1.0 took a key's hash for its tenant: a tenant that has such a name must not get the files of that key.
    Nobody uses those any more, so that they are deleted as all idle files are.
    """
    domain = b"files of a name\0" if _TENANT_OF_0_1_0.fullmatch(tenant) else b"files\0"
    return hashlib.blake2b(domain + tenant.encode(), digest_size=16).hexdigest()


def _has_words(turn: Turn) -> bool:
    return any(isinstance(part, Text) and part.text.strip() for part in turn.parts)


def _describe_file(media: Media) -> str:
    """What tells one file from another well enough, without hashing megabytes for it."""
    match media.source:
        case Inline(text):
            return _shorten(text)
        case Url(text) | FileId(text):
            return text


def _shorten(text: str) -> str:
    """The text's length and ends, which tell it from others: to hash 60 MB would take half a second."""
    return f"{len(text)} {text[:_END_LENGTH]}{text[-_END_LENGTH:]}"
