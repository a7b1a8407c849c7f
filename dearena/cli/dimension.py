"""`dearena dimension create`, `show` and `list`; what looks after a dimension stands in files of its own."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from dearena.cli import columns, health, output, pool_sources, power, revise, selection, words
from dearena.cli.pool import FileFormat, Map, MergeDuplicates
from dearena.cli.pool_progress import PoolProgress
from dearena.cli.running import DEFAULT, FAILED, MAX_UINT32, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.client.amounts import amount_text
from dearena.client.declared import SEATS, target_of
from dearena.faults import InvalidField
from dearena.plain import plain
from dearena.v1 import common_pb2
from dearena.v1 import query_selector_pb2 as pb

MOST_GENERATED: Final = 100_000

app = typer.Typer(help="Create, show, list and look after dimensions.", no_args_is_help=True, rich_markup_mode=None)
app.command("selection")(selection.selection)
app.command("health")(health.health)
app.command("power")(power.power)
app.command("revise")(revise.revise)


class Seats(StrEnum):
    """In which orders a judge sees two answers."""

    BOTH = "both"
    SINGLE = "single"


@app.command()
def create(
    slug: Annotated[str, typer.Argument(help="How the arena calls it: a-z, 0-9 and '-'.")],
    pool: Annotated[
        Path | None,
        typer.Argument(help="Question pool: JSON Lines with id and text (or turns), CSV, Parquet; .gz is unpacked."),
    ] = None,
    *,
    pool_file: Annotated[Path | None, typer.Option("--pool", help="The pool, in place of the argument.")] = None,
    file_format: FileFormat = None,
    columns: Map = None,
    merge_duplicates: MergeDuplicates = False,
    generate: Annotated[
        str, typer.Option(help="Make questions of this kind by --seed, in place of a pool.", metavar="KIND")
    ] = "",
    size: Annotated[int, typer.Option(min=0, max=MOST_GENERATED, help="How many are made.", show_default=False)] = 0,
    difficulty: Annotated[
        int, typer.Option(min=0, max=5, help="Of what is made, 1 to 5; default: all in turn.", show_default=False)
    ] = 0,
    k: Annotated[
        int, typer.Option("--k", "-k", min=1, max=MAX_UINT32, help="How many queries are chosen from the pool.")
    ],
    seed: Annotated[int, typer.Option(min=0, max=2**64 - 1, help="Decides which, and what is made.")] = 0,
    method: Annotated[
        str,
        typer.Option("--select", "--method", help="How: random, or by a pilot: consistent, telling; default: random."),
    ] = "",
    pilot_models: Annotated[
        str, typer.Option(help="Models of the pilot; slugs, with commas between.", metavar="SLUGS")
    ] = "",
    pilot_calls: Annotated[
        int, typer.Option(min=0, max=MAX_UINT32, help="Judge calls of the pilot at most; 0: an even look.")
    ] = 0,
    pilot_budget: Annotated[
        str, typer.Option(help="What the pilot may cost, answers and judging, such as '5 USD'.", metavar="AMOUNT")
    ] = "",
    pilot_queries: Annotated[
        int,
        typer.Option(
            min=0,
            max=MAX_UINT32,
            help="Questions the pilot looks at, at most; 0: as many as pay, beginning with 6 for each of k.",
        ),
    ] = 0,
    follow: Annotated[bool, typer.Option("--watch", help="Wait for the pilot, and show how it goes on.")] = False,
    display_name: Annotated[str, typer.Option(help="Default: the slug.")] = "",
    seed_models: Annotated[
        int, typer.Option(min=0, max=MAX_UINT32, help="Ranked by full comparison first; 0: the default, 5.")
    ] = 0,
    window: Annotated[int, typer.Option(min=0, max=MAX_UINT32, help="Neighbours on each side; 0: the default, 1.")] = 0,
    max_slides: Annotated[int, typer.Option(min=0, max=MAX_UINT32, help="Of the window; 0: the default, 8.")] = 0,
    jury: Annotated[str, typer.Option(help="Jury policy: sequential or exhaustive; default: sequential.")] = "",
    weighting: Annotated[
        str, typer.Option(help="Judge weighting: score, uniform, rank or reliability; default: score.")
    ] = "",
    error: Annotated[
        float,
        typer.Option(
            min=0, max=0.5, help="Chance that equal models are ever told apart; 0: the default, 0.05.", metavar="SHARE"
        ),
    ] = 0.0,
    cap: Annotated[
        int,
        typer.Option(min=0, max=MAX_UINT32, help="Outcomes after which a pair stays undecided; 0: the default, 40."),
    ] = 0,
    most_rounds: Annotated[
        int, typer.Option(min=0, max=MAX_UINT32, help="Of an insertion, at the latest; 0: the default, 24.")
    ] = 0,
    target_calls: Annotated[
        int, typer.Option(min=0, max=MAX_UINT32, help="Judge calls that an insertion is to take; 0: no target.")
    ] = 0,
    target_rank_width: Annotated[
        int, typer.Option(min=0, max=MAX_UINT32, help="Places that a rank is to be known to; 0: no target.")
    ] = 0,
    target_cost: Annotated[
        str, typer.Option(help="An insertion settles once it has cost this much, such as '0.50 USD'.", metavar="AMOUNT")
    ] = "",
    seats: Annotated[Seats | None, typer.Option(help="Seat orders a cell; default: both.")] = None,
    canary_every: Annotated[
        int, typer.Option(min=0, max=MAX_UINT32, help="A judge's canary with every so many votes; 0: the default, 20.")
    ] = 0,
    template: Annotated[
        str, typer.Option(help="Judging template, as `dearena judge templates` lists them; default: pairwise@1.")
    ] = "",
    template_file: Annotated[
        Path | None, typer.Option(help="Holds a template of the dimension's own, in place of a listed one.")
    ] = None,
    template_without_reference: Annotated[
        str, typer.Option(help="Judging template of queries that have no reference, where the other one needs it.")
    ] = "",
    rubric: Annotated[
        Path | None, typer.Option("--rubric", help="File that says by what to judge, for templates that show it.")
    ] = None,
    provider: Annotated[list[str] | None, typer.Option(help="Only models of this provider enter; repeatable.")] = None,
    only_models: Annotated[
        str, typer.Option(help="Only these models enter and judge; slugs, with commas between.", metavar="SLUGS")
    ] = "",
    judge_provider: Annotated[
        list[str] | None, typer.Option(help="Only models of this provider judge; repeatable; default: all that enter.")
    ] = None,
    exclude_family: Annotated[
        bool, typer.Option("--exclude-family", help="No model judges a contestant of its own family.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Check the pool only; create nothing.")] = False,
    request_id: Annotated[str, typer.Option(help="Makes a repetition harmless.")] = "",
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Create a dimension from a question pool, or from questions that are made by seed.

    Every model will answer the queries chosen, and be ranked by its answers.
    """

    async def body(client: ArenaClient) -> None:
        dimension = pb.Dimension(
            name=client.dimension_name(slug),
            display_name=display_name,
            selection=pb.Selection(
                method=method,
                k=k,
                seed=seed,
                pilot=_pilot(pilot_models, pilot_calls, pilot_budget, pilot_queries),
            ),
            ranking=pb.RankingSettings(
                seed_models=seed_models,
                window=window,
                max_slides=max_slides,
                jury=jury,
                weighting=weighting,
                error=error,
                cap=cap,
                most_rounds=most_rounds,
                target_calls=target_calls,
                target_rank_width=target_rank_width,
                target_cost=_target(target_cost),
                seats=SEATS[seats or ""],
                canary_every=canary_every,
            ),
            template=template,
            allowed_providers=provider or [],
            only_models=[slug.strip() for slug in only_models.split(",")] if only_models else [],
            judging=_judging(
                judge_provider or [],
                exclude_family=exclude_family,
                template=template_file,
                without_reference=template_without_reference,
                rubric=rubric,
            ),
        )
        with PoolProgress() as progress:
            questions = pool_sources.chosen(
                (pool, pool_file),
                file_format=file_format,
                columns=columns or (),
                kind=generate,
                size=size,
                seed=seed,
                difficulty=difficulty,
                merge=merge_duplicates,
                on_progress=progress,
            )
            made = await client.create_dimension(
                dimension, questions, request_id=request_id, validate_only=check, on_progress=progress
            )
        by_pilot = made.query_count == 0
        if as_json:
            output.show_json(plain(made))
        elif by_pilot:
            output.show(
                f"{slug} can be created; a pilot would choose {k:,} of {made.pool_size:,} questions"
                if check
                else f"{slug} is created; a pilot chooses {k:,} of {made.pool_size:,} questions, whoever looks: "
                f"`dearena dimension selection {slug} --watch` shows how it goes on"
            )
        if by_pilot and follow and not check:
            ended = await selection.watched(client, slug, as_json=as_json)
            if ended.stage == pb.SELECTION_STAGE_FAILED:
                raise typer.Exit(FAILED)
        if as_json or by_pilot:
            return
        chosen = f"{made.query_count:,} of {made.pool_size:,} questions"
        if check:
            output.show(f"{slug} can be created, with {chosen}")
        else:
            output.show(f"{slug} is created, with {chosen}: {words.dimension_state(made)}")

    run(body, project=project)


