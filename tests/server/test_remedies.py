"""What operators are told to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.errors import KINDS
from app.server import remedies

RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text("utf-8")
FAILING = sorted({kind.name for kind in KINDS if kind.slo == "bad"})
SAID = {n: text for n, text in vars(remedies).items() if n.isupper() and n[0] != "_" and isinstance(text, str)}
SAID |= {name: remedies.find_remedy(name) for name in FAILING}
# A remedy begins with what to do.
VERBS = {"Bring", "Buy", "Check", "Let", "Look", "Name", "Point", "Raise", "Report", "Run", "Set", "Wait"}


@pytest.mark.parametrize("kind", FAILING)
def test_each_failure_has_a_remedy_of_its_own(kind: str) -> None:
    """A new kind that counts against availability needs its row."""
    assert kind in remedies.FAILING


@pytest.mark.parametrize("name", ["CIRCUIT", "LIMIT_LOWERED", "QUEUE", *(k for k in FAILING if k.startswith("queue_"))])
def test_what_the_queue_and_the_circuits_say_leads_to_the_runbook(name: str) -> None:
    """What they mean takes more words than a remedy has."""
    assert re.search(r"docs/runbook\.md, Gpt2gigaProxy\w+$", SAID[name])


@pytest.mark.parametrize("remedy", SAID.values(), ids=SAID)
def test_a_remedy_is_something_to_do(remedy: str) -> None:
    """And where it names a section of the runbook, that is there."""
    assert remedy.split(maxsplit=1)[0] in VERBS
    for section in re.findall(r'runbook\.md, (?:"([^"]+)"|(\w+))', remedy):
        assert re.search(rf"^##+ {re.escape(''.join(section))}$", RUNBOOK, re.MULTILINE), section
