"""`dearena dimension create` and `dearena dimension list`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from dearena.cli import output, words
from dearena.cli.running import DEFAULT, MAX_UINT32, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.plain import plain
from dearena.v1 import query_selector_pb2 as pb

app = typer.Typer(help="Create and list dimensions.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def create(
    slug: Annotated[str, typer.Argument(help="How the arena calls it: a-z, 0-9 and '-'.")],
    pool: Annotated[
        Path, typer.Argument(help="Question pool: JSON Lines with id and text (or turns); .gz is unpacked.")
    ],
    *,
    k: Annotated[
        int, typer.Option("--k", "-k", min=1, max=MAX_UINT32, help="How many queries are chosen from the pool.")
    ],
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Decides which.")] = 0,
    method: Annotated[str, typer.Option(help="How they are chosen.")] = "",
    display_name: Annotated[str, typer.Option(help="Default: the slug.")] = "",
    seed_models: Annotated[
        int, typer.Option(min=0, max=MAX_UINT32, help="Ranked by full comparison first; 0: the default, 5.")
    ] = 0,
    window: Annotated[int, typer.Option(min=0, max=MAX_UINT32, help="Neighbours on each side; 0: the default, 1.")] = 0,
    max_slides: Annotated[int, typer.Option(min=0, max=MAX_UINT32, help="Of the window; 0: the default, 8.")] = 0,
    jury: Annotated[str, typer.Option(help="Jury policy; default: exhaustive.")] = "",
    weighting: Annotated[
        str, typer.Option(help="Judge weighting: score, uniform, rank or reliability; default: score.")
    ] = "",
    template: Annotated[str, typer.Option(help="Judging template; default: pairwise@1.")] = "",
    provider: Annotated[list[str] | None, typer.Option(help="Only models of this provider enter; repeatable.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Check the pool only; create nothing.")] = False,
    request_id: Annotated[str, typer.Option(help="Makes a repetition harmless.")] = "",
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Create a dimension from a question pool.

    Every model will answer the queries chosen, and be ranked by its answers.
    """

    async def body(client: ArenaClient) -> None:
        dimension = pb.Dimension(
            name=client.dimension_name(slug),
            display_name=display_name,
            selection=pb.Selection(method=method, k=k, seed=seed),
            ranking=pb.RankingSettings(
                seed_models=seed_models, window=window, max_slides=max_slides, jury=jury, weighting=weighting
            ),
            template=template,
            allowed_providers=provider or [],
        )
        made = await client.create_dimension(dimension, pool, request_id=request_id, validate_only=check)
        if as_json:
            output.show_json(plain(made))
            return
        chosen = f"{made.query_count:,} of {made.pool_size:,} questions"
        if check:
            output.show(f"{slug} can be created, with {chosen}")
        else:
            output.show(f"{slug} is created, with {chosen}: {words.dimension_state(made)}")

    run(body, project=project)


@app.command("list")
def list_dimensions(*, as_json: AsJson = False, project: Project = DEFAULT) -> None:
    """List dimensions in slug order."""

    async def body(client: ArenaClient) -> None:
        found = [dimension async for dimension in client.dimensions()]
        if as_json:
            output.show_json([plain(dimension) for dimension in found])
        elif found:
            output.show(table(found))
        else:
            output.show("no dimensions yet; `dearena dimension create` makes one of a question pool")

    run(body, project=project)


def table(found: Sequence[pb.Dimension]) -> Table:
    """Dimensions as a table."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("dimension", "name", "state", "queries", "pool", "chosen", "seeds", "jury", "weighting"):
        shown.add_column(heading, justify="right" if heading in ("queries", "pool", "seeds") else "left")
    for dimension in found:
        slug = words.slug(dimension.name)
        shown.add_row(
            slug,
            dimension.display_name if dimension.display_name != slug else "",
            words.dimension_state(dimension),
            f"{dimension.query_count:,}",
            f"{dimension.pool_size:,}",
            f"{dimension.selection.method}, seed {dimension.selection.seed}",
            str(dimension.ranking.seed_models),
            dimension.ranking.jury,
            dimension.ranking.weighting,
        )
    return shown
