"""The tenant: the client that a request belongs to.

Sources: the setting `GPT2GIGA_API_KEY` and the header `X-Tenant-ID`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from app.errors import INVALID_VALUE, GatewayError

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


class Tenant(NamedTuple):
    """A tenant's id. It appears in logs and databases, so it is neither a key nor a person's name."""

    id: str


DEFAULT = Tenant("default")


def parse_tenant(tenant_id: str) -> Tenant:
    """The tenant that a request's header `X-Tenant-ID` names. Raises GatewayError for an invalid id."""
    if not _ID.fullmatch(tenant_id):
        raise GatewayError(
            INVALID_VALUE,
            "'X-Tenant-ID' must begin with a-z or 0-9 and hold up to 63 of a-z, 0-9, '_', '.', '-'.",
            param="X-Tenant-ID",
        )
    return Tenant(tenant_id)
