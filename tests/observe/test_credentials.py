"""How a credential does: up by its last use, dead while OAuth refuses the key or GigaChat its fresh tokens."""

from __future__ import annotations

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from app.observe.credentials import CredentialObserver
from app.observe.metrics import Metrics
from app.sandbox import server
from tests.observe.test_upstream import value
from tests.running import GatewayStarter, Running, eventually
from tests.watching import CHAT, saying


class Watched:
    """An observer with families of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.observer = CredentialObserver(Metrics(self.registry), "bot")

    def shown(self) -> tuple[float | None, float | None, float | None]:
        """Up, active, dead."""
        name, labels = "gpt2giga_proxy_credential_", {"credential": "bot"}
        return (
            self.registry.get_sample_value(f"{name}up", labels),
            self.registry.get_sample_value(f"{name}state", {**labels, "state": "active"}),
            self.registry.get_sample_value(f"{name}state", {**labels, "state": "dead"}),
        )


def test_from_the_start() -> None:
    """Not up before there is a token, and not dead either."""
    watched = Watched()
    assert watched.shown() == (0, 1, 0)
    watched.observer.record_source("oauth")
    assert watched.shown() == (1, 1, 0)


@pytest.mark.parametrize(
    ("status", "up"),
    [(200, 1), (401, 0), (402, 0), (403, 0), (404, 1), (422, 1), (429, 1), (500, 1), (None, 1)],
)
def test_a_use(status: int | None, up: int) -> None:
    """Only refusals that concern the credential put it down; the next accepted use puts it up again."""
    watched = Watched()
    watched.observer.record_source("oauth")
    watched.observer.record_use(status, "oauth")
    assert watched.shown() == (up, 1, 0)
    watched.observer.record_use(200, "oauth")
    assert watched.shown() == (1, 1, 0)


def test_no_token_at_all() -> None:
    """Without a token nobody is served: not up."""
    watched = Watched()
    watched.observer.record_source("ready")
    watched.observer.record_source("none")
    assert watched.shown() == (0, 1, 0)


def test_fresh_tokens_that_gigachat_refuses() -> None:
    """Dead until a token of its own is accepted; what the ready token does says nothing of it."""
    watched = Watched()
    watched.observer.record_rejected_token()
    assert watched.shown()[1:] == (0, 1)
    watched.observer.record_key_verdict(accepted=True)
    watched.observer.record_use(200, "ready")
    assert watched.shown() == (1, 0, 1)
    watched.observer.record_use(200, "oauth")
    assert watched.shown() == (1, 1, 0)


def test_a_key_that_oauth_refuses() -> None:
    """Dead at once, though its last token still serves, until OAuth takes the key again."""
    watched = Watched()
    watched.observer.record_key_verdict(accepted=False)
    watched.observer.record_use(200, "oauth")
    assert watched.shown() == (1, 0, 1)
    watched.observer.record_key_verdict(accepted=True)
    assert watched.shown() == (1, 1, 0)


async def test_a_wrong_key_over_the_wire(start_gateway: GatewayStarter) -> None:
    """OAuth's 401 is seen: dead, and not up."""
    await start_gateway(ready=False, GIGACHAT_CREDENTIALS="wrong=d3Jvbmc6a2V5")
    await eventually(lambda: value("credential_state", credential="wrong", state="dead") == 1)
    assert value("credential_state", credential="wrong", state="active") == 0
    assert value("credential_up", credential="wrong") == 0


async def test_a_use_over_the_wire(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """The packages are used up, then paid for: 0, then 1."""
    sandbox.state.faults.add("status", where="chat", status=402)
    for status, up in ((429, 0), (200, 1)):
        async with http.post(gateway.url + CHAT, json=saying("x")) as response:
            assert response.status == status
        assert value("credential_up", credential="default") == up


async def test_condemned_over_the_wire(sandbox: server.Running, gateway: Running, http: aiohttp.ClientSession) -> None:
    """GigaChat refuses the token and the fresh one after it: dead, until a later one is accepted."""
    sandbox.state.faults.add("status", where="chat", times=2, status=401)
    async with http.post(gateway.url + CHAT, json=saying("x")) as response:
        assert response.status == 503
    assert value("credential_state", credential="default", state="dead") == 1
