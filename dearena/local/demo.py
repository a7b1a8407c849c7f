"""A first arena, start to end: `make run` ranks planted sparring models in two dimensions and tells how well.

The models' skill is planted, so that what the arena finds can be held against the truth.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from scipy import stats

from dearena.cli import output, words
from dearena.cli.leaderboard import rendered
from dearena.client import ArenaClient
from dearena.local import following, passing, questions, stack
from dearena.local.cli import STATE, leave, welcome
from dearena.local.interrupts import INTERRUPTED
from dearena.local.options import AsJson, DeadlineSeconds
from dearena.local.stack import Stack
from dearena.local.together import all_of
from dearena.names import DEFAULT_PROJECT, Revision
from dearena.sparring import planted
from dearena.v1 import common_pb2, gateway_pb2, query_selector_pb2, scorer_pb2

MODELS: Final = ("amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath", "iris", "jade", "kelp", "lotus")
POOL_SIZE: Final = 60
QUERIES: Final = 24
CONCURRENCY: Final = 16
"""Calls in flight a model: the endpoint is ours, and quick."""
PRICES: Final = (150_000_000, 600_000_000)
"""Nano-dollars per million tokens in and out, as a small hosted model costs: nothing is paid, it is counted."""
DEADLINE_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """What came out in one dimension of one world."""

    world_seed: int
    dimension: str
    board: scorer_pb2.Board
    spearman: float
    """Rank correlation of the board with the planted skill."""


def main(
    *,
    world_seeds: Annotated[
        str, typer.Option("--world-seeds", "--world-seed", help="Seeds of planted worlds, run one after another.")
    ] = "0",
    stay: Annotated[bool, typer.Option("--stay", help="Keep the data and go on running until Ctrl-C.")] = False,
    state_dir: Annotated[
        Path | None,
        typer.Option(
            help="Where everything is kept; emptied first, unless --stay. Default: a temporary directory, or .dearena."
        ),
    ] = None,
    deadline_seconds: DeadlineSeconds = DEADLINE_SECONDS,
    traces_python: Annotated[
        Path | None, typer.Option(help="Run a trace viewer by this interpreter, of an environment that has it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start an arena, rank 12 planted models in two dimensions, and print what came out."""
    try:
        seeds = [int(seed) for seed in world_seeds.split(",")]
    except ValueError:
        raise typer.BadParameter("must be whole numbers, set apart by commas", param_hint="--world-seeds") from None
    leave(
        _demonstrate(
            seeds,
            state_dir,
            stay=stay,
            deadline_seconds=deadline_seconds,
            traces_python=traces_python,
            as_json=as_json,
        ),
        interrupted=0 if stay else INTERRUPTED,
    )


async def _demonstrate(
    seeds: Sequence[int],
    state_dir: Path | None,
    *,
    stay: bool,
    deadline_seconds: float,
    traces_python: Path | None,
    as_json: bool,
) -> None:
    screen = output.console()
    screen.quiet = as_json
    begin = time.monotonic()
    worlds = {world_name(seed): {"kind": "planted", "seed": seed} for seed in seeds}
    with passing.state("dearena-run-", instead=state_dir or (STATE if stay else None)) as state:
        async with stack.running(
            state,
            fresh=not stay,
            worlds=worlds,
            dashboard=stay,
            traces_python=traces_python,
            said=lambda message: screen.print(f"{message} …"),
        ) as running:
            started = time.monotonic() - begin
            ranked: list[Ranked] = []
            async with following.in_time(deadline_seconds):
                for number, seed in enumerate(seeds):
                    project = DEFAULT_PROJECT if number == 0 else world_name(seed)
                    ranked += await rank_world(running, seed, project, screen)
            seconds = {"start": started, "ranking": time.monotonic() - begin - started}
            if as_json:
                output.show_json(summary(ranked, seconds))
            else:
                screen.print(*told(ranked, seconds), sep="\n")
            if stay:
                screen.print(*welcome(running, list(worlds)), sep="\n")
                await running.until_broken()


def world_name(seed: int) -> str:
    """The planted world's name at the sparring server."""
    return f"world-{seed}"


async def rank_world(running: Stack, seed: int, project: str, screen: Console) -> list[Ranked]:
    """Make the dimensions, register the models, follow until all have their places.

    Harmless when repeated: what is there already is left as it is.

    Raises:
        NotRanked: a model will not have a place.
    """
    async with ArenaClient(running.addresses, project=project) as client:
        await _make_dimensions(client, seed)
        revisions = await _register(client, f"{running.endpoints.sparring_url}/{world_name(seed)}/v1")
        screen.print(f"{len(revisions)} models and {len(questions.POOLS)} dimensions of {QUERIES} queries are there")
        async with following.shown(screen, list(questions.POOLS)) as seen:
            boards = await all_of(
                *(following.until_ranked(client, dimension, revisions, seen) for dimension in questions.POOLS)
            )
    return [
        Ranked(seed, dimension, board, spearman_with_skill(seed, board))
        for dimension, board in zip(questions.POOLS, boards, strict=True)
    ]


