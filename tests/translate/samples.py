"""The payloads of `tests/samples`."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "samples"


def sample(name: str) -> bytes:
    """The bytes of a sample."""
    return (_FOLDER / name).read_bytes()


def streams() -> list[str]:
    """The names of all stream samples."""
    return sorted(path.name for path in _FOLDER.glob("*.sse"))
