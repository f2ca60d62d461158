"""Files through the official `openai` package: an image, a sound, a document, and what its errors tell."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest

from tests.clients.sdk import Gigachat, Sdk, answered, both, refused
from tests.media import files as made


def shown(part: dict[str, Any]) -> list[dict[str, Any]]:
    """A message with a question and a file."""
    return [{"role": "user", "content": [{"type": "text", "text": "что это?"}, part]}]


def b64(data: bytes) -> str:
    """Base64."""
    return base64.b64encode(data).decode()


def image(data: bytes, mime: str = "image/webp") -> dict[str, Any]:
    """An image as the package's types have it."""
    return {"type": "image_url", "image_url": {"url": f"data:{mime};base64,{b64(data)}", "detail": "auto"}}


@both
def test_an_image(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """A sticker is seen by a model that sees, and that is told."""
    answer, headers = answered(sdk, shown(image(made.photo("WEBP"))), stream=stream, model="gpt-4o")
    assert "I see image/jpeg" in answer.choices[0].message.content
    assert headers["x-gateway-adapted"] == "model->vision"
    assert gigachat.last()["body"]["model"] == "GigaChat-2-Pro"


@both
def test_a_sound(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """The package knows wav and mp3 by name; what counts is the content."""
    for data, form, told in ((made.wav(), "wav", "audio/wav"), (made.OPUS, "mp3", "audio/x-ogg")):
        part = {"type": "input_audio", "input_audio": {"data": b64(data), "format": form}}
        answer, headers = answered(sdk, shown(part), stream=stream)
        assert f"I see {told}" in answer.choices[0].message.content
        assert "x-gateway-adapted" not in headers


@both
def test_a_document(sdk: Sdk, gigachat: Gigachat, stream: bool) -> None:
    """As bytes with a name, and by the id that GigaChat gave it."""
    data = f"data:application/pdf;base64,{b64(made.PDF)}"
    part = {"type": "file", "file": {"filename": "отчёт.pdf", "file_data": data}}
    answer = answered(sdk, shown(part), stream=stream)[0]
    assert "I see application/pdf" in answer.choices[0].message.content
    (number,) = gigachat.last()["body"]["messages"][0]["attachments"]
    again = answered(sdk, shown({"type": "file", "file": {"file_id": number}}), stream=stream)[0]
    assert again.choices[0].message.content == answer.choices[0].message.content


def test_a_file_that_is_no_good(sdk: Sdk, gigachat: Gigachat) -> None:
    """The package's own error, with the part's place and a code; GigaChat is not asked."""
    messages: Any = shown(image(made.photo("PNG")[:-30], "image/png"))
    refused(sdk, gigachat, "messages[0].content[1].image_url.url", messages=messages, model="GigaChat-2-Max")
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.chat("x", messages=messages)
    assert (caught.value.code, caught.value.type) == ("unsupported_file", "invalid_request_error")
