"""Request bodies: bounded one by one and all together, in time and in memory."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import hdrs, web

from app.admission.marks import MAX_VALUES, MarkCounter, Marks
from app.admission.memory import Memory, Reservation
from app.admission.weights import SMALL_BYTES, SMALL_FACTOR, BodyWeight, weigh_values
from app.errors import INVALID_JSON, OVERLOADED, REQUEST_TIMEOUT, REQUEST_TOO_LARGE, GatewayError
from app.server import surrogates
from app.server.chunks import ChunkedBody
from app.server.refusals import body_unreadable
from app.translate.dialogue import Note

# Of a body that waits behind a request which is not answered yet, a connection holds twice as much and what it has
# just read; none of it can be counted before the body's turn comes.
UNREAD_BYTES = 16 * 1024
# The rest of a body that is no longer is read behind an early answer, and its connection serves on. These answers end
# the connection all the same.
_SHORT_BYTES = 4 * 1024 * 1024
_ENDING = frozenset({408, 413, 503})
# aiohttp's parser tells nobody of a packed body that breaks off at its end: who waits for more looks up so often.
_UNPACKING_SECONDS = 0.25
# What so little seemed to hold is not looked at again: that costs a request of sixty tools more than all else.
_WORTH_WEIGHING = 1024 * 1024
# Parsing this much takes a few milliseconds.
_LARGE = 256 * 1024
# What has come of a body earns it one more second for each of these.
BYTES_A_SECOND = 128 * 1024
_POSITION = re.compile(r": line \d+ column \d+.*", re.DOTALL)
# Byte order marks of UTF-8: Windows's editors write one, and PHP one for each file that has one.
_MARKS = re.compile(rb"[ \t\r\n]*(?:\xef\xbb\xbf[ \t\r\n]*)+")
# How texts of two or four bytes a character begin: with a mark, or with a bracket of JSON's or a space beside a zero.
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"{\0", b"[\0", b"\0{", b"\0[", b"\0\0", b" \0", b"\0 ")
# The rule's name in notes; a field's name may stand there as well.
_HALF = "surrogate->U+FFFD"
_TELLABLE = re.compile(r"[A-Za-z0-9_.-]{1,40}")


def is_waited_for(request: web.BaseRequest, status: int) -> bool:
    """Whether the rest of a body is read behind an answer of this status: of one that is short by its length."""
    short = request.content_length is not None and request.content_length <= _SHORT_BYTES
    return short and "Content-Encoding" not in request.headers and status not in _ENDING


class BodyBudget:
    """`each` is the limit of one body, in bytes, `seconds` its time; the memory is that of all held at a time."""

    def __init__(self, each: int, seconds: float, memory: Memory) -> None:
        self.each = each
        self.seconds = seconds
        self.memory = memory
        self.turns = asyncio.Lock()

    def hold(self, tenant: str) -> HeldBody:
        """A context for one request's body, whose weight counts until it ends."""
        return HeldBody(self, tenant)


