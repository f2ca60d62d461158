"""The architecture page is true: what it names exists, its picture is well formed, its import rules are in force."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
RULES = PAGE.partition("## Where a rule lives\n")[2].partition("\n## ")[0]
PICTURE = PAGE.partition("```mermaid\n")[2].partition("```")[0]
_ROW = re.compile(r"^\| .+ \| `([\w/]+\.py)` \| `([\w/]+\.py)` \|$", re.MULTILINE)
_NODE = re.compile(r"^(\w+)(?:\(\[\"[^\"]+\"\]\)|\[\(\"[^\"]+\"\)\]|\[\"[^\"]+\"\])$")
_EDGE = re.compile(r"^(\w+) (?:---|-->(?:\|\"[^\"]+\"\|)?) (\w+)$")
_ROOM = re.compile(r"\"app/(\w+): ")
_GROUP = re.compile(r"^subgraph (\w+) \[\"app/(\w+): [^\"]+\"\]$")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:app|tests)/[\w/.]+)`", PAGE))))
def test_named_files_exist(path: str) -> None:
    """A path from the repository's root."""
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("module", "test"), _ROW.findall(RULES))
def test_the_rules_table_names_a_module_and_its_test(module: str, test: str) -> None:
    """Both exist, and the test is the module's own."""
    assert (ROOT / "app" / module).is_file()
    assert (ROOT / "tests" / test).is_file()
    assert Path(test) == Path(module).with_name(f"test_{Path(module).name}")


def test_every_row_of_the_rules_table_is_read() -> None:
    """A row of another shape would escape the test above: all others are headings."""
    rows = [line for line in RULES.splitlines() if line.startswith("| ")]
    headings = [row for row in rows if re.fullmatch(r"\| \*\*.+\*\* \| \| \|", row)]
    assert len(rows) == len(_ROW.findall(RULES)) + len(headings) + 2


def test_named_settings_exist() -> None:
    """Each setting that a rule obeys is one."""
    settings = re.findall(r"^#?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"`((?:GIGACHAT|GPT2GIGA)_[A-Z_]+)`", PAGE)) <= set(settings)


def test_the_picture_is_well_formed() -> None:
    """Each line is one of a few forms of Mermaid's, each arrow joins two boxes, each box stands in some arrow."""
    nodes, edges, depth = [], [], 0
    for line in map(str.strip, PICTURE.splitlines()[1:]):
        if (node := _NODE.match(line)) is not None:
            nodes.append(node[1])
        elif (edge := _EDGE.match(line)) is not None:
            edges += [edge[1], edge[2]]
        elif (group := _GROUP.match(line)) is not None:
            assert group[1] == group[2]
            depth += 1
        elif line == "end":
            depth -= 1
        else:
            assert not line, line
    assert depth == 0
    assert all((ROOT / "app" / room).is_dir() for room in _ROOM.findall(PICTURE))
    assert PICTURE.startswith("flowchart TB\n")
    assert len(nodes) == len(set(nodes))
    assert set(nodes) == set(edges)


def test_the_picture_numbers_its_steps() -> None:
    """The numbers of the arrows are those of the table below it."""
    drawn = [int(number) for number in re.findall(r"\|\"(\d+) ", PICTURE)]
    steps = re.findall(r"^\| (\d+(?:, \d+)*) \|", PAGE, re.MULTILINE)
    told = [int(number) for row in steps for number in row.split(", ")]
    assert sorted(drawn) == told == list(range(1, len(drawn) + 1))


def test_the_rows_are_those_of_the_import_rules() -> None:
    """Each module that the layers of setup.cfg name stands in the page, the rooms in their order."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    layers = re.findall(r"app\.\w+", config["importlinter:contract:layers"]["layers"])
    section = PAGE.partition("## What may import what\n")[2]
    shown = [re.findall(r"`(app\.\w+)`", row.split(" | ")[0]) for row in re.findall(r"^\| .*$", section, re.MULTILINE)]
    rooms = [name for row in shown for name in row]
    assert rooms == [name for name in layers if name in rooms]
    assert {name for name in layers if (ROOT / name.replace(".", "/")).is_dir()} <= set(rooms)
