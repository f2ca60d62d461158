"""Any bytes as environment and as `.env`: a ConfigError or a Config, and a planted secret in neither's words."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from dataclasses import fields
from pathlib import Path

import orjson

from app.config import Config
from app.errors import ConfigError

SECRET = "s3cr3tK3y9Xq7"  # planted
_NAMES = [item.metadata["name"] for item in fields(Config) if "name" in item.metadata]
_OTHERS = ["HTTPS_PROXY", "NO_PROXY", "GPT2GIGA_PASS_MODEL", "GPT2GIGA_CORS_ALLOW_ORIGINS", "GPT2GIGA_UNKNOWN"]
_VALUES = [
    SECRET,
    f"http://user:{SECRET}@proxy:3128/{SECRET}?{SECRET}#{SECRET}",
    f"a=key==@GIGACHAT_API_B2B,{SECRET}=b",
    f"gpt-4o=GigaChat,claude-*={SECRET}",
    f"*.files.example.com:8443,{SECRET}",
    f'["https://a.example", "{SECRET}"]',
]
_GOOD = {
    "GIGACHAT_CREDENTIALS": f"prod={SECRET}==",
    "GIGACHAT_BASE_URL": "https://api.giga.chat/v1",
    "GPT2GIGA_PORT": "8090",
    "GPT2GIGA_MAX_BODY_BYTES": "64MiB",
    "GPT2GIGA_LOG_SAMPLE": "0.5",
    "GPT2GIGA_MODEL_ALIASES": "gpt-4o=GigaChat-2,*=GigaChat",
    "HTTPS_PROXY": f"http://u:{SECRET}%40@[::1]:3128",
    "NO_PROXY": "10.0.0.0/8,.giga.chat,[::1]:80,*",
}


def _environment(values: dict[str, str]) -> bytes:
    return b"\0".join(os.fsencode(f"{name}={value}") for name, value in values.items())


# What stands before two zero bytes is the environment, with one between two variables; what follows is the file.
SEEDS: list[bytes] = [
    _environment(_GOOD),
    b"\0\0" + _environment(_GOOD).replace(b"\0", b"\n"),
    *(_environment({name: _VALUES[index % len(_VALUES)]}) for index, name in enumerate([*_NAMES, *_OTHERS])),
    *(_environment(dict.fromkeys([*_NAMES, *_OTHERS], value)) for value in _VALUES),
    f"GPT2GIGA_{SECRET}=x\0GPT2GIGA_LOGS_{SECRET}=x\0GIGACHAT_CREDENTIALS_FILE={SECRET}".encode(),
    f"\0\0\ufeff# ours\n{SECRET}\nexport GPT2GIGA_PORT='{SECRET}\n".encode(),
    f'\0\0GIGACHAT_MODEL="a\\n{SECRET}" # x\n={SECRET}\nGPT2GIGA_{SECRET}'.encode(),
]

_FILE = Path(tempfile.mkdtemp(prefix="fuzz-settings-")) / ".env"
logging.getLogger("dotenv.main").disabled = True  # it names the lines that it cannot read, by their numbers


def run_one(data: bytes) -> None:
    """Load them, and use all that a Config tells of itself."""
    given, _, file = data.replace(b"STATE_DIR", b"STATE_DI_").partition(b"\0\0")  # no directory is made
    pairs = (os.fsdecode(item).partition("=") for item in given.split(b"\0"))
    _FILE.write_bytes(file)
    try:
        config = Config.load({name: value for name, _, value in pairs}, _FILE)
    except ConfigError as fault:
        told = f"{fault} {fault!r} {fault.faults}"
    else:
        told = f"{json.dumps(config.changed_settings())} {orjson.dumps([config.changed_settings(), config.warnings])!r}"
        assert len(config.fingerprint()) == 12
        assert config.proxy_for(config.base_url) in {"", config.upstream_proxy}
        assert all(setting in _NAMES for setting, _ in config.models())
    assert SECRET.lower() not in told.lower()
