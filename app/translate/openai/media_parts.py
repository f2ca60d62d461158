"""Content parts that hold files, read into the dialogue: OpenAI's here, other vendors' in `vendor_media`.

Sources: OpenAI's API reference (chat: `image_url`, `input_audio`, `file`; Responses: `input_image`, `input_file`) and
what clients send: a data URL, an address on the web, plain base64, or the id of a file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.translate import lost_files
from app.translate.dialogue import FileId, FileKind, Media, Part, Text
from app.translate.openai import checks, vendor_media
from app.translate.openai.reading import Reading
from app.translate.openai.vendor_media import read_source

_NO_VIDEO = "holds a video, and GigaChat takes none: send a frame of it as an image, or its sound."
# A claim of what the file is: the content is looked at instead.
_CLAIMS = frozenset({"type", "format", "mime_type", "media_type"})


def _image(item: dict[str, Any], path: str, reading: Reading) -> Media:
    """`image_url`: an object in chat, a string in Responses and from sloppy clients; Responses has ids as well."""
    given: Any = item.get("image_url")
    if given is None and item.get("file_id") is not None:
        _tell_rest(item, path, {"file_id", "detail"}, reading)
        _drop_detail(item, path, reading)
        return Media("image", FileId(_filled(item["file_id"], f"{path}.file_id", "GigaChat's id.")), f"{path}.file_id")
    where = f"{path}.image_url"
    _tell_rest(item, path, {"image_url", "detail"}, reading)
    _drop_detail(item, path, reading)
    if isinstance(given, dict):
        _tell_rest(given, where, {"url", "detail"}, reading)
        _drop_detail(given, where, reading)
        given, where = given.get("url"), f"{where}.url"
    return Media(
        "image", read_source(_filled(given, where, "the image's URL, or its bytes as a data URL."), where), where
    )


def _drop_detail(holder: dict[str, Any], path: str, reading: Reading) -> None:
    if holder.get("detail") not in (None, "auto"):
        reading.note("dropped", "image_url.detail", f"{path}.detail")


def _audio(item: dict[str, Any], path: str, reading: Reading) -> Media:
    """`input_audio`: the format is judged by the content."""
    _tell_rest(item, path, {"input_audio"}, reading)
    path = f"{path}.input_audio"
    given = checks.obj(item.get("input_audio"), path)
    _tell_rest(given, path, {"data"}, reading)
    data = _filled(given.get("data"), f"{path}.data", "the sound's bytes in base64.")
    return Media("audio", read_source(data, f"{path}.data"), f"{path}.data")


def _file(item: dict[str, Any], path: str, reading: Reading) -> Media:
    """`file` has an object of its own, `input_file` of Responses has the same fields beside its type."""
    if str(item.get("type")).lower() == "file":
        if "file" not in item and vendor_media.has_source(item):
            return vendor_media.read("file", item, path, reading)
        _tell_rest(item, path, {"file"}, reading)
        item, path = checks.obj(item.get("file"), f"{path}.file"), f"{path}.file"
    name = item.get("filename")
    if name is not None:
        checks.string(name, f"{path}.filename")
    key = next((key for key in ("file_data", "file_url") if item.get(key) is not None), "file_id")
    _tell_rest(item, path, {key, "filename"}, reading)
    where = f"{path}.{key}"
    if key == "file_id":
        given = _filled(item.get(key), where, "send the file's bytes as file_data, or GigaChat's file_id.")
        return Media(None, FileId(given), where, name)
    return Media(None, read_source(_filled(item[key], where, "the file's bytes in base64."), where), where, name)


def _other(kind: str) -> Callable[[dict[str, Any], str, Reading], Media]:
    def read_other(item: dict[str, Any], path: str, reading: Reading) -> Media:
        return vendor_media.read(kind, item, path, reading)

    return read_other


# By the type without its dashes: OpenAI's, and those of others that are read by what they hold.
_READERS: dict[str, Callable[[dict[str, Any], str, Reading], Media]] = {
    "imageurl": _image,
    "inputimage": _image,
    "inputaudio": _audio,
    "file": _file,
    "inputfile": _file,
    **{kind: _other(kind) for kind in vendor_media.KINDS},
}
KINDS = frozenset({*_READERS, *vendor_media.VIDEOS})
OPENAI_TYPES = ("file", "image_url", "input_audio", "input_file", "input_image")


def read(kind: str, item: dict[str, Any], path: str, reading: Reading) -> list[Part]:
    """The file of a part whose type, without its dashes, is one of KINDS; a document may be its words.

    Raises GatewayError for a part that names no file.
    """
    if kind in vendor_media.VIDEOS:
        raise checks.unsupported(path, _NO_VIDEO)
    words = vendor_media.read_words(item)
    if words is not None:
        reading.tell_unread(item, path, vendor_media.READ_WORDS)
        return [Text(words)]
    media = _READERS[kind](item, path, reading)
    if reading.past or reading.result:
        media = replace(media, past=reading.past, from_function=reading.result)
    return [media]


def replace_lost(kind: str, path: str, reading: Reading) -> Text:
    """The words that stand for the file of an old message, which cannot be read."""
    reading.note("adapted", lost_files.RULE, path)
    claimed: FileKind | None = "image" if "image" in kind else "audio" if "audio" in kind else None
    return Text(lost_files.say_lost(claimed))


def _tell_rest(given: dict[str, Any], path: str, read: set[str], reading: Reading) -> None:
    reading.tell_unread(given, path, _CLAIMS | read)


def _filled(value: Any, path: str, wanted: str) -> str:
    if value is None or value == "":
        raise checks.missing(path, wanted)
    return checks.string(value, path)
