"""What a client's protocol must be able to do. Everything above knows protocols by these types alone.

A protocol is one API that clients speak, with the names of its fields and its errors: OpenAI's is in `openai/`. The
route of a request chooses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from app.errors import GatewayError
from app.translate.abilities import Abilities
from app.translate.dialogue import Answer, EmbeddingsRequest, Event, Model, Note, Request, Vectors
from app.translate.models import ModelNames


class ClientStreamWriter(Protocol):
    """Writes one streamed answer, framed."""

    def feed(self, events: Sequence[Event]) -> bytes:
        """The bytes for some events; nothing for a failure, which the caller turns into `fail`."""

    def keepalive(self, now: int) -> bytes:
        """A sign of life for clients that know no comments: it says nothing, at any place of the stream.

        `now` is in Unix seconds.
        """

    def finish(self) -> bytes:
        """The stream's regular end."""

    def fail(self, error: GatewayError) -> bytes:
        """The end of a stream that breaks off."""


class ClientRequest(Protocol):
    """A chat request that was read: it knows how its answers are written."""

    @property
    def request(self) -> Request:
        """What is asked for."""

    @property
    def notes(self) -> list[Note]:
        """What reading it cost."""

    def write(self, answers: Sequence[Answer], answer_id: str) -> dict[str, Any]:
        """The body of a whole answer; there is at least one of GigaChat's."""

    def stream_writer(self, answer_id: str) -> ClientStreamWriter:
        """The writer of a streamed answer."""


class ClientProtocol(Protocol):
    """One API that clients speak: chat, and errors of every route."""

    def asked_model(self, body: Mapping[str, Any]) -> str | None:
        """The model that a body names, which was not checked yet."""

    def asks_stream(self, body: Mapping[str, Any]) -> bool:
        """Whether a body, which was not checked yet, asks for a stream."""

    def read(self, body: dict[str, Any], names: ModelNames) -> ClientRequest:
        """Read a chat request. Raises GatewayError that names the field at the first thing that can't be."""

    def answer_id(self, request_id: str) -> str:
        """The id of a request's answer."""

    def write_error(self, error: GatewayError) -> bytes:
        """The body of an error, which is JSON."""

    def stream_error(self, error: GatewayError) -> bytes:
        """An error inside a stream that has begun, framed."""

    def error_headers(self, error: GatewayError) -> dict[str, str]:
        """The headers that tell a client what to do about an error."""


class EmbeddingsProtocol(Protocol):
    """An API that has embeddings."""

    def read_embeddings(
        self, body: dict[str, Any], names: ModelNames, sizes: Mapping[str, int]
    ) -> tuple[EmbeddingsRequest, list[Note]]:
        """Read a request; `sizes` has the dimensions of known models. Raises GatewayError that names the field."""

    def write_embeddings(self, asked: EmbeddingsRequest, found: Vectors) -> dict[str, Any]:
        """The body of an answer. Raises GatewayError when there are fewer dimensions than asked for."""


class ModelsProtocol(Protocol):
    """An API that lists models."""

    def write_models(self, models: Sequence[Model], names: ModelNames, abilities: Abilities) -> dict[str, Any]:
        """GigaChat's models, then the aliases."""

    def write_model(
        self, name: str, models: Sequence[Model], names: ModelNames, abilities: Abilities
    ) -> dict[str, Any]:
        """One model, by its name or an alias. Raises GatewayError when there is none."""
