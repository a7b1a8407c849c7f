"""The ranker may die between any two writes: its log is the one of a run in which it never did."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.ranking import replay
from dearena.ranking.rules import Rules
from dearena.trials.world import Planted
from services.ranker.announcer import Announcer
from services.ranker.inquiries import Inquiries
from services.ranker.judging_requests import JudgingRequests
from services.ranker.settings import RankerSettings
from services.ranker.shards import Shards
from services.ranker.store import INDEXES, RankerStore
from services.ranker.worker import Desk, DimensionWorker
from services.runtime.bus import Bus
from services.runtime.peers import Peers
from services.runtime.store import Store
from tests.fixtures.ranked import ClosedRound, Surroundings, calmly, peers_at, surroundings, told
from tests.fixtures.waiting import eventually
from tests.unit.ranking.planted import ALGEBRA

RULES = Rules()
"""Those of juries that stop early: what they ask next depends on all that was heard."""
WORLD = Planted.economy(0, 6, 2)
KEPT = ("commit", "write_cells", "forget_other_cells", "mark_asked", "mark_round_announced", "mark_settle_announced")
WRITES = (*KEPT, "publish")


class Killed(BaseException):
    """Not an Exception: nobody catches it, as nobody catches a kill."""


@dataclass
class Fate:
    """Every life ends at the same kind of write: by turns after the first of them, and before a later one."""

    doomed: str
    deaths: int = 0
    lives: int = 0

    def begin(self) -> None:
        self._dies_after = self.lives % 2 == 0
        # A round of many messages is handed out by a life that is long enough, as it would be.
        self._spared = self.lives % 16 if self.doomed == "publish" else self.lives % 2
        self.lives += 1

    async def write(self, name: str, write: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
        if name != self.doomed:
            return await write(*arguments, **named)
        self._spared -= 1
        if self._spared < 0 and not self._dies_after:
            raise self._death()
        result = await write(*arguments, **named)
        if self._spared < 0:
            raise self._death()
        return result

    def _death(self) -> Killed:
        self.deaths += 1
        return Killed(self.doomed)


@dataclass
class Mortal:
    """A ranker's worker with everything it needs, which can be killed and begun anew."""

    settings: RankerSettings
    fate: Fate
    database: Store
    """One for all lives: what a life had under way at its end may still be written, as after a kill."""
    worker: DimensionWorker | None = None

    def ring(self) -> None:
        if self.worker is not None:
            self.worker.ring()

    async def live(self, until: Callable[[], Awaitable[Any]]) -> None:
        """Begin again and again until the condition holds."""
        while not await until():
            self.fate.begin()
            bus = Bus(self.settings.nats_url, "mortal")
            bus.start()
            await bus.ready()
            peers = Peers(self.settings)
            kept = RankerStore(self.database, "mortal")
            for name in KEPT:
                self._watch(kept, name)
            self._watch(bus, "publish")
            announcer = Announcer(kept, bus)
            requests = JudgingRequests(bus, Shards(), in_flight=3)
            desk = Desk(self.settings, kept, Inquiries(peers, board_seconds=10), requests, announcer)
            self.worker = DimensionWorker(ALGEBRA, desk)
            task = asyncio.create_task(self.worker.run(), context=contextvars.Context())
            ended = asyncio.ensure_future(eventually(until))
            await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
            for one in (task, ended):
                # Again until it is heard: before Python 3.12, asyncio.wait_for, which the bus's client uses, may
                # swallow a cancellation that comes with its result.
                while not one.done():
                    one.cancel()
                    await asyncio.wait({one}, timeout=0.5)
                with suppress(asyncio.CancelledError, Killed, BaseExceptionGroup):
                    await one
            await bus.close()
            await peers.close()

    def _watch(self, owner: Any, name: str) -> None:
        write = getattr(owner, name)

        async def watched(*arguments: Any, **named: Any) -> Any:
            return await self.fate.write(name, write, *arguments, **named)

        setattr(owner, name, watched)


@pytest.fixture
async def database(mongo_url: str, mongo_database: str) -> AsyncIterator[Store]:
    database = Store(mongo_url, mongo_database)
    await database.ensure_indexes(INDEXES)
    yield database
    database.close()


@pytest.fixture
def store(database: Store) -> RankerStore:
    """The store, from outside."""
    return RankerStore(database, "test")


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


@pytest.mark.parametrize("write", WRITES)
async def test_it_may_die_before_and_after_any_write(
    write: str,
    around: Surroundings,
    database: Store,
    store: RankerStore,
    arena_settings: Callable[..., Any],
) -> None:
    calm = calmly(WORLD, RULES)
    settings = arena_settings(RankerSettings, reask_seconds=0.3, **peers_at(around))
    mortal = Mortal(settings, Fate(write), database)
    around.voted = mortal.ring
    await store.take_up(ALGEBRA, 1, RULES)

    async def done() -> bool:
        record = await store.ranking(ALGEBRA)
        return record is not None and len(record.models) == len(WORLD.models)

    await mortal.live(done)

    log = await log_of(store)
    assert told(log) == told(calm.log)
    assert replay(log) == calm.state
    assert mortal.fate.deaths >= (8 if write in ("commit", "publish") else 1)
    asked = [(number, cell.pair, cell.judge, cell.query_id) for number, cell, _ in around.outcomes.values()]
    assert sorted(asked) == sorted(
        (number, vote.pair, vote.judge, vote.query_id) for number, votes in calm.votes.items() for vote in votes
    )
    for number, votes in calm.votes.items():
        cells = await store.cells(ALGEBRA, number, (await round_of(store, number)).cells_digest)
        assert [(cell.pair, cell.judge, cell.query_id) for cell in cells] == [
            (vote.pair, vote.judge, vote.query_id) for vote in votes
        ]


@pytest.mark.parametrize("write", ["commit", "write_cells"])
async def test_it_may_die_while_it_takes_a_revised_dimension_up(
    write: str,
    around: Surroundings,
    database: Store,
    store: RankerStore,
    arena_settings: Callable[..., Any],
) -> None:
    """Between the decision and the first round too: each life commits once or twice."""
    settings = arena_settings(RankerSettings, reask_seconds=0.3, **peers_at(around))
    mortal = Mortal(settings, Fate(write), database)
    around.voted = mortal.ring
    await store.take_up(ALGEBRA, 1, RULES)

    async def done(version: int) -> bool:
        record = await store.ranking(ALGEBRA)
        ranked = record is not None and len(record.models) == len(WORLD.models)
        return ranked and record is not None and record.dimension_version == version

    await mortal.live(lambda: done(1))
    before = await log_of(store)
    around.versions = [WORLD.queries, WORLD.queries]
    await mortal.live(lambda: done(2))

    revised, *since = (await log_of(store))[len(before) :]
    assert revised.kind is DecisionKind.DIMENSION_REVISED
    state = replay([*before, revised])
    again = [
        replace(
            one,
            number=one.number - state.decisions,
            round=one.round and one.round - state.last_closed_round,
        )
        for one in since
    ]
    # The same queries again: the same lots are drawn, and the same is decided.
    assert told(again) == told(before)
    assert len({cell_id for cell_id, _ in around.outcomes}) == len(around.outcomes)


async def round_of(store: RankerStore, number: int) -> Any:
    record = await store.round(ALGEBRA, number)
    assert record is not None
    return record
