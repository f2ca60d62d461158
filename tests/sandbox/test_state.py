"""Settings, and what the sandbox remembers."""

from __future__ import annotations

from dataclasses import fields

import aiohttp

from app.sandbox.server import Running
from app.sandbox.state import SETTINGS, SandboxSettings, State, authorization_key


def test_secrets_are_not_shown() -> None:
    """A log line with the settings betrays neither key nor password."""
    shown = repr(SandboxSettings(key="secret-key", password="secret-word"))
    assert "secret" not in shown


def test_each_setting_is_explained() -> None:
    """The page of the sandbox tells of all that is no secret."""
    assert list(SETTINGS) == [field.name for field in fields(SandboxSettings) if field.repr]


def test_default_key() -> None:
    """The default key is that of sandbox:sandbox."""
    assert SandboxSettings().key == authorization_key("sandbox", "sandbox") == "c2FuZGJveDpzYW5kYm94"


def test_no_server_no_connections() -> None:
    """A state without a server has no connections."""
    assert State(SandboxSettings()).connections == 0


async def test_open_connections_are_counted(running: Running, session: aiohttp.ClientSession) -> None:
    """A kept-alive connection counts."""
    async with session.get("/v1/models") as response:
        await response.read()
    assert running.state.connections == 1
