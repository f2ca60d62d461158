"""Recognises MP3 and AAC files. They have no container, only frames, each with a short mark at its beginning.

Other data may hold the mark by chance. So a frame counts only if the next frame follows it. A tag (ID3) is skipped.
Source: ISO/IEC 11172-3, 2.4.1 and 13818-3 (MPEG audio), ISO/IEC 13818-7, 6.2 (ADTS), ID3v2.4, 3.1.
"""

from __future__ import annotations

# Bit rates of layer III in kbit/s, by four bits of the header. 0 is the free format, which is not used.
_RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_HERTZ = (44100, 48000, 32000)
# By the two bits of the version in the header: 2.5, reserved, 2, 1.
_DIVISOR = (4, 0, 2, 1)
# Encoders leave padding between a tag and the first frame.
_MOST_PADDING = 4096


def frame_type(data: bytes) -> str | None:
    """`audio/mpeg` (MP3), `audio/aac` (ADTS), `audio/flac` after a tag, or None."""
    tagged = data.startswith(b"ID3") and len(data) > 10
    at = _after_tag(data) if tagged else 0
    if data.startswith(b"fLaC", at):
        return "audio/flac"
    for mime, length in (("audio/mpeg", _mp3_frame), ("audio/aac", _adts_frame)):
        size = length(data, at)
        if size and (at + size >= len(data) or length(data, at + size)):
            return mime
    # The tag's size may be wrong. Files with such a tag are usually MP3.
    return "audio/mpeg" if tagged else None


def _after_tag(data: bytes) -> int:
    """The position after the tag and its padding. The tag's size has four bytes of seven bits each."""
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    at = 10 + size + (10 if data[5] & 0x10 else 0)
    padding = data[at : at + _MOST_PADDING]
    return at + len(padding) - len(padding.lstrip(b"\0"))


def _mp3_frame(data: bytes, at: int) -> int:
    """The length of the MPEG layer III frame at this position; 0 if there is none."""
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    divisor = _DIVISOR[head[1] >> 3 & 3]
    rate, hertz = head[2] >> 4, head[2] >> 2 & 3
    if not divisor or rate in (0, 15) or hertz == 3:
        return 0
    bits = (_RATES_1 if divisor == 1 else _RATES_2)[rate] * 1000
    samples = 144 if divisor == 1 else 72
    return samples * bits // (_HERTZ[hertz] // divisor) + (head[2] >> 1 & 1)


def _adts_frame(data: bytes, at: int) -> int:
    """The length of the ADTS frame at this position; 0 if there is none."""
    head = data[at : at + 7]
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return 0
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return size if size >= 7 else 0
