"""Content parts that hold files, in the forms of other vendors and their SDKs.

Sources: the API references of Anthropic (`image` and `document` with a `source`), Google (`inlineData`, `fileData`),
Amazon (Converse), MCP (`data`, `mimeType`), LangChain's content blocks (`base64`, `url`, `source_type`), the AI SDK
(`image`, `data`, `mediaType`), the Assistants API (`image_file`). They differ in names alone: somewhere in the part
stands an address, an id, or the bytes.
"""

from __future__ import annotations

import re
from typing import Any

from app.errors import FILE_DOWNLOAD_FAILED, UNSUPPORTED_FILE, GatewayError
from app.translate import call_arguments
from app.translate.dialogue import FileId, FileKind, Inline, Media, Url
from app.translate.mistaken_files import find_mistake
from app.translate.openai import checks
from app.translate.openai.reading import Reading

# type without its dashes -> what the client says the file is; None: its MIME type tells
KINDS: dict[str, FileKind | None] = {
    "image": "image",
    "imagefile": "image",
    "audio": "audio",
    "audiourl": "audio",
    "document": None,
    "searchresult": None,
    "media": None,
}
VIDEOS = frozenset({"video", "videourl", "inputvideo"})
_LONGEST_PREFIX = 512  # of a data URL, up to its comma
_URLS = ("url", "fileUri", "file_uri", "uri")
_BYTES = ("data", "base64", "bytes")
_IDS = ("file_id", "fileId")
_MIMES = ("media_type", "mediaType", "mime_type", "mimeType")
_HEADS = ("title", "source", "context")  # of a document's words; a source that is an object holds the words
_NAMES = ("filename", "title", "name")
# where the source stands: an object of its own, or a string
_HOLDERS = (
    *("source", "image", "image_url", "image_file", "audio", "audio_url", "document", "file", "media"),
    *("inlineData", "inline_data", "fileData", "file_data"),
)
_READ = frozenset(
    {*_HOLDERS, *_URLS, *_BYTES, *_IDS, *_MIMES, "filename", "name", "type", "format", "source_type", "detail"}
)
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/=_\s-]")
READ_WORDS = frozenset({"type", "source_type", "text", "document", "content", "mime_type", *_HEADS})
_MOST_HOLDERS = 3  # inside one another


def read(kind: str, item: dict[str, Any], path: str, reading: Reading) -> Media:
    """The file of a part. Raises GatewayError for a part that names none."""
    reading.tell_unread(item, path, _READ | {"title"} if kind == "document" else _READ)
    given: Any = item
    mime, name = _find_text(item, _MIMES), _find_text(item, _NAMES)
    for _ in range(_MOST_HOLDERS):
        if not isinstance(given, dict):
            break
        mime, name = mime or _find_text(given, _MIMES), name or _find_text(given, _NAMES)
        source = _find_source(given, path)
        if source is not None:
            return Media(KINDS.get(kind) or _find_kind(mime), source, path, name or None)
        holder = next((key for key in _HOLDERS if given.get(key)), None)
        if holder is None:
            break
        given, path = given[holder], f"{path}.{holder}"
    if isinstance(given, str) and given:
        return Media(KINDS.get(kind) or _find_kind(mime), read_source(given, path), path, name or None)
    raise checks.missing(path, "a file's URL, its bytes in base64, or GigaChat's file id.")


def read_words(item: dict[str, Any]) -> str | None:
    """The words of a document that is text, with what stands at its head; None for all else."""
    words = _find_words(item)
    heads = [item[key] for key in _HEADS if isinstance(item.get(key), str) and item[key]]
    if isinstance(item.get("document"), dict):  # Converse's
        heads += [name] if (name := _find_text(item["document"], _NAMES)) else []
    return None if words is None else "\n".join([*heads, words])


def _find_words(item: dict[str, Any]) -> str | None:
    held = item.get("document")
    inner = held if isinstance(held, dict) else item
    source = inner.get("source")
    if isinstance(source, dict):
        given = source.get("data") if source.get("type") == "text" else source.get("text", source.get("content"))
        return _join_words(given)
    if inner is not item and not _find_text(inner, _MIMES):  # Cohere's
        if isinstance(inner.get("data"), dict):
            return call_arguments.write(inner["data"])
        if _is_prose(inner.get("data")):
            return str(inner["data"])
    if isinstance(source, str) and isinstance(item.get("content"), list):  # Anthropic's `search_result`
        return _join_words(item["content"])
    if item.get("source_type") == "text" and isinstance(item.get("text"), str):
        return str(item["text"])
    return None


def _is_prose(given: Any) -> bool:
    """Whether a text is neither a file's bytes nor its address."""
    if not isinstance(given, str) or given[:5].lower() == "data:" or "://" in given[:_LONGEST_PREFIX]:
        return False
    return _NO_BASE64.search(given) is not None


def _join_words(given: Any) -> str | None:
    """A text, or blocks that are all texts; None for all else."""
    if isinstance(given, str):
        return given
    blocks = given if isinstance(given, list) else []
    texts = [block["text"] for block in blocks if isinstance(block, dict) and isinstance(block.get("text"), str)]
    return "\n".join(texts) if texts and len(texts) == len(blocks) else None


def has_source(item: dict[str, Any]) -> bool:
    """Whether a part has a file in one of these forms."""
    return any(item.get(key) for key in (*_URLS, *_BYTES, *_IDS, "source"))


def read_source(given: str, path: str) -> Inline | Url:
    """A data URL, a URL of any scheme (which of them are fetched is decided by who fetches), or plain base64."""
    head = given[:_LONGEST_PREFIX].lstrip()
    if head[:5].lower() == "data:":
        prefix, comma, data = given.lstrip().partition(",")
        if not comma or len(prefix) > _LONGEST_PREFIX:
            raise checks.invalid(path, "is no data URL: 'data:<type>;base64,<bytes>' is expected.")
        return Inline(data, base64=prefix.lower().endswith(";base64"))
    mistake = None if head[:4].lower() == "http" else find_mistake(given)
    if mistake is not None:
        if "://" in head:
            mistake += ". Only http and https are fetched"
        kind = FILE_DOWNLOAD_FAILED if "://" in head else UNSUPPORTED_FILE
        raise GatewayError(kind, f"'{path}' {mistake}.", param=path)
    return Url(given.strip()) if "://" in head else Inline(given)


def _find_source(given: dict[str, Any], path: str) -> Inline | Url | FileId | None:
    if number := _find_text(given, _IDS):
        return FileId(number)
    found = _find_text(given, _URLS) or _find_text(given, _BYTES)
    return read_source(found, path) if found else None


def _find_text(given: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((given[key] for key in keys if isinstance(given.get(key), str) and given[key]), "")


def _find_kind(mime: str) -> FileKind | None:
    kind = mime.partition("/")[0].lower()
    return "image" if kind == "image" else "audio" if kind == "audio" else None
