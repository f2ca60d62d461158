"""The API's handlers: glue between the wire and the rooms below. No rule about any field stands here."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import partial
from time import time
from typing import Any

from aiohttp import hdrs, web

from app import client_json, errors, settings, sse
from app.admission.idempotency import Recording
from app.admission.tickets import Ticket
from app.errors import GatewayError
from app.exchange.attempt import Attempt
from app.exchange.runs import Batches
from app.observe.request_record import RequestRecord
from app.server import once
from app.server.app_keys import BODIES, DRAIN, GATEWAY, RECORD
from app.server.bodies import HeldBody, json_object
from app.server.deadlines import make_ticket, read_coalescing, within
from app.server.gateway import Gateway
from app.server.routes import EMBEDDINGS, MODELS, protocol_of
from app.server.streaming import ClientGone, EventStream
from app.translate.dialogue import Note
from app.translate.gigachat.contract import PAUSE
from app.translate.gigachat.embeddings import SIZES
from app.translate.protocol import ClientRequest, ClientStreamWriter

_JSON = {"Content-Type": "application/json"}


async def chat(request: web.Request) -> web.StreamResponse:
    """POST /v1/chat/completions."""
    app, record = request.app, request[RECORD]
    gateway = app[GATEWAY]
    with app[DRAIN].admitted(), app[BODIES].hold(record.tenant) as held:
        body, repairs, key = await _body(request, held, record)
        protocol = protocol_of(request)
        stream = protocol.asks_stream(body)
        if stream:
            record.record_asked_stream()
        ticket = make_ticket(request.headers, record, gateway.config, stream=stream)
        if key is not None:
            return await _answer_once(request, key, ticket, held, body, repairs, stream=stream)
        asked, plan = _plan(request, body, repairs, ticket, held)
        del body  # what nobody reads on is let go
        answer_id = protocol.answer_id(record.request_id)
        if stream:
            writer = asked.stream_writer(answer_id)
            del asked, repairs  # the stream lasts, and needs no question
            return await _streamed(request, plan, writer, held)
        if ticket.drains:
            around = partial(within, ticket)
            work = partial(gateway.chat.answers, plan)
            answers = await gateway.runs.finish(work, around, record, held.hand_over())
        elif ticket.deadline is None:
            answers = await gateway.chat.answers(plan)
        else:
            async with within(ticket):
                answers = await gateway.chat.answers(plan)
        return _json(asked.write(answers, answer_id))


async def embeddings(request: web.Request) -> web.StreamResponse:
    """POST /v1/embeddings."""
    app, record = request.app, request[RECORD]
    gateway = app[GATEWAY]
    with app[DRAIN].admitted(), app[BODIES].hold(record.tenant) as held:
        body, repairs, key = await _body(request, held, record)
        asked, notes = EMBEDDINGS.read_embeddings(body, gateway.names, SIZES)
        del body
        notes, strict = [*repairs, *notes], _strict(request, gateway)
        ticket = make_ticket(request.headers, record, gateway.config, stream=False)
        if key is not None:
            recording = once.find(gateway.keys, key, record)
            if recording is None:
                patient = _patient(ticket, gateway)

                async def work(recording: Recording) -> None:
                    found = await gateway.embeddings.answer(
                        asked, notes, record, patient, strict=strict, take=held.take
                    )
                    recording.add(_dump(EMBEDDINGS.write_embeddings(asked, found)))

                recording = once.begin(gateway.runs, gateway.keys, key, work, record, held)
            return await once.deliver_whole(recording, ticket, record)
        async with within(ticket):
            found = await gateway.embeddings.answer(asked, notes, record, ticket, strict=strict, take=held.take)
        return _json(EMBEDDINGS.write_embeddings(asked, found))


async def models(request: web.Request) -> web.StreamResponse:
    """GET /v1/models."""
    gateway = request.app[GATEWAY]
    with request.app[DRAIN].admitted():
        return _json(MODELS.write_models(gateway.catalog.models, gateway.names, gateway.abilities))


async def model(request: web.Request) -> web.StreamResponse:
    """GET /v1/models/{id}."""
    gateway, name = request.app[GATEWAY], request.match_info["model"]
    with request.app[DRAIN].admitted():
        return _json(MODELS.write_model(name, gateway.catalog.models, gateway.names, gateway.abilities))


def _plan(
    request: web.Request, body: dict[str, Any], repairs: Sequence[Note], ticket: Ticket, held: HeldBody
) -> tuple[ClientRequest, Attempt]:
    """What is asked, as the client's protocol and as GigaChat has it. Raises GatewayError."""
    gateway, record = request.app[GATEWAY], request[RECORD]
    asked = protocol_of(request).read(body, gateway.names)
    if asked.request.stream and (pause := read_coalescing(request.headers)) is not None:
        asked.request.extra.setdefault(PAUSE, pause)
    notes, strict = [*repairs, *asked.notes], _strict(request, gateway)
    plan = gateway.chat.plan(asked.request, notes, record, ticket, strict=strict)
    held.recount_payload(plan.asked_bytes)
    return asked, plan


