"""`dearena suspend` and `dearena reinstate`: whether a judge is asked, and its votes count, in a dimension."""

from typing import Annotated

import typer

from dearena.cli import output
from dearena.cli.revisions import revision_of
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import ArenaClient

Judge = Annotated[str, typer.Argument(help="A judge, slug or slug@n.")]
Dimension = Annotated[str, typer.Option("--dimension", "-d", help="The dimension's slug.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the decision log.")]


def suspend(
    judge: Judge, *, dimension: Dimension, reason: Reason, as_json: AsJson = False, project: Project = DEFAULT
) -> None:
    """Ask a judge nothing more in a dimension.

    Its votes count nothing, until it is reinstated.
    """

    async def body(client: ArenaClient) -> None:
        revision = await revision_of(client, judge)
        await client.suspend_judge(dimension, revision, reason)
        _tell(revision, dimension, reason, as_json=as_json, suspended=True)

    run(body, project=project)


def reinstate(
    judge: Judge, *, dimension: Dimension, reason: Reason, as_json: AsJson = False, project: Project = DEFAULT
) -> None:
    """Ask a suspended judge again.

    Its votes count, and its health is watched anew.
    """

    async def body(client: ArenaClient) -> None:
        revision = await revision_of(client, judge)
        await client.reinstate_judge(dimension, revision, reason)
        _tell(revision, dimension, reason, as_json=as_json, suspended=False)

    run(body, project=project)


def _tell(judge: str, dimension: str, reason: str, *, as_json: bool, suspended: bool) -> None:
    if as_json:
        output.show_json({"judge": judge, "dimension": dimension, "suspended": suspended, "reason": reason})
    else:
        output.show(f"{judge} is to be {'suspended' if suspended else 'reinstated'} as a judge in {dimension}")
