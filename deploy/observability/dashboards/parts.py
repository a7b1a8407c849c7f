"""What dashboards are made of: panels of few kinds, variables, links."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, text, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.dashboard import Panel as BuiltPanel
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

Panel = Builder[BuiltPanel]

METRICS: Final = DataSourceRef("prometheus", "prometheus")
TRACES_AT: Final = "http://127.0.0.1:16686"
"""Where compose shows traces. A dashboard opened with `?var-traces=…` has another address."""
WHOLE, HALF, THIRD, QUARTER, SIXTH = 24, 12, 8, 6, 4
TALL, LOW = 8, 4


@dataclass(frozen=True, slots=True)
class Query:
    """What a panel asks for, and what its lines are called."""

    expr: str
    legend: str = ""


def _asked(queries: Sequence[Query], *, now: bool = False, exemplars: bool = False) -> list[prometheus.Dataquery]:
    asked = []
    for letter, query in zip("ABCDEFG", queries, strict=False):
        one = prometheus.Dataquery().ref_id(letter).datasource(METRICS).expr(query.expr).legend_format(query.legend)
        asked.append(one.instant().format(PromQueryFormat.TABLE) if now else one.range().exemplar(exemplars))
    return asked


def lines(
    title: str,
    says: str,
    unit: str,
    *queries: Query,
    stacked: bool = False,
    exemplars: bool = False,
    width: int = THIRD,
    most: float | None = None,
) -> Panel:
    """Values over time.

    Args:
        title: of the panel; runbooks name it.
        says: what is shown, for whoever points at the title.
        unit: as Grafana calls it.
        queries: what is asked for.
        stacked: whether the values are parts of a whole.
        exemplars: whether to show dots that lead to traces.
        width: in columns of 24.
        most: the greatest value that there can be.
    """
    panel = (
        timeseries.Panel()
        .title(title)
        .description(says)
        .datasource(METRICS)
        .unit(unit)
        .min(0)
        .targets(list(_asked(queries, exemplars=exemplars)))
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)  # noqa: FBT003 - a builder of theirs
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .show_points(VisibilityMode.NEVER)
        .line_width(1)
        .span(width)
        .height(TALL)
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(30)
    return panel if most is None else panel.max(most)


def number(
    title: str, says: str, unit: str, expr: str, *, bad_from: float | None = None, width: int = SIXTH, none: str = "0"
) -> Panel:
    """One value, as it is now.

    Args:
        title: of the panel.
        says: what is shown.
        unit: as Grafana calls it.
        expr: with one value, or none.
        bad_from: from which value on it is red.
        width: in columns of 24.
        none: what stands there where there is no value.
    """
    steps = [Threshold(None, "green"), *([] if bad_from is None else [Threshold(bad_from, "red")])]
    query = prometheus.Dataquery().ref_id("A").datasource(METRICS).expr(expr).instant()
    return (
        stat.Panel()
        .title(title)
        .description(says)
        .datasource(METRICS)
        .unit(unit)
        .no_value(none)
        .color_mode(BigValueColorMode.VALUE if bad_from is None else BigValueColorMode.BACKGROUND_SOLID)
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        .with_target(query)
        .span(width)
        .height(LOW)
    )


def rows(
    title: str,
    says: str,
    *columns: tuple[Query, str],
    names: dict[str, str],
    order: int = 0,
    link: tuple[str, str, str] | None = None,
    width: int = HALF,
) -> Panel:
    """A table: a row for each combination of labels, a column for each query.

    Args:
        title: of the panel.
        says: what is shown.
        columns: queries, the unit of each; the legend heads the column.
        names: which labels are shown, by what name.
        order: by which column, from the greatest; -1 leaves it as it comes.
        link: the label whose value leads somewhere, what the link is called, and its address.
        width: in columns of 24.
    """
    values = ["Value"] if len(columns) == 1 else [f"Value #{letter}" for letter in "ABCDEFG"[: len(columns)]]
    renamed = {**names, **{value: query.legend for value, (query, _) in zip(values, columns, strict=True)}}
    panel = (
        table.Panel()
        .title(title)
        .description(says)
        .datasource(METRICS)
        .targets(list(_asked([query for query, _ in columns], now=True)))
        .with_transformation(DataTransformerConfig("merge", options={}))
        .with_transformation(DataTransformerConfig("filterFieldsByName", options={"include": {"names": list(renamed)}}))
        .with_transformation(DataTransformerConfig("organize", options={"renameByName": renamed}))
        .span(width)
        .height(TALL)
    )
    for query, unit in columns:
        panel = panel.override_by_name(query.legend, [DynamicConfigValue("unit", unit)])
    if link is not None:
        label, called, address = link
        shown = [{"title": called, "url": address, "targetBlank": False}]
        panel = panel.override_by_name(names[label], [DynamicConfigValue("links", shown)])
    if order >= 0:
        by = common.TableSortByFieldState().display_name(columns[order][0].legend).desc(True)  # noqa: FBT003
        panel = panel.sort_by([by])
    return panel


def words(title: str, markdown: str, *, width: int = WHOLE, height: int = 24) -> Panel:
    """Text, as Markdown."""
    return text.Panel().title(title).mode(TextMode.MARKDOWN).content(markdown).span(width).height(height)


def row(title: str) -> dashboard.Row:
    """A heading; the panels that follow are its."""
    return dashboard.Row(title)


def variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """A choice among a label's values; all of them, at first."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(METRICS)
        .query({"query": query, "refId": f"of-{name}"})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)  # noqa: FBT003 - a builder of theirs
        .include_all(True)  # noqa: FBT003
        .all_value(".*")
        .current(VariableOption(text="All", value="$__all"))
    )


def begin(uid: str, title: str, says: str, service: str) -> dashboard.Dashboard:
    """A dashboard without panels, with links to the others, to the runbooks and to traces.

    Args:
        uid: by which links name it.
        title: what it is called.
        says: what it is for.
        service: whose traces its link shows first.
    """
    address = dashboard.TextBoxVariable("traces").default_value(TRACES_AT).hide(VariableHide.HIDE_VARIABLE)
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(says)
        .tags(["dearena"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(address)
        .link(_to_others("Dashboards", "dearena"))
        .link(_to_others("Runbooks", "dearena-runbook"))
        .link(
            dashboard.DashboardLink("Traces")
            .type(DashboardLinkType.LINK)
            .icon("external link")
            .tooltip("Traces of the last hours")
            .target_blank(True)  # noqa: FBT003
            .url("${traces}/search?lookback=6h&limit=50&service=" + service)
        )
    )


def _to_others(title: str, tag: str) -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink(title)
        .type(DashboardLinkType.DASHBOARDS)
        .tags([tag])
        .as_dropdown(True)  # noqa: FBT003 - builders of theirs
        .include_vars(True)  # noqa: FBT003
        .keep_time(True)  # noqa: FBT003
    )


def written(built: Dashboard) -> str:
    """As Grafana reads it. Panels are numbered from 1: links to single panels go by number."""
    found: dict[str, Any] = json.loads(json.dumps(built, cls=JSONEncoder))
    for number_of, panel in enumerate(found["panels"], start=1):
        panel["id"] = number_of
    return json.dumps(found, indent=1, sort_keys=True) + "\n"
