"""Whom GigaChat's client trusts: pinned certificates, the operator's bundle, and nobody else, over real TLS."""

from __future__ import annotations

import datetime as dt
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from app.observe import metrics
from app.sandbox import server
from app.sandbox.chat import complete
from app.sandbox.gate import build_handler
from app.sandbox.models import list_models
from app.sandbox.state import STATE, SandboxSettings, State
from app.upstream import trust
from tests.running import GatewayStarter, ProcessStarter, eventually
from tests.upstream.conftest import Chat, Events, Metric, See

MANY = "the bundle holds too many certificates: when they end is not watched"
ROOT = "D26D2D0231B7C39F92CC738512BA54103519E4405D68B5BD703E9788CA8ECF31"


class Pair(NamedTuple):
    """A self-signed certificate and its key."""

    cert: Path
    key: Path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A certificate for 127.0.0.1 that no store knows."""
    folder = tmp_path_factory.mktemp("tls")
    made = Pair(folder / "cert.pem", folder / "key.pem")
    options = "-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=gpt2giga-stranger"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(made.key), "-out", str(made.cert)]
    subprocess.run(["openssl", "req", *options.split(), *names], check=True, capture_output=True)
    return made


StartTls = Callable[..., Coroutine[Any, Any, server.Running]]


@pytest.fixture
async def start_tls(pair: Pair) -> AsyncIterator[StartTls]:
    """Start sandboxes behind TLS; with `clients` they take a client's certificate in place of a token."""
    runners: list[web.AppRunner] = []

    async def start(*, clients: bool = False) -> server.Running:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair.cert, pair.key)
        app = server.make_app()
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(pair.cert)
            app = web.Application()
            app[STATE] = State(SandboxSettings())
            app.router.add_get("/v1/models", build_handler("models", list_models, bearer=False))
            app.router.add_post("/v1/chat/completions", build_handler("chat", complete, bearer=False))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        return server.Running(runner, f"https://127.0.0.1:{runner.addresses[0][1]}")

    yield start
    for runner in runners:
        await runner.cleanup()


async def test_untrusted(
    start_tls: StartTls, start_gateway: GatewayStarter, chat: Chat, see: See, events: Events
) -> None:
    """A chain that nobody pinned: the log names cause and remedy, the client a 502 without details."""
    tls = await start_tls()
    changes = {"GIGACHAT_CREDENTIALS": "", "GIGACHAT_ACCESS_TOKEN": tls.state.tokens.issue(60)}
    gateway = await start_gateway(tls, ready=False, **changes)
    await eventually(lambda: bool(events("GigaChat is gone")))
    why = events("GigaChat is gone")[0]["why"]
    for word in ("certificate", "self-signed", "python -m app certs --fetch", "GIGACHAT_CA_BUNDLE_FILE"):
        assert word in why
    for stream in (False, True):
        reply = await chat(gateway.url, stream=stream)
        assert (reply.status, reply.code) == (502, "upstream_error")
        assert "127.0.0.1" not in str(reply.body)
        assert "self-signed" not in str(reply.body)
    assert (await see(gateway.url, "/readyz"))[0] == 503
    assert len(tls.state.requests) == 0


async def test_untrusted_oauth(
    start_tls: StartTls, start_gateway: GatewayStarter, chat: Chat, see: See, events: Events
) -> None:
    """The same of OAuth: no key goes out, the log has the details, client and health the reason and the remedy."""
    tls = await start_tls()
    gateway = await start_gateway(tls, ready=False)
    reply = await chat(gateway.url)
    assert (reply.status, reply.code) == (503, "upstream_credentials_exhausted")
    assert "certificate is not trusted" in reply.body["error"]["message"]
    assert "127.0.0.1" not in reply.body["error"]["message"]
    assert "self-signed" in events("no token from OAuth")[0]["why"]
    assert "GIGACHAT_CA_BUNDLE_FILE" in (await see(gateway.url))[1]["token"]["remedy"]
    assert len(tls.state.requests) == 0


async def test_bundle(start_tls: StartTls, start_gateway: GatewayStarter, chat: Chat, see: See, pair: Pair) -> None:
    """With the operator's bundle OAuth and the API are verified by it."""
    gateway = await start_gateway(await start_tls(), GIGACHAT_CA_BUNDLE_FILE=str(pair.cert))
    assert (await chat(gateway.url)).status == 200
    status, body = await see(gateway.url)
    assert (status, body["status"], body["tls_verification"]) == (200, "healthy", True)


