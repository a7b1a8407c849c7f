"""`dearena dimension health` and `power`: what a dimension's queries still tell, and what would tell more."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from dearena.cli import columns, output, words
from dearena.cli.revisions import revision_of
from dearena.cli.running import DEFAULT, AsJson, Project, Wait, run
from dearena.client import ArenaClient
from dearena.client.selections import FITTING_SECONDS
from dearena.plain import plain
from dearena.v1 import query_selector_pb2 as pb


def health(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    *,
    other: Annotated[
        list[str] | None, typer.Option(help="Compare its board with this dimension's only; repeatable.")
    ] = None,
    wait: Wait = int(FITTING_SECONDS),
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Show what a dimension's queries still tell.

    Pairs of models told apart, queries to retire and how many to add, and how alike its board is to others.
    """

    async def body(client: ArenaClient) -> None:
        found = await client.dimension_health(dimension, other or (), wait_seconds=wait)
        if as_json:
            output.show_json(plain(found))
        else:
            output.show(*health_tables(found))

    run(body, project=project)


def health_tables(found: pb.DimensionHealth) -> list[Table | str]:
    """What was found, for people."""
    lines = {
        "dimension": f"{words.slug(found.dimension)}, version {found.dimension_version}",
        "rests on": f"{found.votes:,} votes on {found.models:,} models",
        "told apart": f"{words.percent(found.separability)} of the pairs" if found.HasField("separability") else "",
        "saturated": _share_and_names(found),
        "silent": ", ".join(found.silent),
        "mislabelled": ", ".join(found.mislabelled),
        "retire": ", ".join(found.retire) or "none",
        "add": f"{found.add:,} queries" if found.HasField("add") else "no number within reason would tell more",
    }
    shown: list[Table | str] = [_lines(lines)]
    if found.correlations:
        shown.append(correlations_table(found.correlations))
    return shown


def _share_and_names(found: pb.DimensionHealth) -> str:
    if not found.HasField("saturation"):
        return ""
    share = f"{words.percent(found.saturation)} of the queries, nearly all ties"
    return f"{share}: {', '.join(found.saturated)}" if found.saturated else share


def correlations_table(found: Sequence[pb.BoardCorrelation]) -> Table:
    """How alike other boards are, over the models on both."""
    shown = {
        "beside": [words.slug(one.dimension) for one in found],
        "models": [f"{one.models:,}" for one in found],
        "correlation": [f"{one.correlation:.2f}" if one.HasField("correlation") else "not known" for one in found],
        "95 % interval": [f"{one.low:.2f} to {one.high:.2f}" if one.HasField("low") else "" for one in found],
    }
    return columns.table(shown, left=("beside",))


def power(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    model_a: Annotated[str, typer.Argument(help="A model, slug or slug@n.")],
    model_b: Annotated[str, typer.Argument(help="Another one.")],
    *,
    error: Annotated[float, typer.Option(min=0, max=0.5, help="Chance to tell two equals apart.")] = 0.05,
    chance: Annotated[float, typer.Option("--power", min=0, max=0.999, help="Chance to tell these apart.")] = 0.8,
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


def _lines(said: dict[str, str]) -> Table:
    shown = Table(box=None, pad_edge=False, show_header=False)
    for heading, cell in said.items():
        if cell:
            shown.add_row(heading, cell)
    return shown
