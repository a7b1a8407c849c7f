"""The arena as a whole: what is being ranked, how fast, and whether anything stands still."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.observability.dashboards.alerts import firing
from deploy.observability.dashboards.parts import HALF, WHOLE, Query, begin, lines, number, row, rows, variable
from deploy.observability.dashboards.queries import chosen, greatest, grown, least, quantile, rate, total
from services.runtime import instruments as of
from services.runtime import semantics
from services.runtime.instruments import label_of, prometheus_name

_BY: Final = (semantics.PROJECT, semantics.DIMENSION)
_NAME: Final = f"{{{{{label_of(semantics.PROJECT)}}}}}/{{{{{label_of(semantics.DIMENSION)}}}}}"
FIRING: Final = firing()
ALERT_NAMES: Final = {
    "alertname": "Alert",
    "severity": "Severity",
    label_of(semantics.PROJECT): "Project",
    label_of(semantics.DIMENSION): "Dimension",
    label_of(semantics.MODEL): "Model",
    label_of(of.CONSUMER): "Consumer",
    "job": "Service",
}
TO_RUNBOOK: Final = ("alertname", "What to do", "/d/runbook-${__data.fields.Alert}")


def build() -> Dashboard:
    """The dashboard *Arena overview*."""
    here = {one: chosen(one, *_BY) for one in of.CATALOGUE.values()}
    ranked = prometheus_name(of.MODELS_RANKED)
    project, dimension = (label_of(one) for one in _BY)
    board = (
        begin("dearena-arena", "Arena overview", "What is being ranked, and whether it moves.", "dearena.ranker")
        .with_variable(variable("project", "Project", f"label_values({ranked}, {project})"))
        .with_variable(
            variable("dimension", "Dimension", f'label_values({ranked}{{{project}=~"$project"}}, {dimension})')
        )
    )
    board = (
        board.with_row(row("Now"))
        .with_panel(number("Alerts", "Alerts that fire.", "none", f"count({FIRING})", bad_from=1))
        .with_panel(
            number(
                "Open insertions",
                "Models on the way to their place.",
                "none",
                f"sum({greatest(of.INSERTIONS_OPEN, (*_BY, semantics.PHASE), here[of.INSERTIONS_OPEN])})",
            )
        )
        .with_panel(
            number(
                "Ranked models",
                "Places in all rankings that are chosen.",
                "none",
                f"sum({greatest(of.MODELS_RANKED, _BY, here[of.MODELS_RANKED])})",
            )
        )
        .with_panel(
            number(
                "Votes in this time",
                "Outcomes of comparisons in the time shown.",
                "none",
                grown(of.DIMENSION_VOTES, of=here[of.DIMENSION_VOTES]),
            )
        )
        .with_panel(
            number(
                "Suspended judges",
                "Judges that are asked nothing more, summed over dimensions.",
                "none",
                f"sum({greatest(of.JUDGES_SUSPENDED, _BY, here[of.JUDGES_SUSPENDED])})",
            )
        )
        .with_panel(
            number(
                "Dead letters",
                "Messages that could not be taken in the time shown.",
                "none",
                grown(of.DEAD_LETTERS),
                bad_from=1,
            )
        )
        .with_panel(
            rows(
                "Firing alerts",
                "What is wrong now; the name of an alert leads to what is to be done.",
                (Query(FIRING, "Firing"), "none"),
                names=ALERT_NAMES,
                order=-1,
                link=TO_RUNBOOK,
                width=WHOLE,
            )
        )
    )
    board = (
        board.with_row(row("Insertions"))
        .with_panel(
            lines(
                "Insertions by phase",
                "Models on the way to their place, by how far they are.",
                "none",
                Query(
                    f"sum by ({label_of(semantics.PHASE)}) "
                    f"({greatest(of.INSERTIONS_OPEN, (*_BY, semantics.PHASE), here[of.INSERTIONS_OPEN])})",
                    f"{{{{{label_of(semantics.PHASE)}}}}}",
                ),
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Seconds since the log grew",
                "Of dimensions with open insertions. From half an hour on, InsertionStuck.",
                "s",
                Query(least(of.INSERTION_IDLE, _BY, here[of.INSERTION_IDLE]), _NAME),
            )
        )
        .with_panel(
            lines(
                "Seconds since the last vote",
                "The clock of each dimension. It runs on where nothing is inserted.",
                "s",
                Query(f"time() - {greatest(of.LAST_VOTE, _BY, here[of.LAST_VOTE])}", _NAME),
            )
        )
        .with_panel(
            lines(
                "How long insertions take",
                "Of the last hour, begin to settle: half are quicker than the lower line, 19 of 20 than the upper one.",
                "s",
                Query(quantile(0.5, of.INSERTION_DURATION, (), here[of.INSERTION_DURATION], "1h"), "half"),
                Query(quantile(0.95, of.INSERTION_DURATION, (), here[of.INSERTION_DURATION], "1h"), "19 of 20"),
                exemplars=True,
            )
        )
        .with_panel(
            lines(
                "How long rounds take",
                "Of the last quarter of an hour, from opened to closed: 19 of 20 are quicker. The dots lead to traces.",
                "s",
                Query(quantile(0.95, of.ROUND_DURATION, _BY, here[of.ROUND_DURATION], "15m"), _NAME),
                exemplars=True,
            )
        )
        .with_panel(
            lines(
                "Closed rounds",
                "A second, by dimension.",
                "ops",
                Query(rate(of.ROUNDS, _BY, here[of.ROUNDS]), _NAME),
                stacked=True,
            )
        )
    )
    board = (
        board.with_row(row("Votes and boards"))
        .with_panel(
            lines(
                "Votes",
                "Outcomes of comparisons a second, by dimension.",
                "ops",
                Query(rate(of.DIMENSION_VOTES, _BY, here[of.DIMENSION_VOTES]), _NAME),
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Rounds not on the board",
                "Closed rounds that the board of a dimension does not hold yet. From six on, BoardLags.",
                "none",
                Query(greatest(of.BOARD_LAG, _BY, here[of.BOARD_LAG]), _NAME),
            )
        )
        .with_panel(
            lines(
                "How long fits take",
                "Of the last quarter of an hour 19 of 20 are quicker. The dots lead to traces.",
                "s",
                Query(quantile(0.95, of.FIT_DURATION, _BY, here[of.FIT_DURATION], "15m"), _NAME),
                exemplars=True,
            )
        )
        .with_panel(
            rows(
                "Dimensions",
                "Models that have their place, judges that are suspended, and the last round on the board.",
                (Query(greatest(of.MODELS_RANKED, _BY, here[of.MODELS_RANKED]), "Models"), "none"),
                (Query(greatest(of.JUDGES_SUSPENDED, _BY, here[of.JUDGES_SUSPENDED]), "Suspended"), "none"),
                (Query(greatest(of.BOARD_VERSION, _BY, here[of.BOARD_VERSION]), "Board"), "none"),
                names={project: "Project", dimension: "Dimension"},
            )
        )
        .with_panel(
            lines(
                "Dimensions and selections",
                "Dimensions by state, and selections of queries that run.",
                "none",
                Query(greatest(of.DIMENSIONS, (of.STATE,)), f"{{{{{label_of(of.STATE)}}}}}"),
                Query(total(of.SELECTIONS_RUNNING), "selections that run"),
                width=HALF,
            )
        )
    )
    return board.build()
