"""What handlers share: each key has its value in a running gateway, and none of them shows a secret."""

from __future__ import annotations

import pytest
from aiohttp import web

from app.server import app_keys
from tests.running import GatewayStarter

APP_KEYS = {name: key for name, key in vars(app_keys).items() if isinstance(key, web.AppKey)}


@pytest.mark.parametrize("name", APP_KEYS)
async def test_every_key_is_set(name: str, start_gateway: GatewayStarter) -> None:
    """A handler finds all that it may ask for, from the first request on."""
    gateway = await start_gateway(ready=False)
    assert gateway.app[APP_KEYS[name]] is not None


async def test_nothing_shared_shows_a_secret(start_gateway: GatewayStarter) -> None:
    """A repr may end up in a log: it holds neither the gateway's key nor GigaChat's."""
    gateway = await start_gateway(ready=False, GPT2GIGA_API_KEY="door-secret", GIGACHAT_CREDENTIALS="dXBzdHJlYW0=")
    shown = " ".join(repr(gateway.app[key]) for key in APP_KEYS.values())
    assert "door-secret" not in shown
    assert "dXBzdHJlYW0" not in shown
