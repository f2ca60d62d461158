"""Files in the forms of other vendors."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import GatewayError
from app.translate.dialogue import FileId, FileKind, Inline, Url
from app.translate.openai import vendor_media
from app.translate.openai.reading import Reading

AT = "messages[0].content[0]"
WEB = "https://example.com/a.png"
B64, PNG = "AAAA", "image/png"

# name -> the part, the kind, the source, the rest of the path, the name
READ: dict[str, tuple[dict[str, Any], FileKind | None, Inline | Url | FileId, str, str | None]] = {
    "Anthropic's bytes": (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": B64}},
        *("image", Inline(B64), ".source", None),
    ),
    "Anthropic's link": ({"type": "image", "source": {"type": "url", "url": WEB}}, "image", Url(WEB), ".source", None),
    "Anthropic's id": (
        {"type": "document", "source": {"type": "file", "file_id": "f"}, "title": "a.pdf"},
        *(None, FileId("f"), ".source", "a.pdf"),
    ),
    "Anthropic's document": (
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": B64}},
        *(None, Inline(B64), ".source", None),
    ),
    "MCP's image": ({"type": "image", "data": B64, "mimeType": PNG}, "image", Inline(B64), "", None),
    "MCP's audio": ({"type": "audio", "data": B64, "mimeType": "audio/wav"}, "audio", Inline(B64), "", None),
    "LangChain's link": ({"type": "image", "url": WEB}, "image", Url(WEB), "", None),
    "LangChain's bytes": ({"type": "image", "base64": B64, "mime_type": "image/png"}, "image", Inline(B64), "", None),
    "LangChain's older bytes": (
        {"type": "image", "source_type": "base64", "data": B64, "mime_type": "image/png"},
        *("image", Inline(B64), "", None),
    ),
    "LangChain's id": ({"type": "audio", "file_id": "f"}, "audio", FileId("f"), "", None),
    "LangChain's media": ({"type": "media", "mime_type": "audio/mp3", "data": B64}, "audio", Inline(B64), "", None),
    "the AI SDK's image": (
        {"type": "image", "image": B64, "mediaType": PNG},
        "image",
        Inline(B64),
        ".image",
        None,
    ),
    "the AI SDK's link": ({"type": "image", "image": WEB}, "image", Url(WEB), ".image", None),
    "the AI SDK's file": (
        {
            "type": "file",
            "data": f"data:application/pdf;base64,{B64}",
            "mediaType": "application/pdf",
            "filename": "a.pdf",
        },
        *(None, Inline(B64), "", "a.pdf"),
    ),
    "the AI SDK's picture": ({"type": "file", "data": B64, "mediaType": PNG}, "image", Inline(B64), "", None),
    "Gemini's bytes": (
        {"inlineData": {"mimeType": PNG, "data": B64}},
        "image",
        Inline(B64),
        ".inlineData",
        None,
    ),
    "Gemini's link": (
        {"file_data": {"mime_type": "application/pdf", "file_uri": WEB}},
        *(None, Url(WEB), ".file_data", None),
    ),
    "Converse's": (
        {"type": "image", "image": {"format": "png", "source": {"bytes": B64}}},
        *("image", Inline(B64), ".image.source", None),
    ),
    "an Assistant's": (
        {"type": "image_file", "image_file": {"file_id": "f"}},
        "image",
        FileId("f"),
        ".image_file",
        None,
    ),
    "an audio's link": ({"type": "audio_url", "audio_url": {"url": WEB}}, "audio", Url(WEB), ".audio_url", None),
}


@pytest.mark.parametrize(("part", "kind", "source", "path", "name"), READ.values(), ids=READ)
def test_each_form_is_read(
    part: dict[str, Any], kind: FileKind | None, source: Inline | Url | FileId, path: str, name: str | None
) -> None:
    """The source, what it must be, where it stood; nothing of it is unknown."""
    reading = Reading([])
    media = vendor_media.read(part.get("type", "media").replace("_", ""), part, AT, reading)
    assert (media.kind, media.source, media.path, media.name) == (kind, source, f"{AT}{path}", name)
    assert reading.notes == []


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"type": "image"}, ""),
        ({"type": "image", "source": {}}, ""),
        ({"type": "image", "source": {"type": "base64"}}, ".source"),
        ({"type": "image", "source": {"data": 5}}, ".source"),
        ({"type": "image", "image": {"image": {"image": {"image": B64}}}}, ".image.image.image"),
        ({"type": "image", "url": "data:image/png;base64"}, ""),
        ({"type": "image", "url": "data:" + "x" * 600 + ","}, ""),
    ],
)
def test_a_part_without_a_file(part: dict[str, Any], path: str) -> None:
    """Named as far as it goes."""
    with pytest.raises(GatewayError) as caught:
        vendor_media.read("image", part, AT, Reading([]))
    assert (caught.value.kind.status, caught.value.param) == (400, f"{AT}{path}")


def test_documents_that_are_words() -> None:
    """No file is made of them."""
    assert vendor_media.read_words({"source": {"type": "text", "data": "a"}}) == "a"
    assert vendor_media.read_words({"type": "file", "source_type": "text", "text": "a"}) == "a"
    assert vendor_media.read_words({"source": {"type": "base64", "data": "a"}}) is None
    assert vendor_media.read_words({"source_type": "text"}) is None


def test_which_parts_have_a_source() -> None:
    """OpenAI's `file` has its file in an object of its own, others beside the type."""
    assert vendor_media.has_source({"type": "file", "data": B64})
    assert not vendor_media.has_source({"type": "file", "data": None, "name": "a.txt"})
