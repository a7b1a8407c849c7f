"""Rank a crowd through the whole system and again in memory: time, CPU per vote, and whether the boards are equal.

    python -m benchmarks.whole_system [--models 40] [--queries 24] [--seed 0] [--json]

Starts the local stack in a temporary directory, with planted sparring models that take no time to reply, and ranks
all models as one cohort in two dimensions at once, by sequential juries with the default settings. Wall time runs from
the first registration to the last model's place, answers included. CPU is user and system time of the five service
processes over the same span, from /proc: answers and canaries are in it, though they are no votes; what mongod,
nats-server and the sparring server did for them is not. Then an arena in memory plays the same entrants by the same
rules in the same planted world. Its last boards must have the digests of the services' boards; if one has not, the
exit code is 1. Linux only.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.judge_calls import WORLD, base_url, cpu_seconds, processes_of
from dearena.client import ArenaClient
from dearena.local import following, passing, questions, stack
from dearena.local.stack import Stack
from dearena.trials.arena import Arena
from dearena.trials.world import Planted, slugs
from dearena.v1 import gateway_pb2, query_selector_pb2, ranker_pb2
from services.ranker import peer_messages

MODELS: Final = 40
QUERIES: Final = 24
CONCURRENCY: Final = 16
"""Calls in flight a model: the endpoint is ours, and quick."""
DEADLINE_SECONDS: Final = 1_200.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """One dimension, ranked by services and in memory."""

    dimension: str
    votes: int
    judge_calls: int
    """Of the votes on the board."""
    rounds: int
    decisions: int
    digest: str
    digest_in_memory: str
    memory_seconds: float
    """Wall time of the same in memory."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the whole took: CPU seconds by service, and wall time."""

    dimensions: Sequence[Ranked]
    services: Mapping[str, float]
    wall_seconds: float

    @property
    def votes(self) -> int:
        """Of all dimensions."""
        return sum(one.votes for one in self.dimensions)

    @property
    def is_equal(self) -> bool:
        """Whether every board is that of memory, to the bit."""
        return all(one.digest == one.digest_in_memory for one in self.dimensions)

    def summary(self) -> dict[str, Any]:
        """What was measured, for programs."""
        total = sum(self.services.values())
        return {
            "dimensions": [
                {
                    "dimension": one.dimension,
                    "votes": one.votes,
                    "judge_calls": one.judge_calls,
                    "rounds": one.rounds,
                    "decisions": one.decisions,
                    "board_digest": one.digest,
                    "board_digest_in_memory": one.digest_in_memory,
                }
                for one in self.dimensions
            ],
            "votes": self.votes,
            "wall_seconds": round(self.wall_seconds, 1),
            "services_cpu_seconds": {name: round(seconds, 2) for name, seconds in self.services.items()},
            "services_cpu_milliseconds_per_vote": round(1000 * total / self.votes, 3),
            "memory_seconds": round(sum(one.memory_seconds for one in self.dimensions), 1),
            "equal": self.is_equal,
        }

    def tables(self) -> list[Table]:
        """What was measured, for people."""
        boards = Table("dimension", "votes", "judge calls", "rounds", "board", "in memory")
        for one in self.dimensions:
            numbers = (f"{number:,}" for number in (one.votes, one.judge_calls, one.rounds))
            boards.add_row(one.dimension, *numbers, one.digest[:12], one.digest_in_memory[:12])
        spent = Table("", "CPU s", "CPU ms a vote")
        for name, seconds in (*self.services.items(), ("all services", sum(self.services.values()))):
            spent.add_row(name, f"{seconds:.2f}", f"{1000 * seconds / self.votes:.3f}")
        return [boards, spent]