class HeldBody:
    """One request's body. Its weight counts as it comes: what Content-Length promises holds nothing."""

    __slots__ = ("_budget", "_is_handed_over", "_payload", "_share", "_values")

    def __init__(self, budget: BodyBudget, tenant: str) -> None:
        self._budget = budget
        self._share = budget.memory.reserve(tenant)
        self._values = self._payload = 0  # the parts of the weight that are for what is no text, and for the payload
        self._is_handed_over = False

    def __enter__(self) -> HeldBody:
        """Nothing is held yet."""
        return self

    def __exit__(self, *fault: object) -> None:
        """Give the memory back, whatever happened, unless somebody else does."""
        if not self._is_handed_over:
            self._share.__exit__(*fault)

    async def read(self, request: web.Request) -> bytes | bytearray:
        """The body. Raises GatewayError when it is too large, alone or with the others, or comes too slowly."""
        if (request.content_length or 0) > self._budget.each:
            raise self._too_large()
        if not request.content.is_eof():
            return await self._arriving(request)
        data = request.content.read_nowait()  # it came with its head
        if len(data) > self._budget.each:
            raise self._too_large()
        weight = None
        if len(data) > SMALL_BYTES:
            weight = BodyWeight()
            self._weigh(weight, data)
        await self._take_rest(weight, data)
        return data

    async def await_turn(self, size: int) -> None:
        """Before a step that takes long: one large body is worked on in a round of the loop, and others run between."""
        if size > _LARGE:
            async with self._budget.turns:
                await asyncio.sleep(0)

    def take(self, size: int) -> None:
        """Hold more, for the answer. Raises GatewayError where there is no room."""
        self._share.take(size)

    def recount_values(self, body: dict[str, Any]) -> None:
        """The body has been parsed: what its bytes seemed to hold and do not is given back."""
        if self._values < _WORTH_WEIGHING:
            return
        if (values := weigh_values(body)) is not None and values < self._values:
            self._share.give(self._values - values)
            self._values = values

    def recount_payload(self, size: int) -> None:
        """The payload has been written and is this long: a file is no part of it, though its text was in the body."""
        if self._payload > size:
            self._share.give(self._payload - size)
            self._payload = size

    def hand_over(self) -> Reservation:
        """Its weight counts until the work ends that gets this, and gives it back: it may outlast the request."""
        self._is_handed_over = True
        self._share = self._share.hand_over(self._share.taken)
        return self._share

    def let_go(self) -> None:
        """Nothing of the body is there any more, though its request is under way."""
        self._share.give(self._share.taken)
        self._values = self._payload = 0

    async def _arriving(self, request: web.Request) -> bytearray:
        loop, weight, content = asyncio.get_running_loop(), BodyWeight(), request.content
        packed = hdrs.CONTENT_ENCODING in request.headers
        data, begun = bytearray(), loop.time()
        self._share.allow_eviction(lambda: content.set_exception(_gave_way()))
        while True:
            due = begun + self._budget.seconds + content.total_raw_bytes / BYTES_A_SECOND
            try:
                async with asyncio.timeout_at(min(due, loop.time() + _UNPACKING_SECONDS) if packed else due):
                    piece = await content.readany()
            except TimeoutError:
                if packed and _has_come(request):
                    raise body_unreadable() from None
                if loop.time() < due:
                    continue
                raise self._too_slow() from None
            if not piece:
                break
            data += piece
            if len(data) > self._budget.each:
                raise self._too_large()
            self._weigh(weight, piece)
            if content.total_compressed_bytes is not None:
                await asyncio.sleep(0)  # what one piece unpacks to is there without a wait
        self._share.forbid_eviction()
        await self._take_rest(weight, data)
        return data

    def _weigh(self, weight: BodyWeight, piece: bytes) -> None:
        before = weight.text
        weight.feed(piece)
        self._share.take(weight.text - before)

    async def _take_rest(self, weight: BodyWeight | None, data: bytes | bytearray) -> None:
        """Count what is no text, now that the body is whole; a small one is weighed by its size alone."""
        if weight is None or len(data) <= SMALL_BYTES:
            self._share.take(SMALL_FACTOR * len(data) - self._share.taken)
            return
        marks = weight.marks
        if marks.are_too_many:  # unless they stand in texts: the commas of a table are no values
            marks = await _count_outside_texts(data)
        if marks.are_too_many:
            raise GatewayError(INVALID_JSON, f"The body holds more than {MAX_VALUES} values: no model reads as many.")
        self._values, self._payload = marks.weight, len(data)
        self._share.take(marks.weight)

    def _too_large(self) -> GatewayError:
        limit = self._budget.each
        return GatewayError(
            REQUEST_TOO_LARGE, f"The request's body is larger than {limit} bytes (GPT2GIGA_MAX_BODY_BYTES)."
        )

    def _too_slow(self) -> GatewayError:
        return GatewayError(
            REQUEST_TIMEOUT,
            f"The request's body came too slowly: it has {self._budget.seconds:g} seconds, and one more for each "
            f"{BYTES_A_SECOND >> 10} KiB that has come (GPT2GIGA_BODY_SECONDS).",
        )


