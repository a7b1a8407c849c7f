"""From a message that asks for outcomes to outcomes in the log."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from opentelemetry import trace

from dearena import faults
from dearena.budgets import on_behalf_of
from dearena.canaries import sort_of
from dearena.names import DimensionName, InvalidName, Revision
from dearena.outcomes import Outcome
from dearena.seat_order import a_sits_first
from dearena.v1.common_pb2 import (
    CELL_KIND_CANARY,
    CELL_KIND_VOTE,
    SEAT_POLICY_BOTH,
    SEAT_POLICY_SINGLE,
    Cell,
)
from dearena.v1.events_pb2 import EventEnvelope
from services.judge_dispatcher import outcome
from services.judge_dispatcher.comparison import CellKey, Comparison, Origin, SeatRecord, key_of
from services.judge_dispatcher.contestants import pair_of, question_of, seat_orders
from services.judge_dispatcher.lanes import Lane, Lanes
from services.judge_dispatcher.left_alone import LeftAlone
from services.judge_dispatcher.outcome import Ruling
from services.judge_dispatcher.outcome_log import OutcomeLog
from services.judge_dispatcher.patience import all_of, passes
from services.judge_dispatcher.pauses import Pauses
from services.judge_dispatcher.seats import Seats
from services.judge_dispatcher.starved import StarvedRounds
from services.judge_dispatcher.store import ComparisonStore
from services.judge_dispatcher.texts import DimensionVersion, Texts
from services.runtime import instruments, metrics, semantics, telemetry
from services.runtime.doorbell import Delivery, Poison
from services.runtime.rpc import fault_in

log = structlog.get_logger(__name__)

_SEAT_POLICIES = (SEAT_POLICY_BOTH, SEAT_POLICY_SINGLE)
_KINDS = (CELL_KIND_VOTE, CELL_KIND_CANARY)
_CELL_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Work:
    """A message read: cells of one judge in one round."""

    event_id: str
    dimension: DimensionVersion
    round: int
    judge: str
    cells: tuple[Cell, ...]
    newcomers: tuple[str, ...]
    """Whom the round inserts."""
    links: tuple[trace.Link, ...]
    """To the insertion, and to the message."""
    insertion_trace: str
    """Its id; empty where none is recorded."""


class Dispatcher:
    """Asks judges about cells, each cell once at a time."""

    def __init__(
        self,
        *,
        store: ComparisonStore,
        outcomes: OutcomeLog,
        pauses: Pauses,
        starved: StarvedRounds,
        left_alone: LeftAlone,
        texts: Texts,
        seats: Seats,
        lanes: Lanes,
    ) -> None:
        self._store = store
        self._outcomes = outcomes
        self._pauses = pauses
        self._starved = starved
        self._left_alone = left_alone
        self._texts = texts
        self._seats = seats
        self._lanes = lanes
        self._in_flight: set[CellKey] = set()

    @property
    def cells_in_flight(self) -> int:
        """How many are taken up and have no outcome yet."""
        return len(self._in_flight)

    async def on_judging_requested(self, event: EventEnvelope, delivery: Delivery) -> None:
        """Get an outcome for each cell, however long that takes; the message is held meanwhile.

        A message is let go at once, undone, when its judge is paused or has no room, and so is a cell for
        which there is no money: the ranker asks again for the cells that it still misses. Cells that another
        message has in flight are left to it.
        """
        work = _read(event)
        project = work.dimension.name.project
        if await self._pauses.is_paused(project, work.judge):
            await self._pauses.note_waiting(work.dimension.name, work.round, work.judge)
            return
        fresh = {key: cell for cell in work.cells if (key := key_of(project, cell)) not in self._in_flight}
        if not fresh:
            return
        with self._lanes.hold(f"{project}/{work.judge}", len(fresh)) as lane:
            if lane is None:
                log.info("no room for this judge", judge=work.judge, cells=len(fresh))
                return
            # From here on, and before anything is awaited, no other message starts these cells.
            self._in_flight |= fresh.keys()
            try:
                await self._judge_all(work, fresh, lane, delivery)
            finally:
                self._in_flight -= fresh.keys()

    async def _judge_all(self, work: Work, fresh: dict[CellKey, Cell], lane: Lane, delivery: Delivery) -> None:
        if standing := await self._store.standing(list(fresh)):
            # Asked for though written: the ring was lost, or the message is an old one.
            origins = {(work.dimension.name, work.round): [Origin(work.event_id)]}
            await self._outcomes.ring(standing, origins, again=f"{work.event_id}/{delivery.count}")
        written = {(one.dimension.project, one.cell_id, one.attempt) for one in standing}
        await all_of(*(self._judge(work, cell, lane) for key, cell in fresh.items() if key not in written))

    async def _judge(self, work: Work, cell: Cell, lane: Lane) -> None:
        """Ask one cell and write its outcome. The judge's place is free again before the write."""
        async with lane.calling:
            if await self._pauses.is_paused(work.dimension.name.project, work.judge):
                await self._pauses.note_waiting(work.dimension.name, work.round, work.judge)
                return
            message = trace.get_current_span()
            attributes: telemetry.Attributes = {
                semantics.TRACE: semantics.CELL_TRACE,
                semantics.PROJECT: work.dimension.name.project,
                semantics.DIMENSION: work.dimension.name.slug,
                semantics.ROUND: work.round,
                semantics.CELL: cell.cell_id,
                semantics.JUDGE: cell.judge,
                semantics.INSERTION_TRACE: work.insertion_trace,
            }
            with telemetry.linked_trace("judge cell", work.links, attributes) as span:
                telemetry.link_onward(message, span)  # no more than a message has cells
                began = time.perf_counter()
                try:
                    ruling, seats = await self._compare_in_time(work, cell)
                except (faults.BudgetExhausted, faults.BudgetMisfit) as fault:
                    # What has been asked of the cell is paid once: it is found again by its request id.
                    log.info("cell waits for money", cell=cell.cell_id, judge=cell.judge, reason=str(fault))
                    await self._starved.note(work.dimension.name, work.round, cell.judge, fault)
                    return
                except faults.DimensionClosed as fault:
                    # Nobody hears it now; where the pilot is opened again, the ranker asks again.
                    log.info("cell let go", cell=cell.cell_id, judge=cell.judge, reason=str(fault))
                    return
                except Exception as error:
                    if poison := _poison_of(error, key_of(work.dimension.name.project, cell)):
                        raise poison from error
                    raise
                _describe(span, ruling)
                metrics.record(instruments.CELL_DURATION, time.perf_counter() - began)
                comparison = Comparison(
                    dimension=work.dimension.name,
                    dimension_version=work.dimension.version,
                    round=work.round,
                    cell=cell,
                    ruling=ruling,
                    seats=seats,
                    trace_id=telemetry.trace_id_of(span),
                    origin=Origin(work.event_id, telemetry.current_traceparent()),
                )
        await self._outcomes.write(comparison)

    async def _compare_in_time(self, work: Work, cell: Cell) -> tuple[Ruling, list[SeatRecord]]:
        """As `_compare`; a judge whose endpoint is left alone is waited for, though not for ever."""
        project = work.dimension.name.project
        while True:
            given_up = self._left_alone.is_given_up(project, work.judge)
            try:
                ruling, seats = await self._compare(work, cell, given_up=given_up)
            except faults.EndpointLeftAlone as fault:
                await self._left_alone.wait(work.dimension.name, work.round, work.judge, str(fault))
                continue
            if any(record.seat.miss is None for record in seats):
                await self._left_alone.replied(project, work.judge)
            return ruling, seats

    async def _compare(self, work: Work, cell: Cell, *, given_up: bool) -> tuple[Ruling, list[SeatRecord]]:
        """The ruling on a cell, and the calls behind it.

        Raises:
            BudgetExhausted: there is no money for it.
            BudgetMisfit: what its calls may cost does not fit a budget.
            DimensionClosed: its dimension is a pilot that nobody hears any more.
            EndpointLeftAlone: the judge's endpoint is, and the judge has not been given up.
            ArenaFault: another service says that this can never be asked, or fails again and again.
            Poison: the cell names something that is not there.
        """
        question = await question_of(
            self._texts, work.dimension, cell, on_behalf_of((cell.model_a, cell.model_b), work.newcomers)
        )
        pair = await pair_of(self._texts, work.dimension, cell)
        if isinstance(pair, Ruling):
            return pair, []
        orders = seat_orders(cell, pair)
        seats = await all_of(*(self._seats.ask(question, first, second, given_up=given_up) for first, second in orders))
        if len(orders) > 1:
            return outcome.rule(*(record.seat for record in seats)), seats
        alone = seats[0].seat
        return outcome.rule(alone, None) if a_sits_first(cell.cell_id) else outcome.rule(None, alone), seats


