"""A dimension from a pile of questions, through all services: how long it takes, how many calls, and what it costs.

    python -m benchmarks.selection_flow [--pool 500] [-k 40] [--pilots 6] [--models 12] [--seed 0] [--json]

Starts the local stack in a temporary directory with planted sparring models, in a world whose questions differ as those
of real pools do: discrimination log-normal (0, .6), 10 % dead, 5 % mislabelled. A dimension is created from a generated
pool with the method `telling`; its pilot's models answer and judge one another, the queries are chosen, and then all
models are ranked on them. Beside it a dimension of as many queries drawn at random from the same pool ranks the same
models. Told are wall time, calls and cost of each part from the gateway's ledger, and how each board agrees with the
planted skills, over all models and over those that took no part in the pilot. One world tells little about the last;
`query_selection.py` tells it over twenty.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

from benchmarks.judge_calls import WORLD, base_url
from dearena.client import ArenaClient
from dearena.generators import generate
from dearena.local import following, passing, stack
from dearena.local.stack import Stack
from dearena.sparring.planted import truth
from dearena.trials.world import slugs
from dearena.v1 import common_pb2, gateway_pb2, query_selector_pb2, ranker_pb2, scorer_pb2

KIND: Final = "algebra"
CONCURRENCY: Final = 16
DEADLINE_SECONDS: Final = 1_800.0
PRICE: Final = gateway_pb2.Price(
    per_million_input_tokens=common_pb2.Money(currency="USD", nano_units=250_000_000),
    per_million_output_tokens=common_pb2.Money(currency="USD", nano_units=1_000_000_000),
)
"""Of every model; invented, of a small model's size."""
WORLDS: Final[Mapping[str, float]] = {"log_discrimination_sd": 0.6, "dead_rate": 0.10, "mislabelled_rate": 0.05}


@dataclass(frozen=True, slots=True)
class Part:
    """What one part took.

    Attributes:
        calls: answers and judging, canaries included.
        dollars: that they cost.
        agreement: Spearman's correlation of the board with the planted skills; None of a part without a board.
        unpiloted_agreement: the same over models that took no part in the pilot.
    """

    name: str
    wall_seconds: float
    calls: int
    dollars: float
    agreement: float | None = None
    unpiloted_agreement: float | None = None


async def measure(
    pool: int, k: int, pilots: int, models: int, seed: int, screen: Console
) -> tuple[Sequence[Part], Mapping[str, Any]]:
    """Start an arena, let it choose, rank, rank on a random choice, and end it; parts, and how the selection ended.

    Raises:
        RuntimeError: the selection failed.
        NotRanked: a model will not have a place.
        TimeoutError: a part takes longer than DEADLINE_SECONDS.
    """
    entrants = slugs(models)
    questions = [question.line() for question in generate(KIND, pool, seed)]
    worlds = {WORLD: {"kind": "planted", "seed": seed, **WORLDS}}
    with passing.state("dearena-selection-flow-") as state:
        async with stack.running(state, fresh=True, worlds=worlds) as running, ArenaClient(running.addresses) as client:
            for slug in entrants[:pilots]:
                await _register(client, running, slug)
            begin = time.monotonic()
            chosen = query_selector_pb2.Selection(
                method="telling", k=k, seed=seed, pilot=query_selector_pb2.PilotSettings(models=entrants[:pilots])
            )
            await _create(client, "telling", chosen, questions)
            ended = await _selected(client, screen)
            pilot = await _part(client, "pilot and choice", time.monotonic() - begin, ended.pilots)
            for slug in entrants[pilots:]:
                await _register(client, running, slug)
            parts = [pilot, await _ranked(client, "telling", entrants, pilots, seed, screen)]
            at_random = query_selector_pb2.Selection(method="random", k=k, seed=seed)
            await _create(client, "random", at_random, questions)
            parts.append(await _ranked(client, "random", entrants, pilots, seed, screen))
    told = {
        "piloted_queries": ended.piloted_queries,
        "cells": ended.cells,
        "votes": ended.votes,
        "orders": ended.orders,
        "pilots": len(ended.pilots),
    }
    return parts, told


