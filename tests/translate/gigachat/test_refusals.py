"""GigaChat's refusals: what each status and each wording means, and that its sentences come clean."""

from __future__ import annotations

import json
import time

import pytest

from app import errors
from app.translate.field_names import FieldNames
from app.translate.gigachat.refusals import file_refusal, forbids_deletion, names_lost_file, refusal, sentence
from tests.translate.samples import sample

HTML = b"<html><head><title>403 Forbidden</title></head><body><center>nginx</center></body></html>"
FIELDS = FieldNames(model="name", turns="contents", texts="texts")
STOP = "The model is temporarily unavailable due to technical reasons"


def body(message: str, status: int = 400) -> bytes:
    """A refusal in GigaChat's shape."""
    return json.dumps({"status": status, "message": message}).encode()


# status, body -> status, code, param, Retry-After
STATUSES: list[tuple[int, bytes, int, str, str | None, float | None]] = [
    (400, body("Your request contains invalid JSON syntax."), 400, "upstream_rejected", None, None),
    (400, b"", 400, "upstream_rejected", None, None),
    (401, body("Token has expired"), 503, "upstream_credentials_exhausted", None, 10),
    (402, body("Payment Required"), 429, "insufficient_quota", None, None),
    (403, body("Permission denied"), 502, "upstream_permission_denied", None, None),
    (403, HTML, 502, "upstream_permission_denied", None, None),
    (403, body(STOP), 503, "upstream_stopped", None, 300),
    (403, body("Temporarily unavailable due to technical reasons"), 503, "upstream_stopped", None, 300),
    (404, sample("models_unknown.json"), 404, "model_not_found", "name", None),
    (404, body("Модель не найдена"), 404, "model_not_found", "name", None),
    (404, b"", 404, "model_not_found", "name", None),
    (404, body("Function schema for x not found"), 400, "upstream_rejected", None, None),
    (404, HTML, 502, "upstream_error", None, None),
    (404, body("No such file"), 400, "file_not_found", "contents", None),
    (403, body("Access to file '1-2' is denied"), 400, "file_not_found", "contents", None),
    (404, body("Файл не найден"), 400, "file_not_found", "contents", None),
    (404, body("Function schema for get_file_content not found"), 400, "upstream_rejected", None, None),
    (405, HTML, 502, "upstream_error", None, None),
    (400, b"\n" + HTML, 502, "upstream_error", None, None),
    (413, body("Payload too large"), 400, "context_length_exceeded", "contents", None),
    (413, HTML, 400, "context_length_exceeded", "contents", None),
    (422, body("Invalid params: temperature must be in range (0, +inf)"), 400, "upstream_rejected", None, None),
    (422, body("Requested model does not support functions"), 400, "upstream_rejected", None, None),
    (423, b"", 503, "upstream_stopped", None, 300),
    (429, body("Too many requests"), 429, "rate_limit_exceeded", None, 1),
    (429, HTML, 429, "rate_limit_exceeded", None, 1),
    (500, body("Internal Server Error"), 502, "upstream_error", None, None),
    (502, HTML, 502, "upstream_error", None, None),
    (503, b"", 502, "upstream_error", None, None),
    (504, b"{", 502, "upstream_error", None, None),
    (599, b"[]", 502, "upstream_error", None, None),
    (302, b"", 502, "upstream_error", None, None),
]


@pytest.mark.parametrize(("status", "data", "ours", "code", "param", "retry_after"), STATUSES)
def test_each_status_has_its_meaning(
    status: int, data: bytes, ours: int, code: str, param: str | None, retry_after: float | None
) -> None:
    """One kind of error for each refusal."""
    error = refusal(status, data, FIELDS)
    assert (error.kind.status, error.kind.name, error.param, error.retry_after) == (ours, code, param, retry_after)
    assert "<" not in error.message
    assert "nginx" not in error.message


