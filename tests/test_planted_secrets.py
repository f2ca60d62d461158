"""A secret in any setting, in a variable's name or anywhere in `.env` is never printed back."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest

from app.config import Config
from app.errors import ConfigError
from app.sandbox import server
from tests.running import environment

NAMES = [item.metadata["name"] for item in fields(Config) if "name" in item.metadata]
OTHERS = ["HTTPS_PROXY", "NO_PROXY", "GPT2GIGA_MODE", "GPT2GIGA_PASS_MODEL", "GPT2GIGA_ENABLE_API_KEY_AUTH"]
OTHERS += ["GPT2GIGA_CORS_ALLOW_ORIGINS", "GPT2GIGA_EMBEDDINGS", "GPT2GIGA_STRUCTURED_OUTPUT_MODE", "GIGACHAT_FLAGS"]
SECRETS = {
    "Authorization Key": "MDE5YjJjM2QtNGU1Zi02YTdiLThjOWQtMGUxZjJhM2I0YzVkOjVlNGQzYzJiLTFhMGYtOWU4ZC03YzZiLTVhNGYz==",
    "access token": "eyJjdHkiOiJqd3QiLCJlbmMiOiJBMjU2Q0JDIn0.hx8LK2vmQwN4pR7tYz.cD3fG6hJ9kM2nP5qR8sT1uV4wX7yZ0aB",
    "client secret": "5e4d3c2b-1a0f-9e8d-7c6b-5a4f3e2d1c0b",
    "API key": "sk-proj-9vTq2LxW7bNc4RfK8sHd",
    "hexadecimal": "9f86d081884c7d659a2feaa0c55ad015",
    "short password": "s3cretkey",
    "password": "Tr0ub4dor&3/x?y#z",
    "login": "hunter2x:s3cretkey@10.0.0.1",
    "in a URL": "http://hunter2x:s3cretkey@10.0.0.1:99/s3cretkey?k=s3cretkey",
    "in a URL's query": "https://api.giga.chat/v1?key=s3cretkey",
}
# What a name or address in a secret's place shares with all others
HARMLESS = ("http", "://", "api.giga.chat", "10.0.0.1", "/v1")


def pieces(secret: str) -> list[str]:
    """What nobody may read: each part of the secret that is long enough to be one, in any case of letters."""
    for word in HARMLESS:
        secret = secret.replace(word, " ")
    for mark in "/?#@:&=.":
        secret = secret.replace(mark, " ")
    return [piece.lower()[:12] for piece in secret.split() if len(piece) >= 6]


def told(environ: dict[str, str], dotenv: Path | None = None) -> tuple[str, bool]:
    """All that loading these settings would print or log, and whether they are taken."""
    try:
        config = Config.load(environ, dotenv)
    except ConfigError as fault:
        return str(fault.faults) + str(fault) + repr(fault), False
    config.fingerprint()
    shown = f"{config.warnings}{json.dumps(config.changed_settings())}{config!r}"
    return shown.replace(repr(config.no_proxy), ""), True


@pytest.mark.samples("GIGACHAT_CREDENTIALS", "GPT2GIGA_PORT", "GPT2GIGA_HOST", "GPT2GIGA_API_KEY", "GIGACHAT_BASE_URL")
@pytest.mark.parametrize("name", [*NAMES, *OTHERS])
def test_no_setting_tells_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a fault, nor a warning, nor what the start tells of settings in effect."""
    monkeypatch.chdir(tmp_path)
    for kind, secret in SECRETS.items():
        for value in (secret, f"x={secret}", f"{secret}=x", f"a,{secret}", f"{secret},{secret}"):
            for environ in ({name: value}, {f"{name}_FILE": value}):
                shown, _ = told({"GIGACHAT_USER": "u", "GIGACHAT_PASSWORD": "p", **environ})
                shown = shown.partition("Config(")[0].lower()
                assert not any(piece in shown for piece in pieces(secret)), (kind, shown)


