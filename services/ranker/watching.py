"""An insertion told step by step, from any decision on, as it was then and as it is now."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from dearena.faults import InvalidCursor, ServiceUnavailable, UnknownInsertion
from dearena.ranking.decisions import Decision, DecisionKind, concerned
from dearena.ranking.findings import Progress
from dearena.ranking.ranking import EMPTY, RankingState, apply
from dearena.ranking.why import why
from dearena.v1 import ranker_pb2 as pb
from services.ranker.dimensions import Dimensions, Followed
from services.ranker.messages import decision_message, insertion_message
from services.ranker.records import InsertionRecord, RoundRecord
from services.ranker.spending import sum_of
from services.ranker.store import RankerStore

DECISIONS_AT_ONCE: Final = 200
BREATH_SECONDS: Final = 0.1
"""Between looks for one watcher, however much moves: nobody reads faster."""

Shown = tuple[int, int, str]
"""What a watcher has last seen of an insertion between decisions: round, cells done, why it waits."""
NOTHING_SHOWN: Final[Shown] = (0, 0, "")


class Watch:
    """One watcher of one dimension."""

    def __init__(
        self, store: RankerStore, dimensions: Dimensions, followed: Followed, *, model: str, watch_seconds: float
    ) -> None:
        self._store = store
        self._dimensions = dimensions
        self._followed = followed
        self._name = followed.name
        self._model = model
        self._watch_seconds = watch_seconds
        self._state: RankingState = EMPTY
        self._records: dict[int, InsertionRecord] = {}
        """By the decision that admitted: a model is inserted once in each version of the dimension."""
        self._rounds: dict[int, RoundRecord] = {}
        self._shown: dict[str, Shown] = {}

    async def steps(self, cursor: int) -> AsyncIterator[pb.WatchInsertionResponse]:
        """Decisions after the cursor, and progress in between; ends when the model that is watched rests.

        Raises:
            UnknownInsertion: the model was never admitted.
            InvalidCursor: there are not so many decisions.
            ServiceUnavailable: this process leaves; watch again elsewhere.
        """
        await self._check(cursor)
        while True:
            news = self._followed.news.next()
            while entries := await self._store.decisions(
                self._name, after=self._state.decisions, limit=DECISIONS_AT_ONCE
            ):
                await self._refresh()
                for decision, time in entries:
                    self._state = apply(self._state, decision)
                    if decision.number > cursor:
                        for step in self._told(decision, time):
                            yield step
            # Once all is read: whoever settled in an earlier version of the dimension may be on its way in this one.
            if self._is_over():
                return
            async for step in self._progress():
                yield step
            if self._dimensions.over:
                raise ServiceUnavailable(f"the ranker leaves; watch again from cursor {self._state.decisions}")
            await self._followed.news.wait(news, self._watch_seconds)
            await asyncio.sleep(BREATH_SECONDS)

    async def _check(self, cursor: int) -> None:
        record = await self._store.ranking(self._name)
        if cursor < 0 or cursor > (record.decisions if record else 0):
            raise InvalidCursor(f"cursor {cursor} was not given out for {self._name}")
        if self._model and self._model not in {one.insertion.model for one in await self._store.insertions(self._name)}:
            raise UnknownInsertion(f"{self._model} has not been admitted to {self._name}")

    def _is_over(self) -> bool:
        insertion = self._state.insertions.get(self._model)
        return insertion is not None and insertion.is_over

    async def _refresh(self) -> None:
        """What the log does not hold: times, calls, costs. Read after decisions, it is never older than they are."""
        self._records = {one.insertion.admitted_by: one for one in await self._store.insertions(self._name)}
        newest = max(self._rounds, default=0)  # may have been open
        self._rounds |= {one.number: one for one in await self._store.rounds(self._name, after=newest - 1)}

    def _told(self, decision: Decision, time: datetime) -> list[pb.WatchInsertionResponse]:
        # Of a judge that is not admitted to this version of the dimension there is no insertion to be told.
        models = [
            model for model in concerned(decision) if self._model in ("", model) and model in self._state.insertions
        ]
        told = decision_message(decision, time)
        steps = []
        for place, model in enumerate(models, start=1):
            # Whoever resumes in the middle of a decision that concerns several is told it again as a whole.
            cursor = decision.number if place == len(models) else decision.number - 1
            steps.append(
                pb.WatchInsertionResponse(
                    cursor=cursor, insertion=self._then(model), why=why(decision, model), decision=told
                )
            )
        if decision.kind in (DecisionKind.ROUND_OPENED, DecisionKind.ROUND_CLOSED):
            number = decision.round if decision.kind is DecisionKind.ROUND_OPENED else 0
            kept = {model: self._shown[model] for model in self._state.held if model in self._shown}
            self._shown = kept | dict.fromkeys(models, (number, 0, ""))
        elif decision.kind is DecisionKind.INSERTION_HELD:
            self._shown |= {step.insertion.model: (0, 0, step.insertion.waiting_reason) for step in steps}
        return steps

    def _then(self, model: str) -> pb.Insertion:
        """An insertion as it was at the decision told last."""
        insertion, opened = self._state.insertions[model], self._state.open_round
        judge_calls = 0
        costs: dict[str, int] = {}
        for number in insertion.rounds:
            record = self._rounds[number]
            if number <= self._state.last_closed_round:
                spent = record.spent_on(model)
                judge_calls += spent.judge_calls
                costs = sum_of(costs, spent.costs)
        then = replace(self._records[insertion.admitted_by], insertion=insertion, judge_calls=judge_calls, costs=costs)
        if opened is None or model not in opened.models:
            return insertion_message(self._name, then)
        return insertion_message(
            self._name, then, open_round=(opened.cells, Progress(opened.number)), served=opened.models
        )

    async def _progress(self) -> AsyncIterator[pb.WatchInsertionResponse]:
        """What has moved since, without a decision: cells done, or why it waits."""
        record = await self._store.ranking(self._name)
        if record is None or record.decisions != self._state.decisions:
            return  # the decisions first
        opened = self._state.open_round
        seen = None if opened is None else await self._followed.progress(opened.number)
        if opened is not None and seen is None:
            return
        for model in (*self._state.active, *self._state.held):
            if self._model not in ("", model):
                continue
            serving = (opened.cells, seen) if opened and seen and model in opened.models else None
            insertion = insertion_message(
                self._name,
                self._records[self._state.insertions[model].admitted_by],
                open_round=serving,
                served=opened.models if opened and serving else (),
                waiting_reason=record.waiting_reason,
            )
            now = (*((serving[1].round, serving[1].outcomes) if serving else (0, 0)), insertion.waiting_reason)
            if now == self._shown.get(model, NOTHING_SHOWN):
                continue
            self._shown[model] = now
            yield pb.WatchInsertionResponse(cursor=self._state.decisions, insertion=insertion)
