"""A proxy's URL is taken when the HTTP client can use it, and refused at the start when every request would fail."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest

from app import proxies
from app.config import Config
from app.errors import ConfigError
from app.sandbox import server
from tests.running import GatewayStarter, environment
from tests.watching import ask, saying


@dataclass
class Proxy:
    """A real proxy for plain HTTP on this machine: forwards, and keeps what it was asked for."""

    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)  # host of the target, user and password

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: the first request decides where all of it goes."""
        head = await reader.readuntil(b"\r\n\r\n")
        line, *headers = head.decode("latin-1").split("\r\n")
        place = line.split()[1].partition("://")[2].partition("/")[0]
        login = [one.split()[-1] for one in headers if one.lower().startswith("proxy-authorization:")]
        self.asked.append((place, base64.b64decode(login[0]).decode("latin-1") if login else ""))
        host, _, port = place.rpartition(":")
        back, on = await asyncio.open_connection(host, int(port))
        on.write(head.replace(b"http://" + place.encode(), b"", 1))
        await asyncio.gather(_pipe(reader, on), _pipe(back, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """A proxy that listens on 127.0.0.1."""
    made = Proxy()
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await made.serve(reader, writer)

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# URL, what the proxy gets as user and password
TAKEN = [
    ("http://127.0.0.1:{port}", ""),
    ("http://127.0.0.1:{port}/", ""),
    ("HTTP://localhost:{port}", ""),
    ("http://user@127.0.0.1:{port}", "user:"),
    ("http://user:@127.0.0.1:{port}", "user:"),
    ("http://user:pass:word@127.0.0.1:{port}", "user:pass:word"),
    ("http://user:p@ss@127.0.0.1:{port}", "user:p@ss"),
    ("http://us%40er:p%3A%2F%3F%23%5B%5D%25@127.0.0.1:{port}", "us@er:p:/?#[]%"),
    ("http://user:100%@127.0.0.1:{port}", "user:100%"),
    ("http://user:%C3%A9@127.0.0.1:{port}", "user:é"),
    ("http://u$&'()*+,;=^`{{|}}~!:p@127.0.0.1:{port}", "u$&'()*+,;=^`{|}~!:p"),
]


@pytest.mark.parametrize(("url", "login"), TAKEN)
async def test_what_is_taken_works(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, proxy: Proxy, url: str, login: str
) -> None:
    """A request goes through this proxy, which gets the user and password that were meant."""
    gateway = await start_gateway(GPT2GIGA_UPSTREAM_PROXY=url.format(port=proxy.port))
    reply = await ask(http, gateway, saying("да"))
    assert (reply.status, reply.content) == (200, "да")
    assert {one for _, one in proxy.asked} == {login}


REFUSED = [
    "proxy:3128",
    "//proxy:3128",
    "socks5://proxy:1080",
    "socks5h://proxy:1080",
    "ws://proxy:3128",
    "http:proxy",
    "http:///proxy",
    "http://",
    "http://:3128",
    "http://proxy:",
    "http://proxy:0",
    "http://proxy:65536",
    "http://proxy:-1",
    "http://proxy:+80",
    "http://proxy:31_28",
    "http://proxy:3128;x",
    "http://proxy:3128/path",
    "http://proxy:3128?q=1",
    "http://proxy:3128/?",
    "http://proxy:3128#f",
    "http://user:12/34@proxy:3128",
    "http://user:12?34@proxy:3128",
    "http://user:12#34@proxy:3128",
    "http://user:pa/ss@proxy:3128",
    "http://user:p[a]ss@proxy:3128",
    "http://user:p[ass@proxy:3128",
    "http://us\\er:pass@proxy:3128",
    "http://us%3Aer:pass@proxy:3128",
    "http://user:%D0%BF@proxy:3128",
    "http://user:%FF@proxy:3128",
    "http://user:%0A@proxy:3128",
    "http://user:%00@proxy:3128",
    "http://user:пароль@proxy:3128",
    "http://user:pass word@proxy:3128",
    "http://прокси:3128",
    "http://a..b:3128",
    "http://.proxy:3128",
    "http://pro%78y:3128",
    "http://pro|xy:3128",
    "http://-proxy:3128",
    "http://" + "a" * 64 + ":3128",
    "http://127.1:3128",
    "http://0:3128",
    "http://256.1.1.1:3128",
    "http://1.2.3.4.5:3128",
    "http://[127.0.0.1]:3128",
    "http://[::1:3128",
    "http://[::1%25lo]:3128",
    "http://[v1.x]:3128",
]


@pytest.mark.parametrize("name", ["GPT2GIGA_UPSTREAM_PROXY", "HTTPS_PROXY", "https_proxy"])
def test_what_cannot_work_stops_the_start(name: str) -> None:
    """One fault that names the setting and quotes nothing of the value."""
    for url in REFUSED:
        with pytest.raises(ConfigError) as caught:
            Config.load({name: url}, None)
        (fault,) = caught.value.faults
        assert fault.startswith(name.upper())
        assert not any(part in fault for part in ("3128", "34", "pa/ss", "p[ass", "us\\er", "ss@"))


@pytest.mark.parametrize("url", ["https://proxy.example:3128", "http://[::1]:3128", "http://proxy", "http://p.q.:8080"])
def test_other_forms_that_are_taken(url: str) -> None:
    """TLS to the proxy, IPv6, no port, a dot at the name's end."""
    assert proxies.proxy_url(url) == url


# NO_PROXY, URLs that it names, URLs that it does not
BYPASSES = [
    ("*", ["https://api.giga.chat", "http://10.0.0.1:80"], []),
    ("api.giga.chat", ["https://api.giga.chat/v1", "https://x.API.giga.chat:8443"], ["https://giga.chat"]),
    (".giga.chat", ["https://api.giga.chat", "https://giga.chat"], ["https://api.gigachat", "https://xgiga.chat"]),
    ("*.giga.chat", ["https://api.giga.chat"], ["https://xgiga.chat"]),
    ("API.Giga.Chat.", ["https://api.giga.chat.", "https://api.giga.chat"], []),
    ("a , b,,c\td", ["http://a", "http://b", "http://c", "http://x.d"], ["http://e"]),
    ("api.giga.chat:443", ["https://api.giga.chat"], ["https://api.giga.chat:8443", "http://api.giga.chat"]),
    ("127.0.0.1", ["http://127.0.0.1:9555"], ["http://127.0.0.2", "http://localhost"]),
    ("127.0.0.1:9555", ["http://127.0.0.1:9555"], ["http://127.0.0.1:9556"]),
    ("10.0.0.0/8", ["https://10.1.2.3"], ["https://11.1.2.3", "https://api.giga.chat", "http://[::1]"]),
    ("0.1", [], ["http://127.0.0.1"]),
    ("::1", ["http://[::1]:80"], ["http://[::2]"]),
    ("[::1]", ["http://[::1]:80"], []),
    ("[::1]:80", ["http://[::1]"], ["http://[::1]:81"]),
    ("fd00::/8", ["http://[fd12::1]"], ["http://[fe80::1]", "http://10.0.0.1"]),
    (", . :1 [] 1/2/3 x:999999999", [], ["https://api.giga.chat", "http://127.0.0.1", "http://[::1]"]),
]


@pytest.mark.parametrize(("no_proxy", "without", "through"), BYPASSES)
def test_hosts_that_are_asked_without_the_proxy(no_proxy: str, without: list[str], through: list[str]) -> None:
    """Names and all below them, ports, addresses, networks, everything; what is none of these names nothing."""
    for name in ("NO_PROXY", "no_proxy"):
        config = Config.load({"HTTPS_PROXY": "http://p:1", name: no_proxy}, None)
        assert [config.proxy_for(url) for url in without] == [""] * len(without)
        assert [config.proxy_for(url) for url in through] == ["http://p:1"] * len(through)


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
async def test_requests_and_tokens_go_past_the_proxy(
    start_gateway: GatewayStarter, http: aiohttp.ClientSession, proxy: Proxy, sandbox: server.Running, name: str
) -> None:
    """Where `NO_PROXY` names GigaChat nothing reaches the environment's proxy; where it does not, all goes through."""
    for excepted, used in (("127.0.0.1", False), ("giga.chat", True)):
        gateway = await start_gateway(HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}", **{name: excepted})
        assert (await ask(http, gateway, saying("да"))).status == 200
        assert bool(proxy.asked) is used
    assert {place for place, _ in proxy.asked} == {
        url.partition("://")[2].partition("/")[0] for url in (sandbox.api_url, sandbox.oauth_url)
    }


async def test_the_hosts_are_judged_one_by_one(sandbox: server.Running) -> None:
    """The OAuth server may stand outside while GigaChat does not."""
    given = environment(sandbox, HTTPS_PROXY="http://p:1", NO_PROXY="oauth.example")
    config = Config.load({**given, "GIGACHAT_AUTH_URL": "https://oauth.example/x"}, None)
    assert (config.proxy_for(config.auth_url), config.proxy_for(config.base_url)) == ("", "http://p:1")


def test_an_explicit_proxy_is_for_everything() -> None:
    """`NO_PROXY` belongs to the environment's proxy: whoever names one for this gateway means it."""
    given = {"GPT2GIGA_UPSTREAM_PROXY": "http://p:1", "NO_PROXY": "*", "HTTPS_PROXY": "socks5://q:2"}
    assert Config.load(given, None).proxy_for("https://api.giga.chat") == "http://p:1"
