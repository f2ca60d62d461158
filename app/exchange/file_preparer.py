"""Files in the form that GigaChat takes: images are looked at or converted, texts become UTF-8."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from app.exchange.file_loader import LoadedFile, refuse
from app.exchange.uploaded_files import UploadKey
from app.exchange.uploads_under_way import PreparedFile
from app.media import images
from app.media.failure import MediaError, NoProcess
from app.media.text import to_utf8
from app.observe.logs import LOGGER, fields
from app.translate.gigachat import file_types
from app.upstream.forms import Form

MAX_CHECKED = 1000


class FilePreparer:
    """Prepares files, and remembers which images were checked."""

    def __init__(self, max_checked: int = MAX_CHECKED) -> None:
        self._max_checked = max_checked
        self._checked: OrderedDict[UploadKey, None] = OrderedDict()  # the one used longest ago first

    async def prepare(self, loaded: LoadedFile) -> PreparedFile:
        """What is uploaded. Raises GatewayError."""
        try:
            data, mime, note = await self._convert(loaded)
        except MediaError as fault:
            if isinstance(fault, NoProcess):
                _report_no_process(fault.fault)
            raise refuse(loaded.path, fault) from fault
        taken = file_types.TAKEN[mime]
        form = Form(f"{loaded.stem}.{taken.extension}", taken.mime, data, (("purpose", file_types.PURPOSE),))
        return PreparedFile(form, None if note is None else f"image.{note}")

    async def _convert(self, loaded: LoadedFile) -> tuple[bytes, str, str | None]:
        """Bytes, type, and what was lost. Raises MediaError."""
        if loaded.mime in file_types.CONVERTED:
            return await images.convert(loaded.data, file_types.MAX_MADE, loaded.key.client, loaded.begin)
        if loaded.kind == "image":
            await self._check(loaded)
        else:
            loaded.begin()
        if loaded.mime == "text/plain":
            return await asyncio.to_thread(to_utf8, loaded.data), loaded.mime, None
        return loaded.data, loaded.mime, None

    async def _check(self, loaded: LoadedFile) -> None:
        """Check an image that is passed on as it is, if it was not checked before an earlier upload."""
        if loaded.key in self._checked:
            loaded.begin()
            self._checked.move_to_end(loaded.key)
            return
        await images.check(loaded.data, loaded.mime, loaded.key.client, loaded.begin)
        self._checked[loaded.key] = None
        if len(self._checked) > self._max_checked:
            self._checked.popitem(last=False)


def _report_no_process(fault: OSError) -> None:
    LOGGER.error(
        "images can't be read: no process can be started for them",
        extra=fields(
            error=fault.strerror or str(fault),
            remedy="raise the limit of processes (pids_limit) or of memory (mem_limit)",
        ),
    )
