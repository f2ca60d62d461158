"""`python -m app check`: a line for each step, the remedy at the first failure."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app import checkup
from app.checkup import run
from app.config import Config
from app.errors import ConfigError
from app.sandbox import server
from app.upstream import trust
from tests.running import environment


async def checked(sandbox: server.Running, **changes: str) -> int:
    """The exit code of a check with these settings."""
    return await run(Config.load(environment(sandbox, **changes), dotenv=None))


async def test_all_is_well(sandbox: server.Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Every step passes, a line each, and the sandbox is called by its name."""
    token = sandbox.state.tokens.issue(60)
    assert await checked(sandbox, GIGACHAT_ACCESS_TOKEN=token) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok ") for line in lines[:-1])
    assert any("SANDBOX" in line for line in lines)
    assert "the ready token works as the second level" in lines[-2]
    assert sandbox.state.settings.key not in "".join(lines)


@pytest.mark.parametrize(
    ("changes", "failed", "remedy"),
    [
        ({"GIGACHAT_CREDENTIALS": ""}, "no credentials", "Set GIGACHAT_CREDENTIALS"),
        ({"GIGACHAT_CREDENTIALS": ""}, "no credentials", "in .env of the directory in which this is run"),
        ({"GIGACHAT_CREDENTIALS": "d3Jvbmc6a2V5"}, "does not accept the key", "GIGACHAT_CREDENTIALS"),
        ({"GIGACHAT_SCOPE": "GIGACHAT_API_CORP"}, "another scope", "GIGACHAT_SCOPE"),
        ({"GIGACHAT_CREDENTIALS": "", "GIGACHAT_ACCESS_TOKEN": "old"}, "the ready token (401)", "same contour"),
        ({"GIGACHAT_ACCESS_TOKEN": "old"}, "the ready token (401)", "same contour"),
        ({"GIGACHAT_MODEL": "GigaChat-9"}, "no model 'GigaChat-9'", "GigaChat-2-Max"),
    ],
)
async def test_the_first_failure_ends_it_with_its_remedy(
    sandbox: server.Running, capsys: pytest.CaptureFixture[str], changes: dict[str, str], failed: str, remedy: str
) -> None:
    """Exit code 1, what failed, and what helps."""
    assert await checked(sandbox, **changes) == 1
    shown = capsys.readouterr().out
    assert failed in shown
    assert remedy in shown.split("FAIL")[1]


async def test_a_bundle_that_is_none(sandbox: server.Running, tmp_path: Path) -> None:
    """A file without certificates is a fault of the settings, which names the setting and the file."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("nothing")
    with pytest.raises(ConfigError, match=r"GIGACHAT_CA_BUNDLE_FILE \(.*ca.pem"):
        await checked(sandbox, GIGACHAT_CA_BUNDLE_FILE=str(bundle))


async def test_what_stops_a_start_fails_here_too(sandbox: server.Running, tmp_path: Path) -> None:
    """A table of models that can't be read."""
    table = tmp_path / "models.json"
    table.write_text("{bad")
    with pytest.raises(ConfigError, match="GPT2GIGA_MODELS_FILE"):
        await checked(sandbox, GPT2GIGA_MODELS_FILE=str(table))