async def test_a_name_that_is_not_in_it(
    start_tls: StartTls, start_gateway: GatewayStarter, events: Events, pair: Pair
) -> None:
    """A trusted certificate of another name is refused: the name is checked too."""
    tls = await start_tls()
    elsewhere = tls.oauth_url.replace("127.0.0.1", "localhost")
    await start_gateway(tls, ready=False, GIGACHAT_CA_BUNDLE_FILE=str(pair.cert), GIGACHAT_AUTH_URL=elsewhere)
    await eventually(lambda: bool(events("no token from OAuth")))
    assert "ostname mismatch" in events("no token from OAuth")[0]["why"]


async def test_dead_idle_connections_over_tls(
    start_tls: StartTls, start_gateway: GatewayStarter, chat: Chat, pair: Pair
) -> None:
    """The replay over a new connection checks the same certificate and name, and costs no request."""
    tls = await start_tls()
    gateway = await start_gateway(tls, GIGACHAT_CA_BUNDLE_FILE=str(pair.cert))
    tls.state.faults.add("drop_idle", "chat")
    assert [(await chat(gateway.url)).status for _ in range(3)] == [200] * 3
    assert [record.faults for record in tls.state.requests.of("chat")].count(["drop_idle"]) == 2


def test_verification_off_is_loud(start_process: ProcessStarter, unused_port: int) -> None:
    """Switched off, the start warns; the setting stands in the log."""
    env = {"GIGACHAT_VERIFY_SSL_CERTS": "false", "GIGACHAT_ACCESS_TOKEN": "t"}
    process = start_process(env={**env, "GIGACHAT_BASE_URL": f"https://127.0.0.1:{unused_port}"})
    loud = "GIGACHAT_VERIFY_SSL_CERTS is off: anyone on the way can read keys and prompts"
    assert process.event(loud)["level"] == "warning"
    process.stop()


async def test_verification_off(start_tls: StartTls, start_gateway: GatewayStarter, chat: Chat, see: See) -> None:
    """Switched off, anything is taken, and health says degraded for as long as it is so."""
    gateway = await start_gateway(await start_tls(), GIGACHAT_VERIFY_SSL_CERTS="false")
    assert (await chat(gateway.url)).status == 200
    status, body = await see(gateway.url)
    assert (status, body["status"], body["tls_verification"]) == (200, "degraded", False)
    assert "GIGACHAT_VERIFY_SSL_CERTS" in body["reason"]


async def test_client_certificate(
    start_tls: StartTls, start_gateway: GatewayStarter, chat: Chat, see: See, pair: Pair
) -> None:
    """mTLS: the client's certificate is enough, no Authorization is sent and no OAuth is asked."""
    tls = await start_tls(clients=True)
    files = {"GIGACHAT_CERT_FILE": str(pair.cert), "GIGACHAT_KEY_FILE": str(pair.key)}
    gateway = await start_gateway(tls, GIGACHAT_CREDENTIALS="", GIGACHAT_CA_BUNDLE_FILE=str(pair.cert), **files)
    assert (await chat(gateway.url)).status == 200
    assert (await see(gateway.url))[1]["token"]["source"] == "mtls"
    assert not any("Authorization" in record.headers for record in tls.state.requests.of())
    tls.state.faults.add("status", "chat", status=401)
    assert (await chat(gateway.url)).status == 503
    assert (await chat(gateway.url)).status == 200


async def test_stranger(start_gateway: GatewayStarter, tmp_path: Path, pair: Pair, events: Events) -> None:
    """A certificate in the state directory that is not in the table is ignored, with a warning that names the file."""
    (tmp_path / "certs").mkdir()
    stranger = tmp_path / "certs" / "mine.pem"
    stranger.write_bytes(pair.cert.read_bytes())
    await start_gateway(GPT2GIGA_STATE_DIR=str(tmp_path))
    ignored = events("a certificate that is not pinned is ignored")
    assert [(line["level"], line["file"]) for line in ignored] == [("WARNING", str(stranger))]
    found, strangers = trust.find_certificates(tmp_path)
    assert ([one.sha256 for one in found][:1], strangers) == ([ROOT], [stranger])


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"])
def test_broken_files(tmp_path: Path, content: bytes) -> None:
    """A file that holds no certificate at all is a stranger too, not an error."""
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "broken.crt").write_bytes(content)
    assert [path.name for path in trust.find_certificates(tmp_path)[1]] == ["broken.crt"]


