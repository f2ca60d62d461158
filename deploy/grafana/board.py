"""A dashboard: rows of panels laid out on Grafana's grid, the variables, the annotations, the links to the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from deploy.grafana.panels import SOURCE, Sized
from deploy.grafana.promql import process, series

WIDTH = 24
TAG = "gpt2giga-proxy"
# The form that the package writes; Grafana brings older forms up to its own when it reads them.
SCHEMA_VERSION = 36


class Row(NamedTuple):
    """Panels under a heading, from left to right; they break into lines by themselves."""

    title: str
    panels: Sequence[Sized]


class Variable(NamedTuple):
    """What a reader can choose: the values of a label. `several`: any number of them, and all."""

    name: str
    title: str
    metric: str
    several: bool = True


JOB = Variable("job", "Job", "gpt2giga_proxy_build_info", several=False)
INSTANCE = Variable("instance", "Instance", 'gpt2giga_proxy_build_info{job="$job"}')
MODEL = Variable("model", "Model", series("upstream_duration_seconds_count"))
CREDENTIAL = Variable("credential", "Credential", series("credential_up"))

# When something changed: the query, the text, and whether the value is the moment.
_EVENTS: tuple[tuple[str, str, str, str, bool], ...] = (
    ("Starts", "red", f"{process('process_start_time_seconds')} * 1000", "The gateway started", True),
    (
        "Settings",
        "blue",
        f"count by (hash) ({series('config_info')}) unless count by (hash) ({series('config_info')} offset 2m)",
        "Other settings are in effect: {{hash}}",
        False,
    ),
    (
        "Versions",
        "purple",
        f"count by (version) ({series('build_info')}) unless count by (version) ({series('build_info')} offset 2m)",
        "Another version runs: {{version}}",
        False,
    ),
)


def text(uid: str, title: str, about: str, variables: Sequence[Variable], rows: Sequence[Row]) -> str:
    """The dashboard as Grafana reads it."""
    board = dashboard.Dashboard(title).uid(uid).description(about).tags([TAG]).readonly().timezone("browser")
    board = board.time("now-6h", "now").refresh("30s").tooltip(models.DashboardCursorSync.CROSSHAIR)
    source = dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    board = board.with_variable(source)
    for variable in (JOB, INSTANCE, *variables):
        board = board.with_variable(_query_variable(variable))
    link = dashboard.DashboardLink("gpt2giga-proxy").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    built = board.link(link.include_vars(True).keep_time(True)).build()
    built.panels = _laid_out(rows)
    built.schema_version = SCHEMA_VERSION
    plain: dict[str, Any] = json.loads(json.dumps(built, cls=JSONEncoder))
    plain["id"] = None  # Grafana gives it
    plain["annotations"] = {"list": [_annotation(*event) for event in _EVENTS]}
    return json.dumps(plain, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _laid_out(rows: Sequence[Row]) -> list[models.Panel | models.RowPanel]:
    """Panels with their numbers and places: a row begins below the lowest panel of the one before."""
    placed: list[models.Panel | models.RowPanel] = []
    top = 0
    for row in rows:
        if row.title:
            heading = models.RowPanel(title=row.title, id_val=len(placed) + 1)
            heading.grid_pos = models.GridPos(h=1, w=WIDTH, x=0, y=top)
            placed.append(heading)
            top += 1
        left = height = 0
        for sized in row.panels:
            if left + sized.width > WIDTH:
                left, top, height = 0, top + height, 0
            sized.panel.id_val = len(placed) + 1
            sized.panel.grid_pos = models.GridPos(h=sized.height, w=sized.width, x=left, y=top)
            placed.append(sized.panel)
            left, height = left + sized.width, max(height, sized.height)
        top += height
    return placed


def _query_variable(variable: Variable) -> dashboard.QueryVariable:
    query: dict[str, object] = {
        "query": f"label_values({variable.metric}, {variable.name})",
        "refId": f"variable-{variable.name}",
    }
    built = dashboard.QueryVariable(variable.name).label(variable.title).query(query).datasource(SOURCE)
    built = built.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)
    if not variable.several:
        return built
    everything = models.VariableOption(selected=True, text="All", value="$__all")
    return built.multi(True).include_all(True).all_value(".*").current(everything)


def _annotation(name: str, colour: str, expr: str, words: str, moment: bool) -> dict[str, Any]:
    """The package knows none of Prometheus's own fields here."""
    return {
        "name": name,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "enable": True,
        "iconColor": colour,
        "expr": expr,
        "titleFormat": words,
        "step": "30s",
        "useValueForTime": "on" if moment else "",
    }
