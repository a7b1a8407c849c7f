"""The open round: asks its cells, follows their outcomes, asks again for what was lost."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final
from uuid import uuid4

import structlog

from dearena import budgets
from dearena.canaries import Sort
from dearena.faults import ArenaFault
from dearena.ranking import rounds
from dearena.ranking.evidence import Vote
from dearena.ranking.findings import Progress
from dearena.ranking.rounds import Cell
from services.ranker.inquiries import Inquiries
from services.ranker.judging_requests import JudgingRequests
from services.ranker.records import RoundRecord
from services.ranker.store import RankerStore

log = structlog.get_logger(__name__)

REST_SHARE: Final = 5.0
"""After a look the next one waits so many times as long as that took: however many votes ring, counting
them takes no more than a sixth of the time."""
LONGEST_REST_SECONDS: Final = 1.0
RECHECK_SECONDS: Final = 0.2
"""Outcomes may be counted a little before they can be read."""

Say = Callable[[str], Awaitable[None]]
"""Told why the round waits; empty when it does not."""
Heed = Callable[[Sequence[str]], Awaitable[bool]]
"""Told which budgets the round waits for; says whether one that it waited for is lifted."""


class Judging:
    """One round from its opening to its close, in one process."""

    def __init__(
        self,
        record: RoundRecord,
        *,
        store: RankerStore,
        inquiries: Inquiries,
        requests: JudgingRequests,
        say: Say,
        heed: Heed,
        reask_seconds: float,
        cells: Sequence[Cell] | None = None,
    ) -> None:
        """Take a round in hand.

        Args:
            record: the round as it stands in the store.
            store: where its cells are.
            inquiries: of its outcomes.
            requests: to its judges.
            say: told why it waits.
            heed: told for which budgets, before it is said.
            reask_seconds: without a new outcome for so long, cells that have none are asked again.
            cells: if they are at hand; otherwise they are read when they are needed.
        """
        self.record = record
        self.progress = Progress(record.number)
        self.rest_seconds = 0.0
        """How long the next look should at least wait, also when rung."""
        self.patience_seconds = reask_seconds
        self._store = store
        self._inquiries = inquiries
        self._requests = requests
        self._say = say
        self._heed = heed
        self._reask_seconds = reask_seconds
        self._cells = cells
        self._moved = time.monotonic()

    async def look(self) -> Sequence[Vote] | None:
        """All outcomes of the round, or None while some are missing: then look again after `patience_seconds`."""
        self.rest_seconds = 0.0
        if not self.record.cells:
            return []
        if not self.record.asked:
            await self._ask_all()
        before = self.progress
        await self._follow()
        is_lifted = await self._heed(self.progress.refusing_budgets)
        if self.progress.outcomes < self.record.cells:
            await self._say(self.reason)
            is_resumed = bool(set(before.paused_judges) - set(self.progress.paused_judges))
            if self._is_stuck() or is_resumed or is_lifted:
                await self._ask_again()
            self.patience_seconds = max(0.0, self._stuck_at() - time.monotonic())
            return None
        votes = await self._inquiries.votes(self.record.name, self.record.number)
        if await self._missing(votes):
            if self._is_stuck():
                await self._ask_again()
            self.patience_seconds = RECHECK_SECONDS
            return None
        return votes

    async def canaries(self) -> Mapping[str, Sort]:
        """Which canary each of the round's canaries is, by cell id."""
        return rounds.sorts_of(await self._all_cells()) if self.record.canaries else {}

    @property
    def reason(self) -> str:
        """Why the round waits; empty while it does not."""
        reasons = (
            _paused(self.progress.paused_judges),
            budgets.exhausted(self.progress.exhausted_budgets),
            budgets.misfit((one.budget, one.problem) for one in self.progress.misfits),
            *(f"judge {judge} waits: {reason}" for judge, reason in self.progress.left_alone[:1]),
            _others_left_alone(len(self.progress.left_alone) - 1),
        )
        return "; ".join(reason for reason in reasons if reason)

    def _stuck_at(self) -> float:
        return self._moved + self._reask_seconds

    def _is_stuck(self) -> bool:
        return time.monotonic() >= self._stuck_at()

    async def _follow(self) -> None:
        began = time.monotonic()
        progress = await self._inquiries.progress(self.record.name, self.record.number)
        ended = time.monotonic()
        self.rest_seconds = min(LONGEST_REST_SECONDS, REST_SHARE * (ended - began))
        if progress.outcomes != self.progress.outcomes:
            self._moved = ended
        self.progress = progress

    async def _ask_all(self) -> None:
        await self._requests.send(self.record, await self._all_cells(), self._held_up)
        await self._store.mark_asked(self.record.name, self.record.number)
        self.record = replace(self.record, asked=True)
        self._moved = time.monotonic()

    async def _ask_again(self) -> None:
        """Ask for what has no outcome, but not what would be dropped again: for a pause, or for want of money."""
        votes = await self._inquiries.votes(self.record.name, self.record.number)
        paused = self.progress.paused_judges
        cells = [cell for cell in await self._missing(votes) if cell.judge not in paused and self._is_paid_for(cell)]
        if cells:
            log.info(
                "cells are asked again", dimension=str(self.record.name), round=self.record.number, cells=len(cells)
            )
            await self._requests.send(self.record, cells, self._held_up, again=uuid4().hex[:8])
        self._moved = time.monotonic()

    def _is_paid_for(self, cell: Cell) -> bool:
        payers = budgets.on_behalf_of(cell.pair, self.record.models)
        dimension = self.record.name.slug
        needed = budgets.budgets_of(dimension, cell.judge, payers)
        unfit = {one.budget for one in self.progress.misfits if one.judge == cell.judge}
        # Until an insertion has a budget of its own, what does not fit is that of each.
        of_each = budgets.called("INSERTION", dimension, "")
        return not {*needed, of_each} & (unfit | set(self.progress.exhausted_budgets))

    async def _missing(self, votes: Sequence[Vote]) -> Sequence[Cell]:
        return rounds.missing(await self._all_cells(), {(vote.cell_id, vote.attempt) for vote in votes})

    async def _all_cells(self) -> Sequence[Cell]:
        if self._cells is None:
            self._cells = await self._store.cells(self.record.name, self.record.number, self.record.cells_digest)
        return self._cells

    async def _held_up(self, reason: str) -> None:
        with suppress(ArenaFault):  # the sending goes on, whether or not this can be said
            await self._say(f"judges cannot be asked: {reason}")


def _others_left_alone(others: int) -> str:
    return "" if others < 1 else f"so {'does' if others == 1 else 'do'} {others} more"


def _paused(judges: Sequence[str]) -> str:
    if not judges:
        return ""
    return f"judge {judges[0]} is paused" if len(judges) == 1 else f"judges {', '.join(judges)} are paused"
