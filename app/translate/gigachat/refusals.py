"""What GigaChat's refusals mean for a client: one table of statuses.

Source: GigaChat's REST API, "Errors". GigaChat's own sentence is handed on only where the client can act on it, and
cleaned: a refusal never carries a URL, a header or a file's path to the client.
"""

from __future__ import annotations

import re

import orjson

from app import errors
from app.errors import GatewayError, Row

_MAX_SENTENCE = 300
_MAX_READ = 2000  # characters of a sentence that are looked at: the patterns below may try each of them as a beginning
_HTML = re.compile(r"<[^>]*>")
_PRIVATE = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+"  # a URL
    r"|\b(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+|/)\S*"  # a host with a port or a path
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b\S*"  # an address
    r"|(?<![\w.])/(?:[\w.-]+/)+[\w.-]*"  # a path
    r"|\b[a-z][a-z0-9-]*:\d{4,5}\b"  # a host without a domain
    r"|\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\b|\b[0-9a-f]{0,4}::[0-9a-f:]*"  # an address of the newer kind
    r"|\b(?:bearer|basic)\s+\S+"  # a credential
    r"|(?-i:(?=[A-Za-z+/_.-]*\d)(?=[a-z0-9+/_.-]*[A-Z])(?=[A-Z0-9+/_.-]*[a-z])[\w+/.-]{24,}=*)",  # a key, a token
    re.IGNORECASE,
)
_LENGTH = re.compile(
    r"context|too long|length|tokens? limit|maximum.*token"
    r"|контекст|слишком (?:длин|больш)|длин[аныуеой]|(?:лимит|превы|максим).*токен|токен.*(?:лимит|превы)",
    re.IGNORECASE,
)
_STOP_TEXT = "temporarily unavailable due to technical reasons"
_MODEL = re.compile(r"\bmodel\b|\bмодел", re.IGNORECASE)

_FILE = re.compile(r"\bfiles?\b|файл", re.IGNORECASE)
_NO_FILE = (
    "GigaChat has no such file for this client: it was deleted, or belongs to somebody else. Send the file itself."
)

_STATUSES: dict[int, tuple[Row, str]] = {
    401: (
        errors.NO_TOKEN,
        "GigaChat does not accept the gateway's token. The operator should run `python -m app check`.",
    ),
    402: (errors.INSUFFICIENT_QUOTA, "GigaChat's tokens are used up (402). The operator must top up the account."),
    403: (
        errors.UPSTREAM_PERMISSION_DENIED,
        "GigaChat denies this to the gateway's account (403). The operator should check scope, tariff and model.",
    ),
    423: (errors.UPSTREAM_STOPPED, "GigaChat has stopped this model for technical reasons. Try again later."),
    429: (errors.RATE_LIMIT_EXCEEDED, "GigaChat takes no more requests at the moment (429). Try again shortly."),
}

# What was too long, by the field that holds it. LangChain, LiteLLM and pydantic-ai know it by these words of OpenAI's,
# and shorten the history then.
_TOO_LONG = {
    "messages": "Input tokens exceed the configured limit: the conversation is longer than the model's context. Please "
    "reduce the length of the messages.",
    "input": "A text of the input is longer than the model takes. Shorten it or cut it in parts.",
}


def sentence(body: bytes) -> str:
    """GigaChat's own words in a refusal, or nothing: HTML of a proxy in front of it has none worth repeating."""
    try:
        message = orjson.loads(body).get("message")
    except (orjson.JSONDecodeError, AttributeError):
        return ""
    if not isinstance(message, str):
        return ""
    line = "".join(char for char in " ".join(message[:_MAX_READ].split()) if char.isprintable())
    return "" if _HTML.search(line) else _PRIVATE.sub("...", line)[:_MAX_SENTENCE]


def refusal(status: int, body: bytes, *, field: str = "messages", retry_after: float | None = None) -> GatewayError:
    """The error that a client gets for GigaChat's refusal.

    `field` is where the request's words stand; `retry_after` is GigaChat's own, in seconds.
    """
    words = sentence(body)
    if status == 403 and _STOP_TEXT in words.lower():
        status = 423
    if status in {403, 404} and _FILE.search(words):
        return GatewayError(errors.FILE_NOT_FOUND, _NO_FILE, param=field)
    if status == 413 or (status == 422 and _LENGTH.search(words)):
        told = f" GigaChat says: {words}" if status == 422 else ""
        return GatewayError(errors.CONTEXT_LENGTH_EXCEEDED, _TOO_LONG[field] + told, param=field)
    if status not in _STATUSES and status < 500 and body.lstrip().startswith(b"<"):
        return GatewayError(
            errors.UPSTREAM_ERROR,
            f"What answered is not GigaChat's API (status {status}, a page of HTML). The operator should check "
            "GIGACHAT_BASE_URL.",
        )
    if status == 404:
        return _not_found(words)
    if status in _STATUSES:
        row, message = _STATUSES[status]
        return GatewayError(row, message, retry_after=retry_after)
    if 400 <= status < 500:
        return GatewayError(errors.UPSTREAM_REJECTED, f"GigaChat refused the request: {words or f'status {status}'}")
    return GatewayError(errors.UPSTREAM_ERROR, f"GigaChat failed to answer (status {status}). Try again later.")


def _not_found(words: str) -> GatewayError:
    if not words or _MODEL.search(words):
        return GatewayError(
            errors.MODEL_NOT_FOUND,
            "GigaChat has no such model. GET /v1/models lists what it has.",
            param="model",
        )
    return GatewayError(errors.UPSTREAM_REJECTED, f"GigaChat refused the request: {words}")


def file_refusal(status: int, body: bytes, path: str, *, retry_after: float | None = None) -> GatewayError:
    """The error that a client gets where GigaChat refuses a file; `path` is where the file stands."""
    words = sentence(body)
    told = f" GigaChat says: {words}" if words else ""
    if status == 413:
        return GatewayError(errors.FILE_TOO_LARGE, f"'{path}' is larger than GigaChat takes.{told}", param=path)
    if status in {400, 415, 422} and not body.lstrip().startswith(b"<"):
        return GatewayError(errors.UNSUPPORTED_FILE, f"'{path}' is no file that GigaChat takes.{told}", param=path)
    if status == 404 or (status == 403 and _FILE.search(words)):
        return GatewayError(errors.FILE_NOT_FOUND, f"'{path}': {_NO_FILE}", param=path)
    error = refusal(status, body, retry_after=retry_after)
    error.param = path
    error.message = f"'{path}' was not passed on: {error.message}"
    return error
