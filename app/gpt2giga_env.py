"""Converts the settings of the gateway gpt2giga, so that its users can keep their `.env`.

A setting with the same meaning is read under this gateway's name. The start logs a warning for each of the others.
Source: the settings of gpt2giga 0.3.0 and of the package `gigachat` 0.2.3, which it uses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from app import redaction, settings

PASS_TOKEN = "GPT2GIGA_PASS_TOKEN"  # noqa: S105 - a setting's name
PASS_MODEL = "GPT2GIGA_PASS_MODEL"  # noqa: S105
KEY_AUTH = "GPT2GIGA_ENABLE_API_KEY_AUTH"
METRICS = "GPT2GIGA_METRICS_ENABLED"
_KEY_NAMES = ("GPT2GIGA_API_KEY", "GPT2GIGA_API_KEY_FILE")
_OFF = frozenset({"0", "false", "no", "off", "f", "n"})


def _join_origins(value: str) -> str:
    """Convert a JSON list of origins into a comma-separated one, which gpt2giga also accepts. Raises ValueError."""
    if not value.startswith("["):
        return value
    origins = json.loads(value)
    if not all(isinstance(item, str) for item in origins):
        raise ValueError
    return ",".join(origins)


def _keep_value(value: str) -> str:
    return value


def _convert_structured_output(value: str) -> str:
    return "function" if value.strip().lower() == "function_call" else value


# gpt2giga's name -> this gateway's name, and the function that converts the value.
RENAMED: dict[str, tuple[str, Callable[[str], str]]] = {
    "GPT2GIGA_CORS_ALLOW_ORIGINS": ("GPT2GIGA_CORS_ORIGINS", _join_origins),
    "GPT2GIGA_EMBEDDINGS": ("GPT2GIGA_EMBEDDINGS_MODEL", _keep_value),
    "GPT2GIGA_MAX_REQUEST_BODY_BYTES": ("GPT2GIGA_MAX_BODY_BYTES", _keep_value),
    "GPT2GIGA_STRUCTURED_OUTPUT_MODE": ("GPT2GIGA_STRUCTURED_OUTPUT", _convert_structured_output),
}
# gpt2giga's names that have an effect here. Names that both gateways use are not listed.
RECOGNIZED = (*RENAMED, PASS_TOKEN, PASS_MODEL, KEY_AUTH, METRICS)

# Settings without an effect here: prefixes of names, and whole names with a hint, if there is one.
_INEFFECTIVE_PREFIXES = (
    "GPT2GIGA_CONVERSATION_",
    "GPT2GIGA_LOGS_",
    "GPT2GIGA_MODEL_MAX_CONNECTIONS",
    "GPT2GIGA_OBSERVABILITY_",
    "GPT2GIGA_OPENSEARCH_",
    "GPT2GIGA_PHOENIX_",
    "GPT2GIGA_TRAFFIC_LOG_",
)
_INEFFECTIVE = {
    "GIGACHAT_FLAGS": "a request may carry flags itself",
    "GIGACHAT_MAX_CONNECTIONS": "GIGACHAT_MAX_CONCURRENCY says how many requests GigaChat has at a time",
    "GIGACHAT_MAX_RETRIES": "failures before the first word are always tried again, a 429 while a request may wait",
    "GIGACHAT_PROFANITY_CHECK": "a request may carry profanity_check itself",
    "GIGACHAT_RETRY_BACKOFF_FACTOR": "pauses between tries are the gateway's own",
    "GIGACHAT_RETRY_ON_STATUS_CODES": "429 and 5xx are always tried again before the first word",
    "GIGACHAT_SSL_CONTEXT": "",
    "GIGACHAT_TOKEN_EXPIRY_BUFFER_MS": "",
    "GPT2GIGA_ADMIN_API_ENABLED": "",
    "GPT2GIGA_ADMIN_API_KEY": "",
    "GPT2GIGA_CONFIG": "GigaChat's models alone are served",
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


# LiteLLM's names for its provider `gigachat` -> this gateway's. Source: litellm/llms/gigachat of LiteLLM 1.110.
_LITELLM = {"GIGACHAT_API_BASE": "GIGACHAT_BASE_URL", "GIGACHAT_API_KEY": "GIGACHAT_CREDENTIALS"}


class ConvertedSettings(NamedTuple):
    """The variables under this gateway's names, the faults that prevent the start, and warnings for the log."""

    variables: dict[str, str]
    faults: list[str]
    warnings: list[str]


