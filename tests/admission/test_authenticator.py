"""The authenticator: keys in every spelling, who a request belongs to, and that no key ever shows."""

from __future__ import annotations

import hashlib
import logging

import aiohttp
import pytest

from app.admission.authenticator import Authenticator
from app.admission.tenants import DEFAULT
from app.errors import GatewayError
from app.sandbox import server
from tests.running import GatewayStarter, Running
from tests.watching import CHAT, ask, everything, raw, saying, told

KEY = "the-gateways-key"
HI = saying("hi")


def hashed(key: bytes) -> str:
    """The tenant of a key."""
    return "_" + hashlib.blake2b(key, digest_size=6).hexdigest()


OPENS = {
    "Bearer": {"Authorization": f"Bearer {KEY}"},
    "bearer": {"authorization": f"bearer {KEY}"},
    "BEARER": {"Authorization": f"BEARER {KEY}"},
    "spaces around": {"Authorization": f"Bearer   {KEY}  "},
    "x-api-key": {"x-api-key": KEY},
    "X-API-Key": {"X-API-Key": KEY},
    "both": {"Authorization": f"Bearer {KEY}", "x-api-key": "other"},
    "x-api-key beside another scheme": {"Authorization": "Basic dTpw", "x-api-key": KEY},
    "x-api-key beside an empty Bearer": {"Authorization": "Bearer", "x-api-key": KEY},
}
SHUT = {
    "nothing": {},
    "wrong": {"Authorization": "Bearer wrong"},
    "wrong x-api-key": {"x-api-key": "wrong"},
    "empty": {"Authorization": "Bearer "},
    "no scheme": {"Authorization": KEY},
    "another scheme": {"Authorization": f"Basic {KEY}"},
    "a beginning of the key": {"Authorization": f"Bearer {KEY[:-1]}"},
    "more than the key": {"Authorization": f"Bearer {KEY}x"},
    "another case": {"Authorization": f"Bearer {KEY.upper()}"},
    "a wrong Bearer before a right key": {"Authorization": "Bearer wrong", "x-api-key": KEY},
    "very long": {"Authorization": "Bearer " + "k" * 8000},
    "not ASCII": {"Authorization": "Bearer ключ"},
    "a tenant instead of a key": {"X-Tenant-ID": "alice"},
    "in the query": {},
}


