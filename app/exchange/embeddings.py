"""An embeddings request's life: batches that GigaChat takes, one after another, put back in order."""

from __future__ import annotations

from collections import Counter
from time import monotonic

import orjson

from app.exchange.attempts import Attempts, Job
from app.exchange.outcomes import to_error, unreadable
from app.observe.facts import Facts, Tokens
from app.translate.dialogue import EmbeddingsRequest, Note, Vectors
from app.translate.gigachat import embeddings as contract
from app.translate.gigachat.answers import UnreadableError
from app.translate.notes import header, refuse_if_strict
from app.upstream import client
from app.upstream.failures import UpstreamFailure

_PATH = "embeddings"


class Embeddings:
    """Embeddings, in batches."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    async def answer(self, asked: EmbeddingsRequest, notes: list[Note], facts: Facts, *, strict: bool) -> Vectors:
        """All vectors, in the order of the inputs. Raises GatewayError."""
        if strict:
            refuse_if_strict(notes)
        facts.adapted, facts.dropped = header(notes, "adapted"), header(notes, "dropped")
        facts.dropped_params = Counter(note.rule for note in notes if note.kind == "dropped")
        facts.model = asked.model
        found = Vectors(asked.model, [], 0)
        try:
            for batch in contract.batches(asked.texts):
                found = found.joined(await self._batch(asked.model, batch, facts))
        finally:
            facts.upstream_ended = monotonic()
            if found.vectors:  # paid for, though a later batch failed
                facts.tokens = Tokens(found.tokens, 0, 0)
        return found

    async def _batch(self, model: str, texts: list[str], facts: Facts) -> Vectors:
        body = orjson.dumps(contract.write(model, texts))
        headers = {"Accept": "application/json", "X-Request-ID": facts.request_id}
        job = Job("embeddings", _PATH, body, headers, field="input")
        response = await self._attempts.open(job, facts)
        try:
            return contract.read(await client.read(response), len(texts))
        except UpstreamFailure as failure:
            raise to_error(failure) from failure
        except UnreadableError as fault:
            raise unreadable(fault) from None
