"""Brings one dimension forward: closes its round, takes what follows from it, admits, opens the next.

There is one task a dimension. Whatever rings it, it goes and looks: at its log, then at what the others
say, and does what is to be done until there is nothing left to do. Each thing done is one transaction,
and the next one depends on the log, the outcomes, the boards and the entrants only; so this task may die
between any two writes, and whoever comes after does the same.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

import structlog

from dearena.faults import ArenaFault, Conflict
from dearena.names import DimensionName
from dearena.ranking import admission
from dearena.ranking.agenda import (
    CLOSED,
    OpenRound,
    ReviewHeld,
    Wait,
    after_review,
    between_rounds,
    no_eligible_judge,
    waiting_reason,
)
from dearena.ranking.closing import Closed, closing, settling
from dearena.ranking.court import Case
from dearena.ranking.decisions import Decision, DecisionKind, budgets_lifted
from dearena.ranking.entrants import Entrant
from dearena.ranking.findings import Board, Progress
from dearena.ranking.freezing import freeze
from dearena.ranking.frozen import Frozen
from dearena.ranking.orders import Order
from dearena.ranking.planning import NoEligibleJudge, Plan, holding, opening, plan
from dearena.ranking.ranking import EMPTY, RankingState, entrants_of, replay
from dearena.ranking.reviewing import review
from dearena.ranking.rounds import Cell
from services.ranker.announcer import Announcer
from services.ranker.commits import ClosedRound, Commit
from services.ranker.heard import Heard
from services.ranker.inquiries import Inquiries
from services.ranker.judging import Judging
from services.ranker.judging_requests import JudgingRequests
from services.ranker.materials import make_cells
from services.ranker.metering import count_round, count_settles
from services.ranker.records import InsertionRecord, RankingRecord, RoundRecord, SettledInsertion
from services.ranker.settings import RankerSettings
from services.ranker.spans import span_for
from services.ranker.spending import spent_by_insertion, total_of
from services.ranker.store import RankerStore
from services.runtime.news import News
from services.runtime.rpc import fault_in
from services.runtime.store import now

log = structlog.get_logger(__name__)

FIRST_TROUBLE_SECONDS: Final = 0.1
LONGEST_TROUBLE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What workers share."""

    settings: RankerSettings
    store: RankerStore
    inquiries: Inquiries
    requests: JudgingRequests
    announcer: Announcer


class Seen(NamedTuple):
    """How a dimension stands; `grew_at` is the time of its log's last entry."""

    state: RankingState
    waiting_reason: str
    grew_at: datetime | None


