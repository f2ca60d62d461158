"""Every error that a client can meet, as one table, over the wire: what the client sees and what operators count."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from app.sandbox import server
from app.server.app_keys import DRAIN
from tests.dropped import DROPPED, DROPPED_NAME
from tests.running import GatewayStarter, Running
from tests.watching import CHAT, Reply, ask, asking, everything, saying, tally, told

EMBEDDINGS = "/v1/embeddings"
HI = saying("hi")
STRICT = {"X-Gateway-Strict": "1"}
PICTURE = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}
CUSTOM = {"type": "custom", "custom": {"name": "x"}}
# What the other side says and a client must never see.
LEAKS = {"Set-Cookie": "sid=upstream-secret; Path=/", "X-Internal": "upstream-secret", "Location": "http://10.0.0.1/"}
NEVER = (
    "upstream-secret",
    "10.0.0.1",
    "127.0.0.1",
    "<html",
    "nginx",
    "Traceback",
    'File "',
    "Basic ",
    "gigachat.invalid",
)


@dataclass(frozen=True)
class Want:
    """A row of the table of errors."""

    status: int
    code: str
    error_type: str
    slo: str = "excluded"
    type: str = "invalid_request_error"
    param: str | None = None
    retry: str = "false"
    retry_after: str | None = None


@dataclass(frozen=True)
class Case:
    """A situation and the row that it must bring; `fault` is the sandbox's, until it is cleared."""

    name: str
    want: Want
    body: Any = None
    data: bytes | None = None
    path: str = CHAT
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    fault: Mapping[str, Any] = field(default_factory=dict)


def request(name: str, code: str, *, status: int = 400, error_type: str = "invalid_request", **more: Any) -> Case:
    """A mistake of the client's: it never counts against availability, and trying again would not help."""
    return Case(name, Want(status, code, error_type, param=more.pop("param", None)), **more)


def refusal(name: str, given: Any, want: Want, **more: Any) -> Case:
    """A status of GigaChat's and what becomes of it."""
    fault = {"kind": "status", "where": "chat", **given}
    return Case(name, want, body=HI, fault=fault, **more)


def server_side(status: int, code: str, error_type: str, **more: Any) -> Want:
    """What is not the client's fault."""
    return Want(status, code, error_type, "bad", more.pop("type", "server_error"), **more)


UPSTREAM_ERROR = server_side(502, "upstream_error", "upstream_5xx")
UNREACHABLE = server_side(502, "upstream_error", "upstream_connect")
DENIED = server_side(502, "upstream_permission_denied", "upstream_4xx")
STOPPED = server_side(503, "upstream_stopped", "upstream_stop", retry_after="300")
TIMEOUT = server_side(504, "upstream_timeout", "upstream_timeout")
NO_TOKEN = server_side(503, "upstream_credentials_exhausted", "no_token", retry="true", retry_after="*")
REJECTED = server_side(400, "upstream_rejected", "upstream_4xx", type="invalid_request_error")
LIMITED = server_side(
    429, "rate_limit_exceeded", "upstream_429", type="rate_limit_error", retry="true", retry_after="*"
)
QUOTA = server_side(429, "insufficient_quota", "upstream_402", type="insufficient_quota")
TOO_LONG = Want(400, "context_length_exceeded", "invalid_request", param="messages")
UNAUTHORIZED: Mapping[str, Any] = {"status": 401, "code": "invalid_api_key", "error_type": "unauthorized"}
NOT_FOUND: Mapping[str, Any] = {"status": 404, "error_type": "not_found"}
KEY = {"GPT2GIGA_API_KEY": "the-gateways-key"}
STOP_TEXT = "This model is temporarily unavailable due to technical reasons"

CLIENTS = (
    request("broken JSON", "invalid_json", data=b'{"a": '),
    request("no object", "invalid_json", data=b"[]"),
    request("no messages", "missing_required_parameter", body={"model": "GigaChat"}, param="messages"),
    request("no input", "missing_required_parameter", body={}, path=EMBEDDINGS, param="input"),
    request("wrong type", "invalid_value", body={**HI, "temperature": "abc"}, param="temperature"),
    request("empty request", "invalid_value", body={"messages": []}, param="messages"),
    request("cannot be done", "unsupported_parameter", body={**HI, "tool_choice": CUSTOM}, param="tool_choice.type"),
    request("no file", "unsupported_file", body=PICTURE, param="messages[0].content[0].image_url.url"),
    request("more than 4 choices", "invalid_value", body={**HI, "n": 5}, param="n"),
    request("strict mode", "unsupported_parameter", body={**HI, **DROPPED}, headers=STRICT, param=DROPPED_NAME),
    request("key missing", body=HI, settings=KEY, **UNAUTHORIZED),
    request("key wrong", body=HI, settings=KEY, headers={"Authorization": "Bearer upstream-secret"}, **UNAUTHORIZED),
    request("credentials as key", body=HI, headers={"Authorization": "Bearer giga-cred-x"}, **UNAUTHORIZED),
    request("unknown route", "unknown_url", body=HI, path="/v1/nothing", **NOT_FOUND),
    request("unknown model", "model_not_found", body={**HI, "model": "Nope"}, param="model", **NOT_FOUND),
    request("method", "method_not_allowed", method="DELETE", status=405, error_type="not_found"),
    request(
        "body over the limit",
        "request_too_large",
        body=saying("x" * 200),
        settings={"GPT2GIGA_MAX_BODY_BYTES": "100"},
        status=413,
        error_type="payload_too_large",
    ),
    Case(
        "bodies over the bound",
        Want(503, "overloaded", "overloaded", "bad", "server_error", retry="true", retry_after="1"),
        body=saying("x" * 200),
        settings={"GPT2GIGA_MAX_BODIES_BYTES": "100"},
    ),
)

