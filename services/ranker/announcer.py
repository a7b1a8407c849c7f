"""Tells the bus of closed rounds and settled insertions: at once if it can, else by the next sweep.

Whoever sweeps tells the news of every shard: the bus takes each of them once.
"""

from typing import Final

import structlog

from dearena.faults import ServiceUnavailable
from dearena.names import DimensionName
from dearena.v1.events_pb2 import InsertionSettled, OrderGiven, RoundClosed
from services.ranker.judging_requests import cause_of
from services.ranker.records import RoundRecord, SettledInsertion
from services.ranker.store import RankerStore
from services.runtime import subjects
from services.runtime.bus import Bus, envelope

log = structlog.get_logger(__name__)

TOLD_AT_ONCE: Final = 100
"""News that one sweep tells the bus of, of each kind."""


class Announcer:
    """Rings `round.closed`, `insertion.settled` and `order.given`."""

    def __init__(self, store: RankerStore, bus: Bus) -> None:
        self._store = store
        self._bus = bus

    async def sweep(self) -> None:
        """Tell of what the bus has not been told."""
        for record in await self._store.unannounced_rounds(TOLD_AT_ONCE):
            await self.round_closed(record, settles=record.settles)
        for settled in await self._store.unannounced_settles(TOLD_AT_ONCE):
            await self.insertion_settled(settled)

    async def round_closed(self, record: RoundRecord, *, settles: bool) -> None:
        """Tell of a closed round."""
        name = record.name
        event = envelope(
            f"round.closed/{name.project}/{name.slug}/{record.number}",
            name.project,
            name.slug,
            sequence=record.number,
            causation_id=cause_of(record),
            round_closed=RoundClosed(round=record.number, settles=settles),
        )
        try:
            await self._bus.publish(subjects.round_closed(name.project, name.slug), event)
        except ServiceUnavailable as fault:
            _put_off(name, fault)
        else:
            await self._store.mark_round_announced(name, record.number)

    async def insertion_settled(self, settled: SettledInsertion) -> None:
        """Tell of an insertion that has its place."""
        name = settled.name
        event = envelope(
            f"insertion.settled/{name.project}/{name.slug}/{settled.dimension_version}/{settled.model}",
            name.project,
            name.slug,
            sequence=settled.round,
            causation_id=f"round.closed/{name.project}/{name.slug}/{settled.round}",
            insertion_settled=InsertionSettled(model=settled.model, round=settled.round, rank=settled.rank),
        )
        try:
            await self._bus.publish(subjects.insertion_settled(name.project, name.slug), event)
        except ServiceUnavailable as fault:
            _put_off(name, fault)
        else:
            await self._store.mark_settle_announced(name, settled.dimension_version, settled.model)

    async def order_given(self, name: DimensionName, order: int) -> None:
        """Tell who has the dimension of an order; where the bus is away, that one finds it by its next sweep."""
        event = envelope(
            f"order.given/{name.project}/{name.slug}/{order}",
            name.project,
            name.slug,
            sequence=order,
            order_given=OrderGiven(order=order),
        )
        try:
            await self._bus.publish(subjects.order_given(name.project, name.slug), event)
        except ServiceUnavailable as fault:
            _put_off(name, fault)


def _put_off(name: DimensionName, fault: ServiceUnavailable) -> None:
    log.info("news wait for the bus", dimension=str(name), error=str(fault))