async def _register(client: ArenaClient, running: Stack, slug: str) -> None:
    endpoint = gateway_pb2.Endpoint(base_url=base_url(running), upstream_model=slug, sparring=True)
    await client.register_model(
        gateway_pb2.Model(name=client.model_name(slug), endpoint=endpoint, concurrency=CONCURRENCY, price=PRICE)
    )


async def _create(
    client: ArenaClient, slug: str, selection: query_selector_pb2.Selection, questions: Sequence[Mapping[str, Any]]
) -> None:
    await client.create_dimension(
        query_selector_pb2.Dimension(name=client.dimension_name(slug), selection=selection), questions
    )


async def _selected(client: ArenaClient, screen: Console) -> query_selector_pb2.SelectionProgress:
    last = query_selector_pb2.SelectionProgress()
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for step in client.watch_selection("telling"):
            stage = query_selector_pb2.SelectionStage.Name(step.stage).removeprefix("SELECTION_STAGE_").lower()
            screen.print(f"{stage}: {step.votes:,} votes on {step.piloted_queries:,} queries {step.waiting_reason}")
            last = step
    if last.stage != query_selector_pb2.SELECTION_STAGE_DONE:
        raise RuntimeError(f"the selection failed: {last.failure}")
    return last


async def _ranked(
    client: ArenaClient, dimension: str, entrants: Sequence[str], pilots: int, seed: int, screen: Console
) -> Part:
    begin, places = time.monotonic(), 0

    def seen(_: str, step: following.Step) -> None:
        nonlocal places
        if step.HasField("decision") and step.decision.kind == ranker_pb2.DECISION_KIND_SETTLED:
            places += 1
            screen.print(f"{dimension}: {places} of {len(entrants)} have their place")

    async with asyncio.timeout(DEADLINE_SECONDS):
        board = await following.until_ranked(client, dimension, [f"{slug}@1" for slug in entrants], seen)
    took = await _part(client, f"ranking on {dimension}", time.monotonic() - begin, [client.dimension_name(dimension)])
    return Part(
        took.name,
        took.wall_seconds,
        took.calls,
        took.dollars,
        _agreement(board, entrants, seed),
        _agreement(board, entrants[pilots:], seed),
    )


async def _part(client: ArenaClient, name: str, wall_seconds: float, dimensions: Sequence[str]) -> Part:
    sums = [one for full in dimensions for one in await client.ledger_sums(full.rpartition("/")[2])]
    nano_units = sum(one.cost.nano_units for one in sums)
    return Part(name, wall_seconds, sum(one.calls for one in sums), nano_units / 1e9)


def _agreement(board: scorer_pb2.Board, models: Sequence[str], seed: int) -> float:
    strength = {row.model.partition("@")[0]: row.strength for row in board.rows}
    planted = truth(seed, models)
    return float(spearmanr([strength[slug] for slug in models], [planted[slug] for slug in models]).statistic)


def table(parts: Sequence[Part]) -> Table:
    """What was measured, for people."""
    shown = Table("", "wall s", "calls", "USD", "Spearman with skill", "of models not in the pilot")
    for one in parts:
        agreements = ("" if found is None else f"{found:.3f}" for found in (one.agreement, one.unpiloted_agreement))
        shown.add_row(one.name, f"{one.wall_seconds:.1f}", f"{one.calls:,}", f"{one.dollars:.4f}", *agreements)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description="From a pile of questions to a board, through all services.")
    parser.add_argument("--pool", type=int, default=500, help="generated questions")
    parser.add_argument("-k", type=int, default=40, help="queries chosen of them")
    parser.add_argument("--pilots", type=int, default=6, help="models of the pilot")
    parser.add_argument("--models", type=int, default=12, help="models ranked, those of the pilot among them")
    parser.add_argument("--seed", type=int, default=0, help="of the planted world, the pool and the lots")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    asked = parser.parse_args()
    # Progress goes beside what is measured, so that programs read only the latter.
    parts, told = asyncio.run(
        measure(asked.pool, asked.k, asked.pilots, asked.models, asked.seed, Console(stderr=True))
    )
    if asked.json:
        print(json.dumps({**told, "parts": [asdict(one) for one in parts]}))
    else:
        Console().print(table(parts), told)


if __name__ == "__main__":
    main()