@pytest.mark.parametrize("headers", OPENS.values(), ids=OPENS)
async def test_a_right_key(headers: dict[str, str], start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """The key is taken as a Bearer, whatever the scheme's case, and as x-api-key."""
    gateway = await start_gateway(ready=False, GPT2GIGA_API_KEY=KEY)
    assert (await ask(http, gateway, HI, headers=headers)).content == "hi"


@pytest.mark.parametrize("headers", SHUT.values(), ids=SHUT)
async def test_a_wrong_key(
    headers: dict[str, str],
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without the key each API route is a 401 that says how to send it; nothing is asked upstream."""
    caplog.set_level(logging.INFO, "gpt2giga")
    gateway = await start_gateway(ready=False, GPT2GIGA_API_KEY=KEY)
    for method, path in (("POST", CHAT), ("POST", "/embeddings"), ("GET", "/v1/models"), ("GET", "/v1/models/x")):
        reply = await ask(http, gateway, method=method, path=f"{path}?key={KEY}", headers=headers, data=b"{")
        assert (reply.status, reply.error["code"]) == (401, "invalid_api_key")
        assert "GPT2GIGA_API_KEY" in reply.error["message"]
    assert not sandbox.state.requests.of("chat")
    assert KEY not in everything(caplog)
    assert "wrong" not in everything(caplog)


async def test_who_needs_no_key(start_gateway: GatewayStarter, http: aiohttp.ClientSession) -> None:
    """Probes, metrics, unknown paths and wrong methods answer without a key: there is nothing to protect."""
    gateway = await start_gateway(GPT2GIGA_API_KEY=KEY)
    for path, status in {
        "/": 200,
        "/livez": 200,
        "/readyz": 200,
        "/health": 200,
        "/metrics": 200,
        "/v1/x": 404,
    }.items():
        assert (await ask(http, gateway, method="GET", path=path)).status == status
    assert (await ask(http, gateway, method="GET", path=CHAT)).status == 405


async def test_any_key_where_none_is_set(gateway: Running, http: aiohttp.ClientSession) -> None:
    """Without a configured key any key is accepted, and none: SDKs always send one."""
    for headers in (
        {},
        {"Authorization": "Bearer sk-anything"},
        {"x-api-key": "anything"},
        {"Authorization": "Basic x"},
    ):
        assert (await ask(http, gateway, HI, headers=headers)).status == 200


@pytest.mark.parametrize("prefix", ["giga-cred-", "giga-auth-", "giga-user-"])
@pytest.mark.parametrize("key", ["", KEY])
async def test_gigachat_credentials_as_a_key(
    prefix: str,
    key: str,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A client that sends its own GigaChat credentials is told: serving it would bill another account."""
    caplog.set_level(logging.INFO, "gpt2giga")
    gateway = await start_gateway(ready=False, GPT2GIGA_API_KEY=key)
    reply = await ask(http, gateway, HI, headers={"Authorization": f"Bearer {prefix}c2VjcmV0"})
    assert (reply.status, reply.error["code"]) == (401, "invalid_api_key")
    assert "GIGACHAT_CREDENTIALS" in reply.error["message"]
    assert "c2VjcmV0" not in reply.text + everything(caplog)


TENANTS = {
    "none": ({}, "default"),
    "a key": ({"Authorization": "Bearer sk-alice"}, hashed(b"sk-alice")),
    "an x-api-key": ({"x-api-key": "sk-alice"}, hashed(b"sk-alice")),
    "a Cyrillic key": ({"x-api-key": "ключ"}, hashed("ключ".encode())),
    "a name": ({"X-Tenant-ID": "team-7.a_b"}, "team-7.a_b"),
    "a name and a key": ({"X-Tenant-ID": "team", "x-api-key": "sk-alice"}, "team"),
    "the longest name": ({"X-Tenant-ID": "t" * 63}, "t" * 63),
}


@pytest.mark.parametrize(("headers", "tenant"), TENANTS.values(), ids=TENANTS)
async def test_the_tenant(
    headers: dict[str, str],
    tenant: str,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A request belongs to the tenant that it names, else to its key's hash, else to the default; never to a key."""
    caplog.set_level(logging.INFO, "gpt2giga")
    gateway = await start_gateway(ready=False)
    assert (await ask(http, gateway, HI, headers=headers)).status == 200
    assert (await told(caplog))["tenant"] == tenant
    assert "sk-alice" not in everything(caplog)


async def test_the_operators_key_is_one_tenant(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """The configured key's holder may name tenants; unnamed requests are one tenant, which is not the key."""
    caplog.set_level(logging.INFO, "gpt2giga")
    gateway = await start_gateway(ready=False, GPT2GIGA_API_KEY=KEY)
    await ask(http, gateway, HI, headers={"x-api-key": KEY})
    assert (await told(caplog))["tenant"] == hashed(KEY.encode())
    await ask(http, gateway, HI, headers={"x-api-key": KEY, "X-Tenant-ID": "alice"})
    assert (await told(caplog, 2))["tenant"] == "alice"


async def test_nobody_names_another_tenant_by_its_key(
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Logs show a key's hash: sent as a name, with its mark or without, it leads to nothing of that key's tenant."""
    caplog.set_level(logging.INFO, "gpt2giga")
    gateway = await start_gateway(ready=False)
    assert (await ask(http, gateway, HI, headers={"x-api-key": "sk-alice"})).status == 200
    tenant = (await told(caplog))["tenant"]
    for name in (tenant, f"_{tenant}"):
        assert (await ask(http, gateway, HI, headers={"X-Tenant-ID": name})).status == 400
    assert (await ask(http, gateway, HI, headers={"X-Tenant-ID": tenant.strip("_")})).status == 200
    hers, others = (record.headers["X-Session-ID"] for record in sandbox.state.requests.of("chat"))
    assert hers != others


@pytest.mark.parametrize("header", [b"Authorization: Bearer ", b"x-api-key: ", b"X-Tenant-ID: ", b"X-Request-ID: "])
@pytest.mark.parametrize("value", [b"\xff\xfe", "ключ".encode(), "ключ".encode("cp1251"), b"\xed\xa0\x80", b"a\x0bb"])
async def test_bytes_that_are_no_text(
    header: bytes, value: bytes, start_gateway: GatewayStarter, caplog: pytest.LogCaptureFixture
) -> None:
    """Headers may hold any byte: the answer is a 400 or 401 in any case, never a fault of ours."""
    caplog.set_level(logging.INFO, "gpt2giga")
    gateway = await start_gateway(ready=False, GPT2GIGA_API_KEY="" if b"Tenant" in header else KEY)
    request = b"POST " + CHAT.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n"
    answer = await raw(gateway, request + header + value + b"\r\n\r\n{}")
    assert answer.split(b" ", 2)[1] in {b"400", b"401"}, answer
    assert "a bug of the gateway" not in everything(caplog)


def test_the_key_is_compared_as_bytes() -> None:
    """A key that is not ASCII opens for exactly its bytes, also as the server decodes them."""
    authenticator = Authenticator("ключ")
    with pytest.raises(GatewayError):
        authenticator.admit("Bearer ключи", None, None)
    assert authenticator.admit("Bearer ключ", None, None).id == hashed("ключ".encode())
    assert Authenticator("").admit(None, None, None) is DEFAULT


def test_what_counts_as_the_configured_key() -> None:
    """Where no key is configured nothing does, though any is accepted."""
    assert Authenticator(KEY).accepts_key(f"Bearer {KEY}", None)
    assert Authenticator(KEY).accepts_key(None, KEY)
    for authenticator, given in (
        (Authenticator(KEY), "wrong"),
        (Authenticator(KEY), ""),
        (Authenticator(""), ""),
        (Authenticator(""), KEY),
    ):
        assert not authenticator.accepts_key(f"Bearer {given}", given)
