"""Ids of calls. They carry GigaChat's state, and the client sends them back, so that no store is needed.

`<32 hex digits of the state>-v1-<index>`, or `call_<hash>` where GigaChat told no state. OpenAI refuses ids of more
than 40 characters when a history moves there.

Source: docs/gigachat-api.md, "Function results": `functions_state_id` is a UUID, and to echo it is optional.
"""

from __future__ import annotations

import hashlib
import re

_STATE = re.compile(r"([0-9a-fA-F]{8})-([0-9a-fA-F]{4})-([0-9a-fA-F]{4})-([0-9a-fA-F]{4})-([0-9a-fA-F]{12})")
_ID_WITH_STATE = re.compile(
    r"([0-9a-fA-F]{8})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{12})-v1-[0-9]{1,4}"
)
_MAX_CALLS = 10_000  # of one answer: an index has at most four digits


def is_state(value: object) -> bool:
    """Whether this is a state as GigaChat writes it, with its dashes."""
    return isinstance(value, str) and _STATE.fullmatch(value) is not None


def make_call_id(state: str | None, index: int, seed: str) -> str:
    """The id of an answer's call: the same for the same state, index and seed (the request's own id)."""
    if state is not None and is_state(state) and 0 <= index < _MAX_CALLS:
        return f"{state.replace('-', '')}-v1-{index}"
    digest = hashlib.blake2b(f"{index}\0{seed}".encode("utf-8", "surrogatepass"), digest_size=16)
    return f"call_{digest.hexdigest()}"


def read_state(call_id: str) -> str | None:
    """The state that a call's id carries; None in an id that was not made here."""
    found = _ID_WITH_STATE.fullmatch(call_id)
    return "-".join(found.groups()) if found else None
