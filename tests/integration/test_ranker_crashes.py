"""The ranker may die between any two writes: its log is the one of a run in which it never did."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import contextvars
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.ranker.announcer import Announcer
from services.ranker.decisions import Decision
from services.ranker.inquiries import Inquiries
from services.ranker.judging_requests import JudgingRequests
from services.ranker.ranking import replay
from services.ranker.rules import Rules
from services.ranker.settings import RankerSettings
from services.ranker.store import INDEXES, RankerStore
from services.ranker.worker import Desk, DimensionWorker
from services.runtime.bus import Bus
from services.runtime.peers import Peers
from services.runtime.store import Store
from tests.fixtures.ranked import ALGEBRA, ClosedRound, Surroundings, peers_at, surroundings
from tests.fixtures.waiting import eventually
from tests.unit.ranker.planted import World, play

WORLD = World.plant(0, models=7, queries=4)
WRITES = (
    "commit",
    "say",
    "write_cells",
    "forget_other_cells",
    "mark_asked",
    "mark_round_announced",
    "mark_settle_announced",
)


class Killed(BaseException):
    """Not an Exception: nobody catches it, as nobody catches a kill."""


@dataclass
class Fate:
    """Lets so many writes happen, then kills, before the next one or after it."""

    lot: random.Random
    left: int = 0
    lives: int = 0
    written: list[str] = field(default_factory=list)

    def begin(self, longest: int) -> None:
        self.left = self.lot.randint(0, longest)
        self.lives += 1

    async def write(self, name: str, write: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
        self.left -= 1
        if self.left < 0 and self.lot.random() < 0.5:
            raise Killed(name)
        self.written.append(name)
        result = await write(*arguments, **named)
        if self.left < 0:
            raise Killed(name)
        return result


@dataclass
class Mortal:
    """A ranker's worker with everything it needs, which can be killed and begun anew."""

    settings: RankerSettings
    fate: Fate
    shared: RankerStore
    worker: DimensionWorker | None = None

    def ring(self) -> None:
        if self.worker is not None:
            self.worker.ring()

    async def live(self, until: Callable[[], Awaitable[Any]], *, longest: int) -> None:
        """Begin again and again until the condition holds."""
        while not await until():
            self.fate.begin(longest)
            bus = Bus(self.settings.nats_url, "mortal")
            bus.start()
            await bus.ready()
            store = Store(self.settings.mongo_url, self.settings.mongo_database)
            peers = Peers(self.settings)
            kept = RankerStore(store, "mortal")
            for name in WRITES:
                self._watch(kept, name)
            self._watch(bus, "publish")
            announcer = Announcer(kept, bus)
            requests = JudgingRequests(bus, in_flight=3)
            desk = Desk(self.settings, kept, Inquiries(peers, board_seconds=10), requests, announcer)
            self.worker = DimensionWorker(ALGEBRA, desk)
            task = asyncio.create_task(self.worker.run(), context=contextvars.Context())
            ended = asyncio.ensure_future(eventually(until, 60))
            await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
            for one in (task, ended):
                one.cancel()
                with suppress(asyncio.CancelledError, Killed, BaseExceptionGroup):
                    await one
            await bus.close()
            await peers.close()
            store.close()

    def _watch(self, owner: Any, name: str) -> None:
        write = getattr(owner, name)

        async def watched(*arguments: Any, **named: Any) -> Any:
            return await self.fate.write(name, write, *arguments, **named)

        setattr(owner, name, watched)


@pytest.fixture
async def store(mongo_url: str, mongo_database: str) -> AsyncIterator[RankerStore]:
    """The store, from outside."""
    store = Store(mongo_url, mongo_database)
    await store.ensure_indexes(INDEXES)
    yield RankerStore(store, "test")
    store.close()


@pytest.fixture
async def around(nats_url: str, store: RankerStore) -> AsyncIterator[Surroundings]:
    async def closed_round(number: int) -> ClosedRound:
        record = await store.round(ALGEBRA, number)
        assert record is not None
        return record.closed, record.settles, record.entrants

    async with surroundings(WORLD, nats_url, closed_round, rings=0) as around:
        yield around


async def log_of(store: RankerStore) -> list[Decision]:
    return [decision for decision, _ in await store.decisions(ALGEBRA)]


@pytest.mark.parametrize(("seed", "longest"), [(0, 0), (1, 2), (2, 5), (3, 20)])
async def test_it_may_die_between_any_two_writes(
    seed: int, longest: int, around: Surroundings, store: RankerStore, arena_settings: Callable[..., Any]
) -> None:
    calm = play(WORLD)
    calm.run()
    settings = arena_settings(RankerSettings, reask_seconds=0.3, **peers_at(around))
    mortal = Mortal(settings, Fate(random.Random(seed)), store)
    around.voted = mortal.ring
    await store.take_up(ALGEBRA, 1, Rules())

    async def done() -> bool:
        record = await store.ranking(ALGEBRA)
        return record is not None and len(record.models) == len(WORLD.models)

    await mortal.live(done, longest=longest)

    log = await log_of(store)
    assert log == calm.log
    assert replay(log) == calm.state
    assert mortal.fate.lives > len(calm.log) / (longest + 2)
    assert {cell.cell_id for _, cell, _ in around.outcomes.values()} == {
        cell.cell_id for cells in calm.cells.values() for cell in cells
    }
    for number, cells in calm.cells.items():
        assert await store.cells(ALGEBRA, number, (await round_of(store, number)).cells_digest) == cells


async def round_of(store: RankerStore, number: int) -> Any:
    record = await store.round(ALGEBRA, number)
    assert record is not None
    return record
