"""The gateway's files at GigaChat: each uploaded once for a credential, a tenant and a content, deleted when idle.

A chat sends the same image again with every turn; a new id each time would cost an upload and GigaChat's prompt cache.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from app import errors
from app.admission.memory import Share
from app.errors import GatewayError
from app.exchange.attempts import Attempts, Job
from app.observe.facts import Facts
from app.storage.uploads import Record, UploadJournal
from app.translate.dialogue import Uploaded
from app.translate.gigachat import files
from app.upstream.client import MAX_DESCRIPTION_BYTES, read
from app.upstream.failures import UpstreamFailure
from app.upstream.forms import Form
from app.upstream.wire import survived

# What GigaChat holds for us: beyond it the files that were not used for the longest time go first.
_MOST = 10_000
_MOST_FAILED = 2  # uploads of others, for whose end a request waits in vain
_ROUND_SECONDS = 60.0
# A deletion that fails for one of these will never succeed: the file is gone, or not ours any more.
_GONE = frozenset({errors.FILE_NOT_FOUND, errors.UNSUPPORTED_FILE, errors.UPSTREAM_PERMISSION_DENIED})


class Key(NamedTuple):
    """Whose file it is, and which: `client` and `digest` are hashes in hex."""

    credential: str
    client: str
    digest: str


class Ready(NamedTuple):
    """A file in the form that GigaChat takes, not yet there; `note` is the rule of what was lost."""

    form: Form
    note: str | None


class Source(NamedTuple):
    """A file to be uploaded. `hand_over` gives its bytes' share of the memory to the upload, which alone `make`s it."""

    make: Callable[[], Awaitable[Ready]]
    hand_over: Callable[[], Share]


@dataclass(slots=True)
class Entry:
    """A file at GigaChat; it is not deleted while requests pin it. `used` is Unix time, `written` what is on disk."""

    key: Key
    file: Uploaded
    used: float
    pins: int = 0
    written: float = field(init=False)

    def __post_init__(self) -> None:
        """An upload is written down at once."""
        self.written = self.used


