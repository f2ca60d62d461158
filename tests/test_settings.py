"""One parser for each kind of setting: what it takes, and that its fault tells the remedy and no secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import settings

LEVEL = settings.choice("debug", "info")

Parser = Callable[[str], Any]

TAKEN: list[tuple[Parser, str, Any]] = [
    (settings.text, "GigaChat-2", "GigaChat-2"),
    (settings.any_text, "пароль", "пароль"),
    *((settings.boolean, word, True) for word in ("1", "true", "True", "YES", "on")),
    *((settings.boolean, word, False) for word in ("0", "false", "FALSE", "no", "Off")),
    (settings.integer, "007", 7),
    (settings.count, "1", 1),
    (settings.port, "0", 0),
    (settings.port, "65535", 65535),
    (settings.size, "67108864", 64 * 1024**2),
    (settings.size, "64MiB", 64 * 1024**2),
    (settings.size, "64 mb", 64 * 1024**2),
    (settings.size, "1k", 1024),
    (settings.size, "2GiB", 2 * 1024**3),
    (settings.seconds, "0", 0.0),
    (settings.seconds, "2.5", 2.5),
    (settings.positive_seconds, "0.1", 0.1),
    (settings.fraction, "0", 0.0),
    (settings.fraction, "0.25", 0.25),
    (settings.fraction, "1", 1.0),
    (LEVEL, "INFO", "info"),
    (settings.url, "https://api.giga.chat/", "https://api.giga.chat"),
    (settings.login_url, "http://user:pa@127.0.0.1:3128", "http://user:pa@127.0.0.1:3128"),
    (settings.url, "http://[::1]:80/x", "http://[::1]:80/x"),
    *((settings.base_url, f"https://api.giga.chat{end}", "https://api.giga.chat") for end in ("", "/", "/v1", "/v2/")),
    (settings.base_url, "https://gigachat.devices.sberbank.ru/api/v1", "https://gigachat.devices.sberbank.ru/api"),
    (settings.base_url, "https://v1", "https://v1"),
    (settings.url, "http://api.giga.chat.:8443", "http://api.giga.chat.:8443"),
    (settings.scope, "GIGACHAT_API_B2B", "GIGACHAT_API_B2B"),
    (settings.model, "GigaChat-2-Max-preview:29.3.20.1", "GigaChat-2-Max-preview:29.3.20.1"),
    (settings.model_or_off, "OFF", ""),
    (settings.host, "gateway-7d9f8b6c5d-x2x4z", "gateway-7d9f8b6c5d-x2x4z"),
    (settings.host, "fe80::1%eth0", "fe80::1%eth0"),
    (settings.origins, "*", ("*",)),
    (settings.origins, "https://a.b , http://c:8080/,", ("https://a.b", "http://c:8080")),
    (settings.origins, "http://[::1]:80", ("http://[::1]:80",)),
    (settings.origins, "HTTPS://App.Example:1", ("https://app.example:1",)),
    *((settings.origins, f"{scheme}://Ab.c", (f"{scheme}://Ab.c",)) for scheme in settings.APP_SCHEMES),
    (settings.aliases, "gpt-4o=GigaChat-2-Max, claude-* = Pro,,", (("gpt-4o", "GigaChat-2-Max"), ("claude-*", "Pro"))),
    (settings.aliases, "*=GigaChat", (("*", "GigaChat"),)),
]


@pytest.mark.parametrize(("parse", "raw", "expected"), TAKEN)
def test_a_value_is_taken(parse: Parser, raw: str, expected: Any) -> None:
    """The usual spellings all give the same value."""
    assert parse(raw) == expected


REFUSED: list[tuple[Parser, str]] = [
    *((settings.text, raw) for raw in ("a\nb", "ключ", "a\x00", "\udcff", "a\u200b")),
    (settings.any_text, "\udcff"),
    *((settings.boolean, raw) for raw in ("2", "да", "y", "tru")),
    *((settings.integer, raw) for raw in ("-1", "1.0", "1e3", "٣", "x", "1_000", "9" * 5000)),
    *((settings.count, raw) for raw in ("0", "-1")),
    *((settings.port, raw) for raw in ("65536", "-1", "http")),
    *((settings.size, raw) for raw in ("0", "0MiB", "-1", "1.5GiB", "64 TiB", "MiB", "64MiBs")),
    *((settings.seconds, raw) for raw in ("-1", "nan", "inf", "1e400", "5s", "")),
    *((settings.positive_seconds, raw) for raw in ("0", "-0.0", "nan")),
    *((settings.fraction, raw) for raw in ("-0.1", "1.1", "10%", "nan", "")),
    (LEVEL, "loud"),
    *(
        (settings.url, raw)
        for raw in ("api.giga.chat", "ftp://a", "https://", "http:///v1", "http://a:99999", "http://a b")
    ),
    *((settings.url, raw) for raw in ("http://a/?key=x", "http://a#x", "http://a:", "http://a..b", "http://127.1")),
    *((settings.base_url, raw) for raw in ("/v1", "https:///v1", "http://[::1")),
    *((settings.scope, raw) for raw in ("pers", "a2V5", "GIGACHAT API", "A" * 65)),
    *((settings.model, raw) for raw in ("a2V5=", "sk-x", "модель", "0" * 32)),
    *((settings.host, raw) for raw in ("a/b", "u:p@a", "a b", "a2V5=", "0" * 32)),
    (settings.hosts, "files.example.com," + "0" * 32),
    (settings.directory, "sk-x"),
    (settings.aliases, "gpt-4o=a2V5="),
    *(
        (settings.origins, raw)
        for raw in ("a.b", "https://a.b/x", "*,https://a.b", "null", "https://a?b", "https://u@a", "file://", "app:x")
    ),
    (settings.origins, "https://\udcff"),
    *((settings.aliases, raw) for raw in ("gpt-4o", "=x", "a=", "g*t=x", "*a=x", "a=b,c")),
    (settings.expand_home, "~nobody-of-this-name/x"),
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
    *(
        (parse, raw)
        for raw in ("s3cret", "x,s3cret==", "s3cret/=,y")
        for parse in (settings.boolean, settings.integer, settings.port, settings.size, settings.seconds)
    ),
    *((parse, "s3cret!=") for parse in (settings.fraction, LEVEL, settings.origins, settings.hosts, settings.aliases)),
    *((parse, "s3cret==") for parse in (settings.scope, settings.model, settings.host, settings.directory)),
    (settings.existing_file, "s3cret"),
    (settings.existing_file, "/s3cret"),
    (settings.directory, "/dev/null/s3cret"),
    (settings.text, "s3cret\n"),
    (settings.any_text, "s3cret\udcff"),
    (settings.url, "http://user:s3cret@proxy:80"),
    (settings.url, "http://user:s3cret/x@proxy:80"),
    (settings.url, "http://user:[s3cret]@proxy"),
    (settings.url, "http://[s3cret]/"),
    (settings.url, "s3cret"),
]


@pytest.mark.parametrize(("parse", "raw"), SECRETS)
def test_a_fault_tells_no_secret(parse: Parser, raw: str) -> None:
    """The parsers of secrets never repeat what they were given."""
    with pytest.raises(ValueError) as caught:
        parse(raw)
    assert "s3cret" not in str(caught.value)


def test_a_url_without_a_scheme_is_told_what_it_needs() -> None:
    """The commonest slip of all; where there is a scheme, the sentence is about the rest."""
    for raw in ("127.0.0.1:9555", "api.giga.chat/v1"):
        with pytest.raises(ValueError, match="write http:// or https:// in front"):
            settings.url(raw)
    with pytest.raises(ValueError, match=r"in printable ASCII$"):
        settings.url("ftp://a")


def test_files_and_directories(tmp_path: Path) -> None:
    """A file must be readable; a directory is made with all above it, and may be there already."""
    path = tmp_path / "cert.pem"
    path.write_text("x")
    assert settings.existing_file(str(path)) == path
    assert settings.directory(str(tmp_path / "a" / "b")).is_dir()
    assert settings.directory(str(tmp_path)) == tmp_path
    with pytest.raises(ValueError):
        settings.directory(str(path))