REFUSALS = (
    refusal("too long, 413", {"status": 413}, TOO_LONG),
    refusal("too long, 422", {"status": 422, "message": "Context length exceeded"}, TOO_LONG),
    refusal("422", {"status": 422, "message": "Invalid params: at https://10.0.0.1/x?y"}, REJECTED),
    refusal("400", {"status": 400, "message": "Invalid JSON"}, REJECTED),
    refusal("418", {"status": 418}, REJECTED),
    refusal("418, a page", {"status": 418, "html": True}, UPSTREAM_ERROR),
    refusal("429", {"status": 429}, LIMITED),
    refusal("402", {"status": 402}, QUOTA),
    refusal("403", {"status": 403}, DENIED),
    refusal("403, a page", {"status": 403, "html": True}, DENIED),
    refusal("403, stopped", {"status": 403, "message": STOP_TEXT}, STOPPED),
    refusal("423", {"status": 423}, STOPPED),
    refusal("401 for every token", {"status": 401}, NO_TOKEN),
    refusal("500", {"status": 500}, UPSTREAM_ERROR),
    refusal("502, a page", {"status": 502, "html": True}, UPSTREAM_ERROR),
    refusal("503", {"status": 503, "body": ["no", "object"]}, UPSTREAM_ERROR),
    refusal("504, a page", {"status": 504, "html": True}, UPSTREAM_ERROR),
    refusal("a redirect", {"status": 302}, UPSTREAM_ERROR),
)


def refused_by(where: str, status: int, **more: Any) -> Mapping[str, Any]:
    """A status of GigaChat's as a fault of the sandbox's."""
    return {"kind": "status", "where": where, "status": status, **more}


INPUT = {"model": "Embeddings", "input": "hi"}
OF_EMBEDDINGS = (
    Case(
        "no embeddings", UPSTREAM_ERROR, INPUT, path=EMBEDDINGS, fault=refused_by("embeddings", 200, body={"data": 1})
    ),
    Case("embeddings, 429", LIMITED, INPUT, path=EMBEDDINGS, fault=refused_by("embeddings", 429)),
    Case("embeddings, 402", QUOTA, INPUT, path=EMBEDDINGS, fault=refused_by("embeddings", 402)),
    Case("embeddings, 403", DENIED, INPUT, path=EMBEDDINGS, fault=refused_by("embeddings", 403, html=True)),
    Case("embeddings, 422", REJECTED, INPUT, path=EMBEDDINGS, fault=refused_by("embeddings", 422)),
    Case("embeddings, 423", STOPPED, INPUT, path=EMBEDDINGS, fault=refused_by("embeddings", 423)),
    Case("embeddings, 500", UPSTREAM_ERROR, INPUT, path=EMBEDDINGS, fault=refused_by("embeddings", 500, html=True)),
    Case("embeddings, down", UNREACHABLE, INPUT, path=EMBEDDINGS, fault={"kind": "down", "where": "embeddings"}),
    Case("embeddings, cut", UPSTREAM_ERROR, INPUT, path=EMBEDDINGS, fault={"kind": "cut", "where": "embeddings"}),
)
UPSTREAM = (
    Case("200, but no answer", UPSTREAM_ERROR, HI, fault=refused_by("chat", 200, body={"message": "upstream-secret"})),
    Case("200, but a page", UPSTREAM_ERROR, HI, fault={"kind": "html_200", "where": "chat"}),
    Case("closed without an answer", UNREACHABLE, HI, fault={"kind": "down", "where": "chat"}),
    Case("cut before the first event", UPSTREAM_ERROR, HI, fault={"kind": "cut", "where": "chat", "after": 0}),
    Case("TLS", UNREACHABLE, HI, settings={"GIGACHAT_BASE_URL": "https://127.0.0.1:{port}"}),
    Case("DNS", UNREACHABLE, HI, settings={"GIGACHAT_BASE_URL": "http://gigachat.invalid"}),
    Case("connect", UNREACHABLE, HI, settings={"GIGACHAT_BASE_URL": "http://127.0.0.1:1"}),
    Case("no token", NO_TOKEN, HI, fault={"kind": "status", "where": "oauth", "status": 401}),
    Case(
        "the model failed",
        server_side(502, "upstream_generation_error", "upstream_5xx", retry="true"),
        asking("sandbox:finish error\nsandbox:say "),
    ),
    Case(
        "time-out",
        TIMEOUT,
        HI,
        settings={"GIGACHAT_TIMEOUT": "0.1"},
        fault={"kind": "slow", "where": "chat", "seconds": 1.0},
    ),
)