LENGTHS = [
    "Invalid params: the prompt exceeds the model's context",
    "Input is too long: 140000 tokens",
    "Invalid params: messages length must be at most 131072",
    "Tokens limit exceeded",
    "token limit is 128000",
    "Maximum number of tokens is 128000",
    "Превышен размер контекста модели",
    "Запрос слишком длинный",
    "Слишком большой запрос",
    "Превышена максимальная длина запроса",
    "Превышено количество токенов",
    "Лимит токенов: 128000",
    "Количество токенов превышает допустимое",
]


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("words", LENGTHS)
def test_words_of_length_are_a_context_error(words: str, status: int) -> None:
    """Clients shorten their history on `context_length_exceeded`, so its wordings are known in both languages."""
    error = refusal(status, body(words, status), FIELDS)
    assert (error.kind.status, error.kind.name, error.param) == (400, "context_length_exceeded", "contents")
    assert words in error.message


@pytest.mark.parametrize(
    ("status", "words", "told"),
    [
        (
            422,
            "CONTEXT_TOO_LONG: context too long 270000, maximum allowed context is 261120",
            "270000 tokens. The limit is 261120.",
        ),
        (400, "Превышен контекст: 270 000 токенов, максимум 261 120", "270000 tokens. The limit is 261120."),
        (413, "Payload too large: limit:26112 tokens", "The limit is 26112."),
    ],
)
def test_gigachats_numbers_are_told(status: int, words: str, told: str) -> None:
    """What the request has and what the model takes, whatever was cleaned off the sentence."""
    assert told in refusal(status, body(words, status), FIELDS).message


NOT_LENGTHS = ["Invalid params: role must be one of: system, user", "Неверное имя функции", "Недопустимая модель"]


@pytest.mark.parametrize("words", NOT_LENGTHS)
def test_another_422_is_none(words: str) -> None:
    """A sentence of another matter is handed on as it is."""
    error = refusal(422, body(words, 422), FIELDS)
    assert error.kind.name == "upstream_rejected"
    assert words in error.message


def test_gigachats_own_wait_counts() -> None:
    """A Retry-After of GigaChat's is handed on."""
    assert refusal(429, b"", FIELDS, retry_after=3.5).retry_after == 3.5


def test_texts_have_a_name_and_words_of_their_own() -> None:
    """An embeddings request has no conversation to shorten."""
    error = refusal(413, b"", FIELDS, "texts", detail="GigaChat answered 413")
    assert (error.kind.name, error.param, error.detail) == ("context_length_exceeded", "texts", "GigaChat answered 413")
    assert error.message == "A text of the input is longer than the model takes. Shorten it or cut it in parts."


# message -> what of it may be repeated
SENTENCES: list[tuple[object, str]] = [
    ("Invalid params: x", "Invalid params: x"),
    ("Неверный запрос", "Неверный запрос"),
    ("  a \r\n\t b  ", "a b"),
    ("see https://api.giga.chat/v1/chat?token=abc for more", "see ... for more"),
    ("see HTTP://host:8080/x", "see ..."),
    ("at gigachat.devices.sberbank.ru/api/v1 now", "at ... now"),
    ("dial api.giga.chat:443 failed", "dial ... failed"),
    ("from 10.2.3.4:8443, no", "from ... no"),
    ("open /etc/ssl/private/key.pem: denied", "open ...: denied"),
    ("got Authorization: Bearer eyJhbGciOi.x-y_z", "got Authorization: ..."),
    ("Basic YWJjOmRlZg== is wrong", "... is wrong"),
    ("key c2VjcmV0OktleU9mVGhlR2F0ZXdheTEyMw== is refused", "key ... is refused"),
    ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl has ended", "token ... has ended"),
    ("no answer of gigachat-internal:8080, fd00::1 or fe80:1:2:3:4:5:6:7", "no answer of ..., ... or ..."),
    (
        "Function schema for my_very_long_function_name_2 not found",
        "Function schema for my_very_long_function_name_2 not found",
    ),
    ("at 12:30:45 messages[12]: must be 1:2", "at 12:30:45 messages[12]: must be 1:2"),
    ("http:\x00//api.giga.chat/x", "..."),
    ("ht\u200btp://api.giga.chat/x", "..."),
    ("a\x1b[31mred\x07", "a[31mred"),
    ("\u202eevil", "evil"),
    ("messages.0.content, and/or 1.5 must be set", "messages.0.content, and/or 1.5 must be set"),
    ("<b>Forbidden</b>", ""),
    ("x" * 1000, "x" * 300),
    (None, ""),
    (5, ""),
    (["a"], ""),
    ({"a": 1}, ""),
]


