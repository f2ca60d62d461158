"""`python -m app certs`: what is shown, what a download adds, what it refuses."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from app.certificates import run
from app.config import Config
from app.errors import ConfigError
from app.upstream import trust

ROOT, SUB_2022, SUB_2024 = trust.PINS


@pytest.fixture
async def publisher() -> AsyncIterator[str]:
    """A server that publishes the root rightly, a wrong certificate for one sub, and nothing for the other."""
    pem = (trust.shipped_directory() / ROOT.file).read_bytes()

    async def right(request: web.Request) -> web.StreamResponse:
        """In two pieces, as a slow line brings it."""
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(pem[:700])
        await asyncio.sleep(0.05)
        await response.write(pem[700:])
        return response

    app = web.Application()
    app.router.add_get("/root", right)
    app.router.add_get("/2022", right)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def nothing_shipped(publisher: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """An installation whose own certificates are gone, with a state directory, in front of the publisher."""
    urls = {ROOT: "/root", SUB_2022: "/2022", SUB_2024: "/2024"}
    pins = tuple(dataclasses.replace(pin, url=publisher + path) for pin, path in urls.items())
    monkeypatch.setattr(trust, "PINS", pins)
    monkeypatch.setattr(trust, "shipped_directory", lambda: tmp_path / "nowhere")
    return Config.load({"GPT2GIGA_STATE_DIR": str(tmp_path / "state")}, dotenv=None)


async def test_the_shipped_root_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, end and fingerprint of what is trusted, and which ones are missing."""
    assert await run(Config.load({}, dotenv=None), fetch=False) == 0
    shown = capsys.readouterr().out
    assert "Russian Trusted Root CA, until 2032-02-27" in shown
    assert "D2:6D:2D:02" in shown
    assert shown.count("missing:") == 2


async def test_a_download_is_kept_only_with_the_pinned_fingerprint(
    nothing_shipped: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    """The right file lands in the state directory; a wrong one and a 404 are refused, and the exit code says so."""
    assert await run(nothing_shipped, fetch=True) == 1
    shown = capsys.readouterr().out
    assert "added: Russian Trusted Root CA" in shown
    assert "does not have the pinned fingerprint" in shown
    assert "answers 404" in shown
    assert nothing_shipped.state_dir is not None
    assert [path.name for path in (nothing_shipped.state_dir / "certs").iterdir()] == [ROOT.file]


async def test_a_second_download_asks_for_what_is_missing_only(
    nothing_shipped: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is there is not fetched again."""
    await run(nothing_shipped, fetch=True)
    capsys.readouterr()
    await run(nothing_shipped, fetch=True)
    assert "added" not in capsys.readouterr().out.replace("not added", "")


async def test_a_directory_that_cannot_be_written_is_named(
    nothing_shipped: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator is told which setting helps."""
    assert nothing_shipped.state_dir is not None
    (nothing_shipped.state_dir / "certs").write_text("in the way")
    assert await run(nothing_shipped, fetch=True) == 1
    assert "cannot be written" in capsys.readouterr().out


async def test_an_unreachable_publisher_is_named(
    nothing_shipped: Config, monkeypatch: pytest.MonkeyPatch, unused_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A download that fails is one line, no traceback."""
    pins = tuple(dataclasses.replace(pin, url=f"http://127.0.0.1:{unused_port}/") for pin in trust.PINS)
    monkeypatch.setattr(trust, "PINS", pins)
    assert await run(nothing_shipped, fetch=True) == 1
    assert capsys.readouterr().out.count("cannot be fetched") == 3


async def test_strangers_and_a_bundle_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A PEM that is not pinned is named as ignored, and a bundle of the operator's as replacing all."""
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "own.pem").write_text("no certificate")
    bundle = trust.shipped_directory() / ROOT.file
    settings = {"GPT2GIGA_STATE_DIR": str(tmp_path), "GIGACHAT_CA_BUNDLE_FILE": str(bundle)}
    assert await run(Config.load(settings, dotenv=None), fetch=False) == 0
    shown = capsys.readouterr().out
    assert "replaces all roots" in shown
    assert "own.pem" in shown


async def test_a_bundle_is_shown_in_place_of_the_pinned_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it holds, the first to end first and 16 at most; no pinned certificate is missed or called trusted."""
    bundle = tmp_path / "bundle.pem"
    for number in range(18):
        options = f"-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days {40 - number}"
        files = f"-subj /CN=authority-{number} -keyout {tmp_path}/key -out {tmp_path}/cert"
        subprocess.run(["openssl", "req", *options.split(), *files.split()], check=True, capture_output=True)
        with bundle.open("a") as out:
            out.write((tmp_path / "cert").read_text())
    assert await run(Config.load({"GIGACHAT_CA_BUNDLE_FILE": str(bundle)}, dotenv=None), fetch=False) == 0
    shown = capsys.readouterr().out
    listed = re.findall(r"^  authority-(\d+), until \d{4}-\d\d-\d\d$", shown, re.MULTILINE)
    assert [int(number) for number in listed] == [*range(17, 1, -1)]
    assert "and 2 more" in shown
    assert shown.count("SHA-256") == 16
    assert "Russian" not in shown


async def test_a_bundle_that_tls_cannot_use_is_a_fault_of_the_settings(tmp_path: Path) -> None:
    """A sentence with the setting and the file, as at the gateway's own start."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("no certificate")
    with pytest.raises(ConfigError) as raised:
        await run(Config.load({"GIGACHAT_CA_BUNDLE_FILE": str(bundle)}, dotenv=None), fetch=False)
    assert raised.value.faults[0].startswith(f"GIGACHAT_CA_BUNDLE_FILE ({bundle}): ")
