"""`dearena dimension power`: what would separate two models, and at what price."""

from collections.abc import Callable
from typing import Annotated, Final

import typer
from rich.table import Table

from dearena.cli import columns, output, words
from dearena.cli.revisions import revision_of
from dearena.cli.running import DEFAULT, AsJson, Project, Wait, run
from dearena.client import ArenaClient
from dearena.client.selections import FITTING_SECONDS
from dearena.plain import plain
from dearena.v1 import query_selector_pb2 as pb

MOST_ERROR: Final = 0.5
MOST_POWER: Final = 0.999


def _above_zero(most: float) -> Callable[[float], float]:
    """Holds a chance to its range. Zero is outside: the contract takes it for what is left open."""

    def check(chance: float) -> float:
        if not 0 < chance <= most:  # so that NaN is refused as well
            raise typer.BadParameter(f"is {chance:g}; must be above 0 and at most {most:g}")
        return chance

    return check


def power(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    model_a: Annotated[str, typer.Argument(help="A model, slug or slug@n.")],
    model_b: Annotated[str, typer.Argument(help="Another one.")],
    *,
    error: Annotated[
        float, typer.Option(callback=_above_zero(MOST_ERROR), help="Chance to tell two equals apart.")
    ] = 0.05,
    chance: Annotated[
        float, typer.Option("--power", callback=_above_zero(MOST_POWER), help="Chance to tell these apart.")
    ] = 0.8,
    wait: Wait = int(FITTING_SECONDS),
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Show how many queries and votes would separate two models, and what they would cost."""

    async def body(client: ArenaClient) -> None:
        pair = [await revision_of(client, model) for model in (model_a, model_b)]
        found = await client.power(dimension, *pair, error=error, power=chance, wait_seconds=wait)
        if as_json:
            output.show_json(plain(found))
        else:
            output.show(*power_tables(found))

    run(body, project=project)


def power_tables(found: pb.Power) -> list[Table | str]:
    """What was found, for people."""
    better, worse = (found.model_a, found.model_b) if found.difference >= 0 else (found.model_b, found.model_a)
    heading = (
        f"{better} is ahead of {worse} in {words.slug(found.dimension)}, version {found.dimension_version}, by "
        f"{abs(found.difference):.3f} of the mean score (0 to 1), as the votes have it"
    )
    rows = [
        ("now", found.now, found.HasField("now")),
        ("all models compared", found.all_models, found.HasField("all_models")),
        ("only these two compared", found.these_two, found.HasField("these_two")),
    ]
    shown = {
        "": [label for label, _, _ in rows],
        "queries": [f"{design.queries:,}" if there else "no number does" for _, design, there in rows],
        "votes": [f"{design.votes:,}" if there else "" for _, design, there in rows],
        "judges": [f"{design.judges:,}" if there else "" for _, design, there in rows],
        "cost": [words.joined(words.money(one) for one in design.cost) if there else "" for _, design, there in rows],
        "told apart": [words.percent(design.power) if there else "" for _, design, there in rows],
    }
    return [heading, columns.table(shown, left=("",))]
