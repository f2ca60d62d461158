"""What the official `openai` package does about failures and shutdowns: tries again, waits, gives up."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.clients.errors import INTERNAL, REFUSALS, Seen, check
from tests.clients.sdk import GatewayWith, Gigachat, Sdk, logged, soon, words
from tests.running import Process

RETRIES = {name: REFUSALS[name] for name in ("402", "403", "423", "429", "500", "422")}


@pytest.mark.parametrize(("fault", "seen"), RETRIES.values(), ids=RETRIES)
def test_the_sdk_tries_again_when_told_so(
    sdk: Sdk, gigachat: Gigachat, monkeypatch: pytest.MonkeyPatch, fault: dict[str, Any], seen: Seen
) -> None:
    """With two retries allowed GigaChat hears of the request once or three times, as the table says."""
    waits = patience(monkeypatch)
    gigachat.fault("status", times=None, **fault)
    with pytest.raises(openai.APIStatusError) as caught:
        sdk.chat("x", sdk.make(max_retries=2))
    check(caught.value, seen)
    assert len(gigachat.requests()) == seen.tries
    assert waits == [float(seen.retry_after or 0)] * (seen.tries - 1)


def patience(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The SDK's waits between its tries, told and cut short."""
    waits: list[float] = []
    decide = openai.OpenAI._calculate_retry_timeout

    def calculate(self: Any, *arguments: Any, **named: Any) -> float:
        waits.append(decide(self, *arguments, **named))
        return 0.0

    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", calculate)
    return waits


def test_a_busy_moment_passes_unseen(sdk: Sdk, gigachat: Gigachat, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 429 that the SDK waits out, for as long as GigaChat said, ends in the answer."""
    waits = patience(monkeypatch)
    gigachat.fault("status", status=429, headers={"Retry-After": "7"})
    assert sdk.chat("sandbox:say x", sdk.make(max_retries=2)).choices[0].message.content == "x"
    assert waits == [7.0]


def test_a_model_that_fails_is_asked_again(sdk: Sdk, gigachat: Gigachat, monkeypatch: pytest.MonkeyPatch) -> None:
    """`upstream_generation_error` is worth another try, after the SDK's own pause."""
    waits = patience(monkeypatch)
    with pytest.raises(openai.InternalServerError):
        sdk.chat("sandbox:finish error", sdk.make(max_retries=2))
    assert (len(gigachat.requests()), len(waits)) == (3, 2)


def test_a_stream_is_kept_alive_within_the_clients_time_out(sdk: Sdk, gigachat: Gigachat) -> None:
    """Comments come in half the time that the client waits for a byte, so that a thinking GigaChat is waited for."""
    assert words(sdk.heard("sandbox:wait 1\nsandbox:say slow", sdk.make(timeout=0.4), stream=True)) == "slow"


def test_a_client_that_does_not_wait(sdk: Sdk, gigachat: Gigachat, served: Process) -> None:
    """The client's own time-out ends the request at GigaChat too, and is nobody's fault in the log."""
    client = sdk.make(timeout=0.2)
    with pytest.raises(openai.APITimeoutError):
        sdk.heard("sandbox:wait 5", client, stream=False)
    assert soon(lambda: gigachat.last()["outcome"], 3.0) == "client_gone"
    sent = {name.lower(): value for name, value in gigachat.last()["headers"].items()}
    line = logged(served, sent["x-request-id"])
    assert (line["status"], line["error_type"], line["aborted_by"]) == (499, "client_closed", "client")


@pytest.mark.parametrize("sdk", ["sync"], indirect=True)
def test_a_gateway_that_shuts_down(sdk: Sdk, gigachat: Gigachat, gateway_with: GatewayWith) -> None:
    """A stream under way comes to its end; a new request hears that it may go elsewhere."""
    gateway = gateway_with(GPT2GIGA_SHUTDOWN_SECONDS="5")
    client = sdk.make(gateway.url)
    gigachat.fault("stall", after=3, seconds=0.4)
    stream = sdk.chat("sandbox:long 10", client, stream=True)
    gateway.popen.terminate()
    gateway.event("stopping")
    with pytest.raises(openai.InternalServerError) as caught:
        sdk.chat("x", client)
    check(caught.value, Seen(INTERNAL, 503, "draining", "server_error", tries=3, retry_after="1"))
    assert list(sdk.each(stream))[-1].choices[0].finish_reason == "stop"
    assert gateway.popen.wait(5) == 0


@pytest.mark.parametrize("sdk", ["async"], indirect=True)
def test_a_shutdown_that_can_not_wait(sdk: Sdk, gigachat: Gigachat, gateway_with: GatewayWith) -> None:
    """A stream that outlasts the time of the shutdown ends in an error, not in silence."""
    gateway = gateway_with(GPT2GIGA_SHUTDOWN_SECONDS="0.1")
    gigachat.fault("stall", after=3, seconds=5.0)
    stream = sdk.chat("sandbox:long 10", sdk.make(gateway.url), stream=True)
    gateway.popen.terminate()
    with pytest.raises(openai.APIError) as caught:
        list(sdk.each(stream))
    assert (caught.value.code, caught.value.type) == ("draining", "server_error")
    assert gateway.popen.wait(5) == 0
    assert gigachat.last()["outcome"] == "client_gone"
