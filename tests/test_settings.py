"""One parser for each kind of setting: what it takes, and that its fault tells the remedy and no secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import settings
from app.settings import Credential

LEVEL = settings.choice("debug", "info")

Parser = Callable[[str], Any]

TAKEN: list[tuple[Parser, str, Any]] = [
    (settings.text, "GigaChat-2", "GigaChat-2"),
    (settings.words, "пароль", "пароль"),
    *((settings.boolean, word, True) for word in ("1", "true", "True", "YES", "on")),
    *((settings.boolean, word, False) for word in ("0", "false", "FALSE", "no", "Off")),
    (settings.integer, "007", 7),
    (settings.port, "0", 0),
    (settings.port, "65535", 65535),
    (settings.size, "67108864", 64 * 1024**2),
    (settings.size, "64MiB", 64 * 1024**2),
    (settings.size, "64 mb", 64 * 1024**2),
    (settings.size, "1k", 1024),
    (settings.size, "2GiB", 2 * 1024**3),
    (settings.seconds, "0", 0.0),
    (settings.seconds, "2.5", 2.5),
    (settings.positive, "0.1", 0.1),
    (settings.share, "0", 0.0),
    (settings.share, "0.25", 0.25),
    (settings.share, "1", 1.0),
    (LEVEL, "INFO", "info"),
    (settings.url, "https://api.giga.chat/", "https://api.giga.chat"),
    (settings.login_url, "http://user:pa@127.0.0.1:3128", "http://user:pa@127.0.0.1:3128"),
    (settings.url, "http://[::1]:80/x", "http://[::1]:80/x"),
    *((settings.base_url, f"https://api.giga.chat{end}", "https://api.giga.chat") for end in ("", "/", "/v1", "/v2/")),
    (settings.base_url, "https://gigachat.devices.sberbank.ru/api/v1", "https://gigachat.devices.sberbank.ru/api"),
    (settings.base_url, "https://v1", "https://v1"),
    (settings.origins, "*", ("*",)),
    (settings.origins, "https://a.b , http://c:8080/,", ("https://a.b", "http://c:8080")),
    (settings.origins, "http://[::1]:80", ("http://[::1]:80",)),
    (settings.aliases, "gpt-4o=GigaChat-2-Max, claude-* = Pro,,", (("gpt-4o", "GigaChat-2-Max"), ("claude-*", "Pro"))),
    (settings.aliases, "*=GigaChat", (("*", "GigaChat"),)),
]


@pytest.mark.parametrize(("parse", "raw", "expected"), TAKEN)
def test_a_value_is_taken(parse: Parser, raw: str, expected: Any) -> None:
    """The usual spellings all give the same value."""
    assert parse(raw) == expected


REFUSED: list[tuple[Parser, str]] = [
    *((settings.text, raw) for raw in ("a\nb", "ключ", "a\x00", "\udcff", "a\u200b")),
    (settings.words, "\udcff"),
    *((settings.boolean, raw) for raw in ("2", "да", "y", "tru")),
    *((settings.integer, raw) for raw in ("-1", "1.0", "1e3", "٣", "x", "1_000", "9" * 5000)),
    *((settings.port, raw) for raw in ("65536", "-1", "http")),
    *((settings.size, raw) for raw in ("0", "0MiB", "-1", "1.5GiB", "64 TiB", "MiB", "64MiBs")),
    *((settings.seconds, raw) for raw in ("-1", "nan", "inf", "1e400", "5s", "")),
    *((settings.positive, raw) for raw in ("0", "-0.0", "nan")),
    *((settings.share, raw) for raw in ("-0.1", "1.1", "10%", "nan", "")),
    (LEVEL, "loud"),
    *(
        (settings.url, raw)
        for raw in ("api.giga.chat", "ftp://a", "https://", "http:///v1", "http://a:99999", "http://a b")
    ),
    *((settings.base_url, raw) for raw in ("/v1", "https:///v1", "http://[::1")),
    *(
        (settings.origins, raw)
        for raw in ("a.b", "https://a.b/x", "*,https://a.b", "null", "https://a?b", "https://u@a")
    ),
    (settings.origins, "https://\udcff"),
    *((settings.aliases, raw) for raw in ("gpt-4o", "=x", "a=", "g*t=x", "*a=x", "a=b,c")),
    (settings.home, "~nobody-of-this-name/x"),
    (settings.existing_file, "~nobody-of-this-name/x"),
    (settings.existing_file, "/no/such/file"),
    (settings.existing_file, "/"),
    (settings.existing_file, "a\x00b"),
    (settings.directory, "/dev/null/x"),
]


@pytest.mark.parametrize(("parse", "raw"), REFUSED)
def test_a_wrong_value_is_a_fault(parse: Parser, raw: str) -> None:
    """A parser raises nothing but ValueError, with a sentence."""
    with pytest.raises(ValueError) as caught:
        parse(raw)
    assert str(caught.value)


SECRETS: list[tuple[Parser, str]] = [
    (settings.text, "s3cret\n"),
    (settings.words, "s3cret\udcff"),
    (settings.url, "http://user:s3cret@proxy:80"),
    (settings.url, "http://user:s3cret/x@proxy:80"),
    (settings.url, "http://user:[s3cret]@proxy"),
    (settings.url, "http://[s3cret]/"),
    (settings.url, "s3cret"),
    (settings.credentials, "s3cret key"),
    (settings.credentials, "a=b,a=s3cret"),
    (settings.credentials, "s3cret@nowhere"),
    (settings.credentials, "ключ=s3cret"),
    (settings.credentials, "s3cret\x00"),
]


@pytest.mark.parametrize(("parse", "raw"), SECRETS)
def test_a_fault_tells_no_secret(parse: Parser, raw: str) -> None:
    """The parsers of secrets never repeat what they were given."""
    with pytest.raises(ValueError) as caught:
        parse(raw)
    assert "s3cret" not in str(caught.value)


# text, (alias, key, scope) of each
CREDENTIALS: list[tuple[str, list[tuple[str, str, str | None]]]] = [
    ("key", [("default", "key", None)]),
    ("key=", [("default", "key=", None)]),
    ("key==", [("default", "key==", None)]),
    ("prod=key", [("prod", "key", None)]),
    ("prod=key==", [("prod", "key==", None)]),
    ("prod==key=", [("prod", "=key=", None)]),
    ("key==@GIGACHAT_API_B2B", [("default", "key==", "GIGACHAT_API_B2B")]),
    ("prod=key=@GIGACHAT_API_CORP", [("prod", "key=", "GIGACHAT_API_CORP")]),
    ("a,b,c", [("default", "a", None), ("key2", "b", None), ("key3", "c", None)]),
    (" a , ,b=c, ", [("default", "a", None), ("b", "c", None)]),
    ("x=a,b@S,d=", [("x", "a", None), ("key2", "b", "S"), ("key3", "d=", None)]),
    ("a+/9=,team.b-2_x=c", [("default", "a+/9=", None), ("team.b-2_x", "c", None)]),
]


@pytest.mark.parametrize(("raw", "expected"), CREDENTIALS)
def test_credentials_are_read(raw: str, expected: list[tuple[str, str, str | None]]) -> None:
    """Key, alias=key, alias=key@scope; an `=` at the key's end is the key's own."""
    assert settings.credentials(raw) == tuple(Credential(*one) for one in expected)


BROKEN = ["=key", "@GIGACHAT_API_PERS", "key@", "key@pers", "key@a b", "two words", "a=b,a=c", "b,default=c"]


@pytest.mark.parametrize("raw", [*BROKEN, "key2=a,b", "ключ", "a" * 33 + "=key", "-a=key"])
def test_broken_credentials_are_a_fault(raw: str) -> None:
    """No key, a strange alias or scope, two of one alias: told by number."""
    with pytest.raises(ValueError, match="credential"):
        settings.credentials(raw)


def test_a_credential_never_shows_its_key() -> None:
    """Neither in a repr nor in a tuple's."""
    shown = repr((Credential("prod", "s3cret", None),)) + f"{Credential('prod', 's3cret', 'S')}"
    assert "s3cret" not in shown
    assert "prod" in shown


def test_files_and_directories(tmp_path: Path) -> None:
    """A file must be readable; a directory is made with all above it, and may be there already."""
    path = tmp_path / "cert.pem"
    path.write_text("x")
    assert settings.existing_file(str(path)) == path
    assert settings.directory(str(tmp_path / "a" / "b")).is_dir()
    assert settings.directory(str(tmp_path)) == tmp_path
    with pytest.raises(ValueError):
        settings.directory(str(path))