def _pilot(models: str, calls: int, budget: str, queries: int) -> pb.PilotSettings | None:
    """None where nothing is said."""
    pilot = pb.PilotSettings(
        models=[slug.strip() for slug in models.split(",")] if models else [],
        calls=calls,
        budget=selection.money_of("--pilot-budget", budget),
        queries=queries,
    )
    return pilot if pilot.ListFields() else None


def _judging(
    providers: list[str], *, exclude_family: bool, template: Path | None, without_reference: str, rubric: Path | None
) -> pb.JudgingPolicy | None:
    """None where nothing is said."""
    policy = pb.JudgingPolicy(
        judge_providers=providers,
        exclude_family=exclude_family,
        template_text=_text_in(template),
        rubric=_text_in(rubric),
        template_without_reference=without_reference,
    )
    return policy if policy.ListFields() else None


def _text_in(path: Path | None) -> str:
    if path is None:
        return ""
    text = path.read_text(encoding="utf-8")
    if not text.strip():
        raise InvalidField.of(str(path), "is empty")
    return text


def _target(cost: str) -> common_pb2.Money | None:
    try:
        return target_of(cost)
    except ValueError as error:
        raise InvalidField.of("--target-cost", str(error)) from error


@app.command()
def show(
    slug: Annotated[str, typer.Argument(help="The dimension.")], *, as_json: AsJson = False, project: Project = DEFAULT
) -> None:
    """Show a dimension: its queries, and how its ranking is made."""

    async def body(client: ArenaClient) -> None:
        found = await client.get_dimension(slug)
        if as_json:
            output.show_json(plain(found))
        else:
            is_ready = found.state == pb.DIMENSION_STATE_READY
            entrants = await client.entrants(slug) if found.judging.exclude_family and is_ready else ()
            output.show(settings(found, [one.model for one in entrants if not one.family.strip()]))

    run(body, project=project)


