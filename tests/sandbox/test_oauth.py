"""Where tokens come from."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import pytest

from app.sandbox.oauth import RULES
from app.sandbox.server import Running
from app.sandbox.state import SandboxSettings, authorization_key
from app.sandbox.tokens import TokenStatus

OAUTH = "/api/v2/oauth"
KEY = authorization_key("sandbox", "sandbox")
RUN = "6f0b1291-c7f3-43c6-bb2e-9f3efb2dc98e"
SCOPE = "GIGACHAT_API_PERS"


async def _token(session: aiohttp.ClientSession, **changes: Any) -> tuple[aiohttp.ClientResponse, bytes]:
    given = {"auth": f"Basic {KEY}", "run": RUN, "form": {"scope": SCOPE}, **changes}
    headers = {"Authorization": given["auth"], "RqUID": given["run"], "Accept": "application/json"}
    async with session.post(OAUTH, headers=headers, data=given["form"]) as response:
        return response, await response.read()


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
async def test_token_for_a_key(running: Running, session: aiohttp.ClientSession, scheme: str) -> None:
    """The right key gives a token that the API accepts, with its end in milliseconds; Bearer is accepted too."""
    response, raw = await _token(session, auth=f"{scheme} {KEY}")
    body = orjson.loads(raw)
    assert response.status == 200
    assert list(body) == ["access_token", "expires_at"]
    assert running.state.tokens.check(body["access_token"]) is TokenStatus.GOOD
    assert body["expires_at"] / 1000 == pytest.approx(time.time() + 1800, abs=5)


async def test_headers_of_the_answer(session: aiohttp.ClientSession) -> None:
    """The recorded headers: another server than the API's, no caching, no request id."""
    headers = (await _token(session))[0].headers
    assert headers["Server"] == "SynGX"
    assert headers["Cache-Control"] == "no-cache, no-store, max-age=0, must-revalidate"
    assert (headers["Pragma"], headers["Expires"]) == ("no-cache", "0")
    assert "X-Request-Id" not in headers
    assert headers["X-Sandbox"] == "gpt2giga-proxy"


CASES: list[tuple[str, dict[str, Any], int, dict[str, Any] | None]] = [
    ("run id", {"run": "not-a-uuid"}, 400, None),
    ("no scope", {"form": {}}, 400, {"code": 5, "message": "scope is empty"}),
    ("no scope", {"form": b'{"scope":"GIGACHAT_API_PERS"}'}, 400, {"code": 5, "message": "scope is empty"}),
    ("scope word", {"form": {"scope": "ALL"}}, 400, {"code": 1, "message": "scope data format invalid"}),
    ("key", {"auth": "Basic d3Jvbmc="}, 401, {"code": 6, "message": "credentials doesn't match db data"}),
    ("key", {"auth": f"Digest {KEY}"}, 401, {"code": 6, "message": "credentials doesn't match db data"}),
    (
        "key's scope",
        {"form": {"scope": "GIGACHAT_API_B2B"}},
        400,
        {"code": 7, "message": "scope from db not fully includes consumed scope"},
    ),
]


@pytest.mark.parametrize(("rule", "changes", "status", "body"), CASES)
async def test_refusals(
    session: aiohttp.ClientSession, rule: str, changes: dict[str, Any], status: int, body: dict[str, Any] | None
) -> None:
    """Each rule answers with its status, and with its code and message or no body at all."""
    response, raw = await _token(session, **changes)
    assert response.status == status
    assert raw == (b"" if body is None else orjson.dumps(body))


def test_each_rule_has_a_case() -> None:
    """No row of the table is untested."""
    assert {case[0] for case in CASES} == {rule.name for rule in RULES}


async def test_ten_a_second(session: aiohttp.ClientSession) -> None:
    """The eleventh request within a second is refused."""
    statuses = [(await _token(session, run=str(uuid4())))[0].status for _ in range(11)]
    assert statuses == [200] * 10 + [429]


async def test_next_second(session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second later there are ten more."""
    now = time.monotonic()
    for _ in range(11):
        await _token(session)
    monkeypatch.setattr("app.sandbox.oauth.time.monotonic", lambda: now + 2)
    assert (await _token(session))[0].status == 200


@pytest.mark.parametrize("settings", [SandboxSettings(oauth_per_second=0, clock_offset=-3600)])
async def test_no_limit_and_a_slow_clock(session: aiohttp.ClientSession) -> None:
    """The limit can be lifted; the clock's offset is in `expires_at`."""
    answers = [await _token(session) for _ in range(12)]
    assert {response.status for response, _ in answers} == {200}
    assert orjson.loads(answers[0][1])["expires_at"] / 1000 == pytest.approx(time.time() - 1800, abs=5)


async def test_seconds_unit(running: Running, session: aiohttp.ClientSession) -> None:
    """By fault the end comes in whole seconds, as on some contours."""
    running.state.faults.add("seconds_unit")
    assert orjson.loads((await _token(session))[1])["expires_at"] == pytest.approx(time.time() + 1800, abs=5)


@pytest.mark.parametrize("base", ["/v1", "/api/v1"])
async def test_login(running: Running, session: aiohttp.ClientSession, base: str) -> None:
    """User and password give `tok`, with `exp` in seconds."""
    headers = {"Authorization": aiohttp.encode_basic_auth("sandbox", "sandbox")}
    async with session.post(f"{base}/token", headers=headers) as response:
        body = await response.json()
        assert list(body) == ["tok", "exp"]
        assert "X-Request-Id" in response.headers
    assert running.state.tokens.check(body["tok"]) is TokenStatus.GOOD
    assert body["exp"] == pytest.approx(time.time() + 1800, abs=5)


@pytest.mark.parametrize("authorization", ["Basic d3Jvbmc6d3Jvbmc=", f"Bearer {KEY}", ""])
async def test_wrong_password(session: aiohttp.ClientSession, authorization: str) -> None:
    """Anything else is unauthorized."""
    async with session.post("/v1/token", headers={"Authorization": authorization}) as response:
        assert response.status == 401
        assert await response.read() == b'{"status":401,"message":"Unauthorized"}'
