"""Checks the key of a request and finds its tenant.

Sources: the setting `GPT2GIGA_API_KEY` and the header `X-Tenant-ID`.
"""

from __future__ import annotations

import hashlib
import hmac

from app.admission.tenants import DEFAULT, Tenant, parse_tenant
from app.errors import INVALID_API_KEY, GatewayError

# Prefixes by which clients of gpt2giga pass GigaChat credentials as their key (`GPT2GIGA_PASS_TOKEN`).
_CREDENTIAL_PREFIXES = (b"giga-cred-", b"giga-auth-", b"giga-user-")


class Authenticator:
    """Compares keys in constant time. An empty `api_key` means that all requests are admitted."""

    def __init__(self, api_key: str) -> None:
        self._key = api_key.encode()
        self._tenant = _find_tenant(self._key)  # of whoever has it

    def admit(self, authorization: str | None, api_key: str | None, tenant_id: str | None) -> Tenant:
        """The tenant of a request with these headers (Authorization, x-api-key, X-Tenant-ID).

        Raises GatewayError if the key is wrong or missing, or the tenant's id is invalid.
        """
        raw = _read_key(authorization, api_key)
        if raw.startswith(_CREDENTIAL_PREFIXES):
            raise GatewayError(
                INVALID_API_KEY,
                "This gateway takes no GigaChat credentials as its key: it asks GigaChat under its own account, set by "
                "GIGACHAT_CREDENTIALS. Send the gateway's key (GPT2GIGA_API_KEY) instead.",
            )
        if self._key and not hmac.compare_digest(raw, self._key):
            raise GatewayError(
                INVALID_API_KEY,
                # Frameworks recognise a wrong key by the first words of OpenAI's message.
                "Incorrect API key provided, or none. Send the gateway's key (GPT2GIGA_API_KEY) as "
                "'Authorization: Bearer <key>' or 'x-api-key: <key>'.",
            )
        # Whoever knows the only key, or uses a gateway without a key, is trusted to name the tenant.
        if tenant_id is not None:
            return parse_tenant(tenant_id)
        return self._tenant if self._key else _find_tenant(raw)

    def accepts_key(self, authorization: str | None, api_key: str | None) -> bool:
        """Whether these headers hold the configured key. Without a configured key no headers do."""
        return bool(self._key) and hmac.compare_digest(_read_key(authorization, api_key), self._key)


def _find_tenant(key: bytes) -> Tenant:
    """The tenant of a key. The logs show the hash. No name begins with "_": nobody can claim the tenant by its name."""
    return Tenant("_" + hashlib.blake2b(key, digest_size=6).hexdigest()) if key else DEFAULT


def _read_key(authorization: str | None, api_key: str | None) -> bytes:
    """The key in the headers, which may hold any bytes; empty if there is none."""
    key = ""
    if authorization is not None:
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            key = value.strip()
    return (key or api_key or "").encode("utf-8", "surrogateescape")
