"""Who a request belongs to: one type from the key to the ledger.

Sources: the settings (`GPT2GIGA_API_KEY`) and the worker's contract (`X-Tenant-ID`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import NamedTuple

from app.errors import INVALID_API_KEY, INVALID_VALUE, GatewayError

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


class Tenant(NamedTuple):
    """An id that may stand in logs and databases: never a key, never a person's name."""

    id: str


DEFAULT = Tenant("default")
# gpt2giga's way to hand GigaChat credentials through its door (`GPT2GIGA_PASS_TOKEN`).
_PASSED = ("giga-cred-", "giga-auth-", "giga-user-")


class Door:
    """Lets requests in: checks the presented key in constant time, and finds the tenant."""

    def __init__(self, api_key: str) -> None:
        self._key = api_key.encode()

    def admit(self, authorization: str | None, api_key: str | None, tenant_id: str | None) -> Tenant:
        """The tenant of a request with these headers (Authorization, x-api-key, X-Tenant-ID). Raises GatewayError."""
        presented = _bearer(authorization) or api_key or ""
        raw = presented.encode("utf-8", "surrogateescape")
        if presented.startswith(_PASSED):
            raise GatewayError(
                INVALID_API_KEY,
                "This gateway takes no GigaChat credentials as its key: it asks GigaChat under its own account, set by "
                "GIGACHAT_CREDENTIALS. Send the gateway's key (GPT2GIGA_API_KEY) instead.",
            )
        if self._key and not hmac.compare_digest(raw, self._key):
            raise GatewayError(
                INVALID_API_KEY,
                # frameworks know a wrong key by OpenAI's first words
                "Incorrect API key provided, or none. Send the gateway's key (GPT2GIGA_API_KEY) as "
                "'Authorization: Bearer <key>' or 'x-api-key: <key>'.",
            )
        # One key means one operator, and no key means that all are trusted: both may name the tenant themselves.
        if tenant_id is not None:
            return _named(tenant_id)
        return Tenant(hashlib.blake2b(raw, digest_size=6).hexdigest()) if raw else DEFAULT


def _bearer(authorization: str | None) -> str:
    if authorization is None:
        return ""
    scheme, _, value = authorization.partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def _named(tenant_id: str) -> Tenant:
    if not _ID.fullmatch(tenant_id):
        raise GatewayError(
            INVALID_VALUE,
            "'X-Tenant-ID' must begin with a-z or 0-9 and hold up to 63 of a-z, 0-9, '_', '.', '-'.",
            param="X-Tenant-ID",
        )
    return Tenant(tenant_id)
