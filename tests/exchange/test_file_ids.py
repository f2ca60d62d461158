"""Who may use a file's id, and how often GigaChat is asked about one."""

from __future__ import annotations

import pytest

from app import errors
from app.errors import GatewayError
from app.exchange.failures import FileFailure
from app.exchange.file_ids import FileIds
from app.exchange.files_api import FilesApi
from app.exchange.uploaded_files import UploadedFile, UploadedFiles, UploadKey
from app.observe.request_record import RequestRecord
from app.sandbox import server
from app.translate.dialogue import Uploaded
from tests.exchange.uploading import CLIENT, make_form, make_sender
from tests.running import Running


class Asking:
    """Clients that name ids. A description holds for ten seconds of `now`, and at most two are known."""

    def __init__(self, gateway: Running, sandbox: server.Running) -> None:
        self.now = 1000.0
        self.files = UploadedFiles()
        self.pins: list[UploadedFile] = []
        self._sandbox = sandbox
        self._api = FilesApi(make_sender(gateway))
        self._credential = gateway.gateway.credential
        self._ids = FileIds(self.files, self._api, 10.0, max_described=2, clock=lambda: self.now)

    async def upload(self, content: str) -> str:
        """The id of a file that was uploaded elsewhere for the client."""
        file = await self._api.upload(make_form(content), CLIENT, "messages[0]", RequestRecord(), self._credential)
        return file.id

    async def use(self, file_id: str, client: str = CLIENT) -> Uploaded:
        """What a client gets for an id."""
        return await self._ids.use(client, file_id, "messages[1]", RequestRecord(), self.pins, self._credential)

    def looked_up(self) -> list[str]:
        """The ids of which GigaChat was asked, in order."""
        asked = self._sandbox.state.requests.of("files")
        return [one.path.rpartition("/")[2] for one in asked if one.method == "GET"]


@pytest.fixture
def asking(gateway: Running, sandbox: server.Running) -> Asking:
    """Clients, and GigaChat."""
    return Asking(gateway, sandbox)


async def test_an_own_file_is_pinned(asking: Asking) -> None:
    """It stays while the request lasts; GigaChat is not asked."""
    file = UploadedFile(UploadKey("bot", CLIENT, "a"), Uploaded("id-1", "image"), 0.0)
    asking.files.add(file)
    assert await asking.use("id-1") is file.file
    assert (asking.pins, file.pins, asking.looked_up()) == ([file], 1, [])


async def test_a_file_that_is_to_be_deleted_is_looked_up(asking: Asking) -> None:
    """Another one may be current for its content: that one is not pinned."""
    file_id = await asking.upload("a")
    key = UploadKey("bot", CLIENT, "a")
    asking.files.add(UploadedFile(key, Uploaded(file_id, "document"), 0.0))
    new = UploadedFile(key, Uploaded("id-2", "document"), 0.0)
    asking.files.add(new)
    assert await asking.use(file_id) == Uploaded(file_id, "document")
    assert (asking.pins, new.pins, asking.looked_up()) == ([], 0, [file_id])


@pytest.mark.parametrize("is_current", [True, False])
async def test_a_file_of_another_client_is_refused(asking: Asking, is_current: bool) -> None:
    """Even one that is to be deleted; GigaChat is not asked."""
    file = UploadedFile(UploadKey("bot", "another", "a"), Uploaded("id-1", "image"), 0.0)
    asking.files.add(file)
    if not is_current:
        asking.files.retire(file)
    with pytest.raises(GatewayError, match=r"'messages\[1\]' is no file of yours") as refused:
        await asking.use("id-1")
    assert (refused.value.kind, refused.value.param) == (errors.FILE_NOT_FOUND, "messages[1]")
    assert asking.looked_up() == []


@pytest.mark.parametrize("file_id", ["", "a/b", "../models", "x" * 65])
async def test_what_is_no_id_is_refused(asking: Asking, file_id: str) -> None:
    """It would become part of a path: GigaChat is not asked."""
    with pytest.raises(GatewayError, match="is no file of yours"):
        await asking.use(file_id)
    assert asking.looked_up() == []


async def test_of_an_unknown_id_gigachat_decides(asking: Asking) -> None:
    """Under the client's own hash: what it describes for one client, another does not get."""
    file_id = await asking.upload("a")
    assert await asking.use(file_id) == Uploaded(file_id, "document")
    with pytest.raises(FileFailure) as failed:
        await asking.use(file_id, client="another")
    assert failed.value.path == "messages[1]"
    assert asking.looked_up() == [file_id, file_id]


async def test_a_description_holds_for_a_while(asking: Asking) -> None:
    """Then, and when too many others have come since, GigaChat is asked again."""
    first, second, third = [await asking.upload(content) for content in "abc"]
    for file_id in (first, first, second, first, third, second, first):
        await asking.use(file_id)
    assert asking.looked_up() == [first, second, third, first]
    asking.now += 10.0
    await asking.use(first)
    assert len(asking.looked_up()) == 4
    asking.now += 0.1
    await asking.use(first)
    assert asking.looked_up()[4:] == [first]
