"""The dashboards as files: generated, well formed, and about metrics that exist. Grafana itself never renders them."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import CollectorRegistry

from app.observe.metrics import Metrics
from deploy.grafana.causes import CAUSES
from deploy.grafana.generate import DASHBOARDS, dashboards
from tests.deploy.boards import alerts, boards, metric_names, panels, questions, rules
from tests.deploy.reading import load

BOARDS = boards()
# Families that no dashboard shows, and why.
UNSHOWN: dict[str, str] = {}
# What a family's series are called beside its own name.
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def exposed() -> dict[str, set[str]]:
    """Each family of the code -> the names of its series."""
    registry = CollectorRegistry()
    Metrics(registry)
    return {one.name: {one.name + suffix for suffix in _SUFFIXES[one.type]} for one in registry.collect()}


def test_what_is_committed_is_what_is_generated() -> None:
    """Byte by byte; nothing else lies there. Else: `python -m deploy.grafana.generate`."""
    assert {path.name: path.read_text("utf-8") for path in DASHBOARDS.glob("*.json")} == dashboards()


@pytest.mark.parametrize("name", BOARDS)
def test_the_form_survives_a_round_trip(name: str) -> None:
    """Read into the types of Grafana's own package and written again, nothing is lost but what it does not know."""
    register_default_plugins()
    again = json.loads(json.dumps(Dashboard.from_json(BOARDS[name]), cls=JSONEncoder))
    for key in ("panels", "templating", "links", "time", "title", "uid"):
        assert again[key] == BOARDS[name][key], key


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_can_be_provisioned(name: str) -> None:
    """Its file is called like its uid; Grafana gives the id; the form's version is told; the others are linked."""
    board = BOARDS[name]
    assert name == f"{board['uid']}.json"
    assert board["id"] is None
    assert board["schemaVersion"] == 36
    assert not board["editable"]
    assert board["tags"] == board["links"][0]["tags"] == ["gpt2giga-proxy"]
    assert {event["name"] for event in board["annotations"]["list"]} == {"Starts", "Settings", "Versions"}
    linked = {
        match[1]
        for panel in panels(board)
        for link in panel.get("links", [])
        if (match := re.match(r"/d/([\w-]+)\?", link["url"]))
    }
    assert linked <= {other["uid"] for other in BOARDS.values()}


@pytest.mark.parametrize("name", BOARDS)
def test_places_and_numbers(name: str) -> None:
    """Each panel has a number of its own and a place inside the grid that no other overlaps."""
    every = BOARDS[name]["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    assert len({panel["title"] for panel in every}) == len(every)
    for panel in every:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24, panel["title"]
    for one, other in combinations(every, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])


@pytest.mark.parametrize("name", BOARDS)
def test_no_hole_is_left(name: str) -> None:
    """Every square of the grid, 24 wide, from the top to the lowest panel, belongs to exactly one panel."""
    places = [panel["gridPos"] for panel in BOARDS[name]["panels"]]
    covered = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    bottom = max(y for _, y in covered) + 1
    assert sorted(covered) == sorted((x, y) for x in range(24) for y in range(bottom))


@pytest.mark.parametrize("name", BOARDS)
def test_each_line_of_panels_is_as_wide_as_the_board(name: str) -> None:
    """Panels that begin at one height fill the width and are equally high; so nothing moves up into another line."""
    lines: dict[int, list[dict[str, int]]] = {}
    for panel in BOARDS[name]["panels"]:
        lines.setdefault(panel["gridPos"]["y"], []).append(panel["gridPos"])
    for top, line in lines.items():
        assert sum(place["w"] for place in line) == 24, top
        assert len({place["h"] for place in line}) == 1, top


# Words that tell nothing to who does not know this program.
VAGUE = re.compile(
    r"\b(told|turned away|second level|its|whose|good and bad|how (late|long|evenly)|who|left of)\b", re.IGNORECASE
)


@pytest.mark.parametrize("name", BOARDS)
def test_titles_name_what_is_shown(name: str) -> None:
    """Nouns: no pronouns and no words of this project's own."""
    titles = [panel["title"] for panel in BOARDS[name]["panels"] if panel["title"]]
    assert [title for title in titles if VAGUE.search(title)] == []