@pytest.mark.parametrize(("message", "expected"), SENTENCES)
def test_sentences_come_clean(message: object, expected: str) -> None:
    """No URL, host, path or credential, no control character, one line, at most 300 characters."""
    assert sentence(json.dumps({"status": 400, "message": message}).encode()) == expected


@pytest.mark.parametrize("data", [b"", b"x", b"null", b"[]", b"5", HTML, b"\xff", b'{"message": "\\ud83d"}', b"{}"])
def test_a_body_without_a_sentence_says_nothing(data: bytes) -> None:
    """What is not GigaChat's shape has no words worth repeating."""
    assert sentence(data) == ""


@pytest.mark.parametrize("words", ["<" * 200_000, "a." * 100_000, "a-" * 100_000, "/a" * 100_000, "1." * 100_000])
def test_hostile_sentences_cost_little(words: str) -> None:
    """No wording makes the patterns run wild."""
    started = time.process_time()
    refusal(422, body(words), FIELDS)
    assert time.process_time() - started < 1


AT = "messages[0].content[1].image_url.url"
# status, body -> status, code, Retry-After, what the message holds
OF_FILES: list[tuple[int, bytes, int, str, float | None, str]] = [
    (400, body("Invalid multipart"), 400, "unsupported_file", None, "GigaChat says: Invalid multipart"),
    (415, body("Unsupported media type"), 400, "unsupported_file", None, "Unsupported media type"),
    (422, body("Invalid params: type of file"), 400, "unsupported_file", None, "Invalid params: type of file"),
    (422, b"", 400, "unsupported_file", None, "is no file that GigaChat takes."),
    (422, HTML, 502, "upstream_error", None, "page of HTML"),
    (413, body("Payload too large"), 400, "file_too_large", None, "GigaChat says: Payload too large"),
    (413, HTML, 400, "file_too_large", None, "larger than GigaChat takes."),
    (404, body("No such file"), 400, "file_not_found", None, "Send the file itself"),
    (404, b"", 400, "file_not_found", None, "Send the file itself"),
    (403, body("Access to file '1' is denied"), 400, "file_not_found", None, "Send the file itself"),
    (403, body("Permission denied"), 502, "upstream_permission_denied", None, "was not passed on"),
    (403, body(STOP), 503, "upstream_stopped", 300, "was not passed on"),
    (401, b"", 503, "upstream_credentials_exhausted", 10, "was not passed on"),
    (402, b"", 429, "insufficient_quota", None, "was not passed on"),
    (429, b"", 429, "rate_limit_exceeded", 3.5, "was not passed on"),
    (500, body("Internal Server Error"), 502, "upstream_error", None, "was not passed on"),
    (503, HTML, 502, "upstream_error", None, "was not passed on"),
]


@pytest.mark.parametrize(("status", "data", "ours", "code", "retry_after", "words"), OF_FILES)
def test_a_refused_file_is_named(
    status: int, data: bytes, ours: int, code: str, retry_after: float | None, words: str
) -> None:
    """Whatever GigaChat has against a file, the error says which one it was."""
    error = file_refusal(status, data, AT, retry_after=3.5 if status == 429 else None)
    assert (error.kind.status, error.kind.name, error.param, error.retry_after) == (ours, code, AT, retry_after)
    assert AT in error.message
    assert words in error.message
    assert "<" not in error.message


# What a deletion that can never succeed is to a client that sends the file.
FINAL = {errors.FILE_NOT_FOUND, errors.UNSUPPORTED_FILE, errors.UPSTREAM_PERMISSION_DENIED}


@pytest.mark.parametrize("given", [body("No such file"), body(STOP), body(f"File. {STOP}"), body("No"), HTML, b""])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 415, 422, 423, 429, 500])
def test_what_a_refusal_says_of_a_file(status: int, given: bytes) -> None:
    """A lost file and a deletion that can never succeed are read from the refusal as the client's error is."""
    assert names_lost_file(status, given) is (refusal(status, given, FIELDS).kind is errors.FILE_NOT_FOUND)
    assert forbids_deletion(status, given) is (file_refusal(status, given, "p").kind in FINAL)
