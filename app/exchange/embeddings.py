"""An embeddings request's life: batches that GigaChat takes, one after another, put back in order."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

import orjson

from app.admission.tickets import Ticket
from app.exchange.catalog import Catalog
from app.exchange.failures import explain_unreadable
from app.exchange.notes import tell_notes
from app.exchange.outcomes import ClientErrors
from app.exchange.sender import Job, Sender
from app.exchange.tries import Asking, CredentialLease, Tries
from app.observe.request_record import RequestRecord
from app.translate.dialogue import EmbeddingsRequest, Note, Vectors
from app.translate.gigachat import embeddings as contract
from app.translate.gigachat import paths
from app.translate.gigachat.contract import UnreadableError
from app.translate.missing_models import refuse_wrong_use
from app.translate.notes import refuse_if_strict
from app.upstream import client

# Bytes of memory for each number until the answer is written: eight here, and its text or base64 in the answer.
_TEXT_BYTES, _PACKED_BYTES = 30, 19
_LONGEST = max(contract.SIZES.values())


class Embeddings:
    """Embeddings, in batches."""

    def __init__(self, tries: Tries, sender: Sender, catalog: Catalog) -> None:
        self._tries = tries
        self._sender = sender
        self._catalog = catalog

    async def answer(
        self,
        asked: EmbeddingsRequest,
        notes: list[Note],
        record: RequestRecord,
        ticket: Ticket,
        *,
        strict: bool,
        take: Callable[[int], None],
    ) -> Vectors:
        """All vectors, in the order of the inputs. Raises GatewayError.

        `take` holds memory, and raises GatewayError where there is none: nothing is asked that could not be answered.
        """
        refuse_wrong_use(asked.model, "embedder", self._catalog.kinds, asked.fields.model)
        if strict:
            refuse_if_strict(notes)
        tell_notes(record, notes)
        record.record_plan(asked.model, stream=False)
        each = _PACKED_BYTES if asked.packed else _TEXT_BYTES
        expected = contract.SIZES.get(asked.model, _LONGEST)
        take(len(asked.texts) * expected * each)
        found = Vectors(asked.model, [], 0)
        try:
            with ClientErrors(asked.fields, "texts", lambda: self._say_missing(asked, record)):
                for batch in contract.split_batches(asked.texts):
                    goes_on = bool(found.vectors)
                    own = ticket.renew(monotonic()) if goes_on else ticket
                    asking = Asking(own, record, asked.model, chat=False, goes_on=goes_on)
                    more = await self._batch(asking, batch)
                    take(each * sum(max(0, len(vector) - expected) for vector in more.vectors))
                    found = found.joined(more)
        finally:
            record.end_upstream()
            if found.vectors:  # paid for, though a later batch failed
                record.record_usage(found.tokens)
        return found

    def _say_missing(self, asked: EmbeddingsRequest, record: RequestRecord) -> str:
        return self._catalog.say_missing(asked.model, record.model_asked, "embedder")

    async def _batch(self, asking: Asking, texts: list[str]) -> Vectors:
        record = asking.record
        body = orjson.dumps(contract.write(asking.model, texts))
        headers = {"Accept": "application/json", "X-Request-ID": record.request_id}
        job = Job("embeddings", paths.EMBEDDINGS, body, headers)

        async def ask(lease: CredentialLease) -> Vectors:
            response = await self._sender.send(job, record, lease.credential)
            try:
                return contract.read(await client.read_body(response), len(texts))
            except UnreadableError as fault:
                raise explain_unreadable(response, fault) from None

        found, lease = await self._tries.run(asking, ask)
        lease.end()
        return replace(found, vectors=[array("d", vector) for vector in found.vectors])  # a fourth of a list's size
