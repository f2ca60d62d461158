"""OpenAI's content parts that hold files, read into the dialogue.

Sources: OpenAI's API reference (chat: `image_url`, `input_audio`, `file`; Responses: `input_image`, `input_file`) and
what clients send: a data URL, an address on the web, plain base64, or the id of a file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.translate.dialogue import FileId, Inline, Media, Note, Url
from app.translate.openai import checks, rest

# A claim of what the file is: the content is looked at instead.
_CLAIMS = frozenset({"type", "format", "mime_type", "media_type"})
_SILENT = frozenset({"id"})
_LONGEST_PREFIX = 512  # of a data URL, up to its comma


def _image(item: dict[str, Any], path: str, notes: list[Note]) -> Media:
    """`image_url`: an object in chat, a string in Responses and from sloppy clients; Responses has ids as well."""
    given: Any = item.get("image_url")
    if given is None and item.get("file_id") is not None:
        _rest(item, path, {"file_id", "detail"}, notes)
        _drop_detail(item, path, notes)
        return Media("image", FileId(_filled(item["file_id"], f"{path}.file_id", "GigaChat's id.")), f"{path}.file_id")
    where = f"{path}.image_url"
    _rest(item, path, {"image_url", "detail"}, notes)
    _drop_detail(item, path, notes)
    if isinstance(given, dict):
        _rest(given, where, {"url", "detail"}, notes)
        _drop_detail(given, where, notes)
        given, where = given.get("url"), f"{where}.url"
    return Media("image", _source(_filled(given, where, "the image's URL, or its bytes as a data URL."), where), where)


def _drop_detail(holder: dict[str, Any], path: str, notes: list[Note]) -> None:
    if holder.get("detail") not in (None, "auto"):
        notes.append(Note("dropped", "image_url.detail", f"{path}.detail"))


def _audio(item: dict[str, Any], path: str, notes: list[Note]) -> Media:
    """`input_audio`: the format is judged by the content."""
    _rest(item, path, {"input_audio"}, notes)
    path = f"{path}.input_audio"
    given = checks.obj(item.get("input_audio"), path)
    _rest(given, path, {"data"}, notes)
    data = _filled(given.get("data"), f"{path}.data", "the sound's bytes in base64.")
    return Media("audio", _source(data, f"{path}.data"), f"{path}.data")


def _file(item: dict[str, Any], path: str, notes: list[Note]) -> Media:
    """`file` has an object of its own, `input_file` of Responses has the same fields beside its type."""
    if item["type"] == "file":
        _rest(item, path, {"file"}, notes)
        item, path = checks.obj(item.get("file"), f"{path}.file"), f"{path}.file"
    name = item.get("filename")
    if name is not None:
        checks.string(name, f"{path}.filename")
    key = next((key for key in ("file_data", "file_url") if item.get(key) is not None), "file_id")
    _rest(item, path, {key, "filename"}, notes)
    where = f"{path}.{key}"
    if key == "file_id":
        given = _filled(item.get(key), where, "send the file's bytes as file_data, or GigaChat's file_id.")
        return Media(None, FileId(given), where, name)
    return Media(None, _source(_filled(item[key], where, "the file's bytes in base64."), where), where, name)


def _video(_: dict[str, Any], path: str, __: list[Note]) -> Media:
    raise checks.unsupported(path, "holds a video, and GigaChat takes none: send images, audio or documents.")


_READERS: dict[str, Callable[[dict[str, Any], str, list[Note]], Media]] = {
    "image_url": _image,
    "input_image": _image,
    "input_audio": _audio,
    "file": _file,
    "input_file": _file,
    "video_url": _video,
}
FILE_PARTS = frozenset(_READERS)


def read(item: dict[str, Any], path: str, notes: list[Note]) -> Media:
    """The file of a part whose type is one of FILE_PARTS. Raises GatewayError for a part that names none."""
    return _READERS[item["type"]](item, path, notes)


def _rest(given: dict[str, Any], path: str, read: set[str], notes: list[Note]) -> None:
    rest.tell(given, path, _CLAIMS | read, "messages", notes, _SILENT)


def _filled(value: Any, path: str, wanted: str) -> str:
    if value is None or value == "":
        raise checks.missing(path, wanted)
    return checks.string(value, path)


def _source(given: str, path: str) -> Inline | Url:
    """A data URL, a URL of any scheme (which of them are fetched is decided by who fetches), or plain base64."""
    head = given[:_LONGEST_PREFIX].lstrip()
    if head[:5].lower() == "data:":
        prefix, comma, data = given.lstrip().partition(",")
        if not comma or len(prefix) > _LONGEST_PREFIX:
            raise checks.invalid(path, "is no data URL: 'data:<type>;base64,<bytes>' is expected.")
        return Inline(data, base64=prefix.lower().endswith(";base64"))
    return Url(given.strip()) if "://" in head else Inline(given)
