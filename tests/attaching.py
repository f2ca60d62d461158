"""Messages with files as clients send them, and what GigaChat got of them."""

from __future__ import annotations

import base64
from typing import Any

from app.sandbox.file_store import StoredFile
from app.sandbox.server import Running as Sandbox

SEES = "GigaChat-2-Max"


def plain(data: bytes) -> str:
    """Base64."""
    return base64.b64encode(data).decode()


def data_url(data: bytes, mime: str = "image/jpeg") -> str:
    """A data URL."""
    return f"data:{mime};base64,{plain(data)}"


def image(given: bytes | str, mime: str = "image/jpeg") -> dict[str, Any]:
    """An `image_url` with these bytes, or with this URL."""
    return {"type": "image_url", "image_url": {"url": given if isinstance(given, str) else data_url(given, mime)}}


def sound(given: bytes, form: str = "wav") -> dict[str, Any]:
    """An `input_audio`."""
    return {"type": "input_audio", "input_audio": {"data": plain(given), "format": form}}


def document(given: bytes, name: str | None = None) -> dict[str, Any]:
    """A `file` with these bytes."""
    return {"type": "file", "file": {"file_data": data_url(given, "application/octet-stream"), "filename": name}}


def by_id(number: str) -> dict[str, Any]:
    """A `file` that is at GigaChat."""
    return {"type": "file", "file": {"file_id": number}}


def user(*parts: dict[str, Any], text: str = "что это?") -> dict[str, Any]:
    """A user's message: text and files."""
    return {"role": "user", "content": [{"type": "text", "text": text}, *parts]}


def showing(*parts: dict[str, Any], model: str = SEES, text: str = "что это?", **more: Any) -> dict[str, Any]:
    """A chat request with one message: text and files."""
    return {"model": model, "messages": [user(*parts, text=text)], **more}


def talking(*messages: dict[str, Any], model: str = SEES, **more: Any) -> dict[str, Any]:
    """A chat request with these messages."""
    return {"model": model, "messages": list(messages), **more}


def shelf(sandbox: Sandbox) -> list[StoredFile]:
    """The files at GigaChat, oldest first."""
    return [file for file in sandbox.state.files if not file.is_gone]


def chats(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The bodies of the chat requests that GigaChat got."""
    return [record.body for record in sandbox.state.requests.of("chat")]


def attached(sandbox: Sandbox) -> list[list[str]]:
    """The ids of the last chat request, message by message, where a message has any."""
    return [one["attachments"] for one in chats(sandbox)[-1]["messages"] if "attachments" in one]


def uploads(sandbox: Sandbox) -> int:
    """How often something was uploaded, or the attempt was made."""
    return sum(record.method == "POST" for record in sandbox.state.requests.of("files"))
