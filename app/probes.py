"""`python -m app alive` and `python -m app health`: send a request to the gateway that runs with these settings."""

from __future__ import annotations

import json
import sys
from http.client import HTTPConnection, HTTPException

from app.config import Config

_NOBODY = (
    "The gateway does not run there: its last log line says why; or GPT2GIGA_HOST and GPT2GIGA_PORT are others here"
)
_MAX_BYTES = 65_536  # bytes of an answer


def check_alive(config: Config) -> int:
    """Return 0 if the process answers, for a container's health check."""
    status, _ = _request(config.host, config.port, "/livez", {})
    return 0 if status == 200 else 1


def print_health(config: Config) -> int:
    """Print the answer of /health. Returns 0 if the gateway serves requests, even if it is degraded."""
    # The metrics port requires no key.
    port = config.metrics_port or config.port
    headers = {"Authorization": f"Bearer {config.api_key}"} if config.api_key and port == config.port else {}
    status, body = _request(config.host, port, "/health", headers)
    if status is None:
        return 1
    try:
        report = json.loads(body)
    except ValueError:
        report = None
    if not isinstance(report, dict) or "status" not in report:
        print(f"what answers on port {port} is no gateway: {status} {body[:200]!r}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(json.dumps(report, ensure_ascii=False, indent=2).encode(errors="replace") + b"\n")
    if "version" not in report:
        print(
            "the gateway shows causes and remedies to its key's holder, to programs on its machine that ask a loopback "
            "address, and on GPT2GIGA_METRICS_PORT",
            file=sys.stderr,
        )
    return 0 if status == 200 else 1


def _request(host: str, port: int, path: str, headers: dict[str, str]) -> tuple[int | None, bytes]:
    """The status and the body. If there is no answer, prints the reason and returns no status."""
    # A gateway that listens on all addresses also listens on the loopback address.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    connection = HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(_MAX_BYTES)
    except OSError as fault:
        print(f"nobody answers on {host}:{port}: {fault.strerror or fault}. {_NOBODY}", file=sys.stderr)
    except HTTPException as fault:
        reason = repr(fault)[:200]  # it quotes the answer, which may be long and binary
        print(f"what answers on {host}:{port} is no gateway, nor HTTP: {reason}", file=sys.stderr)
    finally:
        connection.close()
    return None, b""
