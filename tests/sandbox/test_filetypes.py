"""The table of types."""

from __future__ import annotations

import pytest

from app.sandbox.filetypes import AUDIO, IMAGE, LARGEST, LIMITS, TEXT, TYPES
from tests.sandbox.specimens import SPECIMENS


@pytest.mark.parametrize("mime", TYPES)
def test_each_type_takes_its_own(mime: str) -> None:
    """Each row takes the smallest content of its type, and not a content of nothing."""
    assert TYPES[mime].fits(SPECIMENS[mime])
    assert not TYPES[mime].fits(b"") or mime == "text/plain"


def test_documented_sizes() -> None:
    """Audio 35 MB, images 15, text 40."""
    assert LIMITS == {AUDIO: 35_000_000, IMAGE: 15_000_000, TEXT: 40_000_000}
    assert TYPES["image/png"].most == 15_000_000
    assert LARGEST == 40_000_000


@pytest.mark.parametrize("mime", ["audio/mpeg", "image/webp", "image/jpg", "application/epub+zip", "audio/ogg", ""])
def test_names_are_the_vendors(mime: str) -> None:
    """The usual names of the same formats are none of GigaChat's."""
    assert mime not in TYPES