# of `.env`; each pair of braces is a secret
LINES = (
    "{}",
    "{}=",
    "={}",
    "GIGACHAT_CREDENTIALS {}",
    "GPT2GIGA_{}",
    "GPT2GIGA_PORT='{}",
    "GPT2GIGA_HOST={} {}",
)


@pytest.mark.parametrize("kind", SECRETS)
def test_no_name_and_no_line_tells_it(kind: str, tmp_path: Path) -> None:
    """A key behind a prefix as a variable's name; lines of `.env` without `=`, with quotes that never end."""
    secret = SECRETS[kind]
    for prefix in ("GPT2GIGA_", "GIGACHAT_", "GPT2GIGA_LOGS_", "GIGACHAT_CREDENTIALS_", "GPT2GIGA_API_KEY"):
        shown, _ = told({f"{prefix}{secret}": "x"})
        assert not any(piece in shown.lower() for piece in pieces(secret)), shown
    path = tmp_path / ".env"
    for line in LINES:
        path.write_text(f"# ours\n{line.format(secret, secret)}\n", "utf-8")
        shown, _ = told({}, path)
        assert not any(piece in shown.lower() for piece in pieces(secret)), (line, shown)


@pytest.mark.long
@pytest.mark.parametrize("line", LINES)
def test_no_command_prints_a_line(line: str, tmp_path: Path) -> None:
    """The same lines before a process that reads them."""
    secret = SECRETS["API key"]
    (tmp_path / ".env").write_text(f"# ours\n{line.format(secret, secret)}\n", "utf-8")
    command = [sys.executable, "-m", "app", "check"]
    done = subprocess.run(command, cwd=tmp_path, env=NOWHERE, capture_output=True, timeout=30, check=False)
    assert not any(piece in str(done).partition("stdout")[2].lower() for piece in pieces(secret))


NOWHERE = {
    "PATH": os.environ["PATH"],
    "GIGACHAT_AUTH_URL": "http://127.0.0.1:1",
    "GIGACHAT_BASE_URL": "http://127.0.0.1:1",
}


def printed(folder: Path, environ: dict[str, str], *arguments: str) -> str:
    """All that a real process writes until it has started, or ended."""
    log = folder / "log"
    with log.open("wb") as out:
        popen = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments], cwd=folder, env=environ, stdout=out, stderr=out
        )
        end = time.monotonic() + 15
        while popen.poll() is None and time.monotonic() < end and '"url"' not in log.read_text("utf-8"):
            time.sleep(0.05)
        time.sleep(0.3)  # asks OAuth and GigaChat meanwhile
        popen.terminate()
        popen.wait(10)
    return log.read_text("utf-8")


@pytest.mark.long
@pytest.mark.samples("API key")
@pytest.mark.parametrize("kind", ["Authorization Key", "API key", "short password", "login", "in a URL"])
async def test_no_process_prints_it(kind: str, sandbox: server.Running, tmp_path: Path) -> None:
    """All settings that refuse it at once, then all that take it: the gateway's start and log, and `check`."""
    secret = SECRETS[kind]
    usual = {"PATH": os.environ["PATH"], "GPT2GIGA_LOG_FORMAT": "json", **environment(sandbox)}
    pair = {"GIGACHAT_USER": secret, "GIGACHAT_PASSWORD": secret}
    taken = [name for name in [*NAMES, *OTHERS] if told({**usual, **pair, name: secret})[1]]
    refused = {name: secret for name in [*NAMES, *OTHERS] if name not in taken}
    listening = {name: secret for name in taken if name not in {"GPT2GIGA_HOST", *NOWHERE}}
    runs = [refused, listening, {name: secret for name in taken if name == "GPT2GIGA_HOST"}]
    for run in filter(None, runs):
        for arguments in ([], ["check"]):
            text = await asyncio.to_thread(printed, tmp_path, {**usual, **run}, *arguments)
            assert text
            assert not any(piece in text.lower() for piece in pieces(secret)), text
