"""Reads the files that hold settings: `.env`, and the files that `*_FILE` variables name. Their size is limited."""

from __future__ import annotations

import io
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from app.errors import ConfigError

_MAX_ENV_BYTES = 1024 * 1024
_MAX_SECRET_BYTES = 64 * 1024
_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_SETTING = rf"(?:export\s+)?{_NAME}"
# What a line is that is no NAME=value, and what to do; the first form that fits counts.
_MISTAKES: tuple[tuple[str, str], ...] = (
    (rf"{_NAME}\s*:", "has a colon where `=` belongs: write NAME=value"),
    (rf"(?i:set|setx|env|let|\$env:)\s*{_NAME}\s*=", "begins with a command: write NAME=value"),
    (rf"{_SETTING}\s+=?\s*[^=\s]", "is no NAME=value: write `=` without spaces around it"),
    (
        rf"{_SETTING}\s*=\s*(['\"]).*\1",
        "has text behind a closed quote: put all of the value between the quotes, or leave them out",
    ),
    (rf"{_SETTING}\s*=\s*['\"]", "opens a quote that is not closed: close it, or leave it out"),
    ("=", "has no name before its `=`: write NAME=value, or put # before it"),
)
_NO_SETTING = "is no NAME=value: write it so, or put # before it"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_env_file(path: Path) -> Mapping[str, str | None]:
    """The variables in the file; empty if there is no file. `${...}` is not expanded. Raises ConfigError.

    A line that cannot be parsed is an error. If it were skipped, and it was the one that sets the key, the gateway
    would start without authentication.
    """
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            why = "is a directory (Docker makes one where a file that it should mount is missing)"
            raise ConfigError([f"{path} {why}: remove it and write the settings into a file of that name"])
        text = _read_text(path, _MAX_ENV_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as fault:
        raise ConfigError([_explain_encoding(path, fault)]) from None
    except ValueError as fault:
        raise ConfigError([f"{path} {fault}"]) from None
    except OSError as fault:
        remedy = "let the user that the gateway runs as read it, or remove it"
        raise ConfigError([f"{path} cannot be read: {fault.strerror}: {remedy}"]) from None
    bindings = _parse(text)
    broken = [binding for binding in bindings if binding.error]
    if broken:
        # The line itself is not quoted: it may hold a secret.
        raise ConfigError([f"{path}, line {_find_line(one)}: {_explain_line(one)}" for one in broken])
    return {binding.key: binding.value for binding in bindings if binding.key is not None}


def find_lines(path: Path) -> Mapping[str, int]:
    """The line of each variable of a file that `read_env_file` has read; the last one counts."""
    try:
        bindings = _parse(_read_text(path, _MAX_ENV_BYTES))
    except (OSError, ValueError):  # it has changed meanwhile, or there is none
        return {}
    return {one.key: _find_line(one) for one in bindings if one.key is not None}


def read_secret_file(path: Path) -> str:
    """The text of a file that holds one secret. Raises OSError, or ValueError with the reason."""
    try:
        return _read_text(path, _MAX_SECRET_BYTES).strip()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None


def _read_text(path: Path, max_bytes: int) -> str:
    """The file's text. Raises OSError, UnicodeDecodeError, or ValueError with the reason."""
    try:
        file = path.open("rb")
    except ValueError:
        raise ValueError("has a name that no file can have") from None
    with file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ValueError(f"holds more than {max_bytes // 1024} KB: it is another file")
    return data.decode("utf-8-sig")  # some editors write a byte order mark


def _parse(text: str) -> list[Binding]:
    return list(parse_stream(io.StringIO(text, newline=None)))


def _find_line(binding: Binding) -> int:
    """The line number of a binding. The parser's number may count empty lines before the binding as its part."""
    original = binding.original.string
    return binding.original.line + original[: len(original) - len(original.lstrip())].count("\n")


def _explain_line(binding: Binding) -> str:
    """What a line is that cannot be read, and what to do."""
    line = binding.original.string.strip().partition("\n")[0]
    return next((what for form, what in _MISTAKES if re.match(form, line)), _NO_SETTING)


def _explain_encoding(path: Path, fault: UnicodeDecodeError) -> str:
    """What a file is that is no UTF-8, by the first byte that is none."""
    if fault.object.startswith(_UTF16):
        return f"{path} is UTF-16: save it as UTF-8 (PowerShell: Out-File -Encoding utf8)"
    line = fault.object.count(b"\n", 0, fault.start) + 1
    return f"{path}, line {line}: a letter is not UTF-8: save the file as UTF-8, or write this line in Latin letters"
