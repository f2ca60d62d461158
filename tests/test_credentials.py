"""Authorization Keys of the setting, and what people write in their place."""

from __future__ import annotations

import base64

import pytest

from app.credentials import Credential, parse

ID, SECRET = "0a1b2c3d-0000-4000-8000-00000000s3cr".replace("s3cr", "5ec4"), "5ec4e700-1111-4111-8111-111111111111"
KEY = base64.b64encode(f"{ID}:{SECRET}".encode()).decode()
TOKEN = "eyJjdHkiOiJqd3QiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwiYWxnIjoiUlNBLU9BRVAtMjU2In0." + "s3cret" * 100 + ".a.b.c"

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
    assert parse(raw) == tuple(Credential(*one) for one in expected)


BROKEN = ["=key", "@GIGACHAT_API_PERS", "key@", "key@pers", "key@a b", "two words", "a=b,a=c", "b,default=c"]


@pytest.mark.parametrize("raw", [*BROKEN, "key2=a,b", "ключ", "a" * 33 + "=key", "-a=key"])
def test_broken_credentials_are_a_fault(raw: str) -> None:
    """No key, a strange alias or scope, two of one alias: told by number."""
    with pytest.raises(ValueError, match="credential"):
        parse(raw)


@pytest.mark.parametrize(
    "raw", [f"{{}}Basic {KEY}", f"{{}}basic {KEY}", f"{{}}BASIC   {KEY}", f"{{}}Authorization: Basic {KEY}"]
)
def test_the_headers_word_is_cut(raw: str) -> None:
    """The personal account shows the key behind it."""
    assert parse(raw.format(""))[0] == ("default", KEY, None)
    assert parse(raw.format("prod=")) == (Credential("prod", KEY, None),)


# what is written there -> what it is called, and what is to be done
MISTAKES: list[tuple[str, str, str]] = [
    *(
        (raw, "access token", "GIGACHAT_ACCESS_TOKEN")
        for raw in (TOKEN, f"Bearer {TOKEN}", f"bearer {KEY}", "ey" + "a" * 90)
    ),
    *((raw, "client id", "Authorization Key") for raw in (ID, SECRET, ID.upper())),
    *((raw, "in the clear", "base64") for raw in (f"{ID}:{SECRET}", f"{ID}: {SECRET}", "user:s3cret")),
    *((raw, "in quotes", "leave them out") for raw in (f'"{KEY}"', f"'{KEY}'", f'"{KEY}', f"«{KEY}»", f"“{KEY}”")),
    *(
        (raw, "placeholder", "Authorization Key")
        for raw in (
            *(
                "<your key>",
                "<key>",
                "[KEY]",
                "{{ key }}",
                "${GIGACHAT_KEY}",
                "$KEY",
                "xxx",
                "XXXXXXXX",
                "...",
                "…",
                "***",
            ),
            *(
                "changeme",
                "change_me",
                "CHANGE-ME",
                "YOUR_AUTHORIZATION_KEY",
                "your-key-here",
                "your key",
                "paste it here",
            ),
            *("ваш_ключ", "вставьте сюда ключ", "todo", "None", "authorization_key", "my_key", "KEY_PLACEHOLDER"),
        )
    ),
]


@pytest.mark.parametrize("form", ["{}", "prod={}", "{}@GIGACHAT_API_PERS", f"prod={KEY},other={{}}"])
@pytest.mark.parametrize(("raw", "what", "remedy"), MISTAKES)
def test_what_is_no_key_is_called_by_its_name(raw: str, what: str, remedy: str, form: str) -> None:
    """With what to do, by number, and without a word of it."""
    with pytest.raises(ValueError, match=r"credential [12] ") as caught:
        parse(form.format(raw))
    told = str(caught.value)
    assert what in told
    assert remedy in told
    assert raw.strip("\"'«»“”.…*") == "" or raw not in told
    assert not [word for word in (ID, SECRET, KEY, TOKEN, "s3cret") if word in told]


@pytest.mark.parametrize(
    "raw", ["a,s3cret=b,s3cret=c", "s3cret key", "a=b,a=s3cret", "s3cret@nowhere", "ключ=s3cret", "s3cret\x00"]
)
def test_a_fault_tells_no_secret(raw: str) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(ValueError) as caught:
        parse(raw)
    assert "s3cret" not in str(caught.value)


def test_a_credential_never_shows_its_key() -> None:
    """Neither in a repr nor in a tuple's."""
    shown = repr((Credential("prod", "s3cret", None),)) + f"{Credential('prod', 's3cret', 'S')}"
    assert "s3cret" not in shown
    assert "prod" in shown
