"""A stranger's image through the process that reads it: it comes to a verdict, or dies of its limits."""

from __future__ import annotations

import json
import resource

from app.media.child import Child
from app.media.sniffer import sniff_type
from tests.fuzz import image_headers
from tests.resident import MB

SEEDS = image_headers.SEEDS
_LIMIT = 1_000_000
_PROCESSES = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
_CHECKED = ("image/jpeg", "image/png", "image/tiff", "image/bmp")


def run_one(data: bytes) -> None:
    """No process takes more than 150 MB, and none fails in our own code."""
    mime = sniff_type(data)
    if mime is None or not mime.startswith("image/"):
        return
    task = "check" if mime in _CHECKED else "convert"
    # Before it begins its own program a child is its parent, for the kernel.
    most = max(150 * MB // 1024, *(resource.getrusage(who).ru_maxrss for who in _PROCESSES))
    ended = Child().run([task, str(len(data)), mime, str(_LIMIT), "pillow"], data, _LIMIT)
    assert ended.started
    if ended.reply:
        verdict = json.loads(ended.reply)["verdict"]
        assert verdict in ("passed", "converted", "unreadable", "too_many_pixels", "too_large")
        assert bool(ended.output) == (verdict == "converted")
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= most
