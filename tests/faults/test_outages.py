"""The fault table, rows of whole parties that are gone: OAuth, GigaChat's API, its name, its certificate, its answers.

Each row: what clients saw, what GigaChat was asked and paid for, nothing held afterwards, service back within 2 s.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.faults.certifying import bundle, certify, server_context
from tests.faults.conftest import WorldMaker
from tests.faults.crowd import SERVED, Seen, outcomes, served
from tests.faults.oracle import attempts_at_most, retries_at_most
from tests.faults.proxy import CLEAR, Fault
from tests.faults.world import World
from tests.running import eventually

NO_TOKEN = (503, "upstream_credentials_exhausted")
FAILED = (502, "upstream_error")
OPEN = (503, "upstream_unavailable")
STOPPED = (503, "upstream_stopped")
TIMEOUT = (504, "upstream_timeout")


def slots(count: int) -> int:
    """How many of a crowd GigaChat may have at a time."""
    return max(5, count // 4)


def given(count: int, **more: str) -> dict[str, str]:
    """The settings of a gateway before a crowd of this size."""
    return {"GIGACHAT_MAX_CONCURRENCY": str(slots(count)), **more}


async def is_over(world: World) -> None:
    """What holds after each row."""
    await world.is_back()
    await world.holds_nothing()
    world.paid_once()
    world.within_budget()


def check_refusals(seen: list[Seen]) -> None:
    """What a client is told of coming back: by the circuit always, by a failed try never."""
    for one in seen:
        if one.what == OPEN:
            assert one.headers["x-should-retry"] == "true"
            assert int(one.headers["Retry-After"]) >= 1
        elif one.what == FAILED:
            assert one.headers["x-should-retry"] == "false"


async def check_outage(world: World, count: int) -> list[Seen]:
    """A crowd in an outage: each is told so, at once when the circuit is open; attempts are few."""
    before = await world.attempts()
    seen = await world.ask(count)
    assert set(outcomes(seen)) <= {FAILED, OPEN}, outcomes(seen)
    check_refusals(seen)
    most = attempts_at_most(count, slots(count), tries=2)
    assert await world.attempts() - before <= most + world.probes(seen)
    if count > most:
        assert outcomes(seen)[OPEN] >= count - most
    return seen


@pytest.mark.parametrize(
    "how", ["down", pytest.param("slow", marks=pytest.mark.long), pytest.param("failing", marks=pytest.mark.long)]
)
async def test_oauth(make_world: WorldMaker, count: int, how: str) -> None:
    """While the token lives nobody notices; without one each is told at once, and GigaChat is not asked."""
    world = await make_world({"token_ttl": 3.0}, **given(count))
    await world.warm_up()
    if how == "down":
        await world.oauth.refuse()
    elif how == "slow":
        world.oauth.fault = Fault(seconds=2.0)
    else:
        world.sandbox.state.faults.add("status", where="oauth", times=None, status=500)
    seen = await world.ask(count)
    assert served(seen) == count, outcomes(seen)
    await eventually(lambda: world.gateway.gateway.keeper.choose() is None)
    chats = len(world.sandbox.state.requests.of("chat"))
    seen = await world.ask(count)
    assert set(outcomes(seen)) == {NO_TOKEN}
    assert all(int(one.headers["Retry-After"]) >= 1 for one in seen)
    assert len(world.sandbox.state.requests.of("chat")) == chats
    world.oauth.fault = CLEAR
    world.sandbox.state.faults.clear()
    await world.oauth.listen()
    await is_over(world)


async def test_a_token_is_revoked_mid_stream(make_world: WorldMaker, count: int) -> None:
    """What streams goes on, what is asked next is asked again with a token of one shared renewal: all are served."""
    world = await make_world({"chunk_seconds": 0.02}, **given(count))
    await world.warm_up()
    asked = asyncio.ensure_future(world.ask(count, words=30))
    await eventually(lambda: any(one.chunks for one in world.sandbox.state.requests.of("chat")[2:]))
    world.sandbox.state.tokens.revoke()
    seen = await asked
    assert served(seen) == count, outcomes(seen)
    assert len(world.sandbox.state.requests.of("oauth")) == 2
    refused = [one for one in world.sandbox.state.requests.of("chat") if one.status == 401]
    assert len(refused) <= slots(count)
    await world.is_back()
    await world.holds_nothing()
    world.paid_once(0)


async def test_the_api_is_down(make_world: WorldMaker, count: int) -> None:
    """Connections are refused: few attempts, then the circuit tells all at once."""
    world = await make_world(**given(count))
    await world.warm_up()
    await world.api.refuse()
    await check_outage(world, count)
    await world.api.listen()
    await is_over(world)


async def test_the_api_goes_down_under_load(make_world: WorldMaker, count: int) -> None:
    """Requests that GigaChat works on are reset: each is served or told so, and nobody gets two answers."""
    world = await make_world(**given(count))
    await world.warm_up()
    asked = asyncio.ensure_future(world.ask(count, wait=0.3))
    await eventually(lambda: world.sandbox.state.chatting == slots(count))
    await world.api.refuse()
    seen = await asked
    assert set(outcomes(seen)) <= {FAILED, OPEN}, outcomes(seen)
    check_refusals(seen)
    await world.api.listen()
    await world.is_back()
    await world.holds_nothing()
    world.within_budget()


async def test_the_api_resets_a_few(make_world: WorldMaker, count: int) -> None:
    """As many resets as the budget allows retries: all are served."""
    world = await make_world(**given(count))
    await world.warm_up(count)  # so that no circuit opens: fewer than half of all attempts fail
    most = retries_at_most(count) - 2
    world.sandbox.state.faults.add("down", where="chat", times=most, rst=True)
    seen = await world.ask(count)
    assert served(seen) == count, outcomes(seen)
    await is_over(world)


@pytest.mark.parametrize(
    "fault", [Fault(seconds=0.1), pytest.param(Fault(pace=5_000), marks=pytest.mark.long)], ids=["late", "throttled"]
)
async def test_the_api_is_slow(make_world: WorldMaker, count: int, fault: Fault) -> None:
    """Late answers within the limits are answers: none is asked for twice."""
    world = await make_world(**given(count))
    await world.warm_up()
    world.api.fault = fault
    seen = await world.ask(count)
    assert served(seen) == count, outcomes(seen)
    assert max(world.ledger.attempts.values()) == 1
    world.api.fault = CLEAR
    await is_over(world)


@pytest.mark.parametrize("status", [pytest.param(500, marks=pytest.mark.long), 502])
async def test_a_page_in_place_of_a_few_answers(make_world: WorldMaker, count: int, status: int) -> None:
    """As many as the budget allows retries: all are served, whole and streamed, and nothing was paid twice."""
    world = await make_world(**given(count))
    await world.warm_up(count)  # so that no circuit opens: fewer than half of all attempts fail
    world.sandbox.state.faults.add("status", where="chat", times=retries_at_most(count) // 2, status=status, html=True)
    seen = await world.ask(count)
    assert served(seen) + outcomes(seen)[FAILED] == count, outcomes(seen)
    # one request that meets a 500 twice is told so, and one that meets a 502 three times
    assert outcomes(seen)[FAILED] <= (1 if status == 500 else 0)
    await is_over(world)


async def test_pages_in_place_of_all_answers(make_world: WorldMaker, count: int) -> None:
    """A proxy's 502: few attempts, then the circuit tells all at once."""
    world = await make_world(**given(count))
    await world.warm_up()
    world.sandbox.state.faults.add("status", where="any", times=None, status=502, html=True)
    await check_outage(world, count)
    world.sandbox.state.faults.clear()
    await is_over(world)