async def _answer_once(
    request: web.Request,
    key: once.Asked,
    ticket: Ticket,
    held: HeldBody,
    body: dict[str, Any],
    repairs: Sequence[Note],
    *,
    stream: bool,
) -> web.StreamResponse:
    """A chat with an idempotency key."""
    gateway, record = request.app[GATEWAY], request[RECORD]
    recording = once.find(gateway.keys, key, record)
    if recording is None:
        asked, plan = _plan(request, body, repairs, _patient(ticket, gateway), held)
        answer_id = protocol_of(request).answer_id(record.request_id)

        async def write_whole(recording: Recording) -> None:
            answers = await gateway.chat.answers(plan)
            recording.add(_dump(asked.write(answers, answer_id)))

        async def write_stream(recording: Recording) -> None:
            writer = asked.stream_writer(answer_id)
            async with gateway.chat.stream(plan) as batches:
                recording.notes = record.adapted, record.dropped  # headers go out before the end
                async for events in batches:
                    plan.record.record_events(len(events))
                    if data := writer.feed(events):
                        recording.add(data)
                recording.add(writer.finish())

        work = write_stream if stream else write_whole
        recording = once.begin(gateway.runs, gateway.keys, key, work, record, held)
    if not stream:
        return await once.deliver_whole(recording, ticket, record)
    return await once.deliver_stream(request, _event_stream(request, None), recording, ticket, record)


def _patient(ticket: Ticket, gateway: Gateway) -> Ticket:
    """The ticket of an answer that is made whoever waits for it: the client's deadline is not its own."""
    return ticket._replace(deadline=None, waits_until=ticket.received + gateway.config.queue_seconds)


async def _streamed(
    request: web.Request, plan: Attempt, writer: ClientStreamWriter, held: HeldBody
) -> web.StreamResponse:
    """A refusal before the first event is a real status; once the stream has begun it owns its errors."""
    gateway, record = request.app[GATEWAY], request[RECORD]
    out = _event_stream(request, writer)
    async with out:
        try:
            ticket, batches = plan.ticket, gateway.chat.stream(plan)
            if ticket.drains:
                batches = gateway.runs.stream(batches, partial(within, ticket), record, held.hand_over())
            if ticket.deadline is None or ticket.drains:
                await _send_stream(batches, plan, writer, out, held)
            else:
                async with within(ticket):
                    await _send_stream(batches, plan, writer, out, held)
        except ClientGone:
            record.record_departure()
        except GatewayError as error:
            if not out.committed:
                raise
            await out.break_off(error, writer.fail(error))
    return out.response


async def _send_stream(
    opening: Batches, plan: Attempt, writer: ClientStreamWriter, out: EventStream, held: HeldBody
) -> None:
    async with opening as batches:
        if plan.is_light:
            held.let_go()
        async for events in batches:
            plan.record.record_events(len(events))
            await out.write(writer.feed(events))
        await out.finish(writer.finish())


async def _body(
    request: web.Request, held: HeldBody, record: RequestRecord
) -> tuple[dict[str, Any], Sequence[Note], once.Asked | None]:
    """The body, what it cost to read it, and the request's idempotency key."""
    data = await held.read(request)
    record.record_body(len(data))
    key = once.read_key(request, data, record.tenant)
    await held.await_turn(record.body_bytes)
    try:
        body, repairs = json_object(data)
    except GatewayError as fault:
        if hdrs.CONTENT_ENCODING in request.headers:
            fault.message += " It came packed, and may have been cut off before that."
        raise
    del data  # what is parsed stands in the body
    held.recount_values(body)
    if (model := protocol_of(request).asked_model(body)) is not None:
        record.record_asked_model(model[:128])
    await held.await_turn(record.body_bytes)
    return body, repairs, key


def _strict(request: web.Request, gateway: Gateway) -> bool:
    asked = request.headers.get("X-Gateway-Strict")
    try:
        return gateway.config.strict if asked is None else settings.boolean(asked.strip())
    except ValueError:
        raise GatewayError(errors.INVALID_VALUE, "The header X-Gateway-Strict must be true or false.") from None


def _event_stream(request: web.Request, writer: ClientStreamWriter | None) -> EventStream:
    """The wire of a streamed answer. Without its writer no delta can be a sign of life: a comment is."""
    config = request.app[GATEWAY].config
    return EventStream(
        request,
        request[RECORD],
        commit_seconds=config.commit_seconds,
        keepalive_seconds=config.keepalive_seconds,
        keepalive=_choose_keepalive(config.keepalive, writer),
    )


def _choose_keepalive(chosen: str, writer: ClientStreamWriter | None) -> Callable[[], bytes]:
    """What keeps a silent stream alive, by the setting's word."""
    if chosen == "delta" and writer is not None:
        return lambda: writer.keepalive(int(time()))
    return bytes if chosen == "off" else lambda: sse.KEEPALIVE


def _json(body: dict[str, Any]) -> web.Response:
    return web.Response(body=_dump(body), headers=_JSON)


def _dump(body: dict[str, Any]) -> bytes:
    return client_json.dumps(body, array.tolist)
