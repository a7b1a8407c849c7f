"""`dearena judge`: what a judge is shown, and how far it can be persuaded."""

from typing import Annotated

import typer

from dearena.attacks.corpus import NAMES
from dearena.cli import output, persuasion
from dearena.cli.revisions import revision_of
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import TRIAL_SECONDS, ArenaClient
from dearena.plain import plain

app = typer.Typer(help="Look into how a model judges.", no_args_is_help=True)


@app.command("attack")
def attack(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug; its template is used.")],
    judge: Annotated[str, typer.Argument(help="A model, slug or slug@n.")],
    *,
    attacks: Annotated[
        list[str] | None,
        typer.Option("--attack", help=f"May be repeated. One of {', '.join(NAMES)}."),
    ] = None,
    questions: Annotated[
        int, typer.Option(min=0, max=8, help="Questions that each attack is tried on; 0: 4. Calls grow with it.")
    ] = 0,
    wait: Annotated[int, typer.Option("--wait", min=1, help="Seconds to wait for the trial.")] = TRIAL_SECONDS,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Let a judge judge answers that try to persuade it, and tell how many do. Its calls are paid.

    Each attack stands behind a plainly bad answer beside a plainly good one, in both seat orders. Persuaded: the share
    of readable verdicts for the bad one. Without: the same of the bad answers alone. Difference: in hundredths.
    In brackets: 95 %. A trial asked for again is answered from what was paid.
    """

    async def body(client: ArenaClient) -> None:
        revision = await revision_of(client, judge)
        found = await client.try_attacks(dimension, revision, attacks or (), questions=questions, wait_seconds=wait)
        if as_json:
            output.show_json(plain(found))
        else:
            output.show(persuasion.rendered(found))

    run(body, project=project)
