"""What may be shown of a setting: words and numbers, names of GigaChat's, nothing that may be a secret."""

from __future__ import annotations

import base64
import secrets
import uuid
from pathlib import Path

import pytest

from app import redaction

KEYS = [
    str(uuid.UUID(int=2**100 + 7)),
    "MDE5YjJjM2QtNGU1Zi02YTdiLThjOWQtMGUxZjJhM2I0YzVkOjVlNGQzYzJiLTFhMGYtOWU4ZC03YzZiLTVhNGYzZTJkMWMwYg==",
    "c2hvcnQ=",
    "sk-proj-abc",
    "eyJjdHkiOiJqd3QifQ.eyJ.abc",
    "0123456789abcdef0123456789abcdef",
    "1234567890123456789012345",
    "a" * 41,
    "word-" * 25,
]
NAMES = [
    "GigaChat",
    "GigaChat-2-Max",
    "GigaChat-2-Max-preview:29.3.20.1",
    "GigaEmbeddings-3B-2025-09",
    "EmbeddingsGigaR",
    "Qwen3-235B-A22B-Instruct-2507",
    "ai-sage/GigaChat-20B-A3B-instruct-v1.5",
    "deepseek-r1-distill-llama-70b",
    "gpt-4o-2024-08-06",
    "claude-*",
    "gateway-7d9f8b6c5d-x2x4z",
    "internal-0a1b2c3d.elb.example.com",
]


@pytest.mark.parametrize("value", KEYS)
def test_a_key_is_told_from_a_name(value: str) -> None:
    """Whatever shape keys have, one is seen."""
    assert redaction.looks_like_key(value)


@pytest.mark.parametrize("value", NAMES)
def test_a_name_is_no_key(value: str) -> None:
    """Models, patterns, pods and hosts stay usable."""
    assert not redaction.looks_like_key(value)


def test_random_keys_are_seen() -> None:
    """Of the usual lengths and alphabets next to none is taken for a name."""
    made = [base64.b64encode(secrets.token_bytes(24)).decode().replace("+", "a").replace("/", "b") for _ in range(500)]
    made += [secrets.token_hex(16) for _ in range(500)] + [str(uuid.uuid4()) for _ in range(500)]
    assert sum(not redaction.looks_like_key(key) for key in made) < 5
    assert sum(redaction.consists_of_words(key) for key in made) == 0


def test_only_words_and_numbers_are_shown() -> None:
    """Words with numbers, units, short codes; no mixture of letters and digits, however short, nothing long."""
    for text in ("GigaChat-2-Max", "/var/lib/gpt2giga-proxy", "gpt-4o", "v1.5", "70b", "A22B", "10.0.0.1", ""):
        assert redaction.mask_value(text) == text
    for text in ("s3cret", "pa55word", "aB3dE6", "ключ", "word " * 30, *KEYS[:7]):
        assert redaction.mask_value(text) == "set"
    assert redaction.mask_value((1, "a", "s3cret")) == [1, "a", "set"]
    assert redaction.mask_value(2.5) == 2.5


def test_each_kind_has_its_rule() -> None:
    """A word alone may be a password: where nothing but a known name is usual, only that is shown."""
    assert [redaction.mask_model(one) for one in ("GigaChat-2", "embeddings", "hunter", "giga5s3cr3t")] == [
        "GigaChat-2",
        "embeddings",
        "set",
        "set",
    ]
    assert redaction.mask_aliases((("gpt-4o", "GigaChat-2"), ("hunter", "GigaChat"), ("claude-*", "hunter"))) == [
        "gpt-4o=GigaChat-2",
        "set=GigaChat",
        "claude-*=set",
    ]
    hosts = ("::1", "0.0.0.0", "localhost", "files.example.com:8443", "*", "hunter", "s3cret.x")  # noqa: S104
    assert redaction.mask_hosts(hosts) == [*hosts[:5], "set", "set"]
    assert redaction.mask_scope("GIGACHAT_API_B2B") == "GIGACHAT_API_B2B"
    assert redaction.mask_scope("HUNTER") == "set"
    assert redaction.mask_value(Path("/etc/gateway/ca.pem")) == "/etc/gateway/ca.pem"
    assert redaction.mask_value(Path("hunter")) == redaction.mask_value(Path("/s3cret")) == "set"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.giga.chat", "https://api.giga.chat"),
        ("http://[::1]:9555/api/v2/oauth", "http://[::1]:9555/api/v2/oauth"),
        ("https://hunter/s3cret", "https://set/set"),
    ],
)
def test_a_url_keeps_its_place(url: str, expected: str) -> None:
    """Host and path by the same rules."""
    assert redaction.mask_url(url) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GPT2GIGA_PROT", "GPT2GIGA_PROT"),
        ("GIGACHAT_KEY_FILE2", "GIGACHAT_KEY_FILE2"),
        ("GPT2GIGA_X\udcff", "GPT2GIGA_X?"),
        ("GPT2GIGA_s3cret", None),
        ("GPT2GIGA_JBSWY3DPEHPK3PXP", None),
        ("GIGACHAT_" + "A" * 40, None),
        ("GIGACHAT_", None),
    ],
)
def test_a_variables_name_may_be_a_key(name: str, expected: str | None) -> None:
    """Capitals in words are shown."""
    assert redaction.mask_variable(name) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("loud", "'loud'"),
        ("99999", "'99999'"),
        ("-1", "'-1'"),
        ("s3cret", "a text of 6 characters"),
        ("", "a text of 0"),
    ],
)
def test_a_fault_quotes_next_to_nothing(value: str, expected: str) -> None:
    """A short word or number; else how long it is."""
    assert redaction.describe_value(value).startswith(expected)