async def _make_dimensions(client: ArenaClient, seed: int) -> None:
    there = {words.slug(dimension.name) async for dimension in client.dimensions()}
    for slug, pool in questions.POOLS.items():
        if slug not in there:
            selection = query_selector_pb2.Selection(k=QUERIES, seed=seed)
            dimension = query_selector_pb2.Dimension(
                name=client.dimension_name(slug),
                selection=selection,
                # By name, as in every whole system that is run here: it stays what it is, whatever the default becomes.
                ranking=query_selector_pb2.RankingSettings(jury="sequential"),
            )
            await client.create_dimension(dimension, pool(POOL_SIZE))


async def _register(client: ArenaClient, base_url: str) -> list[str]:
    there = {words.slug(model.name): model.revision async for model in client.models()}
    price_in, price_out = (common_pb2.Money(currency="USD", nano_units=amount) for amount in PRICES)
    for slug in MODELS:
        if slug in there:
            continue
        model = gateway_pb2.Model(
            name=client.model_name(slug),
            provider="dearena",
            endpoint=gateway_pb2.Endpoint(base_url=base_url, upstream_model=slug, sparring=True),
            concurrency=CONCURRENCY,
            price=gateway_pb2.Price(per_million_input_tokens=price_in, per_million_output_tokens=price_out),
            cohort="demo",
        )
        there[slug] = (await client.register_model(model)).revision
    return [f"{slug}@{there[slug]}" for slug in MODELS]


def spearman_with_skill(seed: int, board: scorer_pb2.Board) -> float:
    """Rank correlation of the planted models' strengths on the board with their planted skill."""
    strengths = {Revision.parse(row.model).slug: row.strength for row in board.rows}
    found = [strengths[slug] for slug in MODELS]
    true = planted.truth(seed, MODELS)
    return float(stats.spearmanr(found, [true[slug] for slug in MODELS]).statistic)


def totals(ranked: Sequence[Ranked]) -> Mapping[str, Any]:
    """Over all dimensions: judge calls, cost, outcomes by kind, mean Spearman."""
    outcomes = scorer_pb2.OutcomeCounts()
    for field in outcomes.DESCRIPTOR.fields:
        setattr(outcomes, field.name, sum(getattr(one.board.outcomes, field.name) for one in ranked))
    cost = sum(one.board.judge_cost.nano_units for one in ranked)
    return {
        "judge_calls": sum(one.board.judge_calls for one in ranked),
        "judge_cost": common_pb2.Money(currency="USD", nano_units=cost),
        "outcomes": outcomes,
        "spearman": sum(one.spearman for one in ranked) / len(ranked),
    }


def summary(ranked: Sequence[Ranked], seconds: Mapping[str, float]) -> dict[str, Any]:
    """What came out, for programs."""
    total = totals(ranked)
    return {
        "dimensions": [
            {
                "world_seed": one.world_seed,
                "dimension": one.dimension,
                "spearman": one.spearman,
                "board_digest": one.board.board_digest,
                "ranking": [row.model for row in one.board.rows],
                "judge_calls": one.board.judge_calls,
            }
            for one in ranked
        ],
        "spearman": total["spearman"],
        "judge_calls": total["judge_calls"],
        "judge_cost_nano_units": total["judge_cost"].nano_units,
        "outcomes": {
            field.name: getattr(total["outcomes"], field.name) for field in total["outcomes"].DESCRIPTOR.fields
        },
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
    }


def told(ranked: Sequence[Ranked], seconds: Mapping[str, float]) -> list[Any]:
    """What came out, for people."""
    several = len({one.world_seed for one in ranked}) > 1
    lines: list[Any] = [""]
    for one in ranked:
        lines += [f"world {one.world_seed}"] if several else []
        lines += [rendered(one.board), f"Spearman with the planted skill: {one.spearman:.3f}", ""]
    total = totals(ranked)
    lines += [
        f"Spearman with the planted skill, mean: {total['spearman']:.3f}",
        f"judge calls: {total['judge_calls']:,} (cost: {words.money(total['judge_cost'])} at the planted prices)",
        f"outcomes: {words.outcomes(total['outcomes'])}",
        f"wall time: {seconds['start']:.0f} s to start, {seconds['ranking']:.0f} s to rank",
    ]
    return lines


if __name__ == "__main__":
    typer.run(main)
