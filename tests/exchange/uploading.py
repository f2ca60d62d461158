"""Uploads of a test's own, beside a gateway that runs in front of the sandbox."""

from __future__ import annotations

from pathlib import Path

from app.admission.memory import Memory
from app.exchange.sender import Sender
from app.exchange.tries import CredentialLease
from app.exchange.uploaded_files import UploadedFile
from app.exchange.uploads import Uploads
from app.exchange.uploads_under_way import PendingFile, PreparedFile
from app.observe import metrics
from app.observe.request_record import RequestRecord
from app.storage.uploads import UploadJournal
from app.upstream.forms import Form
from tests.running import Running

CLIENT = "c" * 32


def make_sender(gateway: Running) -> Sender:
    """A sender with the gateway's connections and token."""
    return Sender(gateway.gateway.gigachat, metrics.shared())


def make_uploads(
    gateway: Running, *, directory: Path | None = None, idle_seconds: float = 1000.0, max_files: int = 10
) -> Uploads:
    """Uploads, with a journal in this directory."""
    rooms = gateway.gateway
    return Uploads(
        make_sender(gateway),
        UploadJournal(directory, print),
        idle_seconds,
        credential="default",
        enter_idle=rooms.gate.enter_idle,
        max_files=max_files,
    )


def make_lease(gateway: Running) -> CredentialLease:
    """A slot of the gateway's."""
    lease = gateway.gateway.gate.enter_idle()
    assert lease is not None
    return lease


def make_form(content: str) -> Form:
    """What is uploaded of a text."""
    return Form(f"{content}.txt", "text/plain", content.encode(), (("purpose", "general"),))


async def upload(uploads: Uploads, content: str, pins: list[UploadedFile]) -> UploadedFile:
    """A text at GigaChat, pinned: uploaded if it is not there."""
    lease = uploads.enter_idle()
    assert lease is not None

    async def prepare() -> PreparedFile:
        return PreparedFile(make_form(content), None)

    pending = PendingFile(prepare, Memory(1000).reserve)
    try:
        return await uploads.get(uploads.key(CLIENT, content), pending, "messages[0]", RequestRecord(), pins, lease)
    finally:
        lease.end()


async def use(uploads: Uploads, *contents: str) -> list[UploadedFile]:
    """The files of these texts, one after another: each is in use for a moment."""
    used = []
    for content in contents:
        with uploads.collect_pins() as pins:
            used.append(await upload(uploads, content, pins))
    return used
