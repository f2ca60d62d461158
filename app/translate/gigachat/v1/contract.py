"""Contract v1 as one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.translate.dialogue import Answer, Failed, Media, Note, Request, Turn, Uploaded, Usage
from app.translate.gigachat.v1 import chat_answer, chat_request, counting, functions
from app.translate.gigachat.v1.attachments import Attachments
from app.translate.gigachat.v1.calls import CallReader
from app.translate.gigachat.v1.stream_reader import StreamReader


class V1AnswerReader:
    """Reads the answers to one request."""

    __slots__ = ("_cached_contained", "_calls")

    def __init__(self, calls: CallReader | None, *, cached_contained: bool) -> None:
        self._calls = calls
        self._cached_contained = cached_contained

    def read(self, data: bytes) -> Answer | Failed:
        """A whole answer. Raises UnreadableError when it is none."""
        return chat_answer.read(data, self._calls, cached_contained=self._cached_contained)

    def open_stream(self, index: int) -> StreamReader:
        """A reader of one choice's stream."""
        return StreamReader(self._calls, index, cached_contained=self._cached_contained)


class V1Contract:
    """GigaChat's chat, version 1. `cached_contained`: its prompt counts contain cached tokens."""

    chat_path = "v1/chat/completions"

    def __init__(self, *, cached_contained: bool = False) -> None:
        self._cached_contained = cached_contained
        self._reader_without_calls = V1AnswerReader(None, cached_contained=cached_contained)

    def refuse_too_large(self, request: Request, body_bytes: int) -> None:
        """Raise GatewayError for functions whose schemas would take seconds to repair."""
        if body_bytes > functions.LARGE_BYTES:
            functions.refuse_too_many(request)

    def kept_files(self, turns: Sequence[Turn]) -> list[Media]:
        """The files that go along with these turns."""
        return Attachments(turns, None, []).kept

    def write(
        self,
        request: Request,
        *,
        state_echo: bool,
        as_function: bool,
        files: Mapping[str, Uploaded] | None,
    ) -> tuple[dict[str, Any], list[Note]]:
        """The payload for one attempt, and what writing it cost. Raises GatewayError."""
        return chat_request.write(request, state_echo=state_echo, as_function=as_function, files=files)

    def answer_reader(self, request: Request, seed: str, *, as_function: bool) -> V1AnswerReader:
        """A reader of the answers. Where no function can be called there is nothing to be read back."""
        if not (request.tools or as_function):
            return self._reader_without_calls
        calls = CallReader(request, seed, as_function=as_function)
        return V1AnswerReader(calls, cached_contained=self._cached_contained)

    def write_count(self, payload: Mapping[str, Any], said: str) -> dict[str, Any]:
        """The payload of a count."""
        return counting.write(payload, said)

    def read_count(self, data: bytes) -> Usage | None:
        """The usage that the counts make."""
        return counting.read(data)