async def test_the_second_level_is_tried_when_the_first_fails(
    sandbox: server.Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """OAuth is down: whether the ready token serves meanwhile is what the operator wants to know."""
    sandbox.state.faults.add("status", where="oauth", status=500, times=None)
    assert await checked(sandbox, GIGACHAT_ACCESS_TOKEN=sandbox.state.tokens.issue(60)) == 1
    shown = capsys.readouterr().out
    assert "ok    the ready token works: requests are served with it" in shown
    assert "FAIL  token: the OAuth server failed (status 500)" in shown
    assert await checked(sandbox, GIGACHAT_ACCESS_TOKEN="old") == 1
    shown = capsys.readouterr().out
    assert "the ready token does not help either: GigaChat does not accept the ready token (401)" in shown
    assert "FAIL  token: the OAuth server failed (status 500)" in shown
    empty = tmp_path / "token"
    empty.touch()
    assert await checked(sandbox, GIGACHAT_CREDENTIALS="", GIGACHAT_ACCESS_TOKEN_FILE=str(empty)) == 1
    assert "GIGACHAT_ACCESS_TOKEN_FILE names an empty file" in capsys.readouterr().out


async def test_a_key_that_is_encrypted(sandbox: server.Running, tmp_path: Path) -> None:
    """Without its password it is a fault with a remedy; nobody is asked for it at the terminal."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    options = "-x509 -newkey rsa:2048 -days 2 -subj /CN=client -passout pass:secret"
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", "req", *options.split(), *files], check=True, capture_output=True)
    changes = {"GIGACHAT_CERT_FILE": str(cert), "GIGACHAT_KEY_FILE": str(key)}
    with pytest.raises(ConfigError, match="GIGACHAT_KEY_FILE_PASSWORD"):
        await checked(sandbox, **changes)
    assert await checked(sandbox, GIGACHAT_KEY_FILE_PASSWORD="secret", **changes) == 0


async def test_what_few_need_may_be_absent(sandbox: server.Running, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that sees images, or an alias, is not everybody's: it is told, and the rest is looked at."""
    changes = {"GPT2GIGA_VISION_MODEL": "GigaChat-9", "GPT2GIGA_MODEL_ALIASES": "mine=GigaChat-8,fast=GigaChat-2"}
    assert await checked(sandbox, **changes) == 0
    shown = capsys.readouterr().out
    assert "WARN  GPT2GIGA_VISION_MODEL: GigaChat has no model 'GigaChat-9'" in shown
    assert "WARN  GPT2GIGA_MODEL_ALIASES: GigaChat has no model 'GigaChat-8'" in shown
    assert "GPT2GIGA_MODEL_ALIASES: GigaChat-2\n" in shown


async def test_the_older_host_is_suggested_when_it_works(
    sandbox: server.Running, monkeypatch: pytest.MonkeyPatch, unused_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the configured host fails, the older one is tried, and named if it answers."""
    monkeypatch.setattr(checkup, "OLD_BASE", sandbox.url)
    monkeypatch.setattr(checkup, "DEFAULT_BASE", f"http://127.0.0.1:{unused_port}")
    assert await checked(sandbox, GIGACHAT_BASE_URL=f"http://127.0.0.1:{unused_port}/v1") == 1
    assert f"set GIGACHAT_BASE_URL={sandbox.url}/v1" in capsys.readouterr().out


async def test_when_both_hosts_fail_the_network_is_named(
    sandbox: server.Running, monkeypatch: pytest.MonkeyPatch, unused_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """No suggestion that would not help."""
    dead = f"http://127.0.0.1:{unused_port}"
    monkeypatch.setattr(checkup, "OLD_BASE", dead + "/api")
    monkeypatch.setattr(checkup, "DEFAULT_BASE", dead)
    assert await checked(sandbox, GIGACHAT_BASE_URL=f"{dead}/v1") == 1
    assert "fails as well" in capsys.readouterr().out


async def test_a_private_contours_token_goes_nowhere_else(
    sandbox: server.Running, monkeypatch: pytest.MonkeyPatch, unused_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only when the shipped host fails is the older one asked; a refusal has a remedy of its own."""
    monkeypatch.setattr(checkup, "OLD_BASE", sandbox.url)
    assert await checked(sandbox, GIGACHAT_BASE_URL=f"http://127.0.0.1:{unused_port}/v1") == 1
    assert "Check GIGACHAT_BASE_URL" in capsys.readouterr().out
    assert not sandbox.state.requests.of("models")
    sandbox.state.faults.add("status", where="models", status=403)
    assert await checked(sandbox) == 1
    assert "tariff" in capsys.readouterr().out


async def test_something_that_is_no_gigachat_is_recognised(
    sandbox: server.Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page that answers 200 is no GigaChat."""
    sandbox.state.faults.add("html_200", where="models", times=None)
    assert await checked(sandbox) == 1
    assert "no GigaChat" in capsys.readouterr().out


async def test_the_trust_is_told(
    sandbox: server.Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verification off, a bundle of one's own, a root that is missing or ends soon: each has its words."""
    await checked(sandbox, GIGACHAT_VERIFY_SSL_CERTS="false")
    assert "NOT verified" in capsys.readouterr().out
    await checked(sandbox, GIGACHAT_CA_BUNDLE_FILE=str(trust.shipped_directory() / trust.PINS[0].file))
    assert "only those of" in capsys.readouterr().out
    monkeypatch.setattr(checkup, "SOON_SECONDS", 20 * 365 * 86400)
    await checked(sandbox)
    assert "beside the system's, but these end within 30 days" in capsys.readouterr().out
    await checked(sandbox, GIGACHAT_CA_BUNDLE_FILE=str(trust.shipped_directory() / trust.PINS[0].file))
    assert f"are trusted, but these end within 30 days, or have ended: {trust.PINS[0].name}" in capsys.readouterr().out
    monkeypatch.setattr(trust, "shipped_directory", lambda: tmp_path)
    assert await checked(sandbox) == 1
    assert "is missing" in capsys.readouterr().out


async def test_a_state_directory_that_is_full(
    sandbox: server.Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether it can be written is tried, nothing stays in it, and what is lost is told."""
    assert await checked(sandbox, GPT2GIGA_STATE_DIR=str(tmp_path)) == 0
    assert "ok    GPT2GIGA_STATE_DIR can be written" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
    assert await checked(sandbox, GPT2GIGA_STATE_DIR="/proc/self") == 0
    shown = capsys.readouterr().out
    assert "WARN  GPT2GIGA_STATE_DIR can't be written (" in shown
    assert "Make room there" in shown


async def test_only_a_ready_token_is_enough(sandbox: server.Running, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a key the ready token is what is checked."""
    token = sandbox.state.tokens.issue(60)
    assert await checked(sandbox, GIGACHAT_CREDENTIALS="", GIGACHAT_ACCESS_TOKEN=token) == 0
    assert "token: ready" in capsys.readouterr().out


# a fault of the sandbox, or settings -> what the failed step says, and its remedy
FAULTS: dict[str, tuple[dict[str, Any], dict[str, str], str, str]] = {
    "OAuth is gone": ({"kind": "down", "where": "oauth"}, {}, "cannot be reached", "GIGACHAT_AUTH_URL"),
    "OAuth fails": ({"kind": "status", "where": "oauth"}, {}, "failed (status 500)", "Giving a ready token"),
    "OAuth denies": ({"kind": "status", "where": "oauth", "status": 403}, {}, "denies access", "account is active"),
    "OAuth is HTML": ({"kind": "html_200", "where": "oauth"}, {}, "holds no token", "GIGACHAT_AUTH_URL"),
    "OAuth is cut": ({"kind": "cut", "where": "oauth"}, {}, "cut off", "Giving a ready token"),
    "GigaChat is gone": ({"kind": "down", "where": "models"}, {}, "without an answer", "network and proxy"),
    "GigaChat is HTML": ({"kind": "html_200", "where": "models"}, {}, "no GigaChat", "GIGACHAT_BASE_URL"),
    "a page of a proxy": (
        {"kind": "status", "where": "models", "status": 403, "html": True},
        {},
        "a page of HTML",
        "GIGACHAT_BASE_URL",
    ),
    "401": ({"kind": "status", "where": "models", "status": 401}, {}, "does not accept the token (401)", "scope"),
    "402": ({"kind": "status", "where": "models", "status": 402}, {}, "402", "Buy tokens"),
    "403": ({"kind": "status", "where": "models", "status": 403}, {}, "403", "tariff"),
    "423": ({"kind": "status", "where": "models", "status": 423}, {}, "423", "support"),
    "429": ({"kind": "status", "where": "models", "status": 429}, {}, "429", "Wait a minute"),
    "500": ({"kind": "status", "where": "models", "status": 500}, {}, "500", "network and proxy"),
    "cut": ({"kind": "cut", "where": "models"}, {}, "cut off", "network and proxy"),
    "an embedder that is to chat": ({}, {"GIGACHAT_MODEL": "Embeddings"}, "kind 'embedder'", "GigaChat-2-Max"),
    "a chat model for embeddings": (
        {},
        {"GPT2GIGA_EMBEDDINGS_MODEL": "GigaChat"},
        "GPT2GIGA_EMBEDDINGS_MODEL: GigaChat is of the kind 'chat'",
        "EmbeddingsGigaR",
    ),
}


@pytest.mark.parametrize(("fault", "changes", "failed", "remedy"), FAULTS.values(), ids=FAULTS)
async def test_nothing_is_ok_that_failed(
    fault: dict[str, Any],
    changes: dict[str, str],
    failed: str,
    remedy: str,
    sandbox: server.Running,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 1, one step that failed with its remedy, and no good word about it."""
    if fault:
        sandbox.state.faults.add(times=None, **fault)
    assert await checked(sandbox, **changes) == 1
    good, _, bad = capsys.readouterr().out.partition("FAIL  ")
    assert failed in bad
    assert remedy in bad.splitlines()[1]
    assert "will serve" not in bad
    assert ("ok    token" in good) is (fault.get("where") != "oauth")
    assert ("ok    GigaChat answers" in good) is (not fault)


@pytest.mark.parametrize("where", ["models", "oauth"])
async def test_a_certificate_that_nobody_trusts(
    where: str, sandbox: server.Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The remedy is one of trust, not one of the network."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    options = "-x509 -newkey rsa:2048 -days 2 -subj /CN=127.0.0.1 -nodes"
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", "req", *options.split(), *files], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    other = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{other.sockets[0].getsockname()[1]}"
    names = {"models": "GIGACHAT_BASE_URL", "oauth": "GIGACHAT_AUTH_URL"}
    async with other:
        assert await checked(sandbox, **{names[where]: url}) == 1
    bad = capsys.readouterr().out.partition("FAIL  ")[2]
    assert "certificate is not trusted" in bad.splitlines()[0]
    assert "python -m app certs --fetch" in bad.splitlines()[1]