def convert_settings(variables: dict[str, str], *, model: str, embeddings: str) -> ConvertedSettings:
    """Convert gpt2giga's variables. `model` and `embeddings` are the default models. Faults do not quote values."""
    converted = ConvertedSettings(dict(variables), [], [])
    for old, (new, convert) in RENAMED.items():
        _rename(converted, old, new, convert)
    if _get_value(converted, "GPT2GIGA_LOG_LEVEL").lower() == "critical":
        converted.variables["GPT2GIGA_LOG_LEVEL"] = "error"
    if not _is_switched_off(converted, PASS_TOKEN, default=True):
        converted.faults.append(
            f"{PASS_TOKEN} is not supported: ignoring it would move your clients' traffic to another account"
        )
    if _is_switched_off(converted, PASS_MODEL, default=False):
        model = _get_value(converted, "GIGACHAT_MODEL") or model
        embeddings = _get_value(converted, "GPT2GIGA_EMBEDDINGS_MODEL") or embeddings
        aliases = [_get_value(converted, "GPT2GIGA_MODEL_ALIASES"), f"Embeddings*={embeddings}", f"*={model}"]
        converted.variables["GPT2GIGA_MODEL_ALIASES"] = ",".join(filter(None, aliases))
    _apply_key_switch(converted)
    if _is_switched_off(converted, METRICS, default=False):
        converted.warnings.append(f"{METRICS} has no effect: metrics are always on")
    return converted


def describe_ineffective(name: str) -> str | None:
    """The warning for a setting of gpt2giga's or LiteLLM's that this gateway does not have; None for any other name."""
    if name in _LITELLM:
        return f"{name} is LiteLLM's and has no effect here: set {_LITELLM[name]}"
    if name not in _INEFFECTIVE and not name.startswith(_INEFFECTIVE_PREFIXES):
        return None
    hint = _INEFFECTIVE.get(name)
    shown = redaction.mask_variable(name) or "a name of one of its families"
    return f"{shown} is gpt2giga's and has no effect here" + (f": {hint}" if hint else "")


def _rename(converted: ConvertedSettings, old: str, new: str, convert: Callable[[str], str]) -> None:
    value = converted.variables.pop(old, "").strip()
    if not value:
        return
    if converted.variables.get(new):
        converted.warnings.append(f"{old} has no effect: {new} is set")
        return
    try:
        converted.variables[new] = convert(value)
    except ValueError:
        converted.faults.append(f'{old} is no list of origins: ["https://example.com"]')


def _apply_key_switch(converted: ConvertedSettings) -> None:
    """Apply gpt2giga's switch for authentication: off by default, and a key is required if it is on."""
    switch = _get_value(converted, KEY_AUTH)
    if not switch:
        return
    try:
        on = settings.boolean(switch)
    except ValueError as fault:
        converted.faults.append(f"{KEY_AUTH}: {fault}")
        return
    key_names = [name for name in _KEY_NAMES if converted.variables.get(name)]
    if on and not key_names:
        converted.faults.append(f"{KEY_AUTH} is on, but GPT2GIGA_API_KEY is empty: set the key that clients must send")
    # In production mode gpt2giga checks the key whatever the switch says.
    if key_names and not on and _get_value(converted, "GPT2GIGA_MODE").upper() != "PROD":
        for name in key_names:
            del converted.variables[name]
        converted.warnings.append(f"{KEY_AUTH} is off: GPT2GIGA_API_KEY is asked of nobody. Remove {KEY_AUTH} to ask")


def _is_switched_off(converted: ConvertedSettings, name: str, *, default: bool) -> bool:
    value = _get_value(converted, name).lower()
    return value in _OFF if value else default


def _get_value(converted: ConvertedSettings, name: str) -> str:
    return converted.variables.get(name, "").strip()
