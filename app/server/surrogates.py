"""Halves of surrogate pairs in JSON: what is left where a program cuts a text within an emoji.

No JSON parser of ours takes them, and UTF-8 can't hold them. A half comes as an escape (`\\ud83d`), as JavaScript and
Python write it, or as three bytes (WTF-8). A pair of such bytes (CESU-8, of old Java and MySQL) is its character.
"""

from __future__ import annotations

import re

# More, whole pairs among them, would hold the loop for longer than to parse the largest body does.
MOST = 100_000
_LOW = rb"[cdefCDEF][0-9a-fA-F]{2}"
_HIGH = rb"[89abAB][0-9a-fA-F]{2}"
# A pair, or a half. Without their backslash, since the search for one letter is the fastest.
_ESCAPES = re.compile(rb"u(?<=\\u)[dD](?:%b(?:\\u[dD]%b)?|%b)" % (_HIGH, _LOW, _LOW))
_PAIR_BYTES = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_HALF_BYTES = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")  # UTF-8 has ED before 80 to 9F alone
_REPLACEMENT, _ESCAPED = "\ufffd".encode(), rb"\ufffd"
_ESCAPE_BYTES, _LOOK = len(_ESCAPED), 64


class TooMany(Exception):
    """The text has more surrogates than are repaired."""


def repair(data: bytes | bytearray | memoryview) -> tuple[bytearray, int]:
    """A copy of a JSON text with whole characters, and how many halves became U+FFFD. Raises TooMany."""
    text = _join_bytes(data)
    return text, _replace_bytes(text) + _replace_escapes(text)


def _join_bytes(data: bytes | bytearray | memoryview) -> bytearray:
    """A copy in which two halves of three bytes each are one character of four."""
    view, text, end = memoryview(data), bytearray(), 0
    for count, match in enumerate(_PAIR_BYTES.finditer(data)):
        _refuse_too_many(count)
        text += view[end : match.start()]
        _, high, higher, _, low, lower = match[0]
        above = (high & 0x0F) << 16 | (higher & 0x3F) << 10 | (low & 0x0F) << 6 | lower & 0x3F
        text += chr(0x10000 + above).encode()
        end = match.end()
    text += view[end:]
    return text


def _replace_bytes(text: bytearray) -> int:
    """Replace the halves that stand there as bytes, each by as many; how many there were."""
    count = 0
    for match in _HALF_BYTES.finditer(text):
        _refuse_too_many(count)
        text[match.start() : match.end()] = _REPLACEMENT
        count += 1
    return count


def _replace_escapes(text: bytearray) -> int:
    """Replace the escaped halves, each by an escape of the same length; how many there were."""
    halves = 0
    for count, match in enumerate(_ESCAPES.finditer(text)):
        _refuse_too_many(count)
        at, end = match.start() - 1, match.end()
        if at and text[at - 1] == 0x5C and _is_escaped(text, at):  # a backslash and a `u`, then perhaps a half
            at += _ESCAPE_BYTES
        elif end - at > _ESCAPE_BYTES:  # a pair
            continue
        if at < end:
            text[at:end] = _ESCAPED
            halves += 1
    return halves


def _is_escaped(text: bytearray, at: int) -> bool:
    """Whether an odd number of backslashes stands before this place."""
    look = _LOOK
    while True:
        before = text[max(0, at - look) : at]
        backslashes = len(before) - len(before.rstrip(b"\\"))
        if backslashes < look:
            return backslashes % 2 == 1
        look *= 4


def _refuse_too_many(count: int) -> None:
    if count >= MOST:
        raise TooMany
