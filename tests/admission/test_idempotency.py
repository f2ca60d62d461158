"""Idempotency keys: who makes an answer, who follows it, and how long it is kept."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest

from app import errors
from app.admission.idempotency import MAX_KEY, IdempotencyStore, Recording, check_key
from app.errors import GatewayError
from tests.admission.clock import Clock

SECONDS = 100.0
FAILURE = GatewayError(errors.QUEUE_TIMEOUT, "later", param="p", retry_after=3.0, detail="why")


class Heard:
    """An observer that keeps what it hears."""

    def __init__(self) -> None:
        self.results: list[str] = []

    def key_used(self, result: str) -> None:
        """What became of a key."""
        self.results.append(result)


class Bench:
    """A store, and a small language: `begin a`, `end a`, `fail a`, `ask a`, `conflict a`, `pass 9`."""

    def __init__(self, limit: int = 10_000, seconds: float = SECONDS) -> None:
        self.clock, self.heard = Clock(), Heard()
        self.store = IdempotencyStore(seconds, limit, self.heard, self.clock)

    def do(self, what: str) -> str | None:
        """One step. Who asks is told `new`, `running`, `kept` or `conflict`; the others nothing."""
        verb, _, name = what.partition(" ")
        if verb == "pass":
            self.clock.move(float(name))
            return None
        if verb in ("ask", "conflict"):
            return self._ask(name, b"other" if verb == "conflict" else b"same")
        if verb == "begin":
            self.store.begin("t", name, b"same")
        else:
            self.store.finish("t", name, FAILURE if verb == "fail" else None)
        return None

    def keep(self, name: str, size: int, tenant: str = "t") -> Recording:
        """An answer of so many bytes, ended."""
        recording = self.store.begin(tenant, name, b"same")
        recording.add(bytes(size))
        self.store.finish(tenant, name)
        return recording

    def kept(self, *names: str) -> list[str]:
        """Those of the keys that are known."""
        return [name for name in names if self.store.find("t", name, b"same") is not None]

    def _ask(self, name: str, digest: bytes) -> str:
        try:
            recording = self.store.find("t", name, digest)
        except GatewayError as fault:
            return "conflict" if fault.kind is errors.IDEMPOTENCY_CONFLICT else fault.message
        if recording is None:
            return "new"
        return "kept" if recording.is_whole else "running"


# What happens -> what those who ask are told, and what the observer hears.
TABLE: dict[str, tuple[list[str], list[str], list[str]]] = {
    "nobody has asked": (["ask a"], ["new"], []),
    "it is being made": (["begin a", "ask a", "ask a"], ["running", "running"], ["joined", "joined"]),
    "it is kept": (["begin a", "end a", "ask a", "ask a"], ["kept", "kept"], ["hit", "hit"]),
    "another request meanwhile": (["begin a", "conflict a", "ask a"], ["conflict", "running"], ["conflict", "joined"]),
    "another request later": (["begin a", "end a", "conflict a", "ask a"], ["conflict", "kept"], ["conflict", "hit"]),
    "a failure frees the key": (["begin a", "fail a", "ask a", "conflict a"], ["new", "new"], []),
    "and the next one is kept": (["begin a", "fail a", "begin a", "end a", "ask a"], ["kept"], ["hit"]),
    "keys are apart": (["begin a", "end a", "begin b", "ask b", "ask a"], ["running", "kept"], ["joined", "hit"]),
    "its time is not over": (["begin a", "end a", "pass 99.9", "ask a"], ["kept"], ["hit"]),
    "its time is over": (["begin a", "end a", "pass 100", "ask a", "conflict a"], ["new", "new"], []),
    "its time counts from its end": (["begin a", "pass 99", "end a", "pass 99", "ask a"], ["kept"], ["hit"]),
    "a use makes it no longer": (["begin a", "end a", *["pass 60", "ask a"] * 2], ["kept", "new"], ["hit"]),
    "one that is being made has no time": (["begin a", "pass 1000", "ask a"], ["running"], ["joined"]),
    "the one that ends first goes first": (
        ["begin a", "begin b", "end b", "pass 60", "end a", "pass 60", "ask b", "ask a"],
        ["new", "kept"],
        ["hit"],
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_becomes_of_a_key(name: str) -> None:
    """Who makes the answer, who joins, who gets what is kept, and who is refused."""
    happens, told, heard = TABLE[name]
    bench = Bench()
    assert [came for what in happens if (came := bench.do(what))] == told
    assert bench.heard.results == heard


def test_keys_belong_to_a_tenant() -> None:
    """Nobody meets another's key, neither its answer nor a conflict with it."""
    bench = Bench()
    bench.keep("a", 10, tenant="one")
    assert bench.store.find("two", "a", b"other") is None
    assert bench.store.find("one", "a", b"same") is not None


