"""The one error of the room."""

from __future__ import annotations

from app.media.failure import MediaError


def test_it_says_why() -> None:
    """Its text is for the client, its reason for the program."""
    error = MediaError("too_large", "The file is larger than 15 MB.")
    assert error.reason == "too_large"
    assert str(error) == "The file is larger than 15 MB."
