"""Halves of characters in JSON, by the table, against Python's own reader, and without end."""

from __future__ import annotations

import json
import time
from random import Random

import orjson
import pytest

from app.server import surrogates
from app.server.surrogates import TooMany, repair

MIB = 1024 * 1024
HIGH, LOW, PAIR = rb"\ud83d", rb"\ude00", rb"\ud83d\ude00"
RAW_HIGH, RAW_LOW = b"\xed\xa0\xbd", b"\xed\xb8\x80"
# JSON's text -> what it says, and how many halves it had
TEXTS = {
    b"": ("", 0),
    b"plain u ud83d": ("plain u ud83d", 0),
    HIGH: ("\ufffd", 1),
    LOW: ("\ufffd", 1),
    PAIR: ("😀", 0),
    HIGH + b"a": ("\ufffda", 1),
    HIGH + rb"\n": ("\ufffd\n", 1),
    HIGH + rb"\u0041": ("\ufffdA", 1),
    HIGH + HIGH + LOW: ("\ufffd😀", 1),
    PAIR + LOW: ("😀\ufffd", 1),
    LOW + HIGH: ("\ufffd\ufffd", 2),
    HIGH * 5: ("\ufffd" * 5, 5),
    PAIR * 3 + HIGH: ("😀😀😀\ufffd", 1),
    rb"\uDBFF\uDFFF\uDBFF": ("\U0010ffff\ufffd", 1),
    rb"\uD800\uDBFF\uDC00\uDFFF": ("\ufffd\U0010fc00\ufffd", 2),
    rb"\ud7ff\ue000": ("\ud7ff\ue000", 0),
    b"\\" + HIGH: ("\\ud83d", 0),
    b"\\" + PAIR: ("\\ud83d\ufffd", 1),
    b"\\\\" + HIGH: ("\\\ufffd", 1),
    b"\\\\" + PAIR: ("\\😀", 0),
    b"\\" * 201 + HIGH: ("\\" * 101 + "ud83d", 0),
    b"\\" * 200 + HIGH: ("\\" * 100 + "\ufffd", 1),
    RAW_HIGH: ("\ufffd", 1),
    RAW_LOW: ("\ufffd", 1),
    RAW_HIGH + RAW_LOW: ("😀", 0),
    RAW_LOW + RAW_HIGH: ("\ufffd\ufffd", 2),
    RAW_HIGH + RAW_HIGH + RAW_LOW: ("\ufffd😀", 1),
    RAW_HIGH + LOW: ("\ufffd\ufffd", 2),
    "я힟".encode() + RAW_HIGH + "я".encode(): ("я힟\ufffdя", 1),
    b"\xed\xaf\xbf\xed\xbf\xbf\xed\xa0\x80\xed\xb0\x80": ("\U0010ffff\U00010000", 0),
}


@pytest.mark.parametrize(("text", "found"), TEXTS.items(), ids=[str(text[-30:]) for text in TEXTS])
def test_texts(text: bytes, found: tuple[str, int]) -> None:
    """Halves are replaced, pairs and what only looks like a half stay."""
    for data in (b'"' + text + b'"', bytearray(b'"' + text + b'"'), memoryview(b'"' + text + b'"')):
        whole, halves = repair(data)
        assert (orjson.loads(whole), halves) == found


def test_any_text() -> None:
    """Python's reader takes halves: what it reads with U+FFFD in their places is what was repaired."""
    chance, pieces = (
        Random(9),
        [b"\\\\", b"\\n", b'\\"', b"u", b"ud83d", b"a", b"\\u044f", HIGH, LOW, b"\\uDFFF", b"\\ud7ff"],
    )
    for _ in range(3000):
        text = b'"' + b"".join(chance.choices(pieces, k=chance.randrange(12))) + b'"'
        read = json.loads(text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        assert orjson.loads(repair(text)[0]) == read, text


ENDLESS = {
    "nothing": b"a" * 60 * MIB,
    "backslashes": b"\\" * 60 * MIB + HIGH,
    "rows of backslashes": (b"\\" * 63 + b"ud83d") * MIB,
    "letters": b"\\u0439" * 10 * MIB,
    "halves": HIGH * 10 * MIB,
    "pairs": PAIR * 5 * MIB,
    "bytes": RAW_HIGH * 20 * MIB,
    "pairs of bytes": (RAW_HIGH + RAW_LOW) * 10 * MIB,
}


@pytest.mark.long
@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
def test_texts_without_end(text: bytes) -> None:
    """What a body can hold at most is read in about the time that it takes to parse it, or refused."""
    begun = time.perf_counter()
    try:
        _, halves = repair(text)
        assert halves <= surrogates.MOST
    except TooMany:
        pass
    assert time.perf_counter() - begun < 3
