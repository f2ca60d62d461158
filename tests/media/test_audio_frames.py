"""MP3 and AAC without a container: a frame that is followed by another."""

from __future__ import annotations

import pytest

from app.media.audio_frames import frame_type
from tests.media.files import AAC_FRAME, MP3_FRAME, id3

# MPEG-2 layer III, 64 kbit/s, 22.05 kHz: 208 bytes a frame; one more where its padding bit is set.
MPEG2 = b"\xff\xf3\x80\x00" + bytes(204)
PADDED = b"\xff\xf3\x82\x00" + bytes(205)
# MPEG-2.5, 8 kbit/s, 8 kHz: 72 bytes.
MPEG25 = b"\xff\xe3\x18\x00" + bytes(68)


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (MP3_FRAME, "audio/mpeg"),
        (MP3_FRAME * 2, "audio/mpeg"),
        (MP3_FRAME[:100], "audio/mpeg"),
        (MPEG2 * 2, "audio/mpeg"),
        (PADDED + MPEG2, "audio/mpeg"),
        (MPEG25 * 3, "audio/mpeg"),
        (AAC_FRAME * 2, "audio/aac"),
        (id3(50) + MP3_FRAME * 2, "audio/mpeg"),
        (id3(50) + bytes(1000) + MP3_FRAME * 2, "audio/mpeg"),
        (id3(50) + AAC_FRAME * 2, "audio/aac"),
        (id3(50)[:5] + b"\x10" + id3(50)[6:] + b"3DI" + bytes(7) + AAC_FRAME * 2, "audio/aac"),
        (id3(5000)[:1000], "audio/mpeg"),
        (id3(50) + b"something else", "audio/mpeg"),
        (b"ID3", None),
        (MP3_FRAME + b"something else", None),
        (AAC_FRAME + b"something else", None),
        (b"\xff\xfd\x90\x00" + bytes(500), None),  # layer II
        (b"\xff\xeb\x90\x00" + bytes(500), None),  # a version that there is not
        (b"\xff\xfb\x00\x00" + bytes(500), None),  # free format
        (b"\xff\xfb\xf0\x00" + bytes(500), None),  # a rate that there is not
        (b"\xff\xfb\x9c\x00" + bytes(500), None),  # a frequency that there is not
        (b"\xff\xf1\x74\x80" + AAC_FRAME[4:], None),  # the same of AAC
        (b"\xff\xf1\x50\x80\0\x1f\xfc", None),  # a frame shorter than its header
        (b"\xff\xfb", None),
        (b"\xff\xff\xff\xff" * 10, None),
        (b"\xff\xfeU\0T\0F\0", None),
        (b"", None),
    ],
)
def test_frames(data: bytes, mime: str | None) -> None:
    """One frame alone, several, each version, after tags of all sorts; not by the first bits alone."""
    assert frame_type(data) == mime
