"""`dearena explain`: the whole way of a model to its place."""

from typing import Annotated

import typer

from dearena.cli import output
from dearena.cli.revisions import revision_of
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.plain import plain


def explain(
    model: Annotated[str, typer.Argument(help="A model, slug or slug@n.")],
    *,
    dimension: Annotated[str, typer.Option("--dimension", "-d", help="The dimension's slug.")],
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Tell how a model came to its place.

    Every step with its opponents, votes and decision, how sure the place is, and what would make it surer.
    """

    async def body(client: ArenaClient) -> None:
        found = await client.explain_insertion(dimension, await revision_of(client, model))
        if as_json:
            output.show_json(plain(found))
        else:
            output.show(found.text)

    run(body, project=project)
