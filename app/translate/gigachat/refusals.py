"""What GigaChat's refusals mean for a client: one table of statuses.

Source: docs/gigachat-api.md, "Errors". GigaChat's own sentence is handed on only where the client can act on it, and
cleaned: a refusal never carries a URL, a header or a file's path to the client.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import orjson

from app import errors
from app.errors import GatewayError, Kind
from app.translate.field_names import FieldNames
from app.translate.gigachat.too_long import read_lengths, speaks_of_length

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
_STOP_TEXT = "temporarily unavailable due to technical reasons"
_MODEL = re.compile(r"\bmodel\b|\bмодел", re.IGNORECASE)

_FILE = re.compile(r"\bfiles?\b|файл", re.IGNORECASE)
_NO_FILE = (
    "GigaChat has no such file for this client: it was deleted, or belongs to somebody else. Send the file itself."
)

_STATUSES: dict[int, tuple[Kind, str]] = {
    401: (
        errors.NO_TOKEN,
        "GigaChat does not accept the gateway's token. The operator should run `python -m app check`.",
    ),
    402: (
        errors.INSUFFICIENT_QUOTA,
        "GigaChat's tokens are used up (402). The operator should buy some, or name a model of another package.",
    ),
    403: (
        errors.UPSTREAM_PERMISSION_DENIED,
        "GigaChat denies this to the gateway's account (403). The operator should check scope, tariff and model.",
    ),
    423: (
        errors.UPSTREAM_STOPPED,
        "GigaChat has stopped this model for technical reasons. Name another model, or try again later.",
    ),
    429: (errors.RATE_LIMIT_EXCEEDED, "GigaChat takes no more requests at the moment (429). Try again shortly."),
}
# What GigaChat may name a time for.
_TIMED = frozenset(kind for kind, _ in _STATUSES.values())

# By these a request about a file is refused for good.
_UNUSABLE = frozenset({errors.FILE_NOT_FOUND, errors.FILE_TOO_LARGE, errors.UNSUPPORTED_FILE})
_FINAL = frozenset({errors.FILE_NOT_FOUND, errors.UNSUPPORTED_FILE, errors.UPSTREAM_PERMISSION_DENIED})

# Where a request's words stand.
Part = Literal["turns", "texts"]
# What was too long. LangChain, LiteLLM and pydantic-ai know it by these words of OpenAI's, and shorten the history.
_TOO_LONG: dict[Part, str] = {
    "turns": "Input tokens exceed the configured limit: the conversation is longer than the model's context. Please "
    "reduce the length of the messages.",
    "texts": "A text of the input is longer than the model takes. Shorten it or cut it in parts.",
}


def sentence(body: bytes) -> str:
    """GigaChat's own words in a refusal, or nothing: HTML of a proxy in front of it has none worth repeating."""
    return _PRIVATE.sub("...", _read_line(body))[:_MAX_SENTENCE]


def _read_line(body: bytes) -> str:
    """The message in one line, as it came: not for clients."""
    try:
        message = orjson.loads(body).get("message")
    except (orjson.JSONDecodeError, AttributeError):
        return ""
    if not isinstance(message, str):
        return ""
    line = "".join(char for char in " ".join(message[:_MAX_READ].split()) if char.isprintable())
    return "" if _HTML.search(line) else line


def refusal(
    status: int,
    body: bytes,
    fields: FieldNames,
    part: Part = "turns",
    *,
    say_missing: Callable[[], str] | None = None,
    retry_after: float | None = None,
    detail: str | None = None,
) -> GatewayError:
    """The error that a client gets for GigaChat's refusal of a request whose words stand in this `part`.

    `fields` are the names of the client's protocol, `say_missing` gives the message where GigaChat has no such model,
    `retry_after` is GigaChat's own, in seconds; `detail` is for the operator's log.
    """
    words = sentence(body)
    if status == 403 and _STOP_TEXT in words.lower():
        status = 423
    kind, message = _meaning(status, body, words, part)
    param = None
    if kind in (errors.FILE_NOT_FOUND, errors.CONTEXT_LENGTH_EXCEEDED):
        param = fields.turns if part == "turns" else fields.texts
    elif kind is errors.MODEL_NOT_FOUND:
        param = fields.model
        message = message if say_missing is None else say_missing()
    told = retry_after if kind in _TIMED else None
    return GatewayError(kind, message, param=param, retry_after=told, detail=detail)


