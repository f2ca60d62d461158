"""What the code cites can be opened: the page exists, it has the heading, the evidence tag and the section's number."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = sorted((ROOT / "app").rglob("*.py"))
CONTRACT = (ROOT / "docs" / "gigachat-api.md").read_text("utf-8")

# One heading, with a remark that says which part of it is meant.
_HEADING = r"\"[^\"]+\"(?: \([^()]*\))?"
_PAGE = re.compile(rf"(docs/[\w./-]*\w\.md)((?:(?:,| and) {_HEADING})*)")
_ROW = re.compile(r"((?:\[[A-Z0-9-]+\] )+)(\d+(?:\.\d+)?)")
_UNTRACEABLE = re.compile(r"GigaChat's (?:own )?REST API|gigachat-api(?!\.md)|translation rules")


def name(path: Path) -> str:
    """A path as a test's id."""
    return str(path.relative_to(ROOT))


def flat(path: Path) -> str:
    """A module's text on one line, without the marks of comments: a citation may go on in the next line."""
    return " ".join(re.sub(r"\n\s*(?:# )?", " ", path.read_text("utf-8")).split())


def titles(page: str) -> set[str]:
    """The titles of a page's headings, without their numbers."""
    return set(re.findall(r"^#{1,6} (?:\d+(?:\.\d+)?\.? )?(.+)$", (ROOT / page).read_text("utf-8"), re.MULTILINE))


def sections() -> set[str]:
    """The numbers of the contract's sections."""
    return set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)\.? ", CONTRACT, re.MULTILINE))


def tags() -> set[str]:
    """The evidence tags that the contract explains."""
    table = CONTRACT.partition("## 0. Evidence tags\n")[2].partition("\n## ")[0]
    return set(re.findall(r"\*\*\[([A-Z0-9-]+)\]\*\*", table))


def test_cited_headings_exist() -> None:
    """`docs/page.md, "Title"` names a page and a heading of it."""
    for path in PROGRAM:
        for page, headings in _PAGE.findall(flat(path)):
            assert (ROOT / page).is_file(), page
            assert {*re.findall(r"\"([^\"]+)\"", headings)} <= titles(page), (page, headings)


def test_cited_rows_exist() -> None:
    """`[TAG] 5.4` names a tag and a section of the contract."""
    for path in PROGRAM:
        for cited, number in _ROW.findall(flat(path)):
            assert {*re.findall(r"\[([A-Z0-9-]+)\]", cited)} <= tags(), cited
            assert number in sections(), (path, number)


def test_every_citation_can_be_opened() -> None:
    """No source is named that has no page in the repository."""
    for path in PROGRAM:
        assert not _UNTRACEABLE.findall(flat(path)), path


def test_the_contract_is_cited() -> None:
    """The patterns above find something: each part of GigaChat's side cites its contract."""
    citing = {path.parent.name for path in PROGRAM if 'docs/gigachat-api.md, "' in flat(path)}
    assert {"gigachat", "v1", "upstream", "sandbox", "exchange"} <= citing


def test_titles_are_unique() -> None:
    """A title names one section."""
    found = re.findall(r"^#{2,3} \d+(?:\.\d+)?\.? (.+)$", CONTRACT, re.MULTILINE)
    assert len(found) == len(set(found))


def test_the_contracts_tags_are_explained() -> None:
    """Each tag that the contract uses is in its table."""
    used = set(re.findall(r"\[([A-Z][A-Z0-9-]*)\]", CONTRACT))
    assert used - {"DONE"} <= tags()
