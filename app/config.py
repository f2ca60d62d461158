"""All settings as one frozen, typed `Config`. The environment overrides `.env`; both are read once, at the start.

Each field declares its variable's name, its parser and its default. README.md and `.env.example` repeat the name and
the default, and a test compares them. A secret never appears in a repr. Each secret can also come from a file: the
variable with the suffix `_FILE` names that file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from app import credentials, gpt2giga_env, proxies, redaction, setting_files, setting_warnings, settings
from app.credentials import Credential
from app.errors import ConfigError


def _mask_secret(_value: object) -> str:
    return redaction.MASK


def _setting(
    name: str,
    default: Any,
    parse: Callable[[str], Any] = settings.text,
    *,
    secret: bool = False,
    empty: str | None = None,
    show: Callable[[Any], object] = redaction.mask_value,
) -> Any:
    """Declare a setting.

    `empty` is the value of an empty variable; without it an empty variable counts as not set. `show` returns the part
    of the value that may be logged: users sometimes put a secret into the wrong variable.
    """
    metadata = {"name": name, "parse": parse, "secret": secret, "empty": empty, "show": show}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings. Times are in seconds, sizes in bytes. An empty variable counts as not set."""

    credentials: tuple[Credential, ...] = _setting("GIGACHAT_CREDENTIALS", (), credentials.parse, secret=True)
    access_token: str = _setting("GIGACHAT_ACCESS_TOKEN", "", secret=True)
    scope: str = _setting("GIGACHAT_SCOPE", "GIGACHAT_API_PERS", settings.scope, show=redaction.mask_scope)
    model: str = _setting("GIGACHAT_MODEL", "GigaChat", settings.model, show=redaction.mask_model)
    base_url: str = _setting("GIGACHAT_BASE_URL", "https://api.giga.chat", settings.base_url, show=redaction.mask_url)
    auth_url: str = _setting(
        "GIGACHAT_AUTH_URL",
        "https://ngw.devices.sberbank.ru:9443/api/v2/oauth",
        settings.url,
        show=redaction.mask_url,
    )
    user: str = _setting("GIGACHAT_USER", "", settings.any_text, show=_mask_secret)
    password: str = _setting("GIGACHAT_PASSWORD", "", settings.any_text, secret=True)
    verify_ssl_certs: bool = _setting("GIGACHAT_VERIFY_SSL_CERTS", True, settings.boolean)
    ca_bundle_file: Path | None = _setting("GIGACHAT_CA_BUNDLE_FILE", None, settings.existing_file)
    cert_file: Path | None = _setting("GIGACHAT_CERT_FILE", None, settings.existing_file)
    key_file: Path | None = _setting("GIGACHAT_KEY_FILE", None, settings.existing_file)
    key_file_password: str = _setting("GIGACHAT_KEY_FILE_PASSWORD", "", settings.any_text, secret=True)
    timeout: float = _setting("GIGACHAT_TIMEOUT", 600.0, settings.positive_seconds)
    max_concurrency: int | None = _setting("GIGACHAT_MAX_CONCURRENCY", None, settings.count)
    slots: str = _setting("GPT2GIGA_SLOTS", "all", settings.choice("all", "chat"))
    queue_length: int = _setting("GPT2GIGA_QUEUE_LENGTH", 1000, settings.integer)
    queue_seconds: float = _setting("GPT2GIGA_QUEUE_SECONDS", 120.0, settings.seconds)
    idempotency_seconds: float = _setting("GPT2GIGA_IDEMPOTENCY_SECONDS", 86400.0, settings.seconds)
    idempotency_bytes: int = _setting("GPT2GIGA_IDEMPOTENCY_BYTES", 64 * 1024**2, settings.size)
    tenants: int = _setting("GPT2GIGA_TENANTS", 1000, settings.count)
    host: str = _setting("GPT2GIGA_HOST", "127.0.0.1", settings.host, show=redaction.mask_host)
    port: int = _setting("GPT2GIGA_PORT", 8090, settings.port)
    hosts: tuple[str, ...] = _setting("GPT2GIGA_HOSTS", (), settings.hosts, show=redaction.mask_hosts)
    api_key: str = _setting("GPT2GIGA_API_KEY", "", secret=True)
    model_aliases: tuple[tuple[str, str], ...] = _setting(
        "GPT2GIGA_MODEL_ALIASES", (), settings.aliases, show=redaction.mask_aliases
    )
    embeddings_model: str = _setting(
        "GPT2GIGA_EMBEDDINGS_MODEL", "Embeddings", settings.model, show=redaction.mask_model
    )
    vision_model: str = _setting(
        "GPT2GIGA_VISION_MODEL", "GigaChat-2-Pro", settings.model_or_off, empty="", show=redaction.mask_model
    )
    models_file: Path | None = _setting("GPT2GIGA_MODELS_FILE", None, settings.existing_file)
    structured_output: str = _setting(
        "GPT2GIGA_STRUCTURED_OUTPUT", "auto", settings.choice("auto", "native", "function")
    )
    cached_tokens: str = _setting("GPT2GIGA_CACHED_TOKENS", "added", settings.choice("added", "contained"))
    state_echo: bool = _setting("GPT2GIGA_STATE_ECHO", True, settings.boolean)
    strict: bool = _setting("GPT2GIGA_STRICT", False, settings.boolean)
    cors_origins: tuple[str, ...] = _setting("GPT2GIGA_CORS_ORIGINS", (), settings.origins, show=redaction.mask_hosts)
    log_level: str = _setting("GPT2GIGA_LOG_LEVEL", "info", settings.choice("debug", "info", "warning", "error"))
    log_format: str = _setting("GPT2GIGA_LOG_FORMAT", "auto", settings.choice("auto", "text", "json"))
    log_sample: float = _setting("GPT2GIGA_LOG_SAMPLE", 1.0, settings.fraction)
    metrics_port: int | None = _setting("GPT2GIGA_METRICS_PORT", None, settings.port)
    balance_seconds: float = _setting("GPT2GIGA_BALANCE_SECONDS", 300.0, settings.seconds)
    connect_seconds: float = _setting("GPT2GIGA_CONNECT_SECONDS", 5.0, settings.positive_seconds)
    first_byte_seconds: float = _setting("GPT2GIGA_FIRST_BYTE_SECONDS", 120.0, settings.positive_seconds)
    commit_seconds: float = _setting("GPT2GIGA_COMMIT_SECONDS", 40.0, settings.seconds)
    keepalive_seconds: float = _setting("GPT2GIGA_KEEPALIVE_SECONDS", 10.0, settings.positive_seconds)
    keepalive: str = _setting("GPT2GIGA_KEEPALIVE", "comment", settings.choice("comment", "delta", "off"))
    body_seconds: float = _setting("GPT2GIGA_BODY_SECONDS", 30.0, settings.positive_seconds)
    idle_seconds: float = _setting("GPT2GIGA_IDLE_SECONDS", 75.0, settings.positive_seconds)
    max_connections: int | None = _setting("GPT2GIGA_MAX_CONNECTIONS", None, settings.count)
    max_body_bytes: int = _setting("GPT2GIGA_MAX_BODY_BYTES", 64 * 1024**2, settings.size)
    max_bodies_bytes: int = _setting("GPT2GIGA_MAX_BODIES_BYTES", 256 * 1024**2, settings.size)
    shutdown_seconds: float = _setting("GPT2GIGA_SHUTDOWN_SECONDS", 30.0, settings.seconds)
    upstream_proxy: str = _setting("GPT2GIGA_UPSTREAM_PROXY", "", proxies.proxy_url, secret=True)
    state_dir: Path | None = _setting("GPT2GIGA_STATE_DIR", None, settings.directory)
    file_seconds: float = _setting("GPT2GIGA_FILE_SECONDS", 2700.0, settings.positive_seconds)
    fetch_hosts: tuple[str, ...] = _setting("GPT2GIGA_FETCH_HOSTS", (), settings.hosts, show=redaction.mask_hosts)
    # The file of the ready token (GIGACHAT_ACCESS_TOKEN_FILE). It is read again when it changes.
    access_token_file: Path | None = field(default=None, repr=False)
    no_proxy: str = field(default="", repr=False)  # NO_PROXY; empty unless the proxy comes from HTTPS_PROXY
    warnings: tuple[str, ...] = field(default=(), repr=False)  # logged at the start

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Config:
        """Read all settings. Raises ConfigError that lists every fault, with its line of the file."""
        inherited = _drop_empty(os.environ if environ is None else environ)
        if dotenv is None:
            return _SettingsReader(inherited).build_config()
        variables = _drop_empty(setting_files.read_env_file(dotenv)) | inherited
        try:
            config = _SettingsReader(variables).build_config()
        except ConfigError as fault:
            raise ConfigError(setting_warnings.add_lines(fault.faults, dotenv, inherited)) from None
        return replace(config, warnings=tuple(setting_warnings.add_lines(config.warnings, dotenv, inherited)))

    def changed_settings(self) -> dict[str, object]:
        """The settings that differ from their defaults, by name, fit for the log: a secret is shown as `set`."""
        shown: dict[str, object] = {}
        for item in _list_settings():
            value = getattr(self, item.name)
            if value != item.default:
                shown[item.metadata["name"]] = (
                    redaction.MASK if item.metadata["secret"] else item.metadata["show"](value)
                )
        return shown

    def proxy_for(self, url: str) -> str:
        """The URL of the proxy for requests to this URL; empty if the request is sent directly."""
        return "" if self.no_proxy and proxies.is_bypassed(self.no_proxy, url) else self.upstream_proxy

    def models(self) -> list[tuple[str, str]]:
        """Pairs of a setting's name and the GigaChat model that it names."""
        pairs = [
            ("GIGACHAT_MODEL", self.model),
            ("GPT2GIGA_EMBEDDINGS_MODEL", self.embeddings_model),
            ("GPT2GIGA_VISION_MODEL", self.vision_model),
            *(("GPT2GIGA_MODEL_ALIASES", model) for _, model in self.model_aliases),
        ]
        return [(setting, model) for setting, model in pairs if model]

    def fingerprint(self) -> str:
        """A short hash of the settings, for metrics. It depends on whether a secret is set, not on its value."""
        shown = json.dumps(self.changed_settings(), default=str, sort_keys=True)
        return hashlib.blake2b(shown.encode(), digest_size=6).hexdigest()


