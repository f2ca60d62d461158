"""Every type by the content of a real file, whatever it is called, and nothing by chance."""

from __future__ import annotations

import gzip
import random
import time
from collections.abc import Callable

import pytest

from app.media.sniffer import sniff_type
from tests.media import files

OOXML = "application/vnd.openxmlformats-officedocument"
TYPES = "[Content_Types].xml"


# A file of each sort, and its type.
REAL: dict[str, tuple[bytes, str]] = {
    "jpeg": (files.photo("JPEG"), "image/jpeg"),
    "jpeg with exif": (files.saved(files.picture(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0"), "image/jpeg"),
    "png": (files.photo("PNG"), "image/png"),
    "gif": (files.photo("GIF"), "image/gif"),
    "gif87a": (b"GIF87a" + files.photo("GIF")[6:], "image/gif"),
    "webp": (files.photo("WEBP"), "image/webp"),
    "webp lossless": (files.saved(files.picture(), "WEBP", lossless=True), "image/webp"),
    "tiff": (files.photo("TIFF"), "image/tiff"),
    "tiff big endian": (b"MM\0*" + bytes(8), "image/tiff"),
    "bigtiff": (files.saved(files.picture(), "TIFF", big_tiff=True), "image/tiff"),
    "bigtiff big endian": (b"MM\0+\0\x08\0\0", "image/tiff"),
    "bmp": (files.photo("BMP"), "image/bmp"),
    "heic": (files.photo("HEIF"), "image/heic"),
    "heif by its compatible brands": (files.box(b"ftyp", b"mif1", bytes(4), b"mif1heic"), "image/heic"),
    "avif": (files.photo("AVIF"), "image/avif"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    "mp3": (files.MP3_FRAME * 3, "audio/mpeg"),
    "mp3 with a tag": (files.id3(300) + files.MP3_FRAME * 3, "audio/mpeg"),
    "voice message": (files.OPUS, "audio/ogg"),
    "vorbis": (files.VORBIS, "audio/ogg"),
    "speex": (files.ogg(b"Speex   1.2"), "audio/ogg"),
    "theora": (files.THEORA, "video/ogg"),
    "wav": (files.wav(), "audio/wav"),
    "rf64": (b"RF64\xff\xff\xff\xffWAVEds64", "audio/wav"),
    "m4a": (files.mp4(b"M4A ", b"soun"), "audio/mp4"),
    "m4a under another brand": (files.mp4(b"isom", b"soun", media_first=False), "audio/mp4"),
    "m4a that is cut off": (files.mp4(b"M4A ", b"soun")[:500], "audio/mp4"),
    "mp4": (files.mp4(b"isom", b"vide", b"soun"), "video/mp4"),
    "mp4 that is cut off": (files.mp4(b"mp42", b"vide")[:500], "video/mp4"),
    "mp4 that calls itself m4a": (files.mp4(b"M4A ", b"soun", b"vide"), "video/mp4"),
    "mov": (files.mp4(b"qt  ", b"vide", b"soun"), "video/quicktime"),
    "mov with sound only": (files.mp4(b"qt  ", b"soun"), "audio/mp4"),
    "old mov": (files.mp4(b"qt  ", b"vide")[24:], "video/quicktime"),
    "old mov with sound only": (files.mp4(b"qt  ", b"soun")[24:], "audio/mp4"),
    "3gp": (files.mp4(b"3gp5", b"vide", b"soun"), "video/3gpp"),
    "3gp with sound only": (files.mp4(b"3gp4", b"soun"), "audio/3gpp"),
    "weba": (files.matroska(b"webm", 2), "audio/webm"),
    "weba, recorded live": (files.matroska(b"webm", 2, live=True), "audio/webm"),
    "webm": (files.matroska(b"webm", 1, 2), "video/webm"),
    "mkv": (files.matroska(b"matroska", 1, 2), "video/matroska"),
    "mka": (files.matroska(b"matroska", 2), "audio/matroska"),
    "flac": (b"fLaC\0\0\0\x22" + bytes(34), "audio/flac"),
    "flac after a tag": (files.id3(20) + b"fLaC\0\0\0\x22", "audio/flac"),
    "aac": (files.AAC_FRAME * 3, "audio/aac"),
    "amr": (b"#!AMR\n<" + bytes(31), "audio/amr"),
    "amr-wb": (b"#!AMR-WB\n" + bytes(31), "audio/amr"),
    "aiff": (b"FORM\0\0\0\x2eAIFFCOMM", "audio/aiff"),
    "aifc": (b"FORM\0\0\0\x2eAIFCFVER", "audio/aiff"),
    "avi": (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
    "tgs": (gzip.compress(b'{"tgs":1,"v":"5.5.2","fr":60,"layers":[]}'), "application/x-tgsticker"),
    "tgs whose mark comes late": (gzip.compress(b'{"v":"5.5.2","fr":60,"layers":[]}'), "application/x-tgsticker"),
    "gzip": (gzip.compress(b"anything"), "application/gzip"),
    "pdf": (files.PDF, "application/pdf"),
    "pdf after a line": (b"\n" + files.PDF, "application/pdf"),
    "doc": (files.compound("Root Entry", "1Table", "\x05Data", "Data", "WordDocument"), "application/msword"),
    "xls": (files.compound("Root Entry", "Workbook"), "application/vnd.ms-excel"),
    "old xls": (files.compound("Root Entry", "Book"), "application/vnd.ms-excel"),
    "ppt": (files.compound("Root Entry", "PowerPoint Document"), "application/vnd.ms-powerpoint"),
    "docx": (files.zipped(TYPES, "_rels/.rels", "word/document.xml"), f"{OOXML}.wordprocessingml.document"),
    "docx with a table inside": (
        files.zipped("word/document2.xml", "word/embeddings/1.xlsx", TYPES),
        f"{OOXML}.wordprocessingml.document",
    ),
    "pptx": (files.zipped(TYPES, "ppt/presentation.xml"), f"{OOXML}.presentationml.presentation"),
    "xlsx": (files.zipped(TYPES, "xl\\workbook.xml"), f"{OOXML}.spreadsheetml.sheet"),
    "epub": (files.zipped("META-INF/container.xml", stated="application/epub+zip"), "application/epub+zip"),
    "odt": (
        files.zipped("content.xml", stated="application/vnd.oasis.opendocument.text"),
        "application/vnd.oasis.opendocument.text",
    ),
    "zip": (files.zipped("word/document.xml"), "application/zip"),
    "zip that states what it is not": (files.zipped("a", stated="text/html"), "application/zip"),
    "office file of another sort": (files.zipped(TYPES, "visio/document.xml"), "application/zip"),
    "empty zip": (files.zipped(), "application/zip"),
    "rtf": (b"{\\rtf1\\ansi Hello}", "application/rtf"),
    "text": ("Привет, мир!\r\n\tГигачат".encode(), "text/plain"),
    "text in cp1251": ("Привет, мир — «Гигачат» № 1".encode("cp1251"), "text/plain"),
    "text that begins as a bitmap": (b"BMW is a car. What else begins so?", "text/plain"),
    "text that begins as sound": ("яузские ворота".encode("cp1251"), "text/plain"),
    "text that begins as a box": (b"wow free beer", "text/plain"),
    "json": (b'{"a": 1}', "text/plain"),
    "html": (b"<!DOCTYPE html><html><body><svg/></body></html>", "text/plain"),
}
UNKNOWN = {
    "nothing": b"",
    "a program": b"\x7fELF\x02\x01\x01" + bytes(9),
    "zeros": bytes(100),
    "random": random.Random(1).randbytes(1000),
    "riff of something else": b"RIFF\0\0\0\0ACON",
    "ogg of something else": files.ogg(b"\x80unknown"),
    "matroska of something else": files.matroska(b"other", 2),
    "ole of something else": files.compound("Root Entry", "EncryptedPackage"),
    "heif of another codec": files.box(b"ftyp", b"mif1", bytes(4), b"mif1jpeg"),
    "raw photo": files.box(b"ftyp", b"crx ", bytes(4), b"crx isom"),
    "box without tracks": files.box(b"free", bytes(100)),
    "form of something else": b"FORM\0\0\0\x2e8SVXVHDR",
    "form that is none": b"NOPE\0\0\0\x2eAIFF\0\0AIFC",
    "aifc that is none": b"NOPE\0\0\0\x2eAIFC\0\0\0\0",
    "bitmap with a strange header": b"BM" + bytes(40),
}


@pytest.mark.parametrize("name", REAL)
def test_sniff(name: str) -> None:
    """A real file is what it is."""
    data, mime = REAL[name]
    assert sniff_type(data) == mime


@pytest.mark.parametrize("name", UNKNOWN)
def test_unknown(name: str) -> None:
    """Something else is nothing rather than something wrong."""
    assert sniff_type(UNKNOWN[name]) is None


@pytest.mark.parametrize("name", REAL)
def test_cut_off_at_any_place(name: str) -> None:
    """A file that ends early is known for what it is, for a simpler thing, or not at all; it never raises."""
    data, mime = REAL[name]
    for size in range(min(len(data), 700)):
        found = sniff_type(data[:size])
        assert (
            found is None
            or found in {mime, "text/plain", "application/zip", "application/gzip"}
            or found.partition("/")[0]
            in {
                "audio",
                "video",
            }
        )


@pytest.mark.parametrize(
    "mark", [b"\0\0\0\x08moov", b"\x1a\x45\xdf\xa3", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\3\4", b"ID3"]
)
def test_garbage_after_a_mark(mark: bytes) -> None:
    """Whatever follows the mark of a container, an answer comes."""
    chance = random.Random(7)
    for _ in range(200):
        sniff_type(mark + chance.randbytes(chance.randrange(1500)))


MILLIONS: dict[str, Callable[[], bytes]] = {
    "boxes": lambda: files.box(b"ftyp", b"isom", bytes(4)) + b"\0\0\0\x08free" * 3_000_000,
    "boxes in a box": lambda: files.box(b"ftyp", b"isom", bytes(4)) + b"\0\0\0\0moov" + b"\0\0\0\x08trak" * 3_000_000,
    "boxes each in the one before": lambda: b"\0\0\0\0moov" + b"\0\0\0\0trak" * 3_000_000,
    "movies": lambda: b"\0\0\0\x08moov" * 3_000_000,
    "headers": lambda: b"\x1a\x45\xdf\xa3\x80" * 4_000_000,
    "elements": lambda: files.matroska(b"webm")[:35] + b"\x18\x53\x80\x67\xff" + b"\xec\x80" * 10_000_000,
    "entries": lambda: files.zipped(*(str(number) for number in range(5000))) + bytes(60_000),
    "letters": lambda: "Книга. ".encode() * 2_000_000,
    "letters in cp1251": lambda: "Книга. ".encode("cp1251") * 4_000_000,
    "comments": lambda: b"<!--" * 5_000_000,
    "instructions": lambda: b"<?" * 10_000_000,
    "zeros after a tag": lambda: b"ID3\x04\0\0\0\0\0\0" + bytes(20_000_000),
}


def spent(data: bytes) -> float:
    """The best of three times that a look takes, in seconds of this thread: the others met something else."""
    times = []
    for _ in range(3):
        begun = time.thread_time()
        sniff_type(data)
        times.append(time.thread_time() - begun)
    return min(times)


@pytest.mark.parametrize("name", MILLIONS)
def test_size_costs_no_time(name: str) -> None:
    """A file made of millions of small parts is judged in milliseconds, as many of them as of its first tenth.

    This runs in the loop. How many milliseconds is the affair of the machine and of what measures coverage.
    """
    data = MILLIONS[name]()
    assert spent(data) < 2 * spent(data[: len(data) // 10]) + 0.1


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08" + bytes(40), gzip.compress(bytes(2**24)), b"\x1f\x8b\x08"])
def test_what_is_packed_is_hardly_unpacked(data: bytes) -> None:
    """A broken one, one of 16 MiB of nothing, a beginning alone: no more is looked at than a sticker's first words."""
    assert sniff_type(data) == "application/gzip"