def test_the_overview_lists_the_alerts() -> None:
    """Those of ours that fire or are pending, near the top; the source that is provisioned hands them on."""
    (panel,) = (one for one in BOARDS["gpt2giga-overview.json"]["panels"] if one["type"] == "alertlist")
    assert panel["gridPos"]["y"] <= 8
    assert panel["title"] == "Alerts"
    assert panel["options"]["stateFilter"]["firing"] is panel["options"]["stateFilter"]["pending"] is True
    assert panel["options"]["stateFilter"]["normal"] is False
    assert 'alertname=~"Gpt2gigaProxy.+"' in panel["options"]["alertInstanceLabelFilter"]
    (source,) = load("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert source["jsonData"]["manageAlerts"] is True


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    """Whether two places share a square."""
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in (("x", "w"), ("y", "h"))
    )


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_explains_itself(name: str) -> None:
    """A title, what it shows, a unit, what an empty one means, and a source that the reader chooses."""
    for panel in panels(BOARDS[name]):
        title, defaults = panel["title"], panel["fieldConfig"]["defaults"]
        assert len(panel["description"]) > 10, title
        assert panel["description"].endswith("."), title
        assert defaults["unit"], title
        assert defaults["noValue"], title
        assert defaults["thresholds"]["steps"] if panel["type"] != "timeseries" else True, title
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, title
        targets = panel["targets"]
        assert [target["refId"] for target in targets] == list("ABCDEFGH"[: len(targets)])
        assert all(target["datasource"]["uid"] == "${datasource}" for target in targets)


@pytest.mark.parametrize("name", BOARDS)
def test_queries_keep_to_what_is_chosen(name: str) -> None:
    """Every selector names job and instance, but of recorded series; graphs rate over `$__rate_interval`."""
    for panel in panels(BOARDS[name]):
        for target in panel["targets"]:
            expr = target["expr"]
            for series in re.findall(r"\b(?:gpt2giga_proxy_|process_|python_|scrape_|up\b)\w*(?:\{[^}]*\})?", expr):
                assert 'job="$job", instance=~"$instance"' in series, (panel["title"], series)
            if panel["type"] == "timeseries" and "rate(" in expr:
                assert "[$__rate_interval]" in expr, panel["title"]


def test_a_reader_chooses_the_source_the_gateway_and_the_model() -> None:
    """The data source that is provisioned is the first of its type."""
    names = {name: [one["name"] for one in board["templating"]["list"]] for name, board in BOARDS.items()}
    assert all(found[:3] == ["datasource", "job", "instance"] for found in names.values())
    assert {"model", "credential"} <= {one for found in names.values() for one in found}
    for board in BOARDS.values():
        used = set(re.findall(r"\$(\w+)", json.dumps([panel["targets"] for panel in panels(board)])))
        assert used <= {one["name"] for one in board["templating"]["list"]} | {"__rate_interval", "__range"}
    (source,) = load("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert source["type"] == "prometheus"


def test_the_first_row_is_big_and_speaks_in_words() -> None:
    """Who has never seen it reads the cause on top, and what it rests on below."""
    top = [panel for panel in panels(BOARDS["gpt2giga-overview.json"]) if panel["gridPos"]["y"] < 8]
    assert [panel["title"] for panel in top][:5] == ["What is wrong", "Gateway", "GigaChat", "OAuth", "Token"]
    assert all(panel["type"] == "stat" and panel["options"]["colorMode"] == "background" for panel in top)
    assert all(panel["fieldConfig"]["defaults"]["mappings"] for panel in top[:5])


def test_nobody_is_blamed_for_requests_that_fail() -> None:
    """That they do tells nothing of whose fault it is: the gateway's own bugs and a missing token count too."""
    blind = [words for expr, words, _ in CAUSES if "proxy_consecutive_failures" in expr]
    blind += [words for expr, words, _ in CAUSES if 'slo="availability"' in expr]
    assert [words.partition(":")[0] for words in blind] == [
        "EVERY REQUEST FAILS",
        "MANY REQUESTS FAIL",
    ]


def test_what_is_not_there_is_not_explained_away() -> None:
    """No package may be known for several reasons, no ready token is none that was refused."""
    found = {panel["title"]: panel for panel in panels(BOARDS["gpt2giga-upstream.json"])}
    package, second = found["Tokens left by package"], found["Ready token (fallback)"]
    assert package["fieldConfig"]["defaults"]["noValue"] == "no package is known"
    assert all(why in package["description"] for why in ("pays as it goes", "GPT2GIGA_BALANCE_SECONDS=0", "until"))
    assert second["targets"][0]["expr"].endswith(" >= 0)"), "NaN, without a ready token, is no value to be shown"
    assert second["fieldConfig"]["defaults"]["noValue"] == "no ready token"


def test_every_family_of_the_code_is_shown() -> None:
    """In a dashboard, or in the list of exceptions with its reason; and no exception is stale."""
    named = {name for one in questions() for name in metric_names(one.expr)}
    hidden = {family for family, series in exposed().items() if not series & named}
    assert hidden == UNSHOWN.keys()


def test_every_metric_that_is_named_exists() -> None:
    """In dashboards, alerts and recording rules: families of the code, and series that are recorded."""
    known = set().union(*exposed().values()) | {rule["record"] for rule in rules() if "record" in rule}
    named: dict[str, Any] = {one.where: metric_names(one.expr) for one in questions()}
    named |= {rule.get("alert") or rule["record"]: metric_names(rule["expr"]) for rule in rules()}
    unknown = {
        where: strangers
        for where, names in named.items()
        if (strangers := {name for name in names if name.startswith("gpt2giga_proxy") and name not in known})
    }
    assert unknown == {}
    assert len(alerts()) > 15
