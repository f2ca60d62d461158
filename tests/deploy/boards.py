"""The committed dashboards and rules as their readers see them: panels, queries, variables, alerts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from tests.deploy.reading import DEPLOY

DASHBOARDS = DEPLOY / "grafana" / "dashboards"
RULES = DEPLOY / "prometheus" / "rules"
# What Grafana puts in place of its variables; the windows fit a run of seconds.
_VARIABLES = {
    "$__rate_interval": "10s",
    "$__range": "60s",
    "$job": "gpt2giga-proxy",
    "$instance": ".*",
    "$model": ".*",
    "$credential": ".*",
}


class Question(NamedTuple):
    """What a panel, a variable, an annotation or an alert asks Prometheus. `instant`: for one moment only."""

    where: str
    expr: str
    instant: bool


def boards() -> dict[str, dict[str, Any]]:
    """Each committed dashboard by its file's name."""
    return {path.name: json.loads(path.read_text("utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """A dashboard's panels that ask Prometheus something: without the rows' headings and the list of alerts."""
    return [panel for panel in board["panels"] if panel["type"] not in {"row", "alertlist"}]


def questions() -> Iterator[Question]:
    """Every query of every panel and annotation."""
    for board in boards().values():
        for panel in panels(board):
            for target in panel["targets"]:
                where = f"{board['title']} / {panel['title']} / {target['refId']}"
                yield Question(where, filled(target["expr"]), target.get("instant", False))
        for event in board["annotations"]["list"]:
            yield Question(f"{board['title']} / {event['name']}", filled(event["expr"]), False)


def variables() -> dict[str, tuple[str, str]]:
    """Each query variable: the series it looks at, and the label whose values it shows."""
    found = {}
    for board in boards().values():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
                assert match, variable
                found[f"{board['title']} / ${variable['name']}"] = (filled(match[1]), match[2])
    return found


def filled(expr: str) -> str:
    """A query with values in place of Grafana's variables."""
    for name, value in _VARIABLES.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, expr
    return expr


def rules() -> list[dict[str, Any]]:
    """Every rule, in order."""
    return [
        rule
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        for rule in group["rules"]
    ]


def alerts() -> dict[str, dict[str, Any]]:
    """Every alert by its name."""
    found = {rule["alert"]: rule for rule in rules() if "alert" in rule}
    assert len(found) == sum("alert" in rule for rule in rules()), "two alerts bear one name"
    return found


def metric_names(expr: str) -> set[str]:
    """The metrics that a query names, recorded ones too."""
    outside = re.sub(r'"[^"]*"', '""', expr)
    return set(re.findall(r"\b(?:gpt2giga_proxy[\w:]*|(?:process|python|scrape)_\w+|up)\b", outside))


def selectors(expr: str) -> set[str]:
    """The series that a query looks at, each with its matchers."""
    return set(re.findall(r"(?:gpt2giga_proxy[\w:]*|process_\w+|\bup\b)(?:\{[^}]*\})?", expr))
