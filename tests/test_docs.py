"""What a reader of the pages follows is there: links, their headings, and the files that pages name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_NAMED = re.compile(r"`((?:app|tests|deploy|docs)/[\w/.-]*\w/?)`")
# How a module's test file is named, shown by example.
_EXAMPLES = {"app/x/y.py", "tests/x/test_y.py"}


def name(path: Path) -> str:
    """A path as a test's id."""
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file or a folder of the repository, and a heading that the page has."""
    for path, anchor in _LINK.findall(page.read_text("utf-8")):
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_modules_exist(page: Path) -> None:
    """Each module of the program that a page names is there."""
    named = {path for path in _NAMED.findall(page.read_text("utf-8")) if path.startswith("app/")} - _EXAMPLES
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_contributing_names_files_that_exist() -> None:
    """Each path that a recipe names is there."""
    named = set(_NAMED.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8"))) - _EXAMPLES
    assert len(named) > 30
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_targets_of_make_exist(page: Path) -> None:
    """`make target`, wherever a page says it, is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))) <= targets
