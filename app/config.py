"""Every setting, read once: the environment first, then `.env`, into one frozen, typed `Config`.

A field bears its variable's name, its parser and its default; README and `.env.example` repeat name and default
(a test compares). A secret never shows in a repr and has a `_FILE` twin that names a file which holds it.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from app import settings, switchers
from app.errors import ConfigError
from app.settings import Credential

PREFIXES = ("GIGACHAT_", "GPT2GIGA_")


def _setting(
    name: str,
    default: Any,
    parse: Callable[[str], Any] = settings.text,
    *,
    secret: bool = False,
    empty: str | None = None,
) -> Any:
    """`empty`: what an empty variable means where it means something; elsewhere it counts as not set."""
    metadata = {"name": name, "parse": parse, "secret": secret, "empty": empty}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings. Times are seconds, sizes are bytes; an empty variable counts as not set."""

    credentials: tuple[Credential, ...] = _setting("GIGACHAT_CREDENTIALS", (), settings.credentials, secret=True)
    access_token: str = _setting("GIGACHAT_ACCESS_TOKEN", "", secret=True)
    scope: str = _setting("GIGACHAT_SCOPE", "GIGACHAT_API_PERS")
    model: str = _setting("GIGACHAT_MODEL", "GigaChat")
    base_url: str = _setting("GIGACHAT_BASE_URL", "https://api.giga.chat", settings.base_url)
    auth_url: str = _setting("GIGACHAT_AUTH_URL", "https://ngw.devices.sberbank.ru:9443/api/v2/oauth", settings.url)
    user: str = _setting("GIGACHAT_USER", "", settings.words)
    password: str = _setting("GIGACHAT_PASSWORD", "", settings.words, secret=True)
    verify_ssl_certs: bool = _setting("GIGACHAT_VERIFY_SSL_CERTS", True, settings.boolean)
    ca_bundle_file: Path | None = _setting("GIGACHAT_CA_BUNDLE_FILE", None, settings.existing_file)
    cert_file: Path | None = _setting("GIGACHAT_CERT_FILE", None, settings.existing_file)
    key_file: Path | None = _setting("GIGACHAT_KEY_FILE", None, settings.existing_file)
    key_file_password: str = _setting("GIGACHAT_KEY_FILE_PASSWORD", "", settings.words, secret=True)
    timeout: float = _setting("GIGACHAT_TIMEOUT", 600.0, settings.positive)
    host: str = _setting("GPT2GIGA_HOST", "127.0.0.1")
    port: int = _setting("GPT2GIGA_PORT", 8090, settings.port)
    api_key: str = _setting("GPT2GIGA_API_KEY", "", secret=True)
    model_aliases: tuple[tuple[str, str], ...] = _setting("GPT2GIGA_MODEL_ALIASES", (), settings.aliases)
    embeddings_model: str = _setting("GPT2GIGA_EMBEDDINGS_MODEL", "Embeddings")
    vision_model: str = _setting("GPT2GIGA_VISION_MODEL", "GigaChat-2-Pro", settings.off_or_text, empty="")
    models_file: Path | None = _setting("GPT2GIGA_MODELS_FILE", None, settings.existing_file)
    structured_output: str = _setting(
        "GPT2GIGA_STRUCTURED_OUTPUT", "auto", settings.choice("auto", "native", "function")
    )
    state_echo: bool = _setting("GPT2GIGA_STATE_ECHO", True, settings.boolean)
    strict: bool = _setting("GPT2GIGA_STRICT", False, settings.boolean)
    cors_origins: tuple[str, ...] = _setting("GPT2GIGA_CORS_ORIGINS", (), settings.origins)
    log_level: str = _setting("GPT2GIGA_LOG_LEVEL", "info", settings.choice("debug", "info", "warning", "error"))
    log_format: str = _setting("GPT2GIGA_LOG_FORMAT", "auto", settings.choice("auto", "text", "json"))
    log_sample: float = _setting("GPT2GIGA_LOG_SAMPLE", 1.0, settings.share)
    metrics_port: int | None = _setting("GPT2GIGA_METRICS_PORT", None, settings.port)
    balance_seconds: float = _setting("GPT2GIGA_BALANCE_SECONDS", 300.0, settings.seconds)
    connect_seconds: float = _setting("GPT2GIGA_CONNECT_SECONDS", 5.0, settings.positive)
    first_byte_seconds: float = _setting("GPT2GIGA_FIRST_BYTE_SECONDS", 120.0, settings.positive)
    commit_seconds: float = _setting("GPT2GIGA_COMMIT_SECONDS", 40.0, settings.seconds)
    keepalive_seconds: float = _setting("GPT2GIGA_KEEPALIVE_SECONDS", 10.0, settings.positive)
    max_body_bytes: int = _setting("GPT2GIGA_MAX_BODY_BYTES", 64 * 1024**2, settings.size)
    max_bodies_bytes: int = _setting("GPT2GIGA_MAX_BODIES_BYTES", 256 * 1024**2, settings.size)
    shutdown_seconds: float = _setting("GPT2GIGA_SHUTDOWN_SECONDS", 30.0, settings.seconds)
    upstream_proxy: str = _setting("GPT2GIGA_UPSTREAM_PROXY", "", settings.login_url, secret=True)
    state_dir: Path | None = _setting("GPT2GIGA_STATE_DIR", None, settings.directory)
    file_seconds: float = _setting("GPT2GIGA_FILE_SECONDS", 2700.0, settings.positive)
    fetch_hosts: tuple[str, ...] = _setting("GPT2GIGA_FETCH_HOSTS", (), settings.hosts)
    # Where the ready token came from: the file is read again when it changes.
    access_token_file: Path | None = field(default=None)
    warnings: tuple[str, ...] = field(default=(), repr=False)  # what the start tells the operator

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> Config:
        """Read all settings. Raises ConfigError with every fault at once."""
        given: dict[str, str] = {}
        if dotenv is not None:
            given.update(_filled(_of_file(dotenv)))
        given.update(_filled(os.environ if environ is None else environ))
        return _Reader(given).config()

    def effective(self) -> dict[str, object]:
        """What the start logs: each setting that differs from its default, secrets as `set`."""
        shown: dict[str, object] = {}
        for item in _declared():
            value = getattr(self, item.name)
            if value != item.default:
                shown[item.metadata["name"]] = "set" if item.metadata["secret"] else _printable(value)
        return shown

    def models(self) -> list[tuple[str, str]]:
        """GigaChat's models that are named here, each with the setting that names it."""
        named = [
            ("GIGACHAT_MODEL", self.model),
            ("GPT2GIGA_EMBEDDINGS_MODEL", self.embeddings_model),
            ("GPT2GIGA_VISION_MODEL", self.vision_model),
            *(("GPT2GIGA_MODEL_ALIASES", model) for _, model in self.model_aliases),
        ]
        return [(setting, model) for setting, model in named if model]

    def fingerprint(self) -> str:
        """A short hash of the settings in effect, for metrics: of a secret it tells only whether it is set."""
        told = json.dumps(self.effective(), default=str, sort_keys=True)
        return hashlib.blake2b(told.encode(), digest_size=6).hexdigest()