def named(case: Case) -> str:
    """The case's name, for pytest."""
    return case.name


async def start(case: Case, start_gateway: GatewayStarter, sandbox: server.Running) -> Running:
    """A gateway with the case's settings; its fault stands."""
    port = sandbox.url.rpartition(":")[2]
    settings = {name: value.replace("{port}", port) for name, value in case.settings.items()}
    if case.fault:
        leaks = {"headers": LEAKS} if case.fault["kind"] == "status" else {}
        sandbox.state.faults.add(times=None, **{**case.fault, **leaks})
    return await start_gateway(ready=False, **settings)


def holds(reply: Reply, want: Want) -> None:
    """The reply is the row's, and tells nothing that is none of the client's business."""
    assert reply.status == want.status, reply.text
    assert reply.headers["Content-Type"].startswith("application/json")
    error = reply.error
    assert {**error, "message": ""} == {"message": "", "type": want.type, "code": want.code, "param": want.param}
    assert len(error["message"]) > 20
    assert reply.headers["x-should-retry"] == want.retry
    given = reply.headers.get("Retry-After")
    assert (given is not None and int(given) >= 1) if want.retry_after == "*" else given == want.retry_after
    seen = reply.text + "".join(f"{name}: {value}\n" for name, value in reply.headers.items())
    assert [word for word in (*NEVER, "Set-Cookie", "X-Internal", "X-Sandbox") if word in seen] == []


async def passes(
    case: Case, gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, stream: bool
) -> None:
    """Send the case's request: the reply, the counters and the log line all tell the same."""
    caplog.set_level(logging.INFO, "gpt2giga")
    before = await tally(http, gateway)
    body = {**case.body, "stream": True} if stream else case.body
    reply = await ask(http, gateway, body, path=case.path, method=case.method, headers=case.headers, data=case.data)
    holds(reply, case.want)
    line = await told(caplog)
    assert (line["status"], line["error_type"]) == (case.want.status, case.want.error_type)
    assert line["wire_status"] == case.want.status
    assert line["request_id"] == reply.headers["x-request-id"]
    assert (await tally(http, gateway)).since(before) == ({case.want.error_type: 1}, {case.want.slo: 1})
    logged = everything(caplog)
    assert [word for word in ("Traceback", "upstream-secret", "the-gateways-key") if word in logged] == []


@pytest.mark.parametrize("case", CLIENTS, ids=named)
async def test_a_clients_mistake(
    case: Case,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each mistake of a client's is its row: told, counted and logged, and not paid for."""
    gateway = await start(case, start_gateway, sandbox)
    await passes(case, gateway, http, caplog, stream=False)
    assert not [one for one in sandbox.state.requests.of("chat") if one.status == 200]


@pytest.mark.parametrize(
    "stream", [pytest.param(False, id="whole", marks=pytest.mark.long), pytest.param(True, id="stream")]
)
@pytest.mark.parametrize("case", [*REFUSALS, *UPSTREAM], ids=named)
async def test_a_failure_of_gigachats(
    case: Case,
    stream: bool,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each failure of GigaChat's is its row, in a stream too: before the first event it is a real status."""
    gateway = await start(case, start_gateway, sandbox)
    await passes(case, gateway, http, caplog, stream=stream)


@pytest.mark.parametrize("case", OF_EMBEDDINGS, ids=named)
async def test_a_failure_of_embeddings(
    case: Case,
    sandbox: server.Running,
    start_gateway: GatewayStarter,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Embeddings fail by the same table."""
    gateway = await start(case, start_gateway, sandbox)
    await passes(case, gateway, http, caplog, stream=False)


async def test_draining(gateway: Running, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    """A gateway that is going away says so, and that another try will be served."""
    await gateway.app[DRAIN].finish(0)
    want = Want(503, "draining", "draining", "excluded", "server_error", retry="true", retry_after="1")
    await passes(Case("draining", want, HI), gateway, http, caplog, stream=False)
