"""Decodes files inside a request: base64 and percent-encoding.

Both are decoded in slices of about a millisecond, and the event loop runs between them. To decode 54 MB of base64 in
one call would block all streams of the process for 0.2 s.
Source: RFC 4648 (both alphabets), RFC 2397 and the WHATWG's URL standard (data URLs).
"""

from __future__ import annotations

import asyncio
import binascii
from io import BytesIO
from urllib.parse import unquote_to_bytes

from app.media.failure import MediaError

BASE64_SLICE = 128 * 1024  # characters
# Percent-encoded text takes about thirty times as long per character.
PERCENT_SLICE = 8 * 1024

_TO_STANDARD_ALPHABET = bytes.maketrans(b"-_", b"+/")
_WHITESPACE = b" \t\r\n"


async def decode_base64(text: str, slice_characters: int = BASE64_SLICE) -> bytes:
    """Decode base64 in either alphabet, with or without padding. Whitespace is ignored.

    Raises MediaError ("unsupported") if the text is not base64, is truncated or is empty.
    """
    out = BytesIO()  # getvalue() makes no copy
    rest = b""  # digits that are not decoded yet
    closed = False  # padding has ended the data
    try:
        for at in range(0, len(text), slice_characters):
            if at:
                await asyncio.sleep(0)
            part = text[at : at + slice_characters].encode("ascii")
            digits = rest + part.translate(_TO_STANDARD_ALPHABET, _WHITESPACE)
            if closed and digits != rest:  # digits after the padding
                raise ValueError("more after the end")
            whole = len(digits) - len(digits) % 4
            rest = digits[whole:]
            closed = closed or digits.endswith(b"=", 0, whole)
            out.write(binascii.a2b_base64(digits[:whole], strict_mode=True))
        out.write(_decode_rest(rest, closed))
    except ValueError:  # binascii's and the codec's errors are such
        raise MediaError("unsupported", "The file's data is not valid base64.") from None
    return _require_bytes(out.getvalue())


def _decode_rest(rest: bytes, closed: bool) -> bytes:
    """Decode the digits at the end, up to three, whose padding was left out. Raises ValueError."""
    if not rest:
        return b""
    if closed or b"=" in rest:
        raise ValueError("padding that does not add up")
    return binascii.a2b_base64(rest + b"=" * (4 - len(rest)), strict_mode=True)


async def decode_percent(text: str, slice_characters: int = PERCENT_SLICE) -> bytes:
    """Decode the data of a data URL without base64: %XX as a byte, other text as UTF-8, a single % unchanged.

    Raises MediaError ("unsupported") if the data are empty or not valid text.
    """
    out = BytesIO()
    at = 0
    try:
        while at < len(text):
            if at:
                await asyncio.sleep(0)
            piece = text[at : at + slice_characters]
            split_escape = piece.find("%", len(piece) - 2)
            if at + len(piece) < len(text) and split_escape >= 0:
                piece = piece[:split_escape]  # this escape ends in the next slice
            out.write(unquote_to_bytes(piece))
            at += len(piece)
    except UnicodeEncodeError:  # half of a surrogate pair
        raise MediaError("unsupported", "The file's data is not valid text.") from None
    return _require_bytes(out.getvalue())


def _require_bytes(data: bytes) -> bytes:
    if not data:
        raise MediaError("unsupported", "The file is empty.")
    return data
