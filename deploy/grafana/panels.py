"""Panels, in the few kinds that the dashboards need. Where each stands on its board is the board's matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as models

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, YELLOW, RED, GREY, BLUE = "green", "orange", "red", "text", "blue"

Steps = Sequence[tuple[float | None, str]]  # from this value on, this colour; None: from minus infinity on
Words = Mapping[str, tuple[str, str]]  # a value -> what it means, and its colour
P = TypeVar("P", stat.Panel, statetimeline.Panel, timeseries.Panel, bargauge.Panel)

UP: Words = {"1": ("up", GREEN), "0": ("DOWN", RED)}
TOKEN: Words = {"2": ("renews itself", GREEN), "1": ("READY TOKEN", YELLOW), "0": ("NONE", RED)}


class Query(NamedTuple):
    """A query and how its series are called."""

    expr: str
    legend: str = ""


class Sized(NamedTuple):
    """A panel with its place's size: the board is 24 wide."""

    panel: models.Panel
    width: int
    height: int


def figure(
    title: str,
    text: str,
    query: Query,
    *,
    unit: str = "short",
    words: Words | None = None,
    steps: Steps = ((None, GREEN),),
    empty: str = "no data",
    decimals: int | None = None,
    link: str | None = None,
    size: tuple[int, int] = (4, 4),
) -> Sized:
    """One big value, its background coloured by what it means. `link`: the board that tells more."""
    panel = _described(stat.Panel(), title, text, [query], unit, instant=True)
    panel = panel.no_value(empty).thresholds(_thresholds(steps)).color_scheme(_colour("thresholds"))
    panel = panel.graph_mode(looks.BigValueGraphMode.NONE).color_mode(looks.BigValueColorMode.BACKGROUND)
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if words:
        panel = panel.mappings([_meanings(words)])
    if decimals is not None:
        panel = panel.decimals(decimals)
    if link:
        panel = panel.links([_link(link)])
    return Sized(panel.build(), *size)


def names(title: str, text: str, query: Query, *, size: tuple[int, int] = (4, 4)) -> Sized:
    """What a label says: the value itself is always 1."""
    panel = _described(stat.Panel(), title, text, [query], "short", instant=True).no_value("no data")
    panel = panel.text_mode(looks.BigValueTextMode.NAME).graph_mode(looks.BigValueGraphMode.NONE)
    panel = panel.color_mode(looks.BigValueColorMode.NONE).thresholds(_thresholds(((None, BLUE),)))
    return Sized(panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).build(), *size)


def graph(
    title: str,
    text: str,
    *queries: Query,
    unit: str,
    stacked: bool = False,
    steps: Steps | None = None,
    empty: str = "nothing in this time",
    floor: float | None = 0,
    size: tuple[int, int] = (8, 8),
) -> Sized:
    """Lines over time. `steps` are drawn as lines; `floor`: where the axis begins."""
    panel = _described(timeseries.Panel(), title, text, queries, unit, instant=False).no_value(empty)
    panel = panel.draw_style(looks.GraphDrawStyle.LINE).line_width(1).fill_opacity(40 if stacked else 10)
    panel = panel.show_points(looks.VisibilityMode.AUTO).color_scheme(_colour("palette-classic"))
    legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST).show_legend(True)
    panel = panel.legend(legend.placement(looks.LegendPlacement.BOTTOM))
    tooltip = common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING)
    panel = panel.tooltip(tooltip)
    if floor is not None:
        panel = panel.min(floor)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL).group("A"))
    if steps:
        style = common.GraphThresholdsStyleConfig().mode(looks.GraphTresholdsStyleMode.DASHED)
        panel = panel.thresholds(_thresholds(steps)).thresholds_style(style)
    return Sized(panel.build(), *size)


def states(title: str, text: str, *queries: Query, words: Words, size: tuple[int, int] = (12, 6)) -> Sized:
    """Which state held when."""
    panel = _described(statetimeline.Panel(), title, text, queries, "short", instant=False).no_value("not heard of")
    panel = panel.mappings([_meanings(words)]).thresholds(_thresholds(((None, GREY),)))
    panel = panel.color_scheme(_colour("thresholds")).merge_values(True)
    panel = panel.show_value(looks.VisibilityMode.AUTO).fill_opacity(80).row_height(0.85)
    legend = common.VizLegendOptions().display_mode(looks.LegendDisplayMode.LIST).show_legend(False)
    return Sized(panel.legend(legend.placement(looks.LegendPlacement.BOTTOM)).build(), *size)


def bars(title: str, text: str, query: Query, *, unit: str, empty: str, size: tuple[int, int] = (8, 8)) -> Sized:
    """One bar for each series, as of now."""
    panel = _described(bargauge.Panel(), title, text, [query], unit, instant=True).no_value(empty).min(0)
    panel = panel.orientation(looks.VizOrientation.HORIZONTAL).display_mode(looks.BarGaugeDisplayMode.BASIC)
    panel = panel.thresholds(_thresholds(((None, BLUE),))).color_scheme(_colour("thresholds"))
    return Sized(panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).build(), *size)


def alert_list(title: str, text: str, *, size: tuple[int, int] = (24, 5)) -> Sized:
    """Alerts that fire or are about to, as the data sources tell them. The package has no builder for this panel."""
    shown = {"firing": True, "pending": True, "error": True, "noData": False, "normal": False}
    options = {
        "viewMode": "list",
        "groupMode": "default",
        "maxItems": 20,
        "sortOrder": 3,  # by importance
        "dashboardAlerts": False,
        "showInactiveAlerts": False,
        "alertInstanceLabelFilter": '{alertname=~"Gpt2gigaProxy.+", severity!="none"}',
        "stateFilter": shown,
    }
    return Sized(models.Panel(type_val="alertlist", title=title, description=text, options=options), *size)


def _described(panel: P, title: str, text: str, queries: Sequence[Query], unit: str, *, instant: bool) -> P:
    """What every panel has."""
    panel = panel.title(title).description(text).unit(unit).datasource(SOURCE)
    for letter, query in zip("ABCDEFGH", queries, strict=False):
        target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend or "__auto").ref_id(letter)
        panel = panel.with_target(target.datasource(SOURCE).instant() if instant else target.datasource(SOURCE).range())
    return panel


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    found = [models.Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(found)


def _colour(mode: str) -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId(mode))


def _meanings(words: Words) -> models.ValueMap:
    options = {
        value: models.ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, (text, colour)) in enumerate(words.items())
    }
    return models.ValueMap(options=options)


def _link(board: str) -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("more").type(models.DashboardLinkType.LINK)
    return link.url(f"/d/{board}?${{__url_time_range}}&${{__all_variables}}")
