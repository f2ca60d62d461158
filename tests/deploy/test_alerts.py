"""What every alert says: how bad it is, what it means, what to do, and where the runbook goes on."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.deploy.boards import alerts, boards
from tests.deploy.reading import BASE, GATEWAY, ROOT, load

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
ALERTS = alerts()
ANNOTATIONS = {event["name"] for board in boards().values() for event in board["annotations"]["list"]}
WATCHDOG = "Gpt2gigaProxyWatchdog"


def sections() -> dict[str, str]:
    """The runbook's sections of alerts."""
    parts = re.split(r"^### (\w+)\n", RUNBOOK, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], (re.split(r"^## ", text, flags=re.MULTILINE)[0] for text in parts[1::2]), strict=True))


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_is_complete(name: str) -> None:
    """A name of ours, a severity that is routed, all annotations; a page is worth getting up for."""
    alert: dict[str, Any] = ALERTS[name]
    assert name.startswith("Gpt2gigaProxy")
    assert alert["labels"]["severity"] in {"page", "warn", "ticket"} | ({"none"} if name == WATCHDOG else set())
    notes = alert["annotations"]
    assert set(notes) == {"summary", "description", "action", "runbook_url"}
    assert notes["runbook_url"] == f"{{{{ $externalLabels.runbook }}}}#{name.lower()}"
    assert notes["description"].endswith(".")
    assert notes["action"].endswith(".")


def test_each_alert_has_its_section_and_each_section_its_alert() -> None:
    """And a section is short, says how bad it is as the rule does, what it means, what to look at and what to do."""
    found = sections()
    assert found.keys() == ALERTS.keys()
    for name, text in found.items():
        lines = [line for line in text.splitlines() if line]
        assert 3 <= len(lines) <= 10, name
        assert lines[0].startswith(f"*{ALERTS[name]['labels']['severity']}*"), name
        assert all(f"**{word}**" in text for word in ("Means", "Look at", "Do")), name


def test_panels_are_called_by_their_names() -> None:
    """What alerts and the runbook tell to look at stands on a board under that name."""
    titles = {panel["title"] for board in boards().values() for panel in board["panels"] if panel["type"] != "row"}
    told = set(re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)", RUNBOOK)) - {"Authorization Key"} - ANNOTATIONS
    told -= {board["title"] for board in boards().values()}
    for alert in ALERTS.values():
        told |= set(re.findall(r'"([A-Z][^"]+)"', alert["annotations"]["action"] + alert["annotations"]["description"]))
    assert told <= titles


def test_log_events_are_called_by_their_names() -> None:
    """What the runbook tells to look for in the log is logged."""
    logged = (ROOT / "app" / "observe" / "upstream.py").read_text("utf-8")
    event = r"`((?:no token|token renewed|serving with|GigaChat (?:is|does))[^`]*)`"
    events = set(re.findall(event, " ".join(RUNBOOK.split())))
    assert len(events) >= 6
    assert {event for event in events if event not in logged} == set()


def test_memory_grows_against_the_limit_of_compose() -> None:
    """The rule's limit and the dashboard's are the container's."""
    from deploy.grafana import runtime

    service = load(BASE)["services"][GATEWAY]
    limit = int(service["mem_limit"].removesuffix("m")) * 1048576
    assert service["cpus"] == runtime.CPUS
    assert limit == runtime.MEMORY_LIMIT
    assert f"0.5 * {limit // 1048576} * 1048576" in ALERTS["Gpt2gigaProxyMemoryGrowth"]["expr"]
