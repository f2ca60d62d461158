"""The sizes in streams of HEVC and AV1, as real encoders write them; nothing else is raised but Broken."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from app.media.codec_headers import av1_size, hevc_size
from app.media.failure import Broken
from tests.media import files

SIZES = [(64, 48), (16, 16), (100, 77), (640, 360), (257, 1023)]


def content(data: bytes, name: bytes) -> bytes:
    """What a box of this name holds."""
    at = data.index(name)
    return data[at + 4 : at - 4 + int.from_bytes(data[at - 4 : at])]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_hevc(size: tuple[int, int], mode: str) -> None:
    """The coded size is the picture's, rounded up to what the codec codes."""
    data = files.saved(files.picture(mode, size), "HEIF", quality=50)
    found = hevc_size(content(data, b"hvcC"))
    assert found is not None
    assert all(real <= coded < real + 64 for real, coded in zip(size, found, strict=True))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("frames", [1, 2])
def test_av1(size: tuple[int, int], frames: int) -> None:
    """A still picture has a short header, a sequence of them a long one."""
    more = {"save_all": True, "append_images": [files.picture(size=size).rotate(90)]} if frames > 1 else {}
    data = files.saved(files.picture(size=size), "AVIF", **more)
    assert av1_size(content(data, b"mdat")) == size


def test_padding_comes_first() -> None:
    """Units before the header are walked over, with and without sizes."""
    stream = content(files.photo("AVIF"), b"mdat")
    assert av1_size(b"\x7a\x03\0\0\0" + stream) == (64, 48)
    assert av1_size(b"\x12\0") is None
    assert av1_size(b"") is None
    assert hevc_size(bytes(22) + b"\0") is None


@pytest.mark.parametrize("look", [hevc_size, av1_size])
def test_anything_else(look: object) -> None:
    """Cut off anywhere, or with a bit that is another."""
    assert callable(look)
    real = content(files.photo("HEIF"), b"hvcC") if look is hevc_size else content(files.photo("AVIF"), b"mdat")
    rng = random.Random(1)
    inputs = [real[:size] for size in range(min(len(real), 200))]
    for _ in range(3000):
        data = bytearray(real[:200])
        for _ in range(rng.randint(1, 5)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        inputs.append(bytes(data))
    for given in inputs:
        with suppress(Broken):
            look(given)
