"""Errors as LangChain tells them: OpenAI's, and of its own kinds, by what the gateway says."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.clients.langchain_models import chat, connections, one_loop, ways  # noqa: F401 - one is a fixture
from tests.clients.sdk import Gigachat
from tests.running import Process

exceptions: Any = pytest.importorskip("langchain_core.exceptions")

pytestmark = [pytest.mark.heavy, one_loop]


async def ask(model: Any, way: str, asking: str = "x") -> list[str]:
    """The answer's pieces, by each of the four ways."""
    if way == "invoke":
        return [model.invoke(asking).content]
    if way == "ainvoke":
        return [(await model.ainvoke(asking)).content]
    if way == "stream":
        return [chunk.content for chunk in model.stream(asking)]
    return [chunk.content async for chunk in model.astream(asking)]


@ways
@pytest.mark.parametrize(
    ("wrong", "error", "kind", "param"),
    [
        ({"api_key": "sk-wrong"}, openai.AuthenticationError, "ModelAuthenticationError", None),
        ({"model": "NoSuchModel"}, openai.NotFoundError, "ModelNotFoundError", "model"),
        ({"temperature": -1.0}, openai.BadRequestError, "ModelInvalidRequestError", "temperature"),
        ({"max_tokens": -1}, openai.BadRequestError, "ModelInvalidRequestError", "max_completion_tokens"),
    ],
)
async def test_the_clients_mistakes(
    served: Process, wrong: dict[str, Any], error: type[openai.APIStatusError], kind: str, param: str | None, way: str
) -> None:
    """They are OpenAI's errors and LangChain's kinds, and name the field."""
    with pytest.raises(error) as caught:
        await ask(chat(served, **wrong), way)
    assert isinstance(caught.value, getattr(exceptions, kind))
    assert caught.value.param == param


@ways
@pytest.mark.parametrize(
    ("fault", "error", "kind"),
    [
        ({"status": 413}, openai.BadRequestError, "ContextOverflowError"),
        ({"status": 402}, openai.RateLimitError, "ModelRateLimitError"),
        ({"status": 500, "times": None}, openai.InternalServerError, "ModelAPIError"),
    ],
)
async def test_gigachats_refusals(
    served: Process, gigachat: Gigachat, fault: dict[str, Any], error: type[Exception], kind: str, way: str
) -> None:
    """The kind is that by which an agent shortens its history, waits, or gives up."""
    gigachat.fault("status", **fault)
    with pytest.raises(error) as caught:
        await ask(chat(served), way)
    assert isinstance(caught.value, getattr(exceptions, kind))


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_stream_that_fails(served: Process, gigachat: Gigachat, way: str) -> None:
    """An error amid a stream is one for the reader too."""
    gigachat.fault("event_error", after=3)
    with pytest.raises(openai.APIError, match="GigaChat"):
        await ask(chat(served), way, "sandbox:long 9")