@app.command("list")
def list_dimensions(
    *,
    pilots: Annotated[bool, typer.Option("--pilots", help="Pilots too.")] = False,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """List dimensions in slug order."""

    async def body(client: ArenaClient) -> None:
        found = [dimension async for dimension in client.dimensions(include_pilots=pilots)]
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


def settings(dimension: pb.Dimension, of_no_family: Sequence[str] = ()) -> Table:
    """A dimension, a line a setting; a target that was not set is left out.

    Args:
        dimension: to be shown.
        of_no_family: its models that name none, where families are kept apart.
    """
    ranking, slug = dimension.ranking, words.slug(dimension.name)
    said = {
        "dimension": slug,
        "name": dimension.display_name if dimension.display_name != slug else "",
        "state": words.dimension_state(dimension),
        "version": str(dimension.version),
        "pilot of": words.slug(dimension.pilot_of),
        "queries": f"{dimension.query_count:,} of {dimension.pool_size:,} questions",
        "chosen": f"{dimension.selection.method}, seed {dimension.selection.seed}",
        "template": f"{dimension.template}, with a rubric" if dimension.judging.rubric else dimension.template,
        "no reference": dimension.judging.template_without_reference,
        "providers": ", ".join(dimension.allowed_providers),
        "only models": ", ".join(dimension.only_models),
        "judge providers": ", ".join(dimension.judging.judge_providers),
        "families": "no model judges its own" if dimension.judging.exclude_family else "",
        "of no family": f"{', '.join(of_no_family)}: kept from nobody" if of_no_family else "",
        "seed models": str(ranking.seed_models),
        "window": f"{ranking.window} on each side, at most {ranking.max_slides} slides",
        "jury": ranking.jury,
        "error": f"{ranking.error:g}",
        "cap": f"{ranking.cap:,} outcomes a pair",
        "seats": next((name for name, number in SEATS.items() if number == ranking.seats), str(ranking.seats)),
        "weighting": ranking.weighting,
        "canaries": f"one with every {ranking.canary_every:,} votes of a judge",
        "rounds": f"at most {ranking.most_rounds:,} an insertion",
        "target calls": f"{ranking.target_calls:,} an insertion" if ranking.target_calls else "",
        "target width": f"{ranking.target_rank_width:,} places" if ranking.target_rank_width else "",
        "target cost": f"{amount_text(ranking.target_cost)} an insertion" if ranking.HasField("target_cost") else "",
    }
    return columns.lines(said)