async def measure(models: int, queries: int, seed: int, screen: Console) -> Measured:
    """Start an arena, rank in it, end it, and rank again in memory.

    Raises:
        NotRanked: a model will not have a place.
        TimeoutError: the ranking takes longer than DEADLINE_SECONDS.
    """
    entrants = slugs(models)
    worlds = {WORLD: {"kind": "planted", "seed": seed}}
    with passing.state("dearena-whole-system-") as state:
        async with stack.running(state, fresh=True, worlds=worlds) as running, ArenaClient(running.addresses) as client:
            processes = processes_of(running)
            before = {name: cpu_seconds(pid) for name, pid in processes.items()}
            begin = time.monotonic()
            async with asyncio.timeout(DEADLINE_SECONDS):
                await rank(client, running, entrants, queries, screen)
            wall_seconds = time.monotonic() - begin
            spent = {name: cpu_seconds(pid) - before[name] for name, pid in processes.items()}
            if processes_of(running) != processes:
                raise RuntimeError("a service was restarted meanwhile: nothing was measured")
            screen.print(f"ranked in {wall_seconds:.0f} s; now in memory …")
            ranked = [await _beside_memory(client, dimension, entrants, queries, seed) for dimension in questions.POOLS]
    return Measured(ranked, spent, wall_seconds)


async def rank(client: ArenaClient, running: Stack, entrants: Sequence[str], queries: int, screen: Console) -> None:
    """Register planted models, create the dimensions, and return when all have their places in each."""
    for slug in entrants:
        endpoint = gateway_pb2.Endpoint(base_url=base_url(running), upstream_model=slug, sparring=True)
        await client.register_model(
            gateway_pb2.Model(
                name=client.model_name(slug), endpoint=endpoint, concurrency=CONCURRENCY, cohort="benchmark"
            )
        )
    for dimension, pool in questions.POOLS.items():
        await client.create_dimension(
            query_selector_pb2.Dimension(
                name=client.dimension_name(dimension),
                selection=query_selector_pb2.Selection(k=queries, seed=0),
                ranking=query_selector_pb2.RankingSettings(jury="sequential"),
            ),
            pool(queries),
        )
    places: dict[str, int] = dict.fromkeys(questions.POOLS, 0)

    def seen(dimension: str, step: ranker_pb2.WatchInsertionResponse) -> None:
        if step.HasField("decision") and step.decision.kind == ranker_pb2.DECISION_KIND_SETTLED:
            places[dimension] += 1
            screen.print(f"{dimension}: {places[dimension]} of {len(entrants)} have their place")

    revisions = [f"{slug}@1" for slug in entrants]
    await asyncio.gather(*(following.until_ranked(client, dimension, revisions, seen) for dimension in questions.POOLS))


async def _beside_memory(
    client: ArenaClient, dimension: str, entrants: Sequence[str], queries: int, seed: int
) -> Ranked:
    board = await client.leaderboard(dimension)
    declared = peer_messages.dimension_version(await client.get_dimension(dimension))
    asked = {question["id"]: question["text"] for question in questions.POOLS[dimension](queries)}
    memory = Arena(Planted(seed, entrants, asked), declared.rules, [], salt=str(declared.name))
    memory.entrants = [peer_messages.entrant(one) for one in await client.entrants(dimension)]
    begin = time.monotonic()
    await asyncio.to_thread(memory.run)
    memory_seconds = time.monotonic() - begin
    return Ranked(
        dimension,
        votes=sum([1 async for _ in client.votes(dimension)]),
        judge_calls=board.judge_calls,
        rounds=(await client.ranking(dimension)).last_closed_round,
        decisions=sum([1 async for _ in client.decisions(dimension)]),
        digest=board.board_digest,
        digest_in_memory=memory.made.board.digest,
        memory_seconds=memory_seconds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="A crowd through the whole system, and the same in memory.")
    parser.add_argument("--models", type=int, default=MODELS)
    parser.add_argument("--queries", type=int, default=QUERIES, help="of each of two dimensions")
    parser.add_argument("--seed", type=int, default=0, help="of the planted world")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    asked = parser.parse_args()
    # Progress goes beside what is measured, so that programs read only the latter.
    measured = asyncio.run(measure(asked.models, asked.queries, asked.seed, Console(stderr=True)))
    if asked.json:
        print(json.dumps(measured.summary()))
    else:
        screen = Console()
        screen.print(*measured.tables())
        screen.print(
            f"{measured.votes:,} votes in {measured.wall_seconds:.0f} s; boards are",
            "equal to the bit" if measured.is_equal else "not equal",
        )
    sys.exit(not measured.is_equal)


if __name__ == "__main__":
    main()
