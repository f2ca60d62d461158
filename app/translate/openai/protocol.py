"""OpenAI's protocol as one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import GatewayError
from app.translate.abilities import Abilities
from app.translate.dialogue import EmbeddingsRequest, Model, Note, Vectors
from app.translate.models import ModelNames
from app.translate.openai import chat_request, embeddings, failure
from app.translate.openai import models as model_lists
from app.translate.openai.chat_request import ChatRequest


class OpenAIProtocol:
    """OpenAI's API: chat completions, embeddings, models."""

    def asked_model(self, body: Mapping[str, Any]) -> str | None:
        """The model that a body names, which was not checked yet."""
        model = body.get("model")
        return model if isinstance(model, str) else None

    def asks_stream(self, body: Mapping[str, Any]) -> bool:
        """Whether a body, which was not checked yet, asks for a stream."""
        return body.get("stream") is True

    def read(self, body: dict[str, Any], names: ModelNames) -> ChatRequest:
        """Read a chat request. Raises GatewayError."""
        return chat_request.read(body, names)

    def answer_id(self, request_id: str) -> str:
        """The id of a chat completion."""
        return f"chatcmpl-{request_id}"

    def write_error(self, error: GatewayError) -> bytes:
        """The envelope."""
        return failure.envelope(error)

    def stream_error(self, error: GatewayError) -> bytes:
        """The envelope as an event."""
        return failure.stream_event(error)

    def error_headers(self, error: GatewayError) -> dict[str, str]:
        """What OpenAI's SDKs read: whether to try again, and when."""
        return failure.headers(error)

    def read_embeddings(
        self, body: dict[str, Any], names: ModelNames, sizes: Mapping[str, int]
    ) -> tuple[EmbeddingsRequest, list[Note]]:
        """Read an embeddings request. Raises GatewayError."""
        return embeddings.read(body, names, sizes)

    def write_embeddings(self, asked: EmbeddingsRequest, found: Vectors) -> dict[str, Any]:
        """The body of its answer. Raises GatewayError."""
        return embeddings.write(asked, found)

    def write_models(self, models: Sequence[Model], names: ModelNames, abilities: Abilities) -> dict[str, Any]:
        """The list of models."""
        return model_lists.write_list(models, names, abilities)

    def write_model(
        self, name: str, models: Sequence[Model], names: ModelNames, abilities: Abilities
    ) -> dict[str, Any]:
        """One model. Raises GatewayError."""
        return model_lists.write_one(name, models, names, abilities)


OPENAI = OpenAIProtocol()