class _SettingsReader:
    """Parses the variables. It collects all faults, so that the operator can correct them together."""

    def __init__(self, variables: dict[str, str]) -> None:
        defaults: dict[str, Any] = {item.name: item.default for item in _list_settings()}
        converted = gpt2giga_env.convert_settings(
            variables, model=defaults["model"], embeddings=defaults["embeddings_model"]
        )
        self._variables = converted.variables
        self._faults = converted.faults
        self._warnings = converted.warnings

    def build_config(self) -> Config:
        """Parse all variables. Raises ConfigError."""
        values = {}
        for item in _list_settings():
            raw = self._read_text(item)
            if raw:
                values[item.name] = self._parse(item, raw)
            elif item.metadata["empty"] is not None and item.metadata["name"] in self._variables:
                values[item.name] = item.metadata["empty"]
        if path := self._variables.get("GIGACHAT_ACCESS_TOKEN_FILE"):
            values["access_token_file"] = self._find_path(path)
        if not values.get("upstream_proxy"):
            values["upstream_proxy"] = self._read_proxy_variable()
            values["no_proxy"] = self._variables.get("NO_PROXY") or self._variables.get("no_proxy") or ""
        self._check_pairs(values)
        if self._faults:
            raise ConfigError(self._faults)
        return Config(**values, warnings=tuple(self._collect_warnings(values)))

    def _read_text(self, item: Field[Any]) -> str:
        name = item.metadata["name"]
        value, path = self._variables.get(name, "").strip(), self._variables.get(f"{name}_FILE")
        if not item.metadata["secret"] or not path:
            return value
        if value:
            self._faults.append(f"{name} and {name}_FILE are both set: keep one of them")
            return value
        return self._read_secret(name, path)

    def _read_secret(self, name: str, path: str) -> str:
        """Read a secret from its file. Faults do not quote the path: users put the secret itself there by mistake."""
        try:
            secret = setting_files.read_secret_file(settings.expand_home(path))
        except OSError as fault:
            self._faults.append(f"{name}_FILE names a file that cannot be read: {fault.strerror}")
            return ""
        except ValueError as fault:
            self._faults.append(f"{name}_FILE names a file that {fault}")
            return ""
        # The file of the ready token may be filled later. An empty key would silently turn authentication off.
        if not secret and name != "GIGACHAT_ACCESS_TOKEN":
            self._faults.append(f"{name}_FILE names an empty file: fill it, or leave {name}_FILE out")
        return secret

    @staticmethod
    def _find_path(value: str) -> Path | None:
        try:
            return settings.expand_home(value)
        except ValueError:
            return None  # `_read_secret` has already reported this fault

    def _parse(self, item: Field[Any], raw: str) -> Any:
        try:
            return item.metadata["parse"](raw)
        except ValueError as fault:
            self._faults.append(f"{item.metadata['name']}: {fault}")
            return item.default

    def _read_proxy_variable(self) -> str:
        raw = (self._variables.get("HTTPS_PROXY") or self._variables.get("https_proxy") or "").strip()
        try:
            return proxies.proxy_url(raw) if raw else ""
        except ValueError as fault:
            self._faults.append(f"HTTPS_PROXY: {fault}")
            return ""

    def _check_pairs(self, values: dict[str, Any]) -> None:
        if bool(values.get("user")) != bool(values.get("password")):
            self._faults.append("GIGACHAT_USER and GIGACHAT_PASSWORD belong together: set both or none")
        if values.get("key_file") and not values.get("cert_file"):
            self._faults.append("GIGACHAT_KEY_FILE needs GIGACHAT_CERT_FILE beside it")

    def _collect_warnings(self, values: dict[str, Any]) -> list[str]:
        known = {item.metadata["name"] for item in _list_settings()}
        known |= {f"{item.metadata['name']}_FILE" for item in _list_settings() if item.metadata["secret"]}
        given = {name for name in self._variables if name.startswith(setting_warnings.PREFIXES)}
        unknown = given - known - {*gpt2giga_env.RECOGNIZED}
        warnings = [*self._warnings, *setting_warnings.describe_unknown(unknown, known)]
        chosen = {item.name: values.get(item.name, item.default) for item in _list_settings()}
        return [*warnings, *setting_warnings.find_doubtful(chosen)]


def _drop_empty(variables: Mapping[str, str | None]) -> dict[str, str]:
    """Drop empty variables, except those for which an empty value has a meaning."""
    may_be_empty = {item.metadata["name"] for item in _list_settings() if item.metadata["empty"] is not None}
    filled = {name: value for name, value in variables.items() if value and value.strip()}
    return filled | {name: "" for name in may_be_empty if variables.get(name) == ""}


def _list_settings() -> list[Field[Any]]:
    return [item for item in fields(Config) if "name" in item.metadata and item.default is not MISSING]