async def read(recording: Recording, got: list[bytes]) -> None:
    """Follow a recording to its end."""
    async for piece in recording.follow():
        got.append(piece)  # noqa: PERF401 - what a reader has got is looked at meanwhile


async def settle() -> None:
    """Let all who wait go on."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_piece_by_piece() -> None:
    """Who follows from the beginning gets each piece when it comes, and what came at once in one."""
    recording, got = Recording(b""), list[bytes]()
    reader = asyncio.create_task(read(recording, got))
    await settle()
    assert got == []
    for pieces in ([b"a"], [b"b", b"c"], [b"d"]):
        for piece in pieces:
            recording.add(piece)
        await settle()
    assert got == [b"a", b"bc", b"d"]
    assert not reader.done()
    recording.end()
    await reader
    assert got == [b"a", b"bc", b"d"]


async def test_late_and_by_many() -> None:
    """Whoever comes, before, between or after the end, gets the same bytes; who leaves disturbs nobody."""
    bench, gots = Bench(), [list[bytes]() for _ in range(30)]
    recording = bench.store.begin("t", "a", b"same")
    readers = []
    for number in range(20):
        readers.append(asyncio.create_task(read(recording, gots[number])))
        await asyncio.sleep(0)
        if number % 2:
            recording.add(b"%d," % number)
    for leaving in readers[::3]:
        leaving.cancel()
    await settle()
    recording.add(b"end")
    bench.store.finish("t", "a")
    readers += [asyncio.create_task(read(recording, got)) for got in gots[20:]]
    await asyncio.gather(*readers, return_exceptions=True)
    whole = b"".join(b"%d," % number for number in range(1, 20, 2)) + b"end"
    assert {b"".join(got) for number, got in enumerate(gots) if number >= 20 or number % 3} == {whole}
    assert gots[-1] == [whole]


async def test_the_end_comes_between_two_pieces_of_a_slow_reader() -> None:
    """What is kept as one piece in the end is not given again to who has read half of it."""
    bench = Bench()
    recording = bench.store.begin("t", "a", b"same")
    recording.add(b"one")
    reader = recording.follow()
    got = [await anext(reader)]
    recording.add(b"two")
    recording.add(b"three")
    bench.store.finish("t", "a")
    assert got + [piece async for piece in reader] == [b"one", b"twothree"]


async def test_who_reads_keeps_what_is_let_go() -> None:
    """An answer that is kept no longer is read to its end all the same."""
    bench = Bench(limit=3000)
    recording = bench.keep("a", 1500)
    reader = recording.follow()
    bench.keep("b", 1500)
    assert bench.kept("a", "b") == ["b"]
    assert [piece async for piece in reader] == [bytes(1500)]


async def test_an_empty_answer() -> None:
    """It has an end, and no piece."""
    bench, got = Bench(), list[bytes]()
    recording = bench.store.begin("t", "a", b"same")
    asyncio.get_running_loop().call_soon(bench.store.finish, "t", "a")
    await asyncio.gather(read(recording, got), read(recording, got))
    assert b"".join(got) == b""


async def test_a_failure_is_everybodys_own() -> None:
    """Each gets the pieces that came before it, then an error of its own: tracebacks do not grow together."""
    bench, gots = Bench(), [list[bytes]() for _ in range(3)]
    recording = bench.store.begin("t", "a", b"same")
    readers = [asyncio.create_task(read(recording, got)) for got in gots[:2]]
    recording.add(b"begun")
    await settle()
    bench.store.finish("t", "a", FAILURE)
    readers.append(asyncio.create_task(read(recording, gots[2])))
    faults = await asyncio.gather(*readers, return_exceptions=True)
    assert gots == [[b"begun"]] * 3
    assert len({id(fault) for fault in faults}) == 3
    for fault in faults:
        assert isinstance(fault, GatewayError)
        assert fault is not FAILURE
        assert (fault.kind, fault.message, fault.param) == (FAILURE.kind, "later", "p")
        assert (fault.retry_after, fault.detail) == (3.0, "why")


def test_bytes_are_bounded() -> None:
    """The one that ended first goes first, each is told, and the sum is what is held."""
    bench = Bench(limit=6000)
    for name in "abcd":
        bench.keep(name, 1000)
        assert bench.store.size <= 6000
    assert bench.kept("a", "b", "c", "d") == ["c", "d"]
    assert bench.heard.results.count("evicted") == 2
    bench.clock.move(SECONDS)
    assert bench.kept("c", "d") == []
    assert bench.store.size == 0


def test_what_has_expired_is_not_evicted() -> None:
    """Operators are not told to give more memory for what nobody would get any more."""
    bench = Bench(limit=6000)
    bench.keep("a", 1000)
    bench.keep("b", 1000)
    recording = bench.store.begin("t", "c", b"same")
    recording.add(bytes(3000))
    bench.clock.move(SECONDS)
    bench.store.finish("t", "c")
    assert bench.kept("a", "b", "c") == ["c"]
    assert "evicted" not in bench.heard.results


def test_one_that_is_being_made_is_never_let_go() -> None:
    """It counts, kept ones go for it, and whoever joins finds it however large it has become."""
    bench = Bench(limit=6000)
    bench.keep("a", 1000)
    running = bench.store.begin("t", "large", b"same")
    running.add(bytes(5000))
    bench.keep("b", 1000)
    assert bench.kept("a", "b") == []
    assert bench.store.find("t", "large", b"same") is running
    assert bench.store.size == running.size > 6000
    bench.store.finish("t", "large", FAILURE)
    assert bench.store.size == 0


def test_one_that_finds_no_room_drives_nobody_out() -> None:
    """An answer larger than all of the room is given to those who wait, and not kept."""
    bench = Bench(limit=3000)
    bench.keep("small", 500)
    assert bench.keep("large", 4000).is_whole
    assert bench.kept("small", "large") == ["small"]
    assert bench.heard.results.count("evicted") == 1


def test_no_time_keeps_nothing() -> None:
    """Requests are joined all the same."""
    bench = Bench(seconds=0)
    bench.do("begin a")
    assert [bench.do("ask a"), bench.do("end a"), bench.do("ask a")] == ["running", None, "new"]


def test_ten_thousand_keys() -> None:
    """However many and however long, memory stays below the limit: what is counted is no less than what is held."""
    limit = 2_000_000
    bench = Bench(limit=limit)
    tracemalloc.start()
    try:
        for number in range(10_000):
            bench.keep(f"{number:05}" + "\N{GRINNING FACE}" * 250, 400)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert bench.store.size <= limit
    assert 0.5 * limit < held < limit
    assert bench.heard.results.count("evicted") > 8000


def test_how_long_a_key_may_be() -> None:
    """255 characters, whatever they are."""
    check_key("я" * MAX_KEY)
    with pytest.raises(GatewayError) as refused:
        check_key("k" * (MAX_KEY + 1))
    assert (refused.value.kind, refused.value.param) == (errors.INVALID_VALUE, "Idempotency-Key")


def test_what_a_conflict_says() -> None:
    """It names the header, and what to do."""
    bench = Bench()
    bench.keep("a", 10)
    with pytest.raises(GatewayError, match="Use a new key") as refused:
        bench.store.find("t", "a", b"other")
    assert (refused.value.kind, refused.value.param) == (errors.IDEMPOTENCY_CONFLICT, "Idempotency-Key")
