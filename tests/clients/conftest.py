"""The programs that the clients talk to: they run for the whole session, between tests the sandbox forgets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.sandbox.state import SandboxSettings
from tests.clients.sdk import GatewayWith, Gigachat, Programs, Sdk, free_port
from tests.running import Process, wait_ready


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """The programs of this session."""
    programs = Programs(tmp_path_factory.mktemp("programs"))
    yield programs
    programs.stop()


@pytest.fixture(scope="session")
def sandbox_of_session(programs: Programs) -> Gigachat:
    """The sandbox that all gateways ask."""
    port = free_port()
    programs.start("sandbox", "--port", str(port), env={})
    gigachat = Gigachat(f"http://127.0.0.1:{port}")
    wait_ready(gigachat.url, "/sandbox")
    return gigachat


@pytest.fixture(autouse=True)
def gigachat(sandbox_of_session: Gigachat) -> Gigachat:
    """The sandbox, with no faults and an empty record."""
    sandbox_of_session.forget()
    return sandbox_of_session


@pytest.fixture(scope="session")
def gateway_with(programs: Programs, sandbox_of_session: Gigachat) -> GatewayWith:
    """A gateway with settings of one's own; tests that want the same settings share it."""

    def give(*, ready: bool = True, **settings: str) -> Process:
        env = {
            "GIGACHAT_CREDENTIALS": SandboxSettings().key,
            "GIGACHAT_BASE_URL": f"{sandbox_of_session.url}/v1",
            "GIGACHAT_AUTH_URL": f"{sandbox_of_session.url}/api/v2/oauth",
        }
        return programs.gateway(ready=ready, **(env | settings))

    return give


@pytest.fixture(scope="session")
def served(gateway_with: GatewayWith) -> Process:
    """The gateway with its defaults, and a key."""
    return gateway_with()


@pytest.fixture(scope="session", params=["sync", "async"])
def sdk(request: pytest.FixtureRequest, served: Process) -> Iterator[Sdk]:
    """`OpenAI` and `AsyncOpenAI`, pointed at the gateway."""
    sdk = Sdk(request.param, served.url)
    yield sdk
    sdk.close()
