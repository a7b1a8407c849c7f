"""`dearena budget`: the most that calls may cost, of a dimension, a model, or a model's insertion."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from rich.table import Table

from dearena.budgets import some_of
from dearena.cli import columns, output, words
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.client.amounts import amount_of, amount_text
from dearena.client.budgets import called
from dearena.faults import InvalidField
from dearena.plain import plain
from dearena.v1 import gateway_pb2

app = typer.Typer(help="The most that calls may cost.", no_args_is_help=True)

Dimension = Annotated[str, typer.Option("--dimension", "-d", help="All calls of this dimension.")]
Model = Annotated[
    str, typer.Option("--model", "-m", help="All calls of this model; with --dimension, all for its insertion there.")
]
EachModel = Annotated[
    bool, typer.Option("--each-model", help="With --dimension: so much for every model that has none of its own there.")
]


@app.command("list")
def list_(
    *,
    dimension: Annotated[str, typer.Option("--dimension", "-d", help="Only those of this dimension.")] = "",
    project: Project = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Budgets, and what is left of them."""

    async def body(client: ArenaClient) -> None:
        found = [budget async for budget in client.budgets(dimension)]
        if as_json:
            output.show_json([plain(budget) for budget in found])
        elif found:
            output.show(table(found))
            for note in (note for budget in found for note in notes_on(budget)):
                output.show(note)
        else:
            output.show("no budgets; `dearena budget set` makes one")

    run(body, project=project)


@app.command("set")
def set_(
    limit: Annotated[str, typer.Argument(help="The most that the calls may cost, for example '5.00 USD'.")],
    *,
    dimension: Dimension = "",
    model: Model = "",
    each_model: EachModel = False,
    project: Project = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Hold calls to a budget, or change its limit.

    A higher limit lifts one that is exhausted: what had to wait goes on. What was spent before stays spent.
    """

    async def body(client: ArenaClient) -> None:
        wanted = _budget(dimension, model, each_model=each_model)
        try:
            wanted.limit.CopyFrom(amount_of(limit))
        except ValueError as error:
            raise InvalidField.of("limit", str(error)) from error
        budget = await client.set_budget(wanted)
        if as_json:
            output.show_json(plain(budget))
        else:
            output.show(f"{called(budget)}: {amount_text(budget.limit)}")
            for note in notes_on(budget):
                output.show(note)

    run(body, project=project)


@app.command("remove")
def remove(
    *,
    dimension: Dimension = "",
    model: Model = "",
    each_model: EachModel = False,
    project: Project = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Hold calls to a budget no longer; one that is set anew begins with nothing spent."""

    async def body(client: ArenaClient) -> None:
        budget = _budget(dimension, model, each_model=each_model)
        await client.remove_budget(budget)
        if as_json:
            output.show_json(plain(budget))
        else:
            output.show(f"{called(budget)}: no budget")

    run(body, project=project)


def _budget(dimension: str, model: str, *, each_model: bool) -> gateway_pb2.Budget:
    """The budget that options mean; raises InvalidField."""
    if each_model and (model or not dimension):
        raise InvalidField.of("--each-model", "goes with --dimension, and not with --model")
    if not dimension and not model:
        raise InvalidField.of("--dimension or --model", "is required")
    scope = gateway_pb2.BUDGET_SCOPE_MODEL
    if dimension:
        scope = gateway_pb2.BUDGET_SCOPE_INSERTION if model or each_model else gateway_pb2.BUDGET_SCOPE_DIMENSION
    return gateway_pb2.Budget(scope=scope, dimension=dimension, model=model)


def notes_on(budget: gateway_pb2.Budget) -> Iterator[str]:
    """What a budget does not hold, though somebody may think so, and what does not fit it."""
    if budget.models_without_price:
        have = "has" if budget.models_without_price == 1 else "have"
        yield (
            f"{called(budget)}: {budget.models_without_price} of {budget.models} models it holds {have} no price: "
            "their calls are not counted"
        )
    if budget.misfits:
        yield f"{called(budget)} does not fit: {some_of(budget.misfits)}"


def table(found: Sequence[gateway_pb2.Budget]) -> Table:
    """Budgets and what is left of them, one a line."""
    shown = {
        "budget": [called(budget) for budget in found],
        "limit": [amount_text(budget.limit) for budget in found],
        "spent": [words.money(budget.spent) for budget in found],
        "reserved": [words.money(budget.reserved) if budget.reserved.nano_units else "" for budget in found],
        "state": [words.budget_state(budget) for budget in found],
        "refused calls": [f"{budget.refused_calls:,}" if budget.refused_calls else "" for budget in found],
    }
    return columns.table(shown, left=("budget", "state"))
