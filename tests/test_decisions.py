"""The index of decisions and its pages agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))
_ROW = re.compile(r"^\| \[(\d+)\]\(([\w.-]+)\) \| (.+?) \| .+? \| (.+?) \|$", re.MULTILINE)
ROWS = _ROW.findall((FOLDER / "README.md").read_text("utf-8"))


def heading(page: Path) -> tuple[str, str]:
    """A page's number and title."""
    found = re.match(r"# (\d+)\. (.+)\n", page.read_text("utf-8"))
    assert found is not None
    return found[1], found[2]


def test_the_index_has_every_page() -> None:
    """Each page has its row, with its number and its title, in order."""
    assert [(number, name, title) for number, name, title, _ in ROWS] == [
        (number, page.name, title) for page in PAGES for number, title in [heading(page)]
    ]


def test_numbers_follow_each_other() -> None:
    """No number is missing or taken twice."""
    assert [int(page.name[:4]) for page in PAGES] == list(range(1, len(PAGES) + 1))
    assert [int(number) for number, *_ in ROWS] == list(range(1, len(ROWS) + 1))


def test_each_row_says_whether_the_decision_holds() -> None:
    """`yes`, or the number of the decision that replaced it."""
    for *_, holds in ROWS:
        assert re.fullmatch(r"yes|no: replaced by \[\d+\]\([\w.-]+\)", holds), holds


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_have_one_form(page: Path) -> None:
    """Context, decision, consequence, in 40 lines at most."""
    text = page.read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequence"]
    assert text.count("\n") <= 40
