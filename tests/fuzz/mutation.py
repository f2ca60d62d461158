"""A small mutational fuzzer, for machines without atheris: it sees no coverage, and needs nothing installed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

# Edges of the usual integers, and sizes that decoders multiply.
_NUMBERS = (
    0,
    1,
    2,
    16,
    100,
    127,
    128,
    255,
    256,
    1000,
    4096,
    16_384,
    32_767,
    32_768,
    65_535,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
_WIDTHS = (1, 2, 4, 8)
_LONGEST = 1 << 20
_MOST_CHANGES = 6


def mutants(seeds: Sequence[bytes], rng: random.Random) -> Iterator[bytes]:
    """Inputs without end, each made of a seed by a few changes; first come the seeds themselves."""
    yield from seeds
    while True:
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, _MOST_CHANGES)):
            rng.choice(_CHANGES)(data, seeds, rng)
        yield bytes(data[:_LONGEST])


def _place(data: bytearray, rng: random.Random) -> int:
    """A position; headers are hit more often than what follows them."""
    return int(rng.randrange(len(data) + 1) * rng.random())


def _flip(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    at = _place(data, rng)
    if at < len(data):
        data[at] ^= 1 << rng.randrange(8)


def _set_byte(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    at = _place(data, rng)
    data[at : at + 1] = bytes([rng.randrange(256)])


def _set_number(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    width = rng.choice(_WIDTHS)
    number = rng.choice(_NUMBERS) % (1 << 8 * width)
    at = _place(data, rng)
    data[at : at + width] = number.to_bytes(width, rng.choice(("little", "big")))


def _delete(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 4, 16, 256))]


def _cut(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    del data[_place(data, rng) :]


def _repeat(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    at = _place(data, rng)
    data[at:at] = data[at : at + rng.choice((1, 8, 64, 512))] * rng.choice((1, 2, 16, 256))


def _splice(data: bytearray, seeds: Sequence[bytes], rng: random.Random) -> None:
    other = rng.choice(seeds)
    start = rng.randrange(len(other) + 1)
    at = _place(data, rng)
    piece = other[start : start + rng.choice((4, 32, 256, 4096))]
    data[at : at + rng.choice((0, len(piece)))] = piece


_CHANGES: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    _flip,
    _set_byte,
    _set_number,
    _set_number,
    _delete,
    _cut,
    _repeat,
    _splice,
)
