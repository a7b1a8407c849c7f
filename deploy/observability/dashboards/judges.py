"""Judges: how they vote, and how the endpoints behind them fare."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.observability.dashboards.parts import HALF, QUARTER, Query, begin, lines, row, rows, variable
from deploy.observability.dashboards.queries import chosen, greatest, grown, quantile, rate, share, total
from services.runtime import instruments as of
from services.runtime import semantics
from services.runtime.instruments import label_of, prometheus_name

_JUDGE: Final = (semantics.PROJECT, semantics.JUDGE)
_MODEL: Final = (semantics.PROJECT, semantics.MODEL)
_MOST: Final = 15
"""Lines that a panel shows of as many models as there are."""


def _called(*attributes: str) -> str:
    return "/".join(f"{{{{{label_of(one)}}}}}" for one in attributes)


def build() -> Dashboard:
    """The dashboard *Judges*."""
    votes = chosen(of.VOTES, *_JUDGE)
    unheard = chosen(of.VOTES, *_JUDGE, where=f'{label_of(semantics.OUTCOME)}!~"A|B|TIE"')
    calls, in_flight = chosen(of.CALLS, *_MODEL), chosen(of.CALLS_IN_FLIGHT, *_MODEL)
    failed = f'{{{label_of(semantics.ERROR_TYPE)}!=""}}'
    project, judge, model = (label_of(one) for one in (semantics.PROJECT, semantics.JUDGE, semantics.MODEL))
    voted, called = prometheus_name(of.VOTES), prometheus_name(of.CALLS)
    provider = (semantics.GEN_AI_PROVIDER_NAME,)
    board = (
        begin("dearena-judges", "Judges", "How judges vote, and how their endpoints fare.", "dearena.judge_dispatcher")
        .with_variable(variable("project", "Project", f"label_values({voted}, {project})"))
        .with_variable(variable("judge", "Judge", f'label_values({voted}{{{project}=~"$project"}}, {judge})'))
        .with_variable(variable("model", "Model", f'label_values({called}{{{project}=~"$project"}}, {model})'))
    )
    board = (
        board.with_row(row("Votes"))
        .with_panel(
            lines(
                "Outcomes",
                "Outcomes of comparisons a second, by what they were.",
                "ops",
                Query(rate(of.VOTES, (semantics.OUTCOME,), votes), _called(semantics.OUTCOME)),
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Outcomes that are no vote",
                f"Share of flips, unreadable and failed replies, by judge: the {_MOST} greatest.",
                "percentunit",
                Query(
                    f"topk({_MOST}, {share(rate(of.VOTES, _JUDGE, unheard), rate(of.VOTES, _JUDGE, votes))})",
                    _called(*_JUDGE),
                ),
                most=1,
            )
        )
        .with_panel(
            lines(
                "How long comparisons take",
                "From taken up to outcome, both seats. The dots lead to traces.",
                "s",
                Query(quantile(0.5, of.CELL_DURATION), "half"),
                Query(quantile(0.95, of.CELL_DURATION), "19 of 20"),
                exemplars=True,
            )
        )
        .with_panel(
            rows(
                "Votes by judge",
                "Outcomes in the time shown, and those among them that are no vote.",
                (Query(grown(of.VOTES, _JUDGE, votes), "Outcomes"), "none"),
                (Query(grown(of.VOTES, _JUDGE, unheard), "No vote"), "none"),
                names={project: "Project", judge: "Judge"},
            )
        )
        .with_panel(
            lines(
                "Comparisons at judges",
                "Now, of all dispatchers together.",
                "none",
                Query(total(of.CELLS_IN_FLIGHT), "comparisons"),
                width=HALF,
            )
        )
    )
    board = (
        board.with_row(row("Endpoints"))
        .with_panel(
            lines(
                "How long calls take",
                "To models of each provider: 19 of 20 are quicker. The dots lead to traces of calls.",
                "s",
                Query(quantile(0.95, of.CALL_DURATION, provider), _called(*provider)),
                exemplars=True,
            )
        )
        .with_panel(
            lines(
                "Failed calls",
                "Share of failed requests to models of each provider. From a fifth on, ProviderFails.",
                "percentunit",
                Query(
                    share(rate(of.CALL_DURATION, provider, failed), rate(of.CALL_DURATION, provider)),
                    _called(*provider),
                ),
                most=1,
            )
        )
        .with_panel(
            lines(
                "Failed calls by kind",
                "Failed requests a second, by how they failed.",
                "reqps",
                Query(
                    rate(of.CALL_DURATION, (*provider, semantics.ERROR_TYPE), failed),
                    _called(*provider, semantics.ERROR_TYPE),
                ),
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Slowest models",
                f"By the name that their endpoint knows: 19 of 20 calls are quicker. The {_MOST} slowest.",
                "s",
                Query(
                    f"topk({_MOST}, {quantile(0.95, of.CALL_DURATION, (semantics.GEN_AI_REQUEST_MODEL,))})",
                    _called(semantics.GEN_AI_REQUEST_MODEL),
                ),
                exemplars=True,
            )
        )
        .with_panel(
            lines(
                "Calls at models",
                f"Sent, and without a reply yet. The {_MOST} greatest.",
                "none",
                Query(f"topk({_MOST}, {total(of.CALLS_IN_FLIGHT, _MODEL, in_flight)})", _called(*_MODEL)),
            )
        )
        .with_panel(
            lines(
                "Calls that wait for leave",
                f"For concurrency, rate or a breaker of their model or its key. The {_MOST} greatest.",
                "none",
                Query(
                    f"topk({_MOST}, {total(of.CALLS_WAITING, _MODEL, chosen(of.CALLS_WAITING, *_MODEL))})",
                    _called(*_MODEL),
                ),
            )
        )
        .with_panel(
            rows(
                "Endpoints left alone",
                "Models that are not called, for their calls fail.",
                (
                    Query(f"{greatest(of.ENDPOINT_OPEN, _MODEL, chosen(of.ENDPOINT_OPEN, *_MODEL))} > 0", "Left alone"),
                    "none",
                ),
                names={project: "Project", model: "Model"},
                width=QUARTER,
            )
        )
        .with_panel(
            lines(
                "Calls by how they ended",
                "Paid calls a second.",
                "reqps",
                Query(rate(of.CALLS, (of.STATE,), calls), _called(of.STATE)),
                stacked=True,
                width=3 * QUARTER,
            )
        )
    )
    return board.build()
