"""`dearena quote`: what inserting a model will take, before it is paid for."""

from collections.abc import Callable
from dataclasses import asdict
from math import isfinite
from re import fullmatch
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Group

from dearena.cli import columns, output, words
from dearena.cli.running import DEFAULT, AsJson, Project, run, run_plain
from dearena.client import ArenaClient
from dearena.faults import InvalidField
from dearena.v1 import common_pb2

if TYPE_CHECKING:
    from dearena.cli.quoted import Quoted
    from dearena.trials.quote import Range

MOST_MODELS: Final = 1000
MOST_QUERIES: Final = 10_000
MOST_TOKENS: Final = 10_000_000
MOST_PRICE: Final = 1_000_000.0
MINUTE: Final = 60
HOUR: Final = 3600


def quote(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug; none with --offline.")] = "",
    *,
    model: Annotated[str, typer.Option(help="Who is to be inserted, slug or slug@n; default: any model.")] = "",
    offline: Annotated[
        bool, typer.Option("--offline", help="Without servers: for --models and --queries, with the usual rules.")
    ] = False,
    models: Annotated[int, typer.Option(min=0, max=MOST_MODELS, help="Offline: how many are ranked.")] = 0,
    queries: Annotated[int, typer.Option(min=0, max=MOST_QUERIES, help="Offline: how many are asked.")] = 0,
    input_tokens: Annotated[
        int | None, typer.Option(min=0, max=MOST_TOKENS, help="Of a judge call; default: as on record.")
    ] = None,
    output_tokens: Annotated[int | None, typer.Option(min=0, max=MOST_TOKENS, help="Likewise.")] = None,
    price_in: Annotated[
        float | None, typer.Option(min=0, max=MOST_PRICE, help="Per million input tokens; default: as on record.")
    ] = None,
    price_out: Annotated[float | None, typer.Option(min=0, max=MOST_PRICE, help="Per million output tokens.")] = None,
    currency: Annotated[str, typer.Option(help="Of the prices.")] = "USD",
    seconds_per_call: Annotated[
        float | None, typer.Option(min=0, max=86_400, help="Of a call; default: time as on record.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Calls that a model takes at once; default: 8, or as it says.")
    ] = None,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Say beforehand what inserting a model will take: calls, rounds, tokens, money, time.

    Each with its median, and from where to where it lies at 80 %. Of a running arena all rests on its own records,
    as far as there are any; calls and rounds on insertions simulated by its rules while it has had few.
    """

    async def found(client: ArenaClient | None) -> None:
        # Scoring takes longer to import than all other commands together: it is imported when it is run.
        from dearena.cli import quoted  # noqa: PLC0415
        from dearena.cli.quoted_usage import Assumed  # noqa: PLC0415

        assumed = Assumed(
            *_tokens(input_tokens, output_tokens),
            price_in=_finite("--price-in", price_in),
            price_out=_finite("--price-out", price_out),
            currency=_currency(currency),
            seconds=_finite("--seconds-per-call", seconds_per_call),
            concurrency=concurrency,
        )
        if client is None:
            made = quoted.offline(models, queries, assumed)
        else:
            made = await quoted.of_dimension(client, dimension, model, assumed)
        if as_json:
            output.show_json(asdict(made))
        else:
            output.show(rendered(made, dimension, model))

    async def of_dimension(client: ArenaClient) -> None:
        _check_dimension(dimension, models=models, queries=queries)
        await found(client)

    async def without_servers() -> None:
        _check_offline(dimension, model, models=models, queries=queries)
        await found(None)

    if offline:
        run_plain(without_servers)
    else:
        run(of_dimension, project=project)


def _check_dimension(dimension: str, *, models: int, queries: int) -> None:
    if models or queries:
        raise InvalidField.of("--models", "and --queries are for --offline: a dimension knows its own")
    if not dimension:
        raise InvalidField.of("DIMENSION", "is missing; without servers it is --offline")


def _check_offline(dimension: str, model: str, *, models: int, queries: int) -> None:
    if dimension or model:
        raise InvalidField.of("--offline", "knows no dimension and no model: leave them out")
    if not (models and queries):
        raise InvalidField.of("--offline", "needs --models and --queries")


def _tokens(given: int | None, taken: int | None) -> tuple[int | None, int | None]:
    if (given is None) != (taken is None):
        raise InvalidField.of("--input-tokens", "and --output-tokens are given both or not at all")
    return given, taken


def _finite(option: str, value: float | None) -> float | None:
    """Not a number is none below any limit, so that the option's limits let it pass."""
    if value is not None and not isfinite(value):
        raise InvalidField.of(option, f"{value} is not a finite number")
    return value


def _currency(code: str) -> str:
    if not fullmatch("[A-Z]{3}", code):
        raise InvalidField.of("--currency", f"{code!r} is not a currency's code, such as USD")
    return code


def rendered(made: "Quoted", dimension: str, model: str) -> Group:
    """The figures and what they rest on, for people."""
    quote = made.quote
    ranges = {"judge calls": _told(quote.judge_calls, _number), "rounds": _told(quote.rounds, _number)}
    ranges["answers"] = (f"{quote.answers:,}", "")
    if quote.input_tokens is not None and quote.output_tokens is not None:
        ranges["input tokens"] = _told(quote.input_tokens, _number)
        ranges["output tokens"] = _told(quote.output_tokens, _number)
    for currency, cost in quote.cost.items():
        ranges[f"cost {currency}".rstrip()] = _told(cost, _amount)
    if quote.seconds is not None:
        ranges["time"] = _told(quote.seconds, _duration)
    table = columns.table(
        {
            "": list(ranges),
            "median": [middle for middle, _ in ranges.values()],
            "80 % between": [span for _, span in ranges.values()],
        },
        left=("",),
    )
    into = f"{model or 'a model'} into {dimension or 'a dimension'}"
    heading = f"{into}: {made.models} ranked models, {made.queries} queries, jury {made.jury}"
    return Group(heading, "", table, "", *(f"{figure}: {why}" for figure, why in made.rests_on.items()))


def _told(found: "Range", shown: Callable[[float], str]) -> tuple[str, str]:
    return shown(found.median), f"{shown(found.low)} and {shown(found.high)}"


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _amount(value: float) -> str:
    return words.money(common_pb2.Money(nano_units=round(value * words.NANO)))


def _duration(seconds: float) -> str:
    if seconds < 2 * MINUTE:
        return f"{seconds:.3g} s"
    return f"{seconds / MINUTE:,.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:,.1f} h"
