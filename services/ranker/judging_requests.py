"""Work for judges: cells on their way to the work queue, a few to a message, one judge each."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

import structlog

from dearena import faults
from dearena.names import Revision
from dearena.ranking.rounds import Cell, messages_of
from dearena.v1.events_pb2 import EventEnvelope, JudgingRequested
from services.ranker import spans
from services.ranker.peer_messages import cell_message
from services.ranker.records import RoundRecord
from services.ranker.shards import Shards
from services.runtime import ending, subjects
from services.runtime.bus import Bus, envelope

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0
MESSAGES_A_ROUND: Final = 1 << 20
"""More than any round has: keeps the sequence of its messages below that of the next round's."""

Refused = Callable[[str], Awaitable[None]]
"""Told once why the bus takes no more for the time being."""


class JudgingRequests:
    """Sends `judging.requested`."""

    def __init__(self, bus: Bus, shards: Shards, *, in_flight: int) -> None:
        self._bus = bus
        self._shards = shards
        self._in_flight = in_flight

    async def send(self, asked: RoundRecord, cells: Iterable[Cell], refused: Refused, *, again: str = "") -> None:
        """Return when the bus has taken all of them; wait while it is away or full.

        Args:
            asked: the round.
            cells: some or all of its cells.
            refused: told when the sending is held up.
            again: makes the events others than those that asked before.
        """
        with spans.asking(asked, again=bool(again)):
            # Shared by all senders, and made as they go: a large round does not stop everything else.
            remaining = _events(asked, cells, self._shards.of_dimension(asked.name), again)
            told = _Once(refused)
            senders = [asyncio.ensure_future(self._send_all(remaining, told)) for _ in range(self._in_flight)]
            try:
                # Not a TaskGroup, which hands on the first cancellation alone; a sender may not have heard it.
                await asyncio.gather(*senders)
            finally:
                await ending.cancelled(senders)

    async def _send_all(self, remaining: Iterator[tuple[str, EventEnvelope]], refused: "_Once") -> None:
        for subject, event in remaining:
            with spans.parcel(event, place=event.sequence % MESSAGES_A_ROUND):
                await self._send(subject, event, refused)

    async def _send(self, subject: str, event: EventEnvelope, refused: "_Once") -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._bus.publish(subject, event)
            except faults.ServiceUnavailable as fault:
                await refused.tell(str(fault))
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(LONGEST_PAUSE_SECONDS, 2 * pause)
            else:
                break


class _Once:
    def __init__(self, tell: Refused) -> None:
        self._tell: Refused | None = tell

    async def tell(self, reason: str) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            log.info("judging requests wait for the bus", reason=reason)
            await tell(reason)


def _events(asked: RoundRecord, cells: Iterable[Cell], shard: int, again: str) -> Iterator[tuple[str, EventEnvelope]]:
    name = asked.name
    suffix = f"/again/{again}" if again else ""
    for place, (judge, number, parcel) in enumerate(messages_of(cells)):
        event = envelope(
            f"judging.requested/{name.project}/{name.slug}/{asked.number}/{judge}/{number}{suffix}",
            name.project,
            name.slug,
            sequence=asked.number * MESSAGES_A_ROUND + place,
            causation_id=cause_of(asked),
            judging_requested=JudgingRequested(
                dimension_version=asked.dimension_version,
                round=asked.number,
                judge=judge,
                cells=[cell_message(cell) for cell in parcel],
                insertion_traceparent=asked.traceparent,
                newcomers=asked.models,
            ),
        )
        yield subjects.judging_requested(shard, Revision.parse(judge).slug), event


def cause_of(record: RoundRecord) -> str:
    """The event that led to a round: the answers of the last of those that it serves."""
    if not record.models:
        return ""
    return f"answers.ready/{record.name.project}/{record.name.slug}/{record.dimension_version}/{record.models[-1]}"
