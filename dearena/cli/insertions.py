"""`dearena insertions`: who came when, and where each found its place."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from dearena.cli import output, words
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.plain import plain
from dearena.v1 import ranker_pb2


def insertions(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    *,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """List insertions in the order of admission."""

    async def body(client: ArenaClient) -> None:
        found = [insertion async for insertion in client.insertions(dimension)]
        if as_json:
            output.show_json([plain(insertion) for insertion in found])
        elif found:
            output.show(table(found))
        else:
            await client.get_dimension(dimension)  # a slug that names nothing has no insertions either
            ranking = await client.ranking(dimension)
            output.show(words.joined(["no model has been admitted yet", ranking.waiting_reason]))

    run(body, project=project)


def table(found: Sequence[ranker_pb2.Insertion]) -> Table:
    """Insertions as a table."""
    shown = Table(box=None, pad_edge=False)
    right = ("cells", "slides", "rounds", "judge calls", "cost")
    for heading in ("model", "phase", "where", "cells", "slides", "rounds", "judge calls", "cost", "waits for"):
        shown.add_column(heading, justify="right" if heading in right else "left")
    for insertion in found:
        shown.add_row(
            insertion.model,
            words.phase(insertion),
            words.places(insertion),
            f"{insertion.cells_done:,}/{insertion.cells_total:,}" if insertion.cells_total else "",
            str(insertion.slides),
            str(len(insertion.rounds)),
            f"{insertion.judge_calls:,}",
            words.money(insertion.cost),
            insertion.waiting_reason,
        )
    return shown