async def test_a_model_is_stopped(make_world: WorldMaker, count: int) -> None:
    """One 423, and nobody asks for that model any more; other models are served; a probe brings it back."""
    world = await make_world(**given(count))
    await world.warm_up()
    world.sandbox.state.faults.add("status", where="chat", times=1, status=423)
    (first,) = await world.ask(1)
    assert first.what == STOPPED
    asked = len(world.sandbox.state.requests.of("chat"))
    seen, others = await world.ask(count), await world.ask(count, model="GigaChat-2-Pro")
    assert set(outcomes(seen)) == {STOPPED}
    assert all(one.headers["x-should-retry"] == "false" and int(one.headers["Retry-After"]) >= 1 for one in seen)
    assert served(others) == count, outcomes(others)
    assert len(world.sandbox.state.requests.of("chat")) == asked + count
    await is_over(world)


async def test_a_half_open_upstream(make_world: WorldMaker, count: int) -> None:
    """Connections stand and nothing comes: a stream is tried once more, a whole answer never; then the circuit."""
    settings = given(count, GPT2GIGA_FIRST_BYTE_SECONDS="0.2", GIGACHAT_TIMEOUT="0.2")
    world = await make_world(**settings)
    await world.warm_up()
    world.api.fault = Fault(swallow=True)
    before = await world.attempts()
    seen = await world.ask(count)
    assert set(outcomes(seen)) <= {TIMEOUT, OPEN}, outcomes(seen)
    most = attempts_at_most(count, slots(count), tries=1)
    assert await world.attempts() - before <= most + world.probes(seen)
    world.api.fault = CLEAR
    await is_over(world)


async def test_the_name_is_gone(make_world: WorldMaker, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing resolves: as any outage; what has connections goes on without a name."""
    resolve, gone = socket.getaddrinfo, True

    def answer(host: Any, *more: Any, **named: Any) -> Any:
        if host == "gigachat.test":
            if gone:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            host = "127.0.0.1"
        return resolve(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    world = await make_world(ready=False, host="gigachat.test", **given(count))
    await eventually(lambda: world.gateway.gateway.keeper.choose() is not None)
    await check_outage(world, count)
    gone = False
    await is_over(world)
    gone = True
    await world.ask(5)
    assert served(await world.ask(10)) == 10


async def test_the_certificate_has_expired(make_world: WorldMaker, count: int, tmp_path: Path) -> None:
    """No request is sent to whom it may not concern; with a new certificate all is as before."""
    old, new = certify(tmp_path / "old", "20200201000000Z"), certify(tmp_path / "new", "20490101000000Z")
    trusted = bundle(tmp_path / "bundle.pem", old, new)
    context = server_context(old)
    world = await make_world(ready=False, context=context, **given(count, GIGACHAT_CA_BUNDLE_FILE=str(trusted)))
    await eventually(lambda: world.gateway.gateway.keeper.choose() is not None)
    await check_outage(world, count)
    assert world.sandbox.state.requests.of("chat") == []
    context.load_cert_chain(new)
    await is_over(world)


@pytest.mark.parametrize("offset", [600.0, pytest.param(-600.0, marks=pytest.mark.long)], ids=["ahead", "behind"])
async def test_the_clock_is_off(make_world: WorldMaker, count: int, offset: float) -> None:
    """GigaChat's clock ten minutes off: all is served, no token is refused, OAuth is asked as always."""
    world = await make_world({"clock_offset": offset, "token_ttl": 900.0}, **given(count))
    await world.warm_up()
    seen = await world.ask(count)
    assert outcomes(seen) == {SERVED: count}
    assert {one.status for one in world.sandbox.state.requests.of("chat")} == {200}
    assert len(world.sandbox.state.requests.of("oauth")) == 1
    await is_over(world)
    world.paid_once(0)
