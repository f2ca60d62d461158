"""Files of settings: nothing in them is left out in silence, and none is read without end."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config import Config
from app.errors import ConfigError
from app.setting_files import read_env_file, read_secret_file

SECRET = "s3cr3t-of-the-gateway"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f'GPT2GIGA_API_KEY="{SECRET}\n', [1]),
        (f"GPT2GIGA_PORT=1\n\n\n  GPT2GIGA_API_KEY='{SECRET}\nGPT2GIGA_HOST=a\n", [4]),
        (f'A="x\nGPT2GIGA_API_KEY="{SECRET}"\n', [1]),
        (f'GPT2GIGA_API_KEY="{SECRET}"x\r\nA=1\r\nB="\r\n', [1, 3]),
        (f"GPT2GIGA_API_KEY: {SECRET}\n", [1]),
        (f"set GPT2GIGA_API_KEY={SECRET}\n", [1]),
        (f"=x\n'{SECRET}\n", [1, 2]),
    ],
)
def test_a_line_that_cannot_be_read_stops_the_start(tmp_path: Path, text: str, lines: list[int]) -> None:
    """It could be the key's: without it the gateway would let everybody in. Its number is told, its text is not."""
    path = tmp_path / ".env"
    path.write_bytes(text.encode())
    with pytest.raises(ConfigError) as caught:
        Config.load({}, path)
    assert SECRET not in str(caught.value)
    assert [fault.partition(": ")[0] for fault in caught.value.faults] == [f"{path}, line {one}" for one in lines]


def test_what_stands_in_a_file(tmp_path: Path) -> None:
    """Quotes, comments, `export`, several lines in quotes, names without a value."""
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbfexport A=1 # one\n\n# B=2\nC='a b'\nD=\"x\ny\"\nE=\nF\nG=${A}#\n")
    assert read_env_file(path) == {"A": "1", "C": "a b", "D": "x\ny", "E": "", "F": None, "G": "${A}#"}
    assert read_env_file(tmp_path / "none") == {}
    path.write_bytes(b"")
    assert read_env_file(path) == {}


def test_files_without_end(tmp_path: Path) -> None:
    """A device, a disk image: refused at a bound."""
    endless = tmp_path / ".env"
    endless.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match=r"holds more than 1024 KB"):
        read_env_file(endless)
    with pytest.raises(ValueError, match=r"^holds more than 64 KB: it is another file$"):
        read_secret_file(endless)
    with pytest.raises(ConfigError) as caught:
        Config.load({"GPT2GIGA_API_KEY_FILE": "/dev/zero", "GIGACHAT_PASSWORD_FILE": "a\0b"}, None)
    assert [fault.partition(" names a file that ")[2] for fault in caught.value.faults if "names" in fault] == [
        "has a name that no file can have",
        "holds more than 64 KB: it is another file",
    ]


def test_a_secret_as_editors_write_it(tmp_path: Path) -> None:
    """A byte order mark and a line's end are no part of it."""
    path = tmp_path / "secret"
    path.write_bytes(b"\xef\xbb\xbf" + SECRET.encode() + b"\r\n")
    assert read_secret_file(path) == SECRET


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f'GPT2GIGA_API_KEY="{SECRET}', "opens a quote that is not closed"),
        (f"GPT2GIGA_API_KEY='{SECRET}", "opens a quote that is not closed"),
        (f'GPT2GIGA_API_KEY="{SECRET}"x', "text behind a closed quote"),
        (f"GPT2GIGA_API_KEY: {SECRET}", "a colon where `=` belongs"),
        (f"set GPT2GIGA_API_KEY={SECRET}", "begins with a command"),
        (f"GPT2GIGA_API_KEY {SECRET}", "write `=` without spaces"),
        (f"={SECRET}", "has no name before its `=`"),
        (f"'{SECRET}", "put # before it"),
    ],
)
def test_a_line_is_told_what_to_do(tmp_path: Path, line: str, words: str) -> None:
    """Each mistake has its remedy, beside its line."""
    path = tmp_path / ".env"
    path.write_text(f"# first\n\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        read_env_file(path)
    (fault,) = caught.value.faults
    assert fault.startswith(f"{path}, line 3: ")
    assert words in fault
    assert SECRET not in fault


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("A=1\nB=ключ\n".encode("cp1251"), "line 2: a letter is not UTF-8"),
        ("A=1\n".encode("utf-16"), "is UTF-16: save it as UTF-8"),
    ],
)
def test_another_encoding_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    """With the line, and what to save it as."""
    path = tmp_path / ".env"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=words):
        read_env_file(path)


def test_a_wrong_value_names_its_line(tmp_path: Path) -> None:
    """The last line of a name counts; what the environment sets has none."""
    path = tmp_path / ".env"
    path.write_text(
        "GPT2GIGA_PORT=1\nGPT2GIGA_PORT=abc\nGIGACHAT_CREDENTIALS=<your key>\nGIGACHAT_TIMEOUT=x\n"
        "\n\nGIGACHAT_PASSWORD_FILE=/no/such\n"
    )
    with pytest.raises(ConfigError) as caught:
        Config.load({"GIGACHAT_TIMEOUT": "y"}, path)
    faults = caught.value.faults
    assert any(one.startswith(f"{path}, line 2: GPT2GIGA_PORT: ") for one in faults)
    assert any(one.startswith(f"{path}, line 3: GIGACHAT_CREDENTIALS: credential 1 is a placeholder") for one in faults)
    assert any(one.startswith("GIGACHAT_TIMEOUT: ") for one in faults)
    assert any(one.startswith(f"{path}, line 7: GIGACHAT_PASSWORD_FILE names a file") for one in faults)


def test_a_warning_names_its_line(tmp_path: Path) -> None:
    """An unknown name is looked for in the file."""
    path = tmp_path / ".env"
    path.write_text("A=1\nGPT2GIGA_PROT=1\n")
    assert Config.load({}, path).warnings[0].startswith(f"{path}, line 2: GPT2GIGA_PROT is unknown")
    assert Config.load({"GPT2GIGA_PROT": "1"}, path).warnings[0].startswith("GPT2GIGA_PROT is unknown")
