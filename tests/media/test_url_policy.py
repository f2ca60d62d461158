"""URLs as text: which are asked for, how they are put together anew, and which hosts are meant by a list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from app.media.failure import MediaError
from app.media.url_policy import MAX_URL_CHARACTERS, UrlPolicy, describe_url
from tests.examples import examples

ANYWHERE = UrlPolicy()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://example.com", "http://example.com/"),
        ("  https://example.com/a.png\n", "https://example.com/a.png"),
        ("HTTPS://EXAMPLE.com/A", "https://example.com/A"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("https://example.com:80/a", "https://example.com:80/a"),
        ("https://example.com./a", "https://example.com/a"),
        ("https://example.com/a#b", "https://example.com/a"),
        ("https://example.com/a%2Fb%7e?x=%2B+&s=a/b%3D", "https://example.com/a%2Fb%7e?x=%2B+&s=a/b%3D"),
        ("https://example.com//a/../b", "https://example.com//a/../b"),
        ("https://example.com?x=1", "https://example.com/?x=1"),
        ("https://пример.рф/файл.png", "https://xn--e1afmkfd.xn--p1ai/%D1%84%D0%B0%D0%B9%D0%BB.png"),
        ("https://my_host.example.com/@a:b", "https://my_host.example.com/@a:b"),
        ("http://[2606:4700::1111]/a", "http://[2606:4700::1111]/a"),
        ("http://8.8.8.8/a", "http://8.8.8.8/a"),
    ],
)
def test_taken(text: str, url: str) -> None:
    """Host and scheme are normal; what follows is asked for as it was written, since it may be signed."""
    assert str(ANYWHERE.parse(text)) == url


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "only http"),
        ("example.com/a.png", "only http"),
        ("//example.com/a.png", "only http"),
        ("file:///etc/passwd", "only http"),
        ("ftp://example.com/", "only http"),
        ("http:example.com", "its host"),
        ("http:///a", "its host"),
        ("http://", "its host"),
        ("http://.", "its host"),
        ("http://a..b/", "its host"),
        ("http://ex%61mple.com/", "its host"),
        ("http://a,b/", "its host"),
        ("http://[::1%25eth0]/", "its host"),
        ("http://[v1.x]:80/", "its host"),
        ("http://[1:2]/", "not valid"),
        ("http://[::1/", "not valid"),
        ("http://example.com:99999/", "not valid"),
        ("http://example.com:port/", "not valid"),
        ("http://example.com:8080/", "ports 80 and 443"),
        ("http://example.com:0/", "ports 80 and 443"),
        ("http://user@example.com/", "user name"),
        ("http://user:password@example.com/", "user name"),
        ("http://@example.com/", "user name"),
        ("http://:@example.com/", "user name"),
        ("http://a b/", "spaces"),
        ("http://example.com/a b", "spaces"),
        ("http://example.com/\r\nHost: a", "spaces"),
        ("http://example.com/\x00", "spaces"),
        ("http://example.com\\@evil/", "backslashes"),
        ("http://x／y/", "not valid"),
        (f"http://{'a' * 64}.com/", "its host"),
        (f"http://{'a.' * 150}com/", "its host"),
        (f"http://example.com/{'a' * MAX_URL_CHARACTERS}", "longer than"),
    ],
)
def test_refused(text: str, why: str) -> None:
    """Anything that two parsers could read as two URLs, and every scheme and port but the web's."""
    with pytest.raises(MediaError, match=why) as caught:
        ANYWHERE.parse(text)
    assert caught.value.reason == "download"


@pytest.mark.parametrize(
    ("hosts", "text", "taken"),
    [
        (["example.com"], "https://example.com/", True),
        (["example.com"], "https://EXAMPLE.com./", True),
        ([" Example.COM "], "http://example.com/", True),
        (["example.com"], "https://www.example.com/", False),
        (["example.com"], "https://example.com.evil.org/", False),
        (["example.com"], "https://notexample.com/", False),
        (["example.com"], "http://example.com:8080/", False),
        (["example.com:8080"], "http://example.com:8080/", True),
        (["example.com:8080"], "https://example.com:8080/", True),
        (["example.com:8080"], "https://example.com/", False),
        (["example.com:8080", "example.com"], "https://example.com/", True),
        (["*.example.com"], "https://a.example.com/", True),
        (["*.example.com"], "https://a.b.EXAMPLE.com/", True),
        (["*.example.com"], "https://example.com/", False),
        (["*.example.com"], "https://aexample.com/", False),
        (["*.example.com:444"], "https://a.example.com:444/", True),
        (["*.example.com:444"], "https://a.example.com/", False),
        (["пример.рф"], "https://ПРИМЕР.рф/", True),
        (["xn--e1afmkfd.xn--p1ai"], "https://пример.рф/", True),
        (["127.0.0.1:9"], "http://127.0.0.1:9/", True),
        (["[::1]:9"], "http://[0:0::1]:9/", True),
    ],
)
def test_hosts(hosts: list[str], text: str, taken: bool) -> None:
    """Exact names, everything below a name, a port where one is named; case and the root's dot don't matter."""
    policy = UrlPolicy(hosts)
    if taken:
        policy.parse(text)
    else:
        with pytest.raises(MediaError, match="certain hosts only"):
            policy.parse(text)


@pytest.mark.parametrize(
    "host", ["", "*", "*.", "a b", "example.com/path", "http://example.com", "u@example.com", "a:b", "a?b"]
)
def test_no_host(host: str) -> None:
    """A list with something else in it is a mistake of the operator's, told at the start."""
    with pytest.raises(ValueError):
        UrlPolicy([host])


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.com/secret?token=1", "example.com"),
        ("https://localhost/", "localhost"),
        ("http://10.0.0.1/", "this address"),
        ("http://0x7f.0x1/", "this address"),
        ("http://[fd00::1]/", "this address"),
    ],
)
def test_shown(url: str, name: str) -> None:
    """An error names a host at most: no address, no path, no query."""
    assert describe_url(URL(url)) == name


@examples()
@given(st.text())
def test_any_text(text: str) -> None:
    """Any text is a URL of the web's or a MediaError."""
    for candidate in (text, f"http://{text}", f"https://example.com/{text}"):
        try:
            url = ANYWHERE.parse(candidate)
        except MediaError:
            continue
        assert url.scheme in ("http", "https")
        assert url.port in (80, 443)
        assert url.raw_user is None
        assert str(url).isascii()
        assert not set(str(url)) & set("\r\n\t \\")
