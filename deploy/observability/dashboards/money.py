"""Money: what is left of budgets, and who spends."""

from typing import Final

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.observability.dashboards.parts import HALF, WHOLE, Query, begin, lines, row, rows, variable
from deploy.observability.dashboards.queries import chosen, greatest, grown, least, rate, share, volume
from services.runtime import instruments as of
from services.runtime import semantics
from services.runtime.instruments import label_of, prometheus_name

_BUDGET: Final = (semantics.PROJECT, of.SCOPE, of.BUDGET, of.CURRENCY)
_MOST: Final = 15
_HOUR: Final = 3_600


def _called(*attributes: str) -> str:
    return " ".join(f"{{{{{label_of(one)}}}}}" for one in attributes)


def build() -> Dashboard:
    """The dashboard *Money*."""
    spent, by_dimension, calls = (
        chosen(one, semantics.PROJECT, semantics.MODEL, semantics.DIMENSION)
        for one in (of.MONEY_SPENT, of.DIMENSION_SPENT, of.CALLS)
    )
    left, limit = (chosen(one, semantics.PROJECT) for one in (of.BUDGET_LEFT, of.BUDGET_LIMIT))
    project, model, dimension, currency = (
        label_of(one) for one in (semantics.PROJECT, semantics.MODEL, semantics.DIMENSION, of.CURRENCY)
    )
    money, of_dimensions = prometheus_name(of.MONEY_SPENT), prometheus_name(of.DIMENSION_SPENT)
    mine = f'{{{project}=~"$project"}}'
    share_left = share(least(of.BUDGET_LEFT, _BUDGET, left), greatest(of.BUDGET_LIMIT, _BUDGET, limit))
    board = (
        begin("dearena-money", "Money", "What is left of budgets, and who spends.", "dearena.gateway")
        .with_variable(variable("project", "Project", f"label_values({money}, {project})"))
        .with_variable(variable("dimension", "Dimension", f"label_values({of_dimensions}{mine}, {dimension})"))
        .with_variable(variable("model", "Model", f"label_values({money}{mine}, {model})"))
    )
    board = (
        board.with_row(row("Budgets"))
        .with_panel(
            lines(
                "Budgets left",
                "What is neither spent nor reserved, as a share of the limit. Below a tenth, BudgetNearEnd.",
                "percentunit",
                Query(share_left, _called(of.SCOPE, of.BUDGET)),
                most=1,
                width=HALF,
            )
        )
        .with_panel(
            rows(
                "Limits",
                "In whole units of the currency.",
                (Query(greatest(of.BUDGET_LIMIT, _BUDGET, limit), "Limit"), "none"),
                (Query(least(of.BUDGET_LEFT, _BUDGET, left), "Left"), "none"),
                names={
                    project: "Project",
                    label_of(of.SCOPE): "Of",
                    label_of(of.BUDGET): "Name",
                    currency: "Currency",
                },
            )
        )
    )
    board = (
        board.with_row(row("Spending, in whole units of the currency"))
        .with_panel(
            lines(
                "Spent an hour by purpose",
                "Answers, judging and probes.",
                "none",
                Query(
                    f"{rate(of.MONEY_SPENT, (of.CURRENCY, semantics.PURPOSE), spent)} * {_HOUR}",
                    _called(of.CURRENCY, semantics.PURPOSE),
                ),
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Spent an hour by model",
                f"The {_MOST} dearest.",
                "none",
                Query(
                    f"topk({_MOST}, {rate(of.MONEY_SPENT, (of.CURRENCY, semantics.MODEL), spent)} * {_HOUR})",
                    _called(of.CURRENCY, semantics.MODEL),
                ),
            )
        )
        .with_panel(
            lines(
                "Spent an hour by dimension",
                f"The {_MOST} dearest.",
                "none",
                Query(
                    f"topk({_MOST}, "
                    f"{rate(of.DIMENSION_SPENT, (of.CURRENCY, semantics.DIMENSION), by_dimension)} * {_HOUR})",
                    _called(of.CURRENCY, semantics.DIMENSION),
                ),
            )
        )
        .with_panel(
            rows(
                "Spent by model in this time",
                "What calls to each model did cost.",
                (
                    Query(grown(of.MONEY_SPENT, (of.CURRENCY, semantics.PROJECT, semantics.MODEL), spent), "Spent"),
                    "none",
                ),
                names={project: "Project", model: "Model", currency: "Currency"},
            )
        )
        .with_panel(
            rows(
                "Spent by dimension in this time",
                "What calls for each dimension did cost.",
                (
                    Query(
                        grown(of.DIMENSION_SPENT, (of.CURRENCY, semantics.PROJECT, semantics.DIMENSION), by_dimension),
                        "Spent",
                    ),
                    "none",
                ),
                names={project: "Project", dimension: "Dimension", currency: "Currency"},
            )
        )
    )
    board = (
        board.with_row(row("What it is spent on"))
        .with_panel(
            lines(
                "Calls by purpose",
                "Paid calls a second.",
                "reqps",
                Query(rate(of.CALLS, (semantics.PURPOSE,), calls), _called(semantics.PURPOSE)),
                stacked=True,
                width=HALF,
            )
        )
        .with_panel(
            lines(
                "Tokens",
                "A second, read and written by all models.",
                "none",
                Query(volume(of.TOKEN_USAGE, (of.INPUT_OR_OUTPUT,)), _called(of.INPUT_OR_OUTPUT)),
                stacked=True,
                width=HALF,
            )
        )
        .with_panel(
            lines(
                "Tokens by model",
                f"A second, by the name that their endpoint knows. The {_MOST} greatest.",
                "none",
                Query(
                    f"topk({_MOST}, {volume(of.TOKEN_USAGE, (semantics.GEN_AI_REQUEST_MODEL,))})",
                    _called(semantics.GEN_AI_REQUEST_MODEL),
                ),
                width=WHOLE,
            )
        )
    )
    return board.build()
