"""`dearena dimension health`: what a dimension's queries still tell."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from dearena.cli import columns, output, words
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
    said = {
        "dimension": f"{words.slug(found.dimension)}, version {found.dimension_version}",
        "rests on": f"{found.votes:,} votes on {found.models:,} models",
        "told apart": f"{words.percent(found.separability)} of the pairs" if found.HasField("separability") else "",
        "saturated": _share_and_names(found),
        "silent": ", ".join(found.silent),
        "mislabelled": ", ".join(found.mislabelled),
        "retire": ", ".join(found.retire) or "none",
        "add": f"{found.add:,} queries" if found.HasField("add") else "no number within reason would tell more",
    }
    shown: list[Table | str] = [columns.lines(said)]
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