def _describe(span: trace.Span, ruling: Ruling) -> None:
    span.set_attribute(semantics.OUTCOME, ruling.outcome.value)
    if ruling.outcome is Outcome.FAILED:
        # Not the reason: in it an endpoint may repeat what it was sent.
        span.set_attribute(semantics.ERROR_TYPE, ruling.outcome.value)
        span.set_status(trace.StatusCode.ERROR)


def _poison_of(error: Exception, key: CellKey) -> Poison | None:
    """Trouble that lasts, so that it makes one dead letter of the cell however often it is asked for."""
    fault = fault_in(error)
    if passes(error) or (fault is None and not isinstance(error, Poison)):
        return None
    return Poison(f"cell {key[1]} cannot be asked: {fault or error}", key="/".join(map(str, key)))


def _read(event: EventEnvelope) -> Work:
    """Read a message; raises Poison when it is not one that can be worked on."""
    request = event.judging_requested
    try:
        dimension = DimensionName.parse(f"projects/{event.project}/dimensions/{event.dimension}")
        Revision.parse(request.judge)
    except InvalidName as error:
        raise Poison(str(error)) from error
    if problem := _problem_of(request.judge, request.cells):
        raise Poison(problem)
    links = (*telemetry.link_to(request.insertion_traceparent), *telemetry.link_to(telemetry.current_traceparent()))
    return Work(
        event_id=event.event_id,
        dimension=DimensionVersion(dimension, request.dimension_version),
        round=request.round,
        judge=request.judge,
        cells=tuple(request.cells),
        newcomers=tuple(request.newcomers),
        links=links,
        insertion_trace=telemetry.trace_id_in(request.insertion_traceparent),
    )


def _problem_of(judge: str, cells: Iterable[Cell]) -> str:
    for cell in cells:
        if cell.judge != judge:
            return f"a cell of {cell.judge!r} among those of {judge!r}"
        if not _CELL_ID.fullmatch(cell.cell_id) or cell.attempt < 1:
            return "a cell without id or attempt"
        if cell.seat_policy not in _SEAT_POLICIES or cell.kind not in _KINDS:
            return f"cell {cell.cell_id} has a seat policy or a kind that is not known here"
        if cell.kind == CELL_KIND_CANARY and (
            cell.model_a != cell.model_b or sort_of(cell.answer_hash_a, cell.answer_hash_b) is None
        ):
            return f"cell {cell.cell_id} is a canary that is not one answer against itself or its truncation"
    return ""
