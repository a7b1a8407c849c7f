"""Outcomes on their way into the log: in groups, again after trouble, one bad one by itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from dearena import faults
from dearena.names import DimensionName
from dearena.outcomes import Outcome
from dearena.v1.common_pb2 import OUTCOME_TIE, Cell
from dearena.v1.events_pb2 import EventEnvelope
from services.judge_dispatcher.comparison import Comparison, Origin, Standing
from services.judge_dispatcher.outcome import Ruling
from services.judge_dispatcher.outcome_log import OutcomeLog
from services.judge_dispatcher.store import ComparisonStore
from services.runtime.bus import Bus

ALGEBRA = DimensionName("default", "algebra")
CODE = DimensionName("default", "code")


class Log(ComparisonStore):
    """Keeps what it is given, after as much trouble as it is told to make."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.trouble = 0
        self.refused = ""

    async def append(self, comparisons: Sequence[Comparison]) -> list[Standing]:
        self.groups.append(len(comparisons))
        if self.trouble:
            self.trouble -= 1
            raise faults.StoreUnavailable("away")
        if any(one.cell.cell_id == self.refused for one in comparisons):
            raise OverflowError("too large")
        return [
            Standing(one.dimension, one.round, one.cell.cell_id, 1, one.ruling.outcome, number)
            for number, one in enumerate(comparisons, start=len(self.groups) * 100)
        ]


class Bell(Bus):
    """Notes what is sent, unless it is away."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, EventEnvelope]] = []
        self.away = False

    async def publish(self, subject: str, event: EventEnvelope, **_: object) -> None:
        if self.away:
            raise faults.ServiceUnavailable("away")
        self.sent.append((subject, event))


def comparison(cell_id: str, dimension: DimensionName = ALGEBRA, round_number: int = 1) -> Comparison:
    cell = Cell(cell_id=cell_id, attempt=1)
    return Comparison(dimension, 1, round_number, cell, Ruling(Outcome.TIE), origin=Origin(f"asked for {cell_id}"))


@asynccontextmanager
async def writing(store: Log, bus: Bell) -> AsyncIterator[OutcomeLog]:
    log = OutcomeLog(store, bus, linger_seconds=0)
    task = asyncio.create_task(log.run())
    try:
        yield log
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_cells_that_come_together_are_one_write_and_one_ring_a_round() -> None:
    store, bus = Log(), Bell()
    cells = [comparison("a"), comparison("b"), comparison("c", CODE), comparison("d", round_number=2)]
    async with writing(store, bus) as log:
        await asyncio.gather(*(log.write(one) for one in cells))
    assert store.groups == [4]
    told = {
        (subject, event.vote_cast.round): [one.cell_id for one in event.vote_cast.outcomes]
        for subject, event in bus.sent
    }
    assert told == {
        ("vote.cast.default.algebra", 1): ["a", "b"],
        ("vote.cast.default.algebra", 2): ["d"],
        ("vote.cast.default.code", 1): ["c"],
    }
    assert {one.outcome for _, event in bus.sent for one in event.vote_cast.outcomes} == {OUTCOME_TIE}
    assert {event.causation_id for _, event in bus.sent} == {"asked for b", "asked for c", "asked for d"}
    assert max(Counter(event.event_id for _, event in bus.sent).values()) == 1


async def test_a_store_that_is_away_is_waited_for() -> None:
    store, bus = Log(), Bell()
    store.trouble = 2
    async with writing(store, bus) as log:
        await log.write(comparison("a"))
    assert store.groups == [1, 1, 1]
    assert len(bus.sent) == 1


async def test_an_outcome_that_cannot_be_written_does_not_spoil_the_others() -> None:
    store, bus = Log(), Bell()
    store.refused = "b"
    async with writing(store, bus) as log:
        first, second, third = await asyncio.gather(
            *(log.write(comparison(name)) for name in "abc"), return_exceptions=True
        )
        assert (first, third) == (None, None)
        assert isinstance(second, OverflowError)
        await log.write(comparison("d"))
    assert [one.cell_id for _, event in bus.sent for one in event.vote_cast.outcomes] == ["a", "c", "d"]


async def test_a_bus_that_is_away_holds_no_outcome_up() -> None:
    store, bus = Log(), Bell()
    bus.away = True
    async with writing(store, bus) as log:
        await log.write(comparison("a"))
    assert bus.sent == []


async def test_one_who_stops_waiting_does_not_stop_the_write() -> None:
    store, bus = Log(), Bell()
    async with writing(store, bus) as log:
        gone = asyncio.create_task(log.write(comparison("a")))
        await asyncio.sleep(0)
        gone.cancel()
        await log.write(comparison("b"))
        with pytest.raises(asyncio.CancelledError):
            await gone
    assert store.groups == [2]
