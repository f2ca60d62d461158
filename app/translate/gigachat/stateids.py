"""Ids of calls, which carry GigaChat's state: the client sends them back, so no store is needed.

`<32 hex digits of the state>-v1-<index>`, or `call_<hash>` where GigaChat told no state. OpenAI refuses ids of more
than 40 characters when a history moves there.

Source: GigaChat's REST API, "Function results": `functions_state_id` is a UUID, and to echo it is optional.
"""

from __future__ import annotations

import hashlib
import re

_UUID = re.compile(r"([0-9a-fA-F]{8})-([0-9a-fA-F]{4})-([0-9a-fA-F]{4})-([0-9a-fA-F]{4})-([0-9a-fA-F]{12})")
_OURS = re.compile(r"([0-9a-fA-F]{8})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{12})-v1-[0-9]{1,4}")
_MOST = 10_000  # calls of one answer


def is_state(value: object) -> bool:
    """Is this a state as GigaChat writes it, with its dashes?"""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def call_id(state: str | None, index: int, seed: str) -> str:
    """The id of an answer's call: the same for the same state, index and seed (the request's own id)."""
    if state is not None and is_state(state) and 0 <= index < _MOST:
        return f"{state.replace('-', '')}-v1-{index}"
    digest = hashlib.blake2b(f"{index}\0{seed}".encode("utf-8", "surrogatepass"), digest_size=16)
    return f"call_{digest.hexdigest()}"


def state_of(call_id: str) -> str | None:
    """The state that an id of ours carries; a foreign id has none."""
    found = _OURS.fullmatch(call_id)
    return "-".join(found.groups()) if found else None