class Uploads:
    """Uploads, and deletes what nobody has used for `idle_seconds`."""

    def __init__(self, attempts: Attempts, journal: UploadJournal, idle_seconds: float) -> None:
        self._attempts = attempts
        self._journal = journal
        self._idle = idle_seconds
        self._entries: OrderedDict[Key, Entry] = OrderedDict()  # the one unused for the longest time first
        self._by_id: dict[str, Entry] = {}
        self._doomed: list[Entry] = []
        self._under_way: dict[Key, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # of uploads, several of one file among them
        self._strangers: OrderedDict[tuple[str, str], tuple[Uploaded, float]] = OrderedDict()
        for record in sorted(journal.load(), key=lambda record: record.used):
            if files.is_id(record.id) and record.kind in files.MAX_BYTES:
                key = Key(record.credential, record.client, record.digest)
                self._keep(Entry(key, Uploaded(record.id, record.kind, record.note), record.used))

    def key(self, client: str, digest: str) -> Key:
        """The key of a client's file under the credential in use."""
        return Key(self._attempts.credential, client, digest)

    def pin(self, key: Key) -> Entry | None:
        """The file, pinned, if it is there already."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
            entry.pins += 1
        return entry

    @contextmanager
    def pinned(self) -> Iterator[list[Entry]]:
        """What is put into the list stays at GigaChat until the context ends."""
        pins: list[Entry] = []
        try:
            yield pins
        finally:
            for entry in pins:
                entry.pins -= 1
                entry.used = time.time()
                # Not for every request: a restart may take a file for idle by half of the time too early.
                if self._stands(entry) and entry.used - entry.written > self._idle / 2:
                    self._write(entry)

    async def get(self, key: Key, source: Source, path: str, facts: Facts) -> Entry:
        """The file, pinned; made and uploaded if it is not there. Raises GatewayError that names `path`.

        One upload serves all that wait for it, and goes on when they leave: what GigaChat has got must be known here.
        Its bytes count against the memory until it ends, whoever has left. Another's failure is no word about this
        request: it tries itself, after two of them beside all others, lest they fail one by one for minutes.
        """
        failed = 0
        while (entry := self.pin(key)) is None:
            task = self._under_way.get(key)
            # To wait for one that has just ended would give no turn to others, and so never end.
            mine = failed == _MOST_FAILED or task is None or task.done()
            if task is None or mine:
                work = self._bring(key, source.make, path, facts)
                task = self._under_way[key] = asyncio.create_task(work, name="upload")
                self._tasks.add(task)
                task.add_done_callback(partial(self._over, key, source.hand_over()))
            try:
                await asyncio.shield(task)
            except GatewayError:
                if mine:
                    raise
                failed += 1
        return entry

    async def of_client(self, client: str, file_id: str, path: str, facts: Facts, pins: list[Entry]) -> Uploaded:
        """A file that the client says is at GigaChat: it must be the client's own. Raises GatewayError."""
        known = self._by_id.get(file_id)
        if not files.is_id(file_id) or (known is not None and known.key.client != client):
            raise GatewayError(errors.FILE_NOT_FOUND, f"'{path}' is no file of yours at GigaChat.", param=path)
        if known is not None and self._stands(known):  # else another may stand under its key: sent anew
            self.pin(known.key)
            pins.append(known)
            return known.file
        found, until = self._strangers.get((client, file_id), (None, 0.0))
        if found is None or until < time.time():
            job = Job("files", f"files/{file_id}", None, self._headers(client, facts), field=path)
            found = await self._asked(job, facts)
            self._strangers[client, file_id] = (found, time.time() + self._idle)
            if len(self._strangers) > _MOST:
                self._strangers.popitem(last=False)
        return found

    def forget(self, entries: list[Entry]) -> None:
        """GigaChat has lost some of these, it does not say which: none is used again, those left are deleted."""
        for entry in entries:
            if self._stands(entry):
                del self._entries[entry.key]
                self._doomed.append(entry)

    async def run(self) -> None:
        """Delete idle files, for as long as the gateway runs."""
        try:
            while True:
                await asyncio.sleep(min(_ROUND_SECONDS, self._idle / 2))
                try:
                    await self.clean()
                except Exception as fault:  # noqa: BLE001 - told, and the next round may go well
                    survived(fault, "deletion of files")
        finally:
            left = list(self._tasks)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def clean(self) -> None:
        """One round of deletions. What can't be deleted now is tried again in the next."""
        oldest = time.time() - self._idle
        for entry in [entry for entry in self._entries.values() if entry.used < oldest and not entry.pins]:
            del self._entries[entry.key]
            self._doomed.append(entry)
        doomed = [entry for entry in self._doomed if not entry.pins]
        self._doomed = [entry for entry in self._doomed if entry.pins]
        while doomed:
            entry = doomed.pop()
            try:
                await self._delete(entry)
            except (GatewayError, UpstreamFailure) as failure:
                if not (isinstance(failure, GatewayError) and failure.row in _GONE):
                    self._doomed += [entry, *doomed]
                    return
            self._gone(entry)

    async def _delete(self, entry: Entry) -> None:
        facts = Facts()
        job = Job("files", f"files/{entry.file.id}/delete", b"", self._headers(entry.key.client, facts), field="file")
        await read(await self._attempts.open(job, facts), MAX_DESCRIPTION_BYTES)

    async def _bring(self, key: Key, make: Callable[[], Awaitable[Ready]], path: str, facts: Facts) -> None:
        ready = await make()
        job = Job("files", "files", ready.form, self._headers(key.client, facts), field=path)
        found = await self._asked(job, facts)
        entry = Entry(key, Uploaded(found.id, found.kind, ready.note), time.time())
        facts.uploads += 1
        self._keep(entry)
        self._write(entry)

    def _over(self, key: Key, share: Share, task: asyncio.Task[None]) -> None:
        share.give(share.taken)
        self._tasks.discard(task)
        if self._under_way.get(key) is task:
            del self._under_way[key]
        if not task.cancelled():
            task.exception()  # seen, though all that waited may have left

    async def _asked(self, job: Job, facts: Facts) -> Uploaded:
        """GigaChat's description of a file."""
        response = await self._attempts.open(job, facts)
        try:
            found = files.read(await read(response, MAX_DESCRIPTION_BYTES))
        except UpstreamFailure as failure:
            raise self._attempts.error(failure, job) from failure
        if found is None:
            message = f"'{job.field}' was not passed on: GigaChat's answer could not be read. Try again later."
            raise GatewayError(errors.UPSTREAM_ERROR, message, param=job.field)
        return found

    @staticmethod
    def _headers(client: str, facts: Facts) -> dict[str, str]:
        return {"Accept": "application/json", "X-Request-ID": facts.request_id, "X-Client-ID": client}

    def _stands(self, entry: Entry) -> bool:
        """Whether requests get this one by its key: it is neither lost nor to be deleted."""
        return self._entries.get(entry.key) is entry

    def _write(self, entry: Entry) -> None:
        """Let the journal know when it was last used."""
        entry.written = entry.used
        file = entry.file
        self._journal.add(Record(file.id, *entry.key, file.kind, file.note, entry.used))

    def _keep(self, entry: Entry) -> None:
        before = self._entries.pop(entry.key, None)
        if before is not None:  # of a journal: its deletion had failed, or a crash came first
            self._doomed.append(before)
        self._entries[entry.key] = entry
        self._by_id[entry.file.id] = entry
        if len(self._entries) > _MOST:
            surplus = next((old for old in self._entries.values() if not old.pins and old is not entry), None)
            if surplus is not None:
                del self._entries[surplus.key]
                self._doomed.append(surplus)

    def _gone(self, entry: Entry) -> None:
        self._by_id.pop(entry.file.id, None)
        self._journal.remove(entry.file.id)
