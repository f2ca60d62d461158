"""What gpt2giga's settings mean here, for people who bring its `.env`.

Names that mean the same are read under this gateway's name; the others are told at the start.
Source: the settings of gpt2giga 0.3.0 and of the package `gigachat` 0.2.3 under it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from app import settings

PASS_TOKEN = "GPT2GIGA_PASS_TOKEN"  # noqa: S105 - a setting's name
PASS_MODEL = "GPT2GIGA_PASS_MODEL"  # noqa: S105
KEY_AUTH = "GPT2GIGA_ENABLE_API_KEY_AUTH"
METRICS = "GPT2GIGA_METRICS_ENABLED"
_KEYS = ("GPT2GIGA_API_KEY", "GPT2GIGA_API_KEY_FILE")
_OFF = frozenset({"0", "false", "no", "off", "f", "n"})


def _origins(value: str) -> str:
    """`["https://a", "https://b"]` as a list with commas, which may also stand there already."""
    if not value.startswith("["):
        return value
    found = json.loads(value)
    if not all(isinstance(item, str) for item in found):
        raise ValueError
    return ",".join(found)


def _same(value: str) -> str:
    return value


def _structured(value: str) -> str:
    return "function" if value.strip().lower() == "function_call" else value


# gpt2giga's name -> this gateway's, and what its values are here.
RENAMED: dict[str, tuple[str, Callable[[str], str]]] = {
    "GPT2GIGA_CORS_ALLOW_ORIGINS": ("GPT2GIGA_CORS_ORIGINS", _origins),
    "GPT2GIGA_EMBEDDINGS": ("GPT2GIGA_EMBEDDINGS_MODEL", _same),
    "GPT2GIGA_MAX_REQUEST_BODY_BYTES": ("GPT2GIGA_MAX_BODY_BYTES", _same),
    "GPT2GIGA_STRUCTURED_OUTPUT_MODE": ("GPT2GIGA_STRUCTURED_OUTPUT", _structured),
}
# Every name that counts here, beside those that both have.
COUNTING = (*RENAMED, PASS_TOKEN, PASS_MODEL, KEY_AUTH, METRICS)

# What has no effect here: beginnings of names, and names with what to do instead, where there is something.
_FAMILIES = (
    "GPT2GIGA_CONVERSATION_",
    "GPT2GIGA_LOGS_",
    "GPT2GIGA_MODEL_MAX_CONNECTIONS",
    "GPT2GIGA_OBSERVABILITY_",
    "GPT2GIGA_OPENSEARCH_",
    "GPT2GIGA_PHOENIX_",
    "GPT2GIGA_TRAFFIC_LOG_",
)
_WITHOUT_EFFECT = {
    "GIGACHAT_FLAGS": "a request may carry flags itself",
    "GIGACHAT_MAX_CONNECTIONS": "",
    "GIGACHAT_MAX_RETRIES": "",
    "GIGACHAT_PROFANITY_CHECK": "a request may carry profanity_check itself",
    "GIGACHAT_RETRY_BACKOFF_FACTOR": "",
    "GIGACHAT_RETRY_ON_STATUS_CODES": "",
    "GIGACHAT_SSL_CONTEXT": "",
    "GIGACHAT_TOKEN_EXPIRY_BUFFER_MS": "",
    "GPT2GIGA_ADMIN_API_ENABLED": "",
    "GPT2GIGA_ADMIN_API_KEY": "",
    "GPT2GIGA_CORS_ALLOW_HEADERS": "GPT2GIGA_CORS_ORIGINS decides alone",
    "GPT2GIGA_CORS_ALLOW_METHODS": "GPT2GIGA_CORS_ORIGINS decides alone",
    "GPT2GIGA_DEBUG_TRANSLATE_ENABLED": "`python -m app translate` shows what would be sent",
    "GPT2GIGA_DEFAULT_MAX_TOKENS": "a request may carry max_tokens itself",
    "GPT2GIGA_DISABLE_BUILTIN_TOOL_MAPPING": "",
    "GPT2GIGA_DISABLE_REASONING": "",
    "GPT2GIGA_ENABLE_IMAGES": "",
    "GPT2GIGA_ENABLE_REASONING": "a request may carry reasoning_effort itself",
    "GPT2GIGA_GIGACHAT_API_MODE": "",
    "GPT2GIGA_HARNESS_MODEL_KEY": "",
    "GPT2GIGA_HTTPS_CERT_FILE": "a proxy in front ends TLS: see deploy/nginx and deploy/caddy",
    "GPT2GIGA_HTTPS_KEY_FILE": "a proxy in front ends TLS: see deploy/nginx and deploy/caddy",
    "GPT2GIGA_LEGACY_CHAT_FALLBACK": "",
    "GPT2GIGA_LOG_FILENAME": "the log goes to the standard error",
    "GPT2GIGA_LOG_MAX_SIZE": "the log goes to the standard error",
    "GPT2GIGA_LOG_REDACT_SENSITIVE": "no secret is ever logged",
    "GPT2GIGA_MAX_AUDIO_FILE_SIZE_BYTES": "",
    "GPT2GIGA_MAX_AUDIO_IMAGE_TOTAL_SIZE_BYTES": "",
    "GPT2GIGA_MAX_IMAGE_FILE_SIZE_BYTES": "",
    "GPT2GIGA_MAX_TEXT_FILE_SIZE_BYTES": "",
    "GPT2GIGA_METRICS_PATH": "metrics are at /metrics",
    "GPT2GIGA_MODE": "a key is asked for as soon as GPT2GIGA_API_KEY is set",
    "GPT2GIGA_NORMALIZATION_MODE": "",
    "GPT2GIGA_PASS_TOKEN_CLIENT_CACHE_SIZE": "",
    "GPT2GIGA_REPLAY_ENABLED": "",
    "GPT2GIGA_SHUTDOWN_TIMEOUT_SECONDS": "GPT2GIGA_SHUTDOWN_SECONDS is its name here",
    "GPT2GIGA_UI_ENABLED": "",
    "GPT2GIGA_USE_HTTPS": "a proxy in front ends TLS: see deploy/nginx and deploy/caddy",
}


class Brought(NamedTuple):
    """Settings under this gateway's names, what stops the start, and what the start tells."""

    given: dict[str, str]
    faults: list[str]
    warnings: list[str]


