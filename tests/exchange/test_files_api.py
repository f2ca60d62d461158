"""GigaChat's requests about files, and which failure of a deletion is final."""

from __future__ import annotations

from typing import Any

import pytest

from app.exchange.failures import FileFailure
from app.exchange.files_api import FilesApi
from app.observe.request_record import RequestRecord
from app.sandbox import server
from app.translate.dialogue import Uploaded
from app.translate.gigachat.contract import UnreadableError
from app.upstream.failures import Refused, Unreachable
from tests.attaching import shelf
from tests.exchange.uploading import CLIENT, make_form, make_sender
from tests.running import Running


async def test_a_file_is_uploaded_described_and_deleted(sandbox: server.Running, gateway: Running) -> None:
    """Each time under the client's hash and the request's id."""
    api, record = FilesApi(make_sender(gateway)), RequestRecord()
    file = await api.upload(make_form("hello"), CLIENT, "messages[0]", record, gateway.gateway.credential)
    (stored,) = shelf(sandbox)
    assert (file, stored.content) == (Uploaded(stored.id, "document"), b"hello")
    assert await api.describe(file.id, CLIENT, "messages[0]", record, gateway.gateway.credential) == file
    assert await api.delete(file.id, CLIENT, gateway.gateway.credential)
    assert shelf(sandbox) == []
    asked = sandbox.state.requests.of("files")
    assert [(one.method, one.path) for one in asked] == [("POST", "/v1/files"), ("GET", f"/v1/files/{file.id}")]
    assert {one.headers["X-Request-ID"] for one in asked} == {record.request_id}
    assert {one.headers["X-Client-ID"] for one in [*asked, *sandbox.state.requests.of("files/delete")]} == {CLIENT}


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ({"kind": "status", "status": 500}, Refused),
        ({"kind": "cut"}, Unreachable),
        ({"kind": "html_200"}, (Unreachable, UnreadableError)),
    ],
    ids=["refused", "cut off", "no description"],
)
async def test_a_failure_names_the_files_place(
    fault: dict[str, Any], cause: type[Exception], sandbox: server.Running, gateway: Running
) -> None:
    """Of an upload as of a description, with its cause as it was."""
    api = FilesApi(make_sender(gateway))
    file = await api.upload(make_form("hello"), CLIENT, "messages[0]", RequestRecord(), gateway.gateway.credential)
    sandbox.state.faults.add(**fault, where="files", times=2)
    with pytest.raises(FileFailure) as failed:
        await api.upload(make_form("other"), CLIENT, "messages[1]", RequestRecord(), gateway.gateway.credential)
    assert (failed.value.path, isinstance(failed.value.cause, cause)) == ("messages[1]", True)
    with pytest.raises(FileFailure) as failed:
        await api.describe(file.id, CLIENT, "messages[2]", RequestRecord(), gateway.gateway.credential)
    assert (failed.value.path, isinstance(failed.value.cause, cause)) == ("messages[2]", True)


@pytest.mark.parametrize(
    ("fault", "is_deleted"),
    [
        ({"kind": "status", "status": 404}, True),
        ({"kind": "status", "status": 403}, True),
        ({"kind": "status", "status": 400}, True),
        ({"kind": "status", "status": 400, "html": True}, False),
        ({"kind": "status", "status": 429}, False),
        ({"kind": "status", "status": 500}, False),
        ({"kind": "status", "status": 401, "times": 2}, False),
        ({"kind": "down", "times": 2}, False),
        ({"kind": "cut"}, False),
    ],
    ids=str,
)
async def test_a_deletion_that_fails(
    fault: dict[str, Any], is_deleted: bool, sandbox: server.Running, gateway: Running
) -> None:
    """A file that is gone, or is not ours, needs no other try; after any other failure it may still be there."""
    api = FilesApi(make_sender(gateway))
    file = await api.upload(make_form("hello"), CLIENT, "messages[0]", RequestRecord(), gateway.gateway.credential)
    sandbox.state.faults.add(**fault, where="files/delete")
    assert await api.delete(file.id, CLIENT, gateway.gateway.credential) is is_deleted
