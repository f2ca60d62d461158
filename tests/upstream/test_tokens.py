"""A token's life by the clock: renewal, backoff, the second level, and the races around them. No time passes."""

from __future__ import annotations

import asyncio

import pytest

from app.upstream.oauth import TokenFailure
from app.upstream.tokens import NoToken, Token
from tests.upstream.conftest import timeless
from tests.upstream.keeping import FakeOAuth, Told, kept, now

DOWN = TokenFailure("OAuth is down", "Wait")
REFUSED = TokenFailure("OAuth does not accept the key", "Mend it", status=401)


@pytest.mark.parametrize("case", [0.0, 0.5, 1.0])
@timeless
async def test_a_day(case: float) -> None:
    """Over a day OAuth is asked each 24 minutes, jitter makes it earlier only, and a token is there at any moment."""
    oauth, told = FakeOAuth(), Told()
    async with kept(oauth, jitter=case, told=told) as keeper:
        for _ in range(24 * 3600 // 7):
            assert (await keeper.get()).ends > now()
            await asyncio.sleep(7)
    assert all(gap == pytest.approx(1440 * (1 - 0.05 * case), abs=0.01) for gap in oauth.gaps)
    assert told.renewals == ["startup", *["scheduled"] * len(oauth.gaps)]
    assert told.sources == ["oauth"]


@pytest.mark.parametrize(
    "case", [(DOWN, [1, 2, 4, 8, 10, 10, 10]), (REFUSED, [1, 2, 4, 8, 16, 30, 30]), (ValueError(), [1, 2, 4, 8, 10])]
)
@timeless
async def test_backoff(case: tuple[Exception, list[float]]) -> None:
    """Tries without a token come at most 10 s apart, 30 s where the key itself is refused; a bug ends no task."""
    fault, pauses = case
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    oauth = FakeOAuth(fault=fault, takes=0.0)
    async with kept(oauth) as keeper:
        await asyncio.sleep(sum(pauses) + 0.5)
        with pytest.raises(NoToken) as refusal:
            await keeper.get()
        assert refusal.value.retry_after == pytest.approx(pauses[-1] - 0.5, abs=0.1) or pauses[-1] == 10
        assert oauth.gaps == pytest.approx(pauses)
        oauth.fault = None
        await asyncio.sleep(pauses[-1])
        assert (await keeper.get()).source == "oauth"


@pytest.mark.parametrize("case", ["", "spare"])
@timeless
async def test_outage(case: str) -> None:
    """OAuth down: the token serves to its very end, then the ready one or none; OAuth takes over within 10 s."""
    oauth, told = FakeOAuth(), Told()
    async with kept(oauth, case, told=told) as keeper:
        first = await keeper.get()
        oauth.fault = DOWN
        while now() < first.ends - 0.01:
            assert await keeper.get() is first
            await asyncio.sleep(min(5.0, max(0.001, first.ends - 0.01 - now())))
        await asyncio.sleep(0.02)
        status = keeper.status()
        assert (status.source, status.reason) == ("ready" if case else "none", "OAuth is down")
        assert status.failures > 30
        await asyncio.sleep(3600)
        oauth.fault = None
        await asyncio.sleep(10.1)
        assert (await keeper.get()).source == "oauth"
        assert keeper.status().failures == 0
    assert told.sources == ["oauth", "ready" if case else "none", "oauth"]


@pytest.mark.parametrize("case", [1e-9, 0.01, 0.3, 1e15])
@timeless
async def test_absurd_lives(case: float) -> None:
    """However short a life OAuth tells, it is not asked more than five times a second; however long, each 6 hours."""
    oauth = FakeOAuth(life=case, takes=0.0)
    async with kept(oauth) as keeper:
        await asyncio.sleep(12.5 * 3600 if case > 1 else 10)
        assert len(oauth.asked) == 3 if case > 1 else 45 <= len(oauth.asked) <= 51
        assert keeper.status().failures == 0


@timeless
async def test_start() -> None:
    """A hundred requests at the start make one OAuth call and get its token; those that left do no harm."""
    oauth = FakeOAuth(takes=1.0)
    async with kept(oauth) as keeper:
        waiting = [asyncio.create_task(keeper.get()) for _ in range(100)]
        await asyncio.sleep(0.5)
        assert keeper.status().reason == "OAuth has given no token yet"
        for task in waiting[::3]:
            task.cancel()
        got = await asyncio.gather(*waiting, return_exceptions=True)
        assert {token.value for token in got if isinstance(token, Token)} == {"token1"}
        assert sum(isinstance(token, asyncio.CancelledError) for token in got) == 34
        assert len(oauth.asked) == 1


@timeless
async def test_refused_together() -> None:
    """Twenty requests whose token was refused make one OAuth call; who left, and who comes late, costs nothing."""
    oauth, told = FakeOAuth(takes=1.0), Told()
    async with kept(oauth, told=told) as keeper:
        old = await keeper.get()
        waiting = [asyncio.create_task(keeper.replace(old)) for _ in range(20)]
        await asyncio.sleep(0.5)
        for task in waiting[::2]:
            task.cancel()
        got = await asyncio.gather(*waiting, return_exceptions=True)
        assert {token.value for token in got if isinstance(token, Token)} == {"token2"}
        late = await keeper.replace(old)
        assert late is not None
        assert late.value == "token2"
        await asyncio.sleep(1000)
    assert len(oauth.asked) == 2
    assert told.renewals == ["startup", "unauthorized"]


@timeless
async def test_refused_during_a_renewal() -> None:
    """A 401 while the scheduled call is under way waits for that one and makes no second."""
    oauth = FakeOAuth(takes=3.0)
    async with kept(oauth) as keeper:
        old = await keeper.get()
        await asyncio.sleep(1440 - 1.5)
        assert len(oauth.asked) == 2
        new = await keeper.replace(old)
        await asyncio.sleep(60)
        assert new is not None
        assert (new.value, len(oauth.asked)) == ("token2", 2)


@pytest.mark.parametrize("case", ["", "spare"])
@timeless
async def test_dead(case: str) -> None:
    """A fresh token refused too: the credential is dead, nobody waits for it, and it is tried again a little later."""
    oauth = FakeOAuth()
    async with kept(oauth, case) as keeper:
        fresh = await keeper.replace(await keeper.get())
        assert fresh is not None
        before = now()
        others = [await keeper.replace(fresh, fresh=True), await keeper.replace(fresh), await keeper.replace(fresh)]
        assert [other and other.source for other in others] == (["ready"] * 3 if case else [None] * 3)
        assert now() == before
        if not case:
            with pytest.raises(NoToken, match="does not accept the gateway's token") as refusal:
                await keeper.get()
            assert refusal.value.retry_after == 1
        await asyncio.sleep(1.1)
        assert (await keeper.get()).value == "token3"
        await asyncio.sleep(600)
        assert len(oauth.asked) == 3


@timeless
async def test_dead_again_and_again() -> None:
    """The pause doubles up to 30 s while GigaChat refuses each new token, and is short again after a good while."""
    oauth = FakeOAuth(takes=0.0)
    async with kept(oauth) as keeper:
        await asyncio.sleep(1)
        for _ in range(8):
            await keeper.replace(await keeper.get(), fresh=True)
            while keeper.choose() is None:
                await asyncio.sleep(0.1)
        pauses = [round(gap) for gap in oauth.gaps[-8:]]
        assert pauses == [1, 2, 4, 8, 16, 30, 30, 30] or pauses[1:] == [2, 4, 8, 16, 30, 30, 30]
        await asyncio.sleep(200)
        asked = len(oauth.asked)
        await keeper.replace(await keeper.get(), fresh=True)
        await asyncio.sleep(1.5)
        assert len(oauth.asked) == asked + 1


@timeless
async def test_condemned_while_another_waits() -> None:
    """Who waits for a renewal is told at once when another request finds the credential dead in the same turn."""
    async with kept(FakeOAuth()) as keeper:
        token = await keeper.get()
        before = now()
        others = await asyncio.gather(keeper.replace(token), keeper.replace(token, fresh=True))
        assert all(other is None for other in others)
        assert now() == before
        await asyncio.sleep(1.1)
        assert (await keeper.get()).value == "token2"


@timeless
async def test_the_same_token_again() -> None:
    """An OAuth that repeats the refused token is not asked once per request: the credential is dead for a while."""
    oauth = FakeOAuth(same=True)
    async with kept(oauth) as keeper:
        token = await keeper.get()
        assert [await keeper.replace(token) for _ in range(50)] == [None] * 50
        assert len(oauth.asked) == 2
        with pytest.raises(NoToken):
            await keeper.get()


@timeless
async def test_silent_oauth_with_a_ready_token() -> None:
    """While OAuth hangs, a ready token serves after 2 s from the start on; one that is refused has nobody wait less."""
    oauth = FakeOAuth(takes=9.0)
    async with kept(oauth, "spare") as keeper:
        assert (await keeper.get()).source == "ready"
        assert now() == pytest.approx(2)
        ready = await keeper.get()
        assert now() == pytest.approx(2), "only the start is waited for, not each request"
        assert await keeper.replace(ready) is None
        assert (await keeper.get()).source == "oauth"
        assert now() == pytest.approx(9)


@timeless
async def test_refused_while_oauth_hangs() -> None:
    """A 401 gets the ready token within 2 s when OAuth hangs, at once when OAuth is known to fail."""
    oauth = FakeOAuth()
    async with kept(oauth, "spare") as keeper:
        token, oauth.takes, oauth.fault = await keeper.get(), 9.0, DOWN
        begun = now()
        other = await keeper.replace(token)
        assert other is not None
        assert other.source == "ready"
        assert now() - begun == pytest.approx(2)
        await asyncio.sleep(8)
        begun = now()
        again = await keeper.replace(token)
        assert again is not None
        assert (again.source, now()) == ("ready", begun)


@pytest.mark.parametrize("case", ["", "spare"])
@timeless
async def test_no_first_level(case: str) -> None:
    """Without credentials the ready token serves at once, and without one the reason names the setting."""
    async with kept(None, case) as keeper:
        if case:
            token = await keeper.get()
            assert (token.value, keeper.status().remaining) == ("spare", None)
        else:
            with pytest.raises(NoToken, match="GIGACHAT_CREDENTIALS"):
                await keeper.get()
