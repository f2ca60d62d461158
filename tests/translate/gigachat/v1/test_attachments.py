"""Files in a request's history: where they go, and which stay away."""

from __future__ import annotations

import pytest

from app.translate.dialogue import FileId, FileKind, Inline, Media, Note, Part, Turn, Uploaded
from app.translate.gigachat.v1.attachments import Attachments


def media(name: str, kind: FileKind | None = "image") -> Media:
    """A file whose path is its name."""
    return Media(kind, FileId(name), name)


def images(count: int, before: str = "i") -> list[Media]:
    """So many images."""
    return [media(f"{before}{index}") for index in range(count)]


def turn(*parts: Part) -> Turn:
    """A user's turn."""
    return Turn("user", list(parts), "messages[0]")


def known(*given: Media, kind: FileKind | None = None) -> dict[str, Uploaded]:
    """What was uploaded, under the path's letters in capitals."""
    return {one.path: Uploaded(one.path.upper(), kind or one.kind or "document") for one in given}


@pytest.mark.parametrize(
    ("count", "out"), [(0, 0), (10, 0), (11, 5), (12, 5), (15, 5), (16, 10), (20, 10), (21, 15), (100, 90)]
)
def test_the_oldest_images_are_left_out_in_steps_of_five(count: int, out: int) -> None:
    """So that the same ones stay for a few turns of a growing conversation; each that is missing is told."""
    given, notes = images(count), list[Note]()
    found = Attachments([turn(one) for one in given], None, notes)
    assert found.kept == given[out:]
    assert notes == [Note("adapted", "images>10", one.path) for one in given[:out]]


def test_other_files_are_not_counted_as_images() -> None:
    """Twenty sounds and documents stay."""
    notes: list[Note] = []
    given = [media(f"a{index}", "audio") for index in range(10)] + images(10) + [media("d", None)]
    assert Attachments([turn(*given)], None, notes).kept == given
    assert notes == []


def test_by_content_a_file_may_be_an_image() -> None:
    """Eleven of unknown kind are all uploaded; that they are images too many is known then."""
    given, notes = [media(f"f{index}", None) for index in range(11)], list[Note]()
    assert Attachments([turn(*given)], None, []).kept == given
    found = Attachments([turn(*given)], known(*given, kind="image"), notes)
    assert found.kept == given[5:]
    assert [note.rule for note in notes] == ["images>10"] * 5


def test_what_was_never_uploaded_is_never_sent() -> None:
    """Files that turn out to be images take no place of one that was left out by its claim: it has no id."""
    files, claimed = [media(f"f{index}", None) for index in range(3)], images(11)
    turns, notes = [turn(*files), *(turn(one) for one in claimed)], list[Note]()
    brought = Attachments(turns, None, []).kept
    assert brought == [*files, *claimed[5:]]
    found = Attachments(turns, known(*brought, kind="image"), notes)
    assert found.kept == brought
    assert [note.path for note in notes] == [one.path for one in claimed[:5]]


def test_only_the_first_document_is_read() -> None:
    """GigaChat's own rule: the others go along, and it is told."""
    given, notes = [media(f"d{index}", "document") for index in range(3)], list[Note]()
    assert Attachments([turn(*given)], None, notes).kept == given
    assert notes == [Note("adapted", "documents>1", path) for path in ("d1", "d2")]


def test_one_image_a_message() -> None:
    """All but the last go before, each in a message of its own; sound and documents stay with the text."""
    first, second, third = images(3)
    note, voice = media("n", "document"), media("v", "audio")
    given, notes = [first, note, second, voice, third], list[Note]()
    written = Attachments([turn(*given)], known(*given), notes).write("text", given)
    assert written == [
        {"role": "user", "content": "", "attachments": ["I0"]},
        {"role": "user", "content": "", "attachments": ["I1"]},
        {"role": "user", "content": "text", "attachments": ["N", "V", "I2"]},
    ]
    assert notes == [Note("adapted", "images.split", "i0")]


def test_a_single_image_needs_no_word() -> None:
    """It stays with its text."""
    (only,) = images(1)
    notes: list[Note] = []
    found = Attachments([turn(only)], known(only), notes)
    assert found.write("text", [only]) == [{"role": "user", "content": "text", "attachments": ["I0"]}]
    assert notes == []
    assert found.find_kind(only) == "image"


def test_a_message_without_its_files() -> None:
    """Whose files are left out is a message of text alone."""
    given = images(11)
    found = Attachments([turn(one) for one in given], None, [])
    assert found.write("text", given[:2]) == [{"role": "user", "content": "text"}]
    assert [found.any_kept(given[:5]), found.any_kept(given[:6])] == [False, True]


def test_a_dry_write_has_no_ids() -> None:
    """What GigaChat will call the files is not known yet."""
    (only,) = images(1)
    assert Attachments([turn(only)], None, []).write("", [only])[0]["attachments"] == [""]


@pytest.mark.parametrize(
    ("claim", "content", "kind"),
    [("image", None, "image"), (None, None, "document"), (None, "image", "image"), ("audio", "document", "document")],
)
def test_content_goes_before_a_claim(claim: FileKind | None, content: FileKind | None, kind: FileKind) -> None:
    """Once it is known."""
    one = Media(claim, Inline("x"), "p")
    files = {} if content is None else {"p": Uploaded("1", content)}
    assert Attachments([turn(one)], files, []).find_kind(one) == kind


def test_none_of_the_kept_ones_could_be_had() -> None:
    """Those that were left out before the upload stay out: they have no id."""
    given, notes = images(12), list[Note]()
    brought = Attachments([turn(*given)], None, []).kept
    left = [one for one in given if one not in brought]
    found = Attachments([turn(*left)], {}, notes)
    assert (found.kept, {note.rule for note in notes}) == ([], {"images>10"})
