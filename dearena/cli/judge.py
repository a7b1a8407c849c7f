"""`dearena judge`: what a judge is shown, and how far it can be persuaded."""

from typing import Annotated

import typer

from dearena.attacks.corpus import NAMES
from dearena.cli import output, persuasion, prompts
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


@app.command("templates")
def templates(*, as_json: AsJson = False, project: Project = DEFAULT) -> None:
    """List the arena's judging templates, and what each needs."""

    async def body(client: ArenaClient) -> None:
        found = await client.templates()
        if as_json:
            output.show_json([plain(template) for template in found])
        else:
            output.show(prompts.table(found))

    run(body, project=project)


@app.command("preview")
def preview(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug; its template is used.")],
    *,
    query: Annotated[str, typer.Option(help="Its id; default: the dimension's first query.")] = "",
    first: Annotated[str, typer.Option(help="Model whose answer sits first, slug or slug@n.", metavar="MODEL")] = "",
    second: Annotated[str, typer.Option(help="Model whose answer sits second, slug or slug@n.", metavar="MODEL")] = "",
    judge: Annotated[
        str, typer.Option(help="Model that judges, slug or slug@n; default: one that is held to no schema.")
    ] = "",
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Show exactly what a judge would be sent. Nobody is called.

    Standard output has the prompt alone, letter for letter. Its codes stand for those of the real call.
    """

    async def body(client: ArenaClient) -> None:
        models = [await revision_of(client, model) if model else "" for model in (first, second, judge)]
        found = await client.preview_prompt(
            dimension, query_id=query, first=models[0], second=models[1], judge=models[2]
        )
        if as_json:
            output.show_json(plain(found))
            return
        output.note(prompts.about(found))
        output.show_raw("\n\n".join(message.content for message in found.messages))

    run(body, project=project)
