"""What an arena leaves behind: bytes a document and a message, and what its services hold in memory.

    python -m benchmarks.footprint [--models 24] [--queries 24] [--json]

Starts the local stack in a temporary directory, with planted sparring models, and ranks all as one cohort in two
dimensions, as benchmarks.whole_system does. Then the store is told to write down what it holds, and each collection is
asked for its documents, their bytes as they are, on disk, and in indexes; each stream of the bus for its messages and
bytes. Memory is the most that was resident, looked at all along. Bytes of texts depend on what models write: planted
ones answer and reply briefly, so the figures beside come with the characters that they were measured with.
"""

import argparse
import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import nats
from motor.motor_asyncio import AsyncIOMotorClient
from rich.console import Console
from rich.table import Table

from benchmarks.judge_calls import WORLD
from benchmarks.slow_endpoints import SERVERS, watched
from benchmarks.whole_system import DEADLINE_SECONDS, rank
from dearena.client import ArenaClient
from dearena.local import passing, questions, servers, stack
from dearena.local.stack import Stack
from dearena.trials.world import slugs

MODELS: Final = 24
QUERIES: Final = 24


@dataclass(frozen=True, slots=True)
class Collection:
    """Of the store, in bytes."""

    documents: int
    plain: int
    """As they are read and written."""
    on_disk: int
    """Compressed, without indexes."""
    indexes: int

    @property
    def per_document(self) -> float:
        """Bytes on disk, indexes included."""
        return (self.on_disk + self.indexes) / self.documents if self.documents else 0.0


@dataclass(frozen=True, slots=True)
class Stream:
    """Of the bus."""

    messages: int
    """That are there."""
    size: int
    sent: int
    """Since it is there, those that are gone included."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What was left by so many models and votes."""

    models: int
    dimensions: int
    queries: int
    votes: int
    judge_calls: int
    rounds: int
    collections: Mapping[str, Collection]
    streams: Mapping[str, Stream]
    most_resident: Mapping[str, float]
    """MiB, by process."""

    def summary(self) -> dict[str, Any]:
        """For programs."""
        return {
            "models": self.models,
            "dimensions": self.dimensions,
            "queries": self.queries,
            "votes": self.votes,
            "judge_calls": self.judge_calls,
            "rounds": self.rounds,
            "collections": {
                name: {
                    "documents": one.documents,
                    "plain": one.plain,
                    "on_disk": one.on_disk,
                    "indexes": one.indexes,
                    "per_document": round(one.per_document),
                }
                for name, one in self.collections.items()
            },
            "streams": {
                name: {"messages": one.messages, "bytes": one.size, "sent": one.sent}
                for name, one in self.streams.items()
            },
            "most_resident_mib": {name: round(size) for name, size in self.most_resident.items()},
        }

    def tables(self) -> list[Table]:
        """For people."""
        stored = Table("collection", "documents", "bytes plain", "on disk", "with indexes, a document")
        for name, one in sorted(self.collections.items(), key=lambda item: -item[1].plain):
            each = one.documents or 1
            stored.add_row(
                name,
                f"{one.documents:,}",
                f"{one.plain / each:,.0f}",
                f"{one.on_disk / each:,.0f}",
                f"{one.per_document:,.0f}",
            )
        sent = Table("stream", "sent", "there", "bytes a message")
        for name, stream in self.streams.items():
            sent.add_row(
                name, f"{stream.sent:,}", f"{stream.messages:,}", f"{stream.size / (stream.messages or 1):,.0f}"
            )
        held = Table("process", "MiB at most")
        for name, size in self.most_resident.items():
            held.add_row(name, f"{size:,.0f}")
        return [stored, sent, held]


async def measure(models: int, queries: int, screen: Console) -> Footprint:
    """Start an arena, rank in it, and look at what it left."""
    worlds = {WORLD: {"kind": "planted", "seed": 0}}
    with passing.state("dearena-footprint-") as state:
        async with stack.running(state, fresh=True, worlds=worlds) as running, ArenaClient(running.addresses) as client:
            pids = {name: running.pid_of(name) for name in (*running.services, *SERVERS)}
            async with watched({name: pid for name, pid in pids.items() if pid is not None}) as resident:
                async with asyncio.timeout(DEADLINE_SECONDS):
                    await rank(client, running, slugs(models), queries, screen)
            votes = calls = rounds = 0
            for dimension in questions.POOLS:
                votes += sum([1 async for _ in client.votes(dimension)])
                calls += (await client.leaderboard(dimension)).judge_calls
                rounds += (await client.ranking(dimension)).last_closed_round
            collections, streams = await _stored(running), await _streams(running)
    return Footprint(models, len(questions.POOLS), queries, votes, calls, rounds, collections, streams, dict(resident))


async def _stored(running: Stack) -> dict[str, Collection]:
    motor = AsyncIOMotorClient[dict[str, Any]](servers.mongo_url(running.endpoints.ports["mongod"]))
    try:
        await motor.admin.command("fsync")  # a checkpoint: before it, what is on disk is less than what is there
        database = motor[running.endpoints.database]
        found = {}
        for name in await database.list_collection_names():
            one = await database.command("collStats", name)
            found[name] = Collection(one["count"], one["size"], one["storageSize"], one["totalIndexSize"])
        return found
    finally:
        motor.close()


async def _streams(running: Stack) -> dict[str, Stream]:
    bus = await nats.connect(servers.nats_url(running.endpoints.ports["nats"]))
    try:
        infos = await bus.jetstream().streams_info()
        return {str(one.config.name): Stream(one.state.messages, one.state.bytes, one.state.last_seq) for one in infos}
    finally:
        await bus.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="What an arena leaves in the store, on the bus and in memory.")
    parser.add_argument("--models", type=int, default=MODELS)
    parser.add_argument("--queries", type=int, default=QUERIES, help="of each of two dimensions")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    asked = parser.parse_args()
    found = asyncio.run(measure(asked.models, asked.queries, Console(stderr=True)))
    if asked.json:
        print(json.dumps(found.summary()))
        return
    screen = Console()
    screen.print(*found.tables())
    screen.print(f"{found.votes:,} votes and {found.judge_calls:,} judge calls in {found.rounds:,} rounds")


if __name__ == "__main__":
    main()