class _Reader:
    """Goes through the given variables, collecting faults instead of stopping at the first."""

    def __init__(self, given: dict[str, str]) -> None:
        defaults: dict[str, Any] = {item.name: item.default for item in _declared()}
        brought = switchers.bring(given, model=defaults["model"], embeddings=defaults["embeddings_model"])
        self._given, self._faults, self._told = brought

    def config(self) -> Config:
        values = {}
        for item in _declared():
            raw = self._raw(item)
            if raw:
                values[item.name] = self._parsed(item, raw)
            elif item.metadata["empty"] is not None and item.metadata["name"] in self._given:
                values[item.name] = item.metadata["empty"]
        if path := self._given.get("GIGACHAT_ACCESS_TOKEN_FILE"):
            values["access_token_file"] = self._path(path)
        values.setdefault("upstream_proxy", self._proxy_of_environment())
        self._check_pairs(values)
        if self._faults:
            raise ConfigError(self._faults)
        return Config(**values, warnings=tuple(self._warnings(values)))

    def _raw(self, item: Field[Any]) -> str:
        name = item.metadata["name"]
        value, path = self._given.get(name, "").strip(), self._given.get(f"{name}_FILE")
        if not item.metadata["secret"] or not path:
            return value
        if value:
            self._faults.append(f"{name} and {name}_FILE are both set: keep one of them")
            return value
        # Faults do not quote the path: people put the secret itself there.
        try:
            if value := settings.home(path).read_text("utf-8").strip():
                return value
            # A ready token may come later. An empty key would let everybody in, and the operator believe otherwise.
            if name != "GIGACHAT_ACCESS_TOKEN":
                self._faults.append(f"{name}_FILE names an empty file: fill it, or leave {name}_FILE out")
        except OSError as fault:
            self._faults.append(f"{name}_FILE names a file that cannot be read: {fault.strerror}")
        except ValueError:
            self._faults.append(f"{name}_FILE names a file that is not UTF-8 text")
        return ""

    @staticmethod
    def _path(value: str) -> Path | None:
        try:
            return settings.home(value)
        except ValueError:
            return None  # told when the file was read

    def _parsed(self, item: Field[Any], raw: str) -> Any:
        try:
            return item.metadata["parse"](raw)
        except ValueError as fault:
            self._faults.append(f"{item.metadata['name']}: {fault}")
            return item.default

    def _proxy_of_environment(self) -> str:
        raw = self._given.get("HTTPS_PROXY") or self._given.get("https_proxy") or ""
        try:
            return settings.login_url(raw) if raw else ""
        except ValueError as fault:
            self._faults.append(f"HTTPS_PROXY: {fault}")
            return ""

    def _check_pairs(self, values: dict[str, Any]) -> None:
        if bool(values.get("user")) != bool(values.get("password")):
            self._faults.append("GIGACHAT_USER and GIGACHAT_PASSWORD belong together: set both or none")
        if values.get("key_file") and not values.get("cert_file"):
            self._faults.append("GIGACHAT_KEY_FILE needs GIGACHAT_CERT_FILE beside it")

    def _warnings(self, values: dict[str, Any]) -> list[str]:
        known = {item.metadata["name"] for item in _declared()}
        known |= {f"{item.metadata['name']}_FILE" for item in _declared() if item.metadata["secret"]}
        strange = {name for name in self._given if name.startswith(PREFIXES)} - known - {*switchers.COUNTING}
        found = [*self._told, *(switchers.without_effect(name) or _unknown(name, known) for name in sorted(strange))]
        if len(values.get("credentials", ())) > 1:
            found.append("GIGACHAT_CREDENTIALS holds several keys: only the first is used so far")
        if values.get("host") in {"0.0.0.0", "::"} and not values.get("api_key"):  # noqa: S104 - told, not bound here
            found.append("listening on all addresses without GPT2GIGA_API_KEY: whoever reaches the port spends tokens")
        limits = {item.name: values.get(item.name, item.default) for item in _declared()}
        if limits["max_body_bytes"] > limits["max_bodies_bytes"]:
            found.append("GPT2GIGA_MAX_BODIES_BYTES is less than one body may have (GPT2GIGA_MAX_BODY_BYTES)")
        if not values.get("verify_ssl_certs", True):
            found.append("GIGACHAT_VERIFY_SSL_CERTS is off: anyone on the way can read keys and prompts")
        return found


