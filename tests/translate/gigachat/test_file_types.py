"""GigaChat's files: the table of types against the contract, and its descriptions of files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.media import sniffer
from app.sandbox.filetypes import LIMITS, TYPES
from app.translate.dialogue import FileKind, Uploaded
from app.translate.gigachat import file_types

NUMBER = "2b1d4f7e-9c1a-4a58-8a3d-0123456789ab"
_KINDS = {"text": "document", "image": "image", "audio": "audio"}


@pytest.mark.parametrize("mime", file_types.TAKEN)
def test_each_type_is_one_of_gigachats(mime: str) -> None:
    """Under the vendor's own name, of the vendor's kind, with an extension of its own."""
    taken = file_types.TAKEN[mime]
    assert _KINDS[TYPES[taken.mime].kind] == taken.kind
    assert [one for one in file_types.TAKEN.values() if one.extension == taken.extension] == [taken]
    assert taken.extension in file_types.LISTED[taken.kind].replace("jpeg", "jpg")


def test_no_type_of_gigachats_is_forgotten() -> None:
    """But for other names of the same."""
    others = {"audio/x-m4a", "audio/x-wav", "audio/wave", "audio/x-pn-wav", "audio/opus"}
    assert {taken.mime for taken in file_types.TAKEN.values()} | others == set(TYPES)


def test_what_is_converted_is_not_taken_and_is_known_by_its_content() -> None:
    """Both tables are asked with the names that the content's reader gives."""
    assert not file_types.CONVERTED & set(file_types.TAKEN)
    found = {mark.found for mark in sniffer.MARKS if isinstance(mark.found, str)}
    assert {"image/jpeg", "image/png", "image/gif", "image/tiff", "application/pdf"} <= found
    assert all(mime.removeprefix("image/") in file_types.LISTED["image"] for mime in file_types.CONVERTED)
    assert file_types.LISTED[None] == "; ".join(file_types.LISTED[kind] for kind in ("image", "audio", "document"))


def test_the_limits_are_the_documented_ones() -> None:
    """In megabytes of either reading, and what is made here fits both."""
    for ours, theirs in (("image", "image"), ("audio", "audio"), ("document", "text")):
        kind: FileKind = ours  # type: ignore[assignment]
        assert file_types.MAX_BYTES[kind] // 2**20 == LIMITS[theirs] // 1_000_000
    assert LIMITS["image"] >= file_types.MAX_MADE
    assert file_types.MAX_TOGETHER == 80 * 2**20


@pytest.mark.parametrize(
    ("given", "is_id"),
    [
        (NUMBER, True),
        ("file-abc_1", True),
        ("", False),
        ("a/b", False),
        ("..", False),
        ("a?x", False),
        ("a b", False),
        ("a\n", False),
        ("x" * 65, False),
        ("ф", False),
    ],
)
def test_an_id_can_be_part_of_a_path(given: str, is_id: bool) -> None:
    """What could lead to another place is none."""
    assert file_types.is_id(given) is is_id


@pytest.mark.parametrize(
    ("filename", "kind"),
    [
        ("a.jpg", "image"),
        ("a.JPEG", "image"),
        ("скан.tif", "image"),
        ("a.b.png", "image"),
        ("voice.ogg", "audio"),
        ("a.pdf", "document"),
        ("a.unknown", "document"),
        ("a", "document"),
        ("", "document"),
        (None, "document"),
    ],
)
def test_a_description_tells_the_kind_by_the_name(filename: Any, kind: FileKind) -> None:
    """That is all that GigaChat tells of a file's type."""
    assert file_types.read(json.dumps({"id": NUMBER, "filename": filename}).encode()) == Uploaded(NUMBER, kind)


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b"{}", b'{"id": 5}', b'{"id": "../x"}', b'"id"', b"null"])
def test_what_describes_no_file_is_none(data: bytes) -> None:
    """An id that can't be one does not count."""
    assert file_types.read(data) is None
