"""What belongs to one credential is one object."""

from __future__ import annotations

import dataclasses

import pytest

from app.sandbox import server
from tests.running import GatewayStarter


async def test_its_parts(start_gateway: GatewayStarter, sandbox: server.Running) -> None:
    """Its name for operators, its token, its slots; nobody puts another part in its place."""
    key = sandbox.state.settings.key
    gateway = await start_gateway(GIGACHAT_CREDENTIALS=f"bot={key}", GIGACHAT_MAX_CONCURRENCY="7")
    credential = gateway.gateway.credential
    assert credential.alias == credential.health.alias == "bot"
    assert (await credential.keeper.get()).source == "oauth"
    assert (credential.slots.limit, credential.slots.most, credential.slots.in_use) == (7, 7, 0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        credential.slots = credential.slots  # type: ignore[misc]
    assert key not in repr(credential)


@pytest.mark.parametrize(
    ("scope", "slots"), [("GIGACHAT_API_PERS", 1), ("GIGACHAT_API_B2B", 10), ("GIGACHAT_API_CORP", 10)]
)
async def test_slots_of_a_scope(start_gateway: GatewayStarter, sandbox: server.Running, scope: str, slots: int) -> None:
    """Without a setting: what GigaChat's contract gives a person, and others."""
    gateway = await start_gateway(ready=False, GIGACHAT_MAX_CONCURRENCY="", GIGACHAT_SCOPE=scope)
    assert gateway.gateway.credential.slots.most == slots
    named = f"one={sandbox.state.settings.key}@{scope}"
    gateway = await start_gateway(ready=False, GIGACHAT_MAX_CONCURRENCY="", GIGACHAT_CREDENTIALS=named)
    assert gateway.gateway.credential.slots.most == slots
