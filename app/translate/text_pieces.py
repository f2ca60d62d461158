"""Long texts in pieces for a stream's lines: many readers take no line of more than 64 KB (asyncio's among them)."""

from __future__ import annotations

from collections.abc import Iterator

# In UTF-8. JSON makes up to six times as much of a byte, which still is a line that these readers take.
MAX_BYTES = 8 * 1024
# A text of so few characters is one piece, whatever they are.
SHORT = MAX_BYTES // 4


def cut(text: str) -> Iterator[str]:
    """The pieces of a text of whole characters, each of at most MAX_BYTES; none is cut inside a character."""
    if len(text) <= SHORT:
        yield text
        return
    data = text.encode()
    begin = 0
    while begin < len(data):
        end = min(begin + MAX_BYTES, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:  # a byte inside a character
            end -= 1
        yield data[begin:end].decode()
        begin = end
