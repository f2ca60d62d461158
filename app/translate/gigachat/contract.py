"""What a contract of GigaChat's chat must be able to do. Everything above knows contracts by this type alone.

A contract is one version of the API's chat: v1 is in `v1/`. Files, embeddings, lists and counts have one version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from app.translate.dialogue import Answer, Event, Failed, Media, Note, Request, Turn, Uploaded, Usage

# GigaChat's own field, among a request's `extra`: the least seconds between two pieces of a stream.
PAUSE = "update_interval"


class UnreadableError(ValueError):
    """GigaChat answered 200 with something that is no answer."""


class StreamReader(Protocol):
    """Reads one stream, in any slicing. After an End or a Failed nothing follows."""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that are complete by now."""

    def finish(self) -> list[Event]:
        """The connection has ended."""

    def words(self) -> str:
        """What GigaChat has said so far, to be counted."""


class AnswerReader(Protocol):
    """Reads the answers to one written request: calls come back in the client's words."""

    def read(self, data: bytes) -> Answer | Failed:
        """A whole answer. Raises UnreadableError when it is none."""

    def open_stream(self, index: int) -> StreamReader:
        """A reader of one stream; `index` is the choice that the stream is."""


class Contract(Protocol):
    """One version of GigaChat's chat."""

    @property
    def chat_path(self) -> str:
        """Where a chat is sent, below the base URL."""

    def refuse_too_large(self, request: Request, body_bytes: int) -> None:
        """Raise GatewayError for a request that is too costly to write. `body_bytes`: of the client's body."""

    def kept_files(self, turns: Sequence[Turn]) -> list[Media]:
        """The files of these turns that go along: a contract takes a limited number of each kind."""

    def write(
        self,
        request: Request,
        *,
        state_echo: bool,
        as_function: bool,
        files: Mapping[str, Uploaded] | None,
    ) -> tuple[dict[str, Any], list[Note]]:
        """The payload for one attempt, and what writing it cost. Raises GatewayError for what can't be asked at all.

        `state_echo`: GigaChat's own state goes back with its calls. `as_function`: the wanted format is written as a
        forced function. `files`: what GigaChat has, by the paths of the request's files; a dry write goes without.
        """

    def answer_reader(self, request: Request, seed: str, *, as_function: bool) -> AnswerReader:
        """A reader of the answers to a request; `seed` makes the ids of calls that GigaChat gave none."""

    def write_count(self, payload: Mapping[str, Any], said: str) -> dict[str, Any]:
        """The payload that lets GigaChat count what a chat's payload asked, and last what was answered."""

    def read_count(self, data: bytes) -> Usage | None:
        """The usage that the counts make; None when they can't be read."""
