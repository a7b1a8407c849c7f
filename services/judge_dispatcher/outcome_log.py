"""Outcomes on their way into the log: many cells in one write, then one ring a round."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import structlog

from dearena import faults
from dearena.names import DimensionName
from dearena.outcomes import Outcome
from dearena.v1.common_pb2 import Outcome as OutcomeNumber
from dearena.v1.events_pb2 import CastOutcome, VoteCast
from services.judge_dispatcher.comparison import Comparison, Origin, Standing
from services.judge_dispatcher.patience import until_it_passes
from services.judge_dispatcher.store import ComparisonStore
from services.runtime import semantics, subjects, telemetry
from services.runtime.bus import Bus, envelope

log = structlog.get_logger(__name__)

LARGEST_COMMIT = 500
"""Cells a write: well within one message to the store and one event on the bus."""

NUMBERS = {outcome: OutcomeNumber.Value(f"OUTCOME_{outcome.value}") for outcome in Outcome}
"""Outcomes as they stand on the wire."""

_Waiting = tuple[Comparison, asyncio.Future[None]]


class OutcomeLog:
    """Commits outcomes in groups. While one group is being written the next one gathers."""

    def __init__(self, store: ComparisonStore, bus: Bus, *, linger_seconds: float) -> None:
        self._store = store
        self._bus = bus
        self._linger_seconds = linger_seconds
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()

    async def write(self, comparison: Comparison) -> None:
        """Return when an outcome of the cell stands in the log and `vote.cast` has been rung."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((comparison, written))
        self._wake.set()
        await written

    async def run(self) -> None:
        """Write what gathers, until cancelled. What is lost then is asked again, from recorded replies."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._linger_seconds)
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            for start in range(0, len(waiting), LARGEST_COMMIT):
                await self._commit(waiting[start : start + LARGEST_COMMIT])

    async def _commit(self, group: Sequence[_Waiting]) -> None:
        comparisons = [comparison for comparison, _ in group]
        try:
            standing = await self._append(comparisons)
        except Exception as error:  # noqa: BLE001 - told to whom it concerns; the others go on
            if len(group) > 1:
                for one in group:
                    await self._commit([one])
            elif not group[0][1].done():
                group[0][1].set_exception(error)
            return
        origins: dict[tuple[DimensionName, int], list[Origin]] = {}
        for comparison in comparisons:
            origins.setdefault((comparison.dimension, comparison.round), []).append(comparison.origin)
        await self.ring(standing, origins)
        for _, written in group:
            if not written.done():
                written.set_result(None)

    @until_it_passes
    async def _append(self, comparisons: Sequence[Comparison]) -> list[Standing]:
        return await self._store.append(comparisons)

    async def ring(
        self,
        standing: Iterable[Standing],
        origins: Mapping[tuple[DimensionName, int], Sequence[Origin]],
        *,
        again: str = "",
    ) -> None:
        """Tell of outcomes that stand in the log, an event a round.

        A bus that is away is not waited for: whoever needs the outcomes also looks by himself.

        Args:
            standing: outcomes of any rounds.
            origins: by dimension and round, the cells that led to the outcomes; the event goes in the trace of the
                last of them, linked to those of the others.
            again: makes the event another one than the first that told of them.
        """
        for (dimension, number), group in groupby(sorted(standing, key=_place), key=lambda one: _place(one)[:2]):
            outcomes = list(group)
            last = outcomes[-1].sequence
            *others, origin = origins.get((dimension, number)) or [Origin()]
            event = envelope(
                f"vote.cast/{dimension.project}/{dimension.slug}/{number}/{last}{again and '/again/'}{again}",
                dimension.project,
                dimension.slug,
                sequence=last,
                causation_id=origin.event_id,
                vote_cast=VoteCast(round=number, outcomes=[_cast(one) for one in outcomes]),
            )
            links = [link for one in others[: telemetry.LINKS_A_SPAN] for link in telemetry.link_to(one.traceparent)]
            attributes: telemetry.Attributes = {semantics.DIMENSION: dimension.slug, semantics.ROUND: number}
            with telemetry.child_of(origin.traceparent, "cast votes", attributes, links=links):
                try:
                    await self._bus.publish(subjects.vote_cast(dimension.project, dimension.slug), event)
                except faults.ServiceUnavailable as fault:
                    log.warning("votes were cast without a ring", dimension=str(dimension), error=str(fault))


def _place(one: Standing) -> tuple[DimensionName, int, int]:
    return one.dimension, one.round, one.sequence


def _cast(one: Standing) -> CastOutcome:
    return CastOutcome(cell_id=one.cell_id, attempt=one.attempt, outcome=NUMBERS[one.outcome])
