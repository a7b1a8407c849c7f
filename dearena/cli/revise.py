"""`dearena dimension revise`: the next version of a dimension, with some queries retired and others put in."""

from typing import Annotated

import typer

from dearena.cli import output, words
from dearena.cli.running import DEFAULT, MAX_UINT32, AsJson, Project, Wait, run
from dearena.client import ArenaClient
from dearena.client.selections import FITTING_SECONDS
from dearena.plain import plain
from dearena.v1 import query_selector_pb2 as pb


def revise(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    *,
    retire: Annotated[
        str, typer.Option(help="Queries to take out; ids, with commas between.", metavar="IDS", show_default=False)
    ] = "",
    add: Annotated[int, typer.Option(min=0, max=MAX_UINT32, help="Queries of the pool to put in.")] = 0,
    method: Annotated[
        str, typer.Option(help="By which they are chosen; default: that of the dimension.", show_default=False)
    ] = "",
    as_suggested: Annotated[
        bool, typer.Option("--as-suggested", help="Retire and add what `dearena dimension health` suggests.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Say what it would be; change nothing.")] = False,
    etag: Annotated[str, typer.Option(help="Refuse if the dimension has changed since.", show_default=False)] = "",
    request_id: Annotated[str, typer.Option(help="Makes a repetition harmless.", show_default=False)] = "",
    wait: Wait = int(FITTING_SECONDS),
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Make the next version of a dimension.

    Its ranking begins anew. What was answered and judged of queries that stay is not paid again.
    """

    async def body(client: ArenaClient) -> None:
        made = await client.revise_dimension(
            dimension,
            retire=[name.strip() for name in retire.split(",")] if retire else (),
            add=add,
            method=method,
            as_suggested=as_suggested,
            etag=etag,
            validate_only=check,
            request_id=request_id,
            wait_seconds=wait,
        )
        if as_json:
            output.show_json(plain(made))
        else:
            output.show(*told(made, check=check))

    run(body, project=project)


def told(made: pb.ReviseDimensionResponse, *, check: bool) -> list[str]:
    """What it is, or would be."""
    found = made.dimension
    verb = "would be" if check else "is"
    lines = [f"version {found.version} of {words.slug(found.name)} {verb} {found.query_count:,} queries"]
    lines += [f"retired: {', '.join(made.retired)}"] if made.retired else []
    lines += [f"put in: {', '.join(made.added)}"] if made.added else []
    return lines
