"""Errors as Pydantic AI tells them: of its own kinds, by what the gateway says, with OpenAI's as their cause."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from pydantic_ai import Agent, ModelAPIError, ModelHTTPError, exceptions
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.clients.sdk import KEY, Gigachat, both
from tests.running import Process

pytestmark = pytest.mark.long


async def said(served: Process, asking: str = "x", *, stream: bool, key: str = KEY, **more: Any) -> list[str]:
    """The pieces of an answer."""
    pieces: list[str] = []
    model = more.pop("model", "GigaChat-2")
    settings: Any = more
    async with AsyncOpenAI(base_url=f"{served.url}/v1", api_key=key, max_retries=0) as client:
        agent = Agent(OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client)))
        if not stream:
            return [(await agent.run(asking, model_settings=settings)).output]
        async with agent.run_stream(asking, model_settings=settings) as streamed:
            async for piece in streamed.stream_text(delta=True, debounce_by=None):
                pieces.append(piece)  # noqa: PERF401 - those before an error have been paid
    return pieces


@both
@pytest.mark.parametrize(
    ("wrong", "kind", "cause", "param"),
    [
        ({"key": "sk-wrong"}, exceptions.ModelAuthenticationError, openai.AuthenticationError, None),
        ({"model": "NoSuchModel"}, exceptions.ModelNotFoundError, openai.NotFoundError, "model"),
        ({"temperature": -1}, exceptions.ModelRequestRejectedError, openai.BadRequestError, "temperature"),
        ({"max_tokens": -2}, exceptions.ModelRequestRejectedError, openai.BadRequestError, "max_completion_tokens"),
    ],
)
async def test_the_clients_mistakes(
    served: Process, wrong: dict[str, Any], kind: Any, cause: type[openai.APIStatusError],
    param: str | None, stream: bool,
) -> None:  # fmt: skip
    """The kind says what is wrong, the body which field."""
    with pytest.raises(ModelHTTPError) as caught:
        await said(served, stream=stream, **wrong)
    assert isinstance(caught.value, kind)
    assert isinstance(caught.value.__cause__, cause)
    body: Any = caught.value.body
    assert body["param"] == param


@both
@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        ({"status": 413}, exceptions.ModelContextWindowExceededError, 400),
        ({"status": 402}, exceptions.ModelQuotaExceededError, 429),
        ({"status": 429, "times": None}, exceptions.ModelRateLimitError, 429),
        ({"status": 500, "times": None}, exceptions.ModelServerError, 502),
    ],
)
async def test_gigachats_refusals(
    served: Process, gigachat: Gigachat, fault: dict[str, Any], kind: Any, status: int, stream: bool
) -> None:
    """The kind is that by which an agent shortens its history, waits, or gives up."""
    gigachat.fault("status", **fault)
    with pytest.raises(ModelHTTPError) as caught:
        await said(served, stream=stream)
    assert isinstance(caught.value, kind)
    assert caught.value.status_code == status


async def test_a_stream_that_fails(served: Process, gigachat: Gigachat) -> None:
    """An error amid a stream is one for the reader too."""
    gigachat.fault("event_error", after=3)
    with pytest.raises(ModelAPIError) as caught:
        await said(served, "sandbox:long 9", stream=True)
    assert isinstance(caught.value.__cause__, openai.APIError)