def _meaning(status: int, body: bytes, words: str, part: Part) -> tuple[Kind, str]:
    if status in {403, 404} and _FILE.search(words):
        return errors.FILE_NOT_FOUND, _NO_FILE
    if status == 413 or (status in {400, 422} and speaks_of_length(words)):
        return errors.CONTEXT_LENGTH_EXCEEDED, _TOO_LONG[part] + _tell_length(status, body, words)
    if status not in _STATUSES and status < 500 and body.lstrip().startswith(b"<"):
        message = f"What answered is not GigaChat's API (status {status}, a page of HTML). The operator should check "
        return errors.UPSTREAM_ERROR, message + "GIGACHAT_BASE_URL."
    if status == 404 and (not words or _MODEL.search(words)):
        return errors.MODEL_NOT_FOUND, "GigaChat has no such model. GET /v1/models lists what it has."
    if status in _STATUSES:
        return _STATUSES[status]
    if 400 <= status < 500:
        return errors.UPSTREAM_REJECTED, f"GigaChat refused the request: {words or f'status {status}'}"
    return errors.UPSTREAM_ERROR, f"GigaChat failed to answer (status {status}). Try again later."


def _tell_length(status: int, body: bytes, words: str) -> str:
    """GigaChat's numbers, where it tells them, and its sentence."""
    tokens, limit = read_lengths(_read_line(body), status)  # a cleaned line may have lost a number
    told = f" It has {tokens} tokens." if tokens else ""
    told += f" The limit is {limit}." if limit else ""
    return f"{told} GigaChat says: {words}" if words and (told or status != 413) else told


def file_refusal(
    status: int, body: bytes, path: str, *, retry_after: float | None = None, detail: str | None = None
) -> GatewayError:
    """The error that a client gets where GigaChat refuses a file; `path` is where the file stands."""
    words = sentence(body)
    told = f" GigaChat says: {words}" if words else ""
    if status == 413:
        kind, message = errors.FILE_TOO_LARGE, f"'{path}' is larger than GigaChat takes.{told}"
    elif status in {400, 415, 422} and not body.lstrip().startswith(b"<"):
        kind, message = errors.UNSUPPORTED_FILE, f"'{path}' is no file that GigaChat takes.{told}"
    elif status == 404 or (status == 403 and _FILE.search(words)):
        kind, message = errors.FILE_NOT_FOUND, f"'{path}': {_NO_FILE}"
    else:
        other = refusal(status, body, FieldNames(), retry_after=retry_after)
        kind, message = other.kind, f"'{path}' was not passed on: {other.message}"
        retry_after = other.retry_after
    return GatewayError(kind, message, param=path, retry_after=retry_after if kind in _TIMED else None, detail=detail)


def is_stop(status: int, body: bytes) -> bool:
    """Whether GigaChat has stopped the model, so that nothing but time helps."""
    return status == 423 or (status == 403 and refusal(status, body, FieldNames()).kind is errors.UPSTREAM_STOPPED)


def concerns_account(status: int, body: bytes) -> bool:
    """Whether GigaChat denies something to the account, so that another one may have it."""
    return refusal(status, body, FieldNames()).kind is errors.UPSTREAM_PERMISSION_DENIED


def names_lost_file(status: int, body: bytes) -> bool:
    """Whether GigaChat refuses a chat because it does not have one of its files."""
    return refusal(status, body, FieldNames()).kind is errors.FILE_NOT_FOUND


def rejects_file(status: int, body: bytes) -> bool:
    """Whether GigaChat will never take a file, or does not have it: another try is of no use."""
    return file_refusal(status, body, "").kind in _UNUSABLE


def forbids_deletion(status: int, body: bytes) -> bool:
    """Whether a file can never be deleted: GigaChat does not have it, or does not let this client use it."""
    return file_refusal(status, body, "").kind in _FINAL