class DimensionWorker:
    """The one task of one dimension in this process."""

    def __init__(self, name: DimensionName, desk: Desk) -> None:
        self.name = name
        self.news = News()
        self._desk = desk
        self._rung = asyncio.Event()
        self._record: RankingRecord | None = None
        self._state = EMPTY
        self._judging: Judging | None = None
        self._heard = Heard(name, desk.store, desk.inquiries)
        self._rest_seconds = 0.0
        self._waiting_seen = 0.0
        self._grew_at: datetime | None = None

    def ring(self) -> None:
        """Look soon."""
        self._rung.set()

    def seen(self) -> Seen | None:
        """How the dimension stood at the last look; None before the first."""
        known = self._record
        return None if known is None else Seen(self._state, known.waiting_reason, self._grew_at)

    async def progress(self, number: int) -> Progress | None:
        """How far a round is, as last seen; None when it is not the open one, or has not been looked at yet."""
        seen = self._judging.progress if self._judging else None
        return seen if seen is not None and seen.round == number else None

    async def run(self) -> None:
        """Look whenever rung, until cancelled."""
        trouble = 0
        while True:
            self._rung.clear()
            self._rest_seconds = 0.0
            try:
                patience = await self._look()
                trouble = 0
            except Exception as error:  # noqa: BLE001 - nobody else moves this dimension
                trouble += 1
                await self._put_off(error, trouble)
                patience = 0.0
            await asyncio.sleep(self._rest_seconds)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._rung.wait()

    async def _put_off(self, error: Exception, trouble: int) -> None:
        """Say what is in the way, and let it be for a while that grows."""
        fault = fault_in(error)
        if fault is None:
            log.error("dimension put off", dimension=str(self.name), exc_info=error)
            fault = ArenaFault("an internal error; the ranker's log says more")
        elif not isinstance(fault, Conflict):
            log.info("dimension put off", dimension=str(self.name), error=str(fault))
        self._rest_seconds = min(LONGEST_TROUBLE_SECONDS, FIRST_TROUBLE_SECONDS * 2.0 ** min(trouble - 1, 10))
        if trouble > 1:
            with suppress(Exception):  # if this cannot be written either, the log has it
                await self._say(str(fault))

    async def _look(self) -> float | None:
        """Do what is to be done; seconds until the next look though nobody rings (None: not before)."""
        await self._read()
        while True:
            if await self._desk.inquiries.is_closed(self.name):
                await self._say(CLOSED)
                return None
            if self._state.open_round is not None:
                if (patience := await self._attend()) is not None:
                    return patience
            elif self._state.settling:
                await self._settle()
            elif await self._between_rounds():
                return None

    # The log

    async def _read(self) -> None:
        """Catch up with the log. It only grows, so what has been read of it stays true."""
        record = await self._desk.store.ranking(self.name)
        if record is None:
            raise RuntimeError(f"{self.name} was never taken up")
        if record.decisions > self._state.decisions:
            entries = await self._desk.store.decisions(self.name, after=self._state.decisions, through=record.decisions)
            self._state = replay((decision for decision, _ in entries), self._state)
            self._grew_at = entries[-1][1] if entries else self._grew_at
        self._record = record

    @property
    def _known(self) -> RankingRecord:
        if self._record is None:
            raise RuntimeError(f"{self.name} has not been read yet")
        return self._record

    async def _commit(
        self,
        decided: Sequence[Decision],
        *,
        opened: RoundRecord | None = None,
        closed: ClosedRound | None = None,
        entrants: Sequence[Entrant] | None = None,
        exhausted_budgets: Sequence[str] = (),
    ) -> None:
        """Write decisions and go by them. After any failure it is the log that says whether they were written."""
        before, after = self._state, replay(decided, self._state)
        commit = Commit(
            read=self._known,
            before=before,
            after=after,
            decisions=decided,
            opened=opened,
            closed=closed,
            traceparents={entrant.model: entrant.traceparent for entrant in entrants or ()},
            waiting=None if entrants is None else _waiting(after, entrants),
            exhausted_budgets=exhausted_budgets,
        )
        await self._desk.store.commit(commit)
        await self._read()
        self.news.spread()

    async def _say(self, reason: str, entrants: Sequence[Entrant] | None = None) -> None:
        """Note why nothing moves (empty: something does), and who waits."""
        known = self._known
        shown = waiting_reason(reason) if reason else ""
        waiting = tuple(known.waiting) if entrants is None else _waiting(self._state, entrants)
        if (shown, waiting) != (known.waiting_reason, tuple(known.waiting)):
            await self._desk.store.say(known, shown, waiting)
            await self._read()
            self.news.spread()

    # Between rounds

    async def _between_rounds(self) -> bool:
        """Take note of who has left and what is new, let go on, admit, or open a round; True when it has to wait."""
        known = self._known
        entrants = await self._entrants()
        orders: Sequence[Order] = ()
        if known.orders > self._state.orders:
            orders = await self._desk.store.orders(self.name, after=self._state.orders)
        newer = await self._desk.inquiries.newer_version(self.name, known.dimension_version)
        found = between_rounds(self._state, known.rules, entrants, orders, revised_to=newer)
        if isinstance(found, ReviewHeld):
            found = await self._review() or after_review(self._state, known.rules, entrants)
        match found:
            case OpenRound():
                wait = await self._open(entrants)
            case Wait() as wait:
                pass
            case decided:
                wait = None
                by = [entrant.traceparent for entrant in entrants if entrant.model in _admitted(decided)]
                with span_for(by, "decide", self.name, model=decided[0].model):
                    await self._commit(decided, entrants=entrants)
        if wait is not None:
            await self._say(wait.reason, entrants)
        return wait is not None

    async def _entrants(self) -> Sequence[Entrant]:
        self._waiting_seen = time.monotonic()
        return await self._desk.inquiries.entrants(self.name, self._known.dimension_version)

    async def _review(self) -> tuple[Decision, ...]:
        """What is to be decided about those who wait alone."""
        board = await self._heard.board(self._state)
        await self._heard.gather(self._state)
        return await asyncio.to_thread(self._reviewed, await self._queries(), board)

    def _reviewed(self, queries: tuple[str, ...], board: Board | None) -> tuple[Decision, ...]:
        return review(self._case(queries, freeze(self._state, board, self._heard.evidence)))

    async def _open(self, entrants: Sequence[Entrant]) -> Wait | None:
        """Open the next round: its cells first, then all that makes it a round, in one transaction."""
        desk, known, state = self._desk, self._known, self._state
        board = await self._heard.board(state)
        await self._heard.gather(state)
        case, planned = await asyncio.to_thread(self._plan, await self._queries(), board)
        if isinstance(planned, NoEligibleJudge):
            return no_eligible_judge(planned.pair, known.rules.judge_policy)
        if planned.lonely:
            await self._commit(holding(case, planned), entrants=entrants)
            return None
        made = await make_cells(desk.inquiries, known, state, planned)
        decided = opening(case, planned, made.digest)
        number = decided[0].round
        with span_for(
            [one.traceparent for one in await self._insertions(planned.models)],
            "open round",
            self.name,
            round_number=number,
        ) as traceparent:
            record = RoundRecord(
                name=self.name,
                dimension_version=known.dimension_version,
                first_round=known.first_round,
                number=number,
                models=planned.models,
                cells=len(made.cells),
                canaries=planned.canaries,
                order=planned.order,
                cells_digest=made.digest,
                weighting=known.rules.weighting,
                traceparent=traceparent,
            )
            await desk.store.write_cells(self.name, number, made.digest, made.cells)
            await self._commit(decided, opened=record, entrants=entrants)
        self._judging = self._judging_of(replace(record, opened_at=now()), made.cells)
        await desk.store.forget_other_cells(self.name, number, made.digest)
        return None

    def _plan(self, queries: tuple[str, ...], board: Board | None) -> tuple[Case, Plan | NoEligibleJudge]:
        case = self._case(queries, freeze(self._state, board, self._heard.evidence))
        return case, plan(case)

    def _case(self, queries: tuple[str, ...], frozen: Frozen) -> Case:
        """All that the rules go by; of other dimensions they draw other lots."""
        return Case(self._state, self._known.rules, queries, frozen, self._heard.evidence, salt=str(self.name))

    async def _queries(self) -> tuple[str, ...]:
        return tuple(await self._desk.inquiries.queries(self.name, self._known.dimension_version))

    async def _insertions(self, models: Sequence[str]) -> list[InsertionRecord]:
        version = self._known.dimension_version
        found = [await self._desk.store.insertion(self.name, version, model) for model in models]
        return [record for record in found if record is not None]

    # The open round and its close

    async def _attend(self) -> float | None:
        """See to the open round; None when it has been closed, else seconds until the next look."""
        judging = await self._in_hand()
        votes = await judging.look()
        if votes is not None:
            await self._close(judging.record, Closed(votes, await judging.canaries()))
            return None
        self.news.spread()
        self._rest_seconds = judging.rest_seconds
        if time.monotonic() > self._waiting_seen + self._desk.settings.sweep_seconds:
            await self._say(judging.reason, await self._entrants())
        return judging.patience_seconds

    async def _in_hand(self) -> Judging:
        opened = self._state.open_round
        if opened is None:
            raise RuntimeError(f"{self.name} has no open round")
        if self._judging is None or self._judging.record.number != opened.number:
            record = await self._desk.store.round(self.name, opened.number)
            if record is None:
                raise RuntimeError(f"round {opened.number} of {self.name} is in the log and nowhere else")
            self._judging = self._judging_of(record)
        return self._judging

    def _judging_of(self, record: RoundRecord, cells: Sequence[Cell] | None = None) -> Judging:
        desk = self._desk
        return Judging(
            record,
            store=desk.store,
            inquiries=desk.inquiries,
            requests=desk.requests,
            say=self._say,
            heed=self._heed,
            reask_seconds=desk.settings.reask_seconds,
            cells=cells,
        )

    async def _heed(self, exhausted: Sequence[str]) -> bool:
        """Note for which budgets the open round waits; True when it waits for one no more, which is decided here."""
        record, noted = (await self._in_hand()).record, self._known.exhausted_budgets
        if lifted := [budget for budget in noted if budget not in exhausted]:
            decided = budgets_lifted(self._state.decisions + 1, record.number, record.models, lifted)
            await self._commit([*decided], exhausted_budgets=[budget for budget in noted if budget in exhausted])
        if set(exhausted) - set(noted):
            await self._desk.store.hold(self._known, exhausted)
            await self._read()
        return bool(lifted)

    async def _close(self, record: RoundRecord, outcomes: Closed) -> None:
        """Close the open round, and take every step that its outcomes allow."""
        queries, state = await self._queries(), self._state
        await self._heard.gather(state)
        # The outcomes of a round that can be closed are final, whoever closes it.
        await self._heard.add(record.number, outcomes.votes)
        decided = await asyncio.to_thread(closing, self._case(queries, Frozen()), outcomes)
        closed = ClosedRound(
            number=record.number,
            settles=decided[0].content["settles"],
            entrants=entrants_of(replay(decided, state)),
            total=total_of(outcomes.votes),
            spent=spent_by_insertion(outcomes.votes, record.models),
        )
        with span_for([record.traceparent], "close round", self.name, round_number=record.number):
            await self._commit(decided, closed=closed)
            count_round(record)
            self._judging = None
            await self._desk.announcer.round_closed(record, settles=closed.settles)

    async def _settle(self) -> None:
        """Give those who rest their places, in the order of the board of the round that settled."""
        board = await self._heard.last_board(self._state.last_closed_round)
        decided = settling(self._state, board.order, board.digest)
        models, number = decided[0].content["models"], decided[0].round
        insertions = await self._insertions(models)
        with span_for([one.traceparent for one in insertions], "settle", self.name, round_number=number):
            await self._commit(decided)
            count_settles(self.name, [one.admitted_at for one in insertions])
            for model in models:
                rank = self._state.insertions[model].rank
                settled = SettledInsertion(self.name, self._known.dimension_version, model, number, rank)
                await self._desk.announcer.insertion_settled(settled)


def _admitted(decided: Sequence[Decision]) -> set[str]:
    return {decision.model for decision in decided if decision.kind is DecisionKind.ADMITTED}


def _waiting(state: RankingState, entrants: Sequence[Entrant]) -> tuple[str, ...]:
    """Who is not being inserted yet: seeds before their round, and those who are not admitted."""
    seeds = () if state.open_round else state.seeds
    return (*seeds, *admission.waiting(entrants, state.admitted))