def _unknown(name: str, known: set[str]) -> str:
    name = name.encode(errors="replace").decode()
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is unknown and has no effect" + (f": did you mean {near[0]}?" if near else "")


def _of_file(dotenv: Path) -> Mapping[str, str | None]:
    """What stands in the file; nothing where there is none. Raises ConfigError."""
    try:
        if stat.S_ISDIR(dotenv.stat().st_mode):
            told = "is a directory (Docker makes one where a file that it should mount is missing)"
            raise ConfigError([f"{dotenv} {told}: remove it and write the settings into a file of that name"])
        return dotenv_values(dotenv, interpolate=False, encoding="utf-8-sig")  # some editors begin with a BOM
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigError([f"{dotenv} cannot be read: {getattr(fault, 'strerror', None) or 'not UTF-8'}"]) from None


def _filled(given: Mapping[str, str | None]) -> dict[str, str]:
    telling = {item.metadata["name"] for item in _declared() if item.metadata["empty"] is not None}
    filled = {name: value for name, value in given.items() if value and value.strip()}
    return filled | {name: "" for name in telling if given.get(name) == ""}


def _declared() -> list[Field[Any]]:
    return [item for item in fields(Config) if "name" in item.metadata and item.default is not MISSING]


def _printable(value: object) -> object:
    return os.fsencode(value).decode(errors="replace") if isinstance(value, Path) else value
