"""What is remembered of formats that did not bring JSON, so that the next request begins with what works.

A model that answers prose twice in a row is asked otherwise for an hour; one success forgets it. A schema that GigaChat
refuses is remembered for an hour as well, that schema alone. Both belong to the tenant: what one tenant's odd prompts
and schemas bring about must not change how the others' requests are asked.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

SECONDS = 3600.0
_PROSE_IN_A_ROW = 2
_MAX_MODELS = 1024  # of all tenants; the oldest are forgotten
_MAX_SCHEMAS = 64  # of one tenant's model


@dataclass(slots=True)
class _Memory:
    """Of one tenant's model. Times are on the monotonic clock."""

    prose: int = 0  # answers in a row
    last_prose: float = 0.0
    refused: dict[str, float] = field(default_factory=dict)  # schemas by their hash


class FormatMemory:
    """Which models and schemas are asked for JSON in another way."""

    def __init__(self) -> None:
        self._memories: dict[tuple[str, str], _Memory] = {}

    def avoids(self, tenant: str, model: str, schema: dict[str, Any] | None) -> bool:
        """Whether the format is better not sent."""
        memory = self._memories.get((tenant, model))
        if memory is None:
            return False
        now = monotonic()
        if memory.prose >= _PROSE_IN_A_ROW and now - memory.last_prose < SECONDS:
            return schema is not None
        return bool(memory.refused) and now - memory.refused.get(_digest(schema), -SECONDS) < SECONDS

    def record_prose(self, tenant: str, model: str) -> None:
        """The model answered a format in prose."""
        memory, now = self._of(tenant, model), monotonic()
        if now - memory.last_prose >= SECONDS or memory.prose >= _PROSE_IN_A_ROW:
            memory.prose = 0
        memory.prose, memory.last_prose = memory.prose + 1, now

    def record_success(self, tenant: str, model: str) -> None:
        """The model answered a format with JSON."""
        memory = self._memories.get((tenant, model))
        if memory is not None:
            memory.prose = 0

    def record_refusal(self, tenant: str, model: str, schema: dict[str, Any] | None) -> None:
        """GigaChat refused the format of this schema."""
        refused = self._of(tenant, model).refused
        digest = _digest(schema)
        refused.pop(digest, None)
        if len(refused) >= _MAX_SCHEMAS:
            del refused[next(iter(refused))]
        refused[digest] = monotonic()

    def clear(self) -> None:
        """Forget all."""
        self._memories.clear()

    def _of(self, tenant: str, model: str) -> _Memory:
        memory = self._memories.pop((tenant, model), None) or _Memory()
        if len(self._memories) >= _MAX_MODELS:
            del self._memories[next(iter(self._memories))]
        self._memories[tenant, model] = memory
        return memory


def _digest(schema: dict[str, Any] | None) -> str:
    text = json.dumps(schema, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