def test_pinned_among_strangers(tmp_path: Path, pair: Pair) -> None:
    """Of a bundle only the pinned certificates are taken, and one that lies there twice is there once."""
    (tmp_path / "certs").mkdir()
    root = (trust.shipped_directory() / "russian_trusted_root_ca.pem").read_text()
    (tmp_path / "certs" / "bundle.pem").write_text(pair.cert.read_text() + root)
    found, strangers = trust.find_certificates(tmp_path)
    assert (len(found), strangers) == (len(trust.find_certificates(None)[0]), [])
    assert len(trust.split_pem(pair.cert.read_text() + root)) == 2
    subjects = [str(cert["subject"]) for cert in trust.make_context(found).get_ca_certs()]
    assert sum("Russian Trusted Root CA" in subject for subject in subjects) == 1
    assert not any("gpt2giga-stranger" in subject for subject in subjects)


async def test_shipped_root(start_gateway: GatewayStarter, metric: Metric) -> None:
    """The Ministry's root is shipped, with the published fingerprint and end, which is a metric."""
    root = next(one for one in trust.find_certificates(None)[0] if one.sha256 == ROOT)
    assert root.name == "Russian Trusted Root CA"
    assert dt.datetime.fromtimestamp(root.expires, dt.UTC).date() == dt.date(2032, 2, 27)
    await start_gateway()
    assert metric("certificate_expiry_timestamp_seconds", name=root.name) == root.expires


def test_table() -> None:
    """Three certificates, each with a fingerprint of its own and an address of the publisher."""
    assert len({pin.sha256 for pin in trust.PINS}) == 3
    assert all(len(pin.sha256) == 64 and pin.url.startswith("https://gu-st.ru/") for pin in trust.PINS)


async def test_trust_does_not_leak(start_gateway: GatewayStarter) -> None:
    """The Ministry's root is trusted by GigaChat's client only, not by the process in which it runs."""
    await start_gateway()
    assert "Russian Trusted" in str(trust.make_context(trust.find_certificates(None)[0]).get_ca_certs())
    for context in (ssl.create_default_context(), trust.make_context([])):
        assert "Russian Trusted" not in str(context.get_ca_certs())


def authority(folder: Path, subject: str, days: int = 2) -> str:
    """The PEM of a self-signed authority."""
    options = f"-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days {days}"
    files = ["-subj", subject, "-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run(["openssl", "req", *options.split(), *files], check=True, capture_output=True)
    return (folder / "cert").read_text()


def ends() -> dict[str, float]:
    """Whose end the metrics tell, and when."""
    samples = next(iter(metrics.shared().certificate_expiry.collect())).samples
    return {one.labels["name"]: one.value for one in samples}


async def test_the_ends_of_a_bundle_are_told(start_gateway: GatewayStarter, tmp_path: Path, events: Events) -> None:
    """Each of its certificates has a series, those of one name too, and no pinned one has: it is not trusted."""
    bundle = tmp_path / "bundle.pem"
    given = [("/CN=One", 2), ("/CN=Twin", 3), ("/CN=Twin", 4), ("/O=Nobody/OU=Old", 5), ("/C=RU", 6)]
    bundle.write_text("".join(authority(tmp_path, *one) for one in given))
    await start_gateway(GIGACHAT_CA_BUNDLE_FILE=str(bundle))
    told = ends()
    assert sorted(name[:5] for name in told) == ["Old", "One", "Twin ", "Twin ", "unnam"]
    lives = sorted(round((end - time.time()) / 86400) for end in told.values())
    assert lives == [2, 3, 4, 5, 6]
    assert not events(MANY)
    await start_gateway()
    assert "Russian Trusted Root CA" in ends()
    assert "One" not in ends()


async def test_a_pinned_certificate_in_a_bundle_keeps_its_name(start_gateway: GatewayStarter) -> None:
    """Two of the Ministry's bear the same common name; the table knows them apart."""
    await start_gateway(GIGACHAT_CA_BUNDLE_FILE=str(trust.shipped_directory() / trust.PINS[0].file))
    assert list(ends()) == ["Russian Trusted Root CA"]


@pytest.mark.parametrize(("count", "told"), [(16, 16), (17, 0)])
async def test_a_large_bundle_is_not_watched(
    start_gateway: GatewayStarter, tmp_path: Path, events: Events, count: int, told: int
) -> None:
    """A system's store would be a hundred series of authorities that are nobody's here; the log says so, once."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("".join(authority(tmp_path, f"/CN={number}") for number in range(count)))
    await start_gateway(GIGACHAT_CA_BUNDLE_FILE=str(bundle))
    assert len(ends()) == told
    line = {"level": "WARNING", "file": str(bundle), "certificates": count}
    assert events(MANY) == ([] if told else [line])


def test_a_bundle_replaces_the_roots(pair: Pair) -> None:
    """The operator's bundle is all that is trusted then, as in GigaChat's SDK."""
    context = trust.make_context(trust.find_certificates(None)[0], ca_bundle=pair.cert)
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
