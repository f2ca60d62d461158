"""GigaChat's requests about files: upload one, describe one, delete one."""

from __future__ import annotations

from app.exchange.credential import UpstreamCredential
from app.exchange.failures import FileFailure
from app.exchange.sender import Job, Sender
from app.observe.request_record import RequestRecord
from app.translate.dialogue import Uploaded
from app.translate.gigachat import file_types, paths
from app.translate.gigachat.contract import UnreadableError
from app.translate.gigachat.refusals import forbids_deletion
from app.upstream.client import MAX_DESCRIPTION_BYTES, read_body
from app.upstream.failures import Refused, UpstreamFailure
from app.upstream.forms import Form
from app.upstream.tokens import NoToken


class FilesApi:
    """Asks GigaChat about files. `client` is the hash of a tenant: GigaChat binds files to it.

    `path` is where the file stands in the client's request.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def upload(
        self, form: Form, client: str, path: str, record: RequestRecord, credential: UpstreamCredential
    ) -> Uploaded:
        """Upload a file. Raises FileFailure."""
        job = Job("files", paths.FILES, form, _headers(client, record))
        return await self._read_description(job, path, record, credential)

    async def describe(
        self, file_id: str, client: str, path: str, record: RequestRecord, credential: UpstreamCredential
    ) -> Uploaded:
        """What GigaChat knows of a file that is there. Raises FileFailure."""
        job = Job("files", paths.file_path(file_id), None, _headers(client, record))
        return await self._read_description(job, path, record, credential)

    async def delete(self, file_id: str, client: str, credential: UpstreamCredential) -> bool:
        """Delete a file. False: it failed, and may succeed later."""
        record = RequestRecord()
        job = Job("files", paths.file_deletion_path(file_id), b"", _headers(client, record))
        try:
            await read_body(await self._sender.send(job, record, credential), MAX_DESCRIPTION_BYTES)
        except Refused as refusal:
            return forbids_deletion(refusal.status, refusal.body)
        except (UpstreamFailure, NoToken):
            return False
        return True

    async def _read_description(
        self, job: Job, path: str, record: RequestRecord, credential: UpstreamCredential
    ) -> Uploaded:
        try:
            response = await self._sender.send(job, record, credential)
            found = file_types.read(await read_body(response, MAX_DESCRIPTION_BYTES))
            if found is None:
                raise UnreadableError("GigaChat's answer is no description of a file")
        except (UpstreamFailure, NoToken, UnreadableError) as failure:
            raise FileFailure(path, failure) from failure
        return found


def _headers(client: str, record: RequestRecord) -> dict[str, str]:
    return {"Accept": "application/json", "X-Request-ID": record.request_id, "X-Client-ID": client}