def _has_come(request: web.Request) -> bool:
    """Whether the last byte of a packed body has come."""
    if request.content_length is None:
        chunks: ChunkedBody | None = getattr(request.protocol, "chunks", None)
        return chunks is not None and chunks.ended
    return (request.content.total_compressed_bytes or 0) >= request.content_length


async def _count_outside_texts(data: bytes | bytearray) -> Marks:
    """The marks of a body, texts left out; others run in between."""
    counter, view = MarkCounter(), memoryview(data)
    for at in range(0, len(data), _LARGE):
        counter.feed(bytes(view[at : at + _LARGE]))
        if counter.found.are_too_many:
            break
        await asyncio.sleep(0)
    return counter.found


def _gave_way() -> GatewayError:
    message = "Your requests held more than half of the gateway's memory when others came. Try again shortly."
    return GatewayError(OVERLOADED, message)


def json_object(data: bytes | bytearray) -> tuple[dict[str, Any], Sequence[Note]]:
    """The body as a JSON object, and what it cost to read it. Raises GatewayError with the position of the fault."""
    notes: Sequence[Note] = ()
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as fault:
        body, notes = _repaired(data, fault)
    if not isinstance(body, dict):
        raise GatewayError(INVALID_JSON, "The body must be a JSON object.")
    return body, notes


def _repaired(data: bytes | bytearray | memoryview, fault: orjson.JSONDecodeError) -> tuple[Any, Sequence[Note]]:
    """The value of JSON behind byte order marks, or with halves of characters. Raises GatewayError for all else."""
    marks = _MARKS.match(data)
    try:
        if marks is not None:
            data = memoryview(data)[marks.end() :]
            return orjson.loads(data), ()
    except orjson.JSONDecodeError as behind:
        fault = behind
    if "surrogate" in fault.msg:  # orjson says so of every byte that is no UTF-8, too
        try:
            text, halves = surrogates.repair(data)
            body = orjson.loads(text)
            return body, [Note("adapted", _HALF, _place(body))] if halves else ()
        except surrogates.TooMany:
            message = f"The body holds half a surrogate pair, and more than {surrogates.MOST} surrogates in all."
            raise GatewayError(INVALID_JSON, message) from None
        except orjson.JSONDecodeError as behind:
            data, fault = text, behind
    raise GatewayError(INVALID_JSON, f"The body is no valid JSON: {_why(bytes(data), fault)}.") from None


def _place(body: Any) -> str:
    """The first field of a repaired body that holds U+FFFD, for notes; `body` where its name can't be told."""
    for key, value in body.items() if isinstance(body, dict) else ():
        items = enumerate(value) if isinstance(value, list) else ((None, value),)
        for index, item in items:
            if _holds_replacement([key, item]):
                name = key if _TELLABLE.fullmatch(key) else "body"
                return name if index is None or name == "body" else f"{name}[{index}]"
    return "body"


def _holds_replacement(value: Any) -> bool:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending += one
            pending += one.values()
        elif isinstance(one, list):
            pending += one
        elif isinstance(one, str) and "\ufffd" in one:
            return True
    return False


def _why(data: bytes, fault: orjson.JSONDecodeError) -> str:
    if not data.strip():
        return "the body is empty"
    if data.startswith(_WIDE):
        return "it is UTF-16 or UTF-32: send UTF-8"
    try:
        data.decode()
    except UnicodeDecodeError as wrong:  # the parser says line 1, column 1 for these
        before = data[: wrong.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return f"not UTF-8 at line {line}, column {column}"
    return f"{_POSITION.sub('', fault.msg)} at line {fault.lineno}, column {fault.colno}"
