"""What people give in a file's place: Telegram's ids, paths of their own machine, pages' addresses; and what to do.

Sources: Telegram's Bot API ("Sending files": a `file_id` is the bot's own), as its ids begin in the field; OpenAI's ids
of files (`file-...`). Base64 of a JPEG begins with a slash too: a path has an extension, or a usual first folder.
"""

from __future__ import annotations

import re

_BYTES = "its bytes as a data URL (data:<type>;base64,<bytes>)"
_LONGEST = 1024  # characters of what is looked at: paths and ids are short, files are not
_EXTENSION = (
    r"\.(?:jpe?g|png|gif|webp|heic|bmp|tiff?|svg|tgs|webm|mp4|mov|og[gav]|opus|mp3|m4a|wav|amr|flac"
    r"|pdf|docx?|xlsx?|pptx?|txt|csv|zip)"
)
_ROOTS = (
    "(?:tmp|home|users|var|root|opt|etc|srv|mnt|media|data|app|usr|storage|sdcard|private|volumes|workspace|content)"
)

_MISTAKES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(?:AgAC|AwAC|BAAC|BQAC|CAAC|CQAC|CgAC|DQAC)[A-Za-z0-9_-]{16,200}|AQAD[A-Za-z0-9_-]{6,40}"),
        "is Telegram's own id of a file, which only your bot can use: download it with getFile, and send " + _BYTES,
    ),
    (
        re.compile(r"file[-_][A-Za-z0-9_-]{1,60}"),
        "is an id of OpenAI's, and GigaChat's are UUIDs. Send the file itself: " + _BYTES,
    ),
    (
        re.compile(
            r"file:.*"
            r"|[a-z]:[\\/].*|\\\\.+"  # Windows
            rf"|(?:~|\.{{1,2}})?/{_ROOTS}/.*"
            rf"|(?:~|\.{{1,2}})/.+"
            rf"|[^\s:,;<>|]*{_EXTENSION}",
            re.IGNORECASE | re.DOTALL,
        ),
        "is a path on your own machine, which the gateway can't read: read the file, and send " + _BYTES,
    ),
    (
        re.compile(r"blob:.*", re.IGNORECASE | re.DOTALL),
        "is an address inside a browser's page: read the file there, and send " + _BYTES,
    ),
)


def find_mistake(given: str) -> str | None:
    """What a text in a file's place is, and what to do; None where it may be a file."""
    text = given[: _LONGEST + 1].strip()
    if len(text) > _LONGEST:
        return None
    return next((what for form, what in _MISTAKES if form.fullmatch(text)), None)
