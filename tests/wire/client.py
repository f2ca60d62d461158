"""A client on a plain socket: every byte of its request is its own, and nothing of the answer is interpreted."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

from .cases import Reply, Step

Address = tuple[str, int]

_IMPATIENT, _GONE = "no answer: the client's patience ended", "left"
_LEFT = frozenset({_IMPATIENT, _GONE})


@contextlib.contextmanager
def sent(address: Address, step: Step) -> Iterator[Reply]:
    """The answer to the step's request, on a connection of its own that stays open as long as this context.

    A client that leaves is gone before it.
    """
    with contextlib.closing(socket.create_connection(address, timeout=step.patience)) as connection:
        reply = _reply(connection, address, step)
        if reply.ended in _LEFT:
            connection.close()
        yield reply


def _reply(connection: socket.socket, address: Address, step: Step) -> Reply:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused before its end
        connection.sendall(step.raw if step.raw is not None else _request(address, step))
    method = step.method if step.raw is None else step.raw[:16].partition(b" ")[0].decode("latin-1")
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
    except TimeoutError:
        return Reply(0, (), b"", _IMPATIENT)
    except (http.client.HTTPException, OSError) as fault:
        return Reply(0, (), b"", f"no answer: {type(fault).__name__}")
    body, ended = _events(response, step.leave) if step.leave is not None else _whole(response)
    return Reply(response.status, tuple(response.getheaders()), body, ended)


def fetch(address: Address, method: str, path: str, body: Any = None) -> bytes:
    """A question of the tool's own; raises OSError or HTTPException where no 200 comes."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, None if body is None else json.dumps(body).encode())
        response = connection.getresponse()
        data = response.read()
        if response.status != http.HTTPStatus.OK:
            raise http.client.HTTPException(f"{method} {path}: {response.status} {data[:300].decode(errors='replace')}")
        return data


def answers(address: Address, path: str, seconds: float = 20.0) -> bool:
    """Whether a 200 comes within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            fetch(address, "GET", path)
            return True
        time.sleep(0.02)
    return False


def _request(address: Address, step: Step) -> bytes:
    data = step.data
    if data is None:
        data = b"" if step.body is None else json.dumps(step.body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    headers = {"Host": f"{address[0]}:{address[1]}"}
    if data or step.method in {"POST", "PUT", "PATCH"}:
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(data))}
    headers |= step.headers
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{step.method} {step.path} HTTP/1.1\r\n{head}\r\n".encode() + data


def _whole(response: http.client.HTTPResponse) -> tuple[bytes, str]:
    try:
        return response.read(), "complete"
    except http.client.IncompleteRead as fault:
        return fault.partial, "cut off"
    except TimeoutError:
        return b"", "stalled"
    except OSError as fault:
        return b"", type(fault).__name__


def _events(response: http.client.HTTPResponse, count: int) -> tuple[bytes, str]:
    """So many events of a stream, and no byte more."""
    body = b""
    while body.count(b"\n\n") < count:
        piece = response.read1(65_536)
        if not piece:
            return body, "complete"
        body += piece
    return b"".join(event + b"\n\n" for event in body.split(b"\n\n")[:count]), _GONE
