"""Parts that hold files, in every form that clients send."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import FileId, Inline, Media, Note, Part, Result, Text, Url
from app.translate.openai import media_parts, messages
from app.translate.openai.reading import Reading

B64 = "aGVsbG8="
AT = "messages[0].content[0]"
WEB = "https://example.com/a.png"


def image(url: Any, **more: Any) -> dict[str, Any]:
    """An `image_url` as chat has it."""
    return {"type": "image_url", "image_url": {"url": url, **more}}


def read(part: dict[str, Any], reading: Reading) -> list[Part]:
    """What a part is read as."""
    return media_parts.read(part["type"].replace("_", ""), part, AT, reading)


# name -> the part, what is read
READ: dict[str, tuple[dict[str, Any], Media]] = {
    "a data URL": (image(f"data:image/png;base64,{B64}"), Media("image", Inline(B64), f"{AT}.image_url.url")),
    "in other letters": (image(f" DATA:IMAGE/PNG;BASE64,{B64}"), Media("image", Inline(B64), f"{AT}.image_url.url")),
    "with parameters": (
        image(f"data:image/png;name=a.png;base64,{B64}"),
        Media("image", Inline(B64), f"{AT}.image_url.url"),
    ),
    "without a type": (image(f"data:;base64,{B64}"), Media("image", Inline(B64), f"{AT}.image_url.url")),
    "a data URL in per cent": (
        image("data:image/svg+xml,%3Csvg%3E"),
        Media("image", Inline("%3Csvg%3E", base64=False), f"{AT}.image_url.url"),
    ),
    "a comma in the data": (
        {"type": "file", "file": {"file_data": "data:text/plain,a,b"}},
        Media(None, Inline("a,b", base64=False), f"{AT}.file.file_data"),
    ),
    "base64 alone": (image(B64), Media("image", Inline(B64), f"{AT}.image_url.url")),
    "a link": (image(f" {WEB}\n"), Media("image", Url(WEB), f"{AT}.image_url.url")),
    "a link of another scheme": (image("ftp://a.example/x.png"), Media("image", Url("ftp://a.example/x.png"), "")),
    "no object": ({"type": "image_url", "image_url": WEB}, Media("image", Url(WEB), f"{AT}.image_url")),
    "input_image": ({"type": "input_image", "image_url": WEB}, Media("image", Url(WEB), f"{AT}.image_url")),
    "input_image by id": ({"type": "input_image", "file_id": "f"}, Media("image", FileId("f"), f"{AT}.file_id")),
    "input_audio": (
        {"type": "input_audio", "input_audio": {"data": B64, "format": "mp3"}},
        Media("audio", Inline(B64), f"{AT}.input_audio.data"),
    ),
    "input_audio, a data URL": (
        {"type": "input_audio", "input_audio": {"data": f"data:audio/ogg;base64,{B64}"}},
        Media("audio", Inline(B64), f"{AT}.input_audio.data"),
    ),
    "a file": (
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{B64}", "filename": "a.pdf"}},
        Media(None, Inline(B64), f"{AT}.file.file_data", "a.pdf"),
    ),
    "a file, base64 alone": (
        {"type": "file", "file": {"file_data": B64}},
        Media(None, Inline(B64), f"{AT}.file.file_data"),
    ),
    "a file by id": (
        {"type": "file", "file": {"file_id": "f", "filename": "a.pdf"}},
        Media(None, FileId("f"), f"{AT}.file.file_id", "a.pdf"),
    ),
    "a file by link": (
        {"type": "file", "file": {"file_url": WEB, "file_id": None}},
        Media(None, Url(WEB), f"{AT}.file.file_url"),
    ),
    "input_file": (
        {"type": "input_file", "file_data": B64, "filename": "a"},
        Media(None, Inline(B64), f"{AT}.file_data", "a"),
    ),
    "input_file by link": ({"type": "input_file", "file_url": WEB}, Media(None, Url(WEB), f"{AT}.file_url")),
    "input_file by id": ({"type": "input_file", "file_id": "f"}, Media(None, FileId("f"), f"{AT}.file_id")),
}


@pytest.mark.parametrize(("part", "media"), READ.values(), ids=READ)
def test_each_form_is_read(part: dict[str, Any], media: Media) -> None:
    """The source, what the client says it must be, and where it stood."""
    reading = Reading([])
    (found,) = read(part, reading)
    assert isinstance(found, Media)
    assert (found.kind, found.source, found.name) == (media.kind, media.source, media.name)
    assert found.path == (media.path or f"{AT}.image_url.url")
    assert reading.notes == []


# name -> the part, the field that the error names, a word of it
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no image": ({"type": "image_url"}, "image_url", "required"),
    "no url": ({"type": "image_url", "image_url": {}}, "image_url.url", "required"),
    "an empty url": (image(""), "image_url.url", "required"),
    "a url of another type": (image(5), "image_url.url", "string"),
    "an image id of another type": ({"type": "input_image", "file_id": 5}, "file_id", "string"),
    "an empty image id": ({"type": "input_image", "file_id": ""}, "file_id", "required"),
    "a data URL without data": (image("data:image/png;base64"), "image_url.url", "data URL"),
    "a data URL whose comma never comes": (image("data:" + "x" * 600 + "," + B64), "image_url.url", "data URL"),
    "no audio": ({"type": "input_audio"}, "input_audio", "object"),
    "audio without data": ({"type": "input_audio", "input_audio": {"format": "mp3"}}, "input_audio.data", "required"),
    "no file": ({"type": "file"}, "file", "object"),
    "a file of nothing": ({"type": "file", "file": {}}, "file.file_id", "file_data"),
    "a file with empty data": ({"type": "file", "file": {"file_data": "", "file_id": "f"}}, "file.file_data", "base64"),
    "a name of another type": ({"type": "file", "file": {"file_id": "f", "filename": 1}}, "file.filename", "string"),
    "input_file of nothing": ({"type": "input_file"}, "file_id", "file_data"),
    "a video": ({"type": "video_url", "video_url": {"url": WEB}}, "", "video"),
}


@pytest.mark.parametrize(("part", "param", "word"), REFUSED.values(), ids=REFUSED)
def test_a_part_without_a_file_is_the_clients_mistake(part: dict[str, Any], param: str, word: str) -> None:
    """A 400 that names the field."""
    with pytest.raises(GatewayError) as caught:
        read(part, Reading([]))
    assert caught.value.kind.status == 400
    assert caught.value.param == (f"{AT}.{param}" if param else AT)
    assert word in caught.value.message


@pytest.mark.parametrize(("detail", "told"), [("high", True), ("low", True), ("auto", False), (None, False)])
def test_detail_is_dropped_and_told(detail: str | None, told: bool) -> None:
    """GigaChat has no such choice; its default needs no word, in either form."""
    chat, responses = Reading([]), Reading([])
    read(image(WEB, detail=detail), chat)
    read({"type": "input_image", "image_url": WEB, "detail": detail}, responses)
    assert chat.notes == ([Note("dropped", "image_url.detail", f"{AT}.image_url.detail")] if told else [])
    assert responses.notes == ([Note("dropped", "image_url.detail", f"{AT}.detail")] if told else [])


def test_files_stand_in_messages_of_every_role() -> None:
    """In the order of the parts, and inside a tool's result."""
    parts = [{"type": "text", "text": "a"}, image(WEB), "b"]
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    given = [{"role": role, "content": parts} for role in ("system", "user", "assistant")]
    given += [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "1", "content": parts}]
    turns = messages.read(given, [])
    for index in range(3):
        media = Media("image", Url(WEB), f"messages[{index}].content[1].image_url.url", past=True)
        assert turns[index].parts == [Text("a"), media, Text("b")]
    (result,) = turns[4].parts
    assert isinstance(result, Result)
    place = "messages[4].content[1].image_url.url"
    assert result.parts[1] == Media("image", Url(WEB), place, from_function=True)


def test_a_part_of_an_unknown_type_lists_those_that_are_known() -> None:
    """All that hold files are among them."""
    with pytest.raises(GatewayError) as caught:
        messages.read([{"role": "user", "content": [{"type": "hologram"}]}], [])
    assert caught.value.param == f"{AT}.type"
    assert all(kind in caught.value.message for kind in media_parts.OPENAI_TYPES)