def bring(given: dict[str, str], *, model: str, embeddings: str) -> Brought:
    """Read gpt2giga's names as this gateway's; the models are the defaults. No value is repeated in a fault."""
    brought = Brought(dict(given), [], [])
    for old, (new, read) in RENAMED.items():
        _rename(brought, old, new, read)
    if _value(brought, "GPT2GIGA_LOG_LEVEL").lower() == "critical":
        brought.given["GPT2GIGA_LOG_LEVEL"] = "error"
    if not _is_off(brought, PASS_TOKEN, default=True):
        brought.faults.append(
            f"{PASS_TOKEN} is not supported: ignoring it would move your clients' traffic to another account"
        )
    if _is_off(brought, PASS_MODEL, default=False):
        model = _value(brought, "GIGACHAT_MODEL") or model
        embeddings = _value(brought, "GPT2GIGA_EMBEDDINGS_MODEL") or embeddings
        aliases = [_value(brought, "GPT2GIGA_MODEL_ALIASES"), f"Embeddings*={embeddings}", f"*={model}"]
        brought.given["GPT2GIGA_MODEL_ALIASES"] = ",".join(filter(None, aliases))
    _keys(brought)
    if _is_off(brought, METRICS, default=False):
        brought.warnings.append(f"{METRICS} has no effect: metrics are always on")
    return brought


def without_effect(name: str) -> str | None:
    """What the start tells of a name that gpt2giga knows and this gateway does not; None of any other."""
    if name not in _WITHOUT_EFFECT and not name.startswith(_FAMILIES):
        return None
    instead = _WITHOUT_EFFECT.get(name)
    return f"{name} is gpt2giga's and has no effect here" + (f": {instead}" if instead else "")


def _rename(brought: Brought, old: str, new: str, read: Callable[[str], str]) -> None:
    value = brought.given.pop(old, "").strip()
    if not value:
        return
    if brought.given.get(new):
        brought.warnings.append(f"{old} has no effect: {new} is set")
        return
    try:
        brought.given[new] = read(value)
    except ValueError:
        brought.faults.append(f'{old} is no list of origins: ["https://example.com"]')


def _keys(brought: Brought) -> None:
    """gpt2giga asks for its key only where it is told to, and does not start without one there."""
    asked = _value(brought, KEY_AUTH)
    if not asked:
        return
    try:
        on = settings.boolean(asked)
    except ValueError as fault:
        brought.faults.append(f"{KEY_AUTH}: {fault}")
        return
    given = [name for name in _KEYS if brought.given.get(name)]
    if on and not given:
        brought.faults.append(f"{KEY_AUTH} is on, but GPT2GIGA_API_KEY is empty: set the key that clients must send")
    if given and not on and _value(brought, "GPT2GIGA_MODE").upper() != "PROD":
        for name in given:
            del brought.given[name]
        brought.warnings.append(f"{KEY_AUTH} is off: GPT2GIGA_API_KEY is asked of nobody. Remove {KEY_AUTH} to ask")


def _is_off(brought: Brought, name: str, *, default: bool) -> bool:
    value = _value(brought, name).lower()
    return value in _OFF if value else default


def _value(brought: Brought, name: str) -> str:
    return brought.given.get(name, "").strip()
