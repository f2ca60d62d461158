"""The record of one request: filled on its way, told once at its end, to the log and the metrics alike."""

from __future__ import annotations

from collections.abc import Mapping
from random import getrandbits
from struct import Struct
from time import monotonic
from typing import NamedTuple

from app.errors import CLIENT_CLOSED, CLIENT_CLOSED_STATUS, GatewayError
from app.observe.gaps import Gaps

_MOST_CAUSES = 4  # of lost files in a line
_MAX_CAUSE = 300  # characters
_ID_FORM = "%08x-%04x-%04x-%04x-%04x%08x"
_split_id = Struct(">IHHHHI").unpack


def new_id() -> str:
    """A request's id, in the form of a UUID. It is a name, not a secret: no entropy of the system's is spent."""
    return _ID_FORM % _split_id(getrandbits(128).to_bytes(16, "big"))


class Tokens(NamedTuple):
    """What an answer cost, as GigaChat counted; in the order of the metrics' token types."""

    prompt: int
    completion: int
    cached: int


class RequestRecord:
    """One request. Times are seconds on the monotonic clock; durations are seconds.

    What is not recorded is a default of the class: to set forty fields would cost each request as much as to count it.
    """

    tenant: str = "default"
    client_request_id: str | None = None
    model_asked: str | None = None
    model: str | None = None  # GigaChat's name that was asked upstream
    stream: bool = False
    body_bytes: int = 0
    status: int = 500  # what happened; in a stream that has begun the wire says 200 all the same
    wire_status: int | None = None
    error_type: str | None = None
    slo_bad: bool = False
    detail: str | None = None  # the cause, for operators: may name hosts, never a secret or content
    queue_seconds: float = 0.0  # waiting for a slot, and between tries: of waits that have ended
    waiting_since: float | None = None  # while it waits
    upstream_started: float | None = None  # the first time
    asked_at: float = 0.0  # the last time
    upstream_running: bool = False
    upstream_before: float = 0.0  # seconds of what has ended
    upstream_status: int | None = None
    tries: int = 0
    retries: int = 0  # tries after a failure
    files: int = 0  # in the request, and of these uploaded now
    uploads: int = 0
    lost_files: tuple[str, ...] = ()  # why files of old turns can't be had
    files_seconds: float = 0.0  # fetching, converting and uploading them
    first_token: float | None = None  # monotonic
    first_token_seconds: float = 0.0  # after GigaChat was asked for it
    gaps: Gaps | None = None  # of a stream, between its pieces
    chunks: int = 0
    keepalives: int = 0
    unread_seconds: float = 0.0  # waiting for the client to take a whole answer
    delivered: bool = False  # the whole answer is out: a client that leaves now leaves satisfied
    aborted_by: str | None = None  # client, upstream, idle_timeout, shutdown
    cut: bool = False  # the gateway ended the answer itself, at a stop sequence
    tokens: Tokens | None = None
    idempotent: str | None = None  # joined, replayed: the answer is another request's
    awaits_usage: bool = False  # the usage of an answer that broke off is told later
    is_reported: bool = False
    finish: str | None = None
    leaked_calls: int = 0  # that the model wrote as text
    adapted: str = ""  # the notes, as the headers tell them
    dropped: str = ""
    dropped_params: Mapping[str, int] | None = None  # fields left out, and how often
    slips: str = ""  # those that are probably misspelt, with what was meant

    def __init__(self, endpoint: str = "other") -> None:
        self.request_id = new_id()
        self.endpoint = endpoint
        self.received = monotonic()

    def record_client_request_id(self, client_request_id: str | None) -> None:
        """The client's own id of the request; None if nothing of it may be shown."""
        self.client_request_id = client_request_id

    def record_tenant(self, tenant: str) -> None:
        """Whose request it is."""
        self.tenant = tenant

    def record_body(self, size: int) -> None:
        """The client's body was read: its bytes."""
        self.body_bytes = size

    def record_asked_model(self, model: str) -> None:
        """The model that the client names."""
        self.model_asked = model

    def record_asked_stream(self) -> None:
        """The client asks for a stream; whether it may have one is not known yet."""
        self.stream = True

    def record_plan(self, model: str, *, stream: bool) -> None:
        """What GigaChat will be asked for."""
        self.model, self.stream = model, stream

    def record_notes(self, adapted: str, dropped: str, dropped_params: Mapping[str, int], slips: str = "") -> None:
        """What became of the request's fields: as headers tell it, how often each rule dropped one, and slips."""
        self.adapted, self.dropped, self.dropped_params, self.slips = adapted, dropped, dropped_params, slips

    def begin_waiting(self) -> None:
        """The request waits for its turn, or for its next try."""
        self.waiting_since = monotonic()

    def end_waiting(self) -> None:
        """It waits no longer."""
        if self.waiting_since is not None:
            self.queue_seconds += monotonic() - self.waiting_since
            self.waiting_since = None

    def begin_upstream(self) -> None:
        """GigaChat is asked, the first time or once more."""
        if not self.upstream_running:
            self.upstream_running = True
            self.asked_at = monotonic()
            if self.upstream_started is None:
                self.upstream_started = self.asked_at
        self.tries += 1

    def record_retry(self) -> None:
        """A try has failed, and another one follows."""
        self.retries += 1

    def record_upstream_status(self, status: int | None) -> None:
        """GigaChat's last status; None: it gave none."""
        self.upstream_status = status

    def end_upstream(self) -> None:
        """GigaChat has nothing more to do for the request, as far as is known; it may have ended before."""
        if self.upstream_running:
            self.upstream_running = False
            self.upstream_before += monotonic() - self.asked_at

    def record_first_piece(self) -> None:
        """Another request's answer is handed on to this one's client; in a stream its first word has come."""
        if self.stream and self.first_token is None:
            self.first_token = monotonic()

    def discard_answer(self) -> None:
        """What came is not the answer: another one is asked for, and its first word counts."""
        self.first_token = None

    def begin_answer(self) -> Gaps:
        """The first word of a stream has come; the waits between its pieces are added to what is given back."""
        if self.first_token is None:
            self.first_token = monotonic()
            self.first_token_seconds = self.first_token - self.asked_at
        if self.gaps is None:
            self.gaps = Gaps()
        return self.gaps

    def record_usage(self, prompt: int, completion: int = 0, cached: int = 0) -> None:
        """What an answer cost; the answers of one request add up."""
        before = self.tokens
        if before is not None:
            prompt, completion, cached = before.prompt + prompt, before.completion + completion, before.cached + cached
        self.tokens = Tokens(prompt, completion, cached)

    def record_idempotent(self, how: str) -> None:
        """The answer is that of an earlier request with the same key: it was joined, or is replayed."""
        self.idempotent = how

    def expect_usage(self) -> None:
        """An answer broke off: its usage will be known after the request's end."""
        self.awaits_usage = True

    def record_finish(self, finish: str | None, *, cut: bool = False) -> None:
        """How an answer ended, in GigaChat's word. `cut`: the gateway ended it, and its usage is a count."""
        self.finish, self.cut = finish, self.cut or cut

    def record_leaked_calls(self, count: int) -> None:
        """So many calls were read out of an answer's text."""
        self.leaked_calls += count

    def record_files(self, count: int) -> None:
        """So many files are in the request."""
        self.files = count

    def record_lost_file(self, cause: str) -> None:
        """A file of an old turn can't be had, for this cause; a few are kept."""
        if len(self.lost_files) < _MOST_CAUSES and cause not in self.lost_files:
            self.lost_files += (cause[:_MAX_CAUSE],)

    def record_upload(self) -> None:
        """One of them was uploaded."""
        self.uploads += 1

    def add_file_time(self, seconds: float) -> None:
        """Files were fetched, converted and uploaded for so long."""
        self.files_seconds += seconds

    def record_events(self, count: int) -> None:
        """So many events of a stream go to the client."""
        self.chunks += count

    def record_keepalive(self) -> None:
        """A sign of life was sent into a silent stream."""
        self.keepalives += 1

    def begin_response(self, status: int) -> None:
        """The status line goes out."""
        self.wire_status = status

    def complete(self, status: int) -> None:
        """The handler has answered with this status, which counts unless a failure was recorded."""
        self.wire_status = status
        if self.error_type is None:
            self.status = status

    def deliver(self, status: int) -> None:
        """A stream is out, to its last byte."""
        self.status, self.delivered = status, True

    def fail(self, error: GatewayError) -> None:
        """The request ends with this error, whose status counts, be the wire's another; its cause is for the log."""
        self.status, self.error_type = error.kind.status, error.kind.error_type
        self.slo_bad = error.kind.slo == "bad"
        self.detail = error.kind.name if error.detail is None else f"{error.kind.name}: {error.detail}"

    def record_departure(self) -> None:
        """The client has left: nobody's fault, and the upstream request has ended with it."""
        self.status, self.error_type, self.slo_bad = CLIENT_CLOSED_STATUS, CLIENT_CLOSED, False
        self.aborted_by = "client"

    def record_cut_off(self, why: str) -> None:
        """The gateway ends the connection of a client that does not read."""
        self.detail = f"{CLIENT_CLOSED}: {why}"

    def record_abort(self, side: str | None) -> None:
        """The answer breaks off, by this side's doing; None: by a bug of the gateway's own."""
        self.aborted_by = side

    def record_unread(self, seconds: float) -> None:
        """The client took so long to take a whole answer."""
        self.unread_seconds = seconds

    def upstream_seconds(self, now: float) -> float:
        """The time that GigaChat had the request, all tries together; until `now` while it still has."""
        before = self.upstream_before
        return before + now - self.asked_at if self.upstream_running else before

    def usage_method(self) -> str:
        """How the answer's tokens are known: GigaChat told or counted them, or nobody did."""
        if self.tokens is None:
            return "none"
        return "counted" if self.cut else "upstream"

    def milliseconds(self) -> tuple[str, str, str]:
        """The times in the queue, at GigaChat and of our own so far, as headers tell them."""
        now = monotonic()
        queue, upstream = self.queue_seconds, self.upstream_seconds(now)
        if self.waiting_since is not None:  # a stream's head goes out while its request waits
            queue += now - self.waiting_since
        overhead = max(0.0, now - self.received - queue - upstream - self.files_seconds)
        return f"{queue * 1000:.1f}" if queue else "0.0", f"{upstream * 1000:.1f}", f"{overhead * 1000:.1f}"
