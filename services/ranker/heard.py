"""What the closed rounds of a dimension version have told: outcomes, and the last board. Neither changes any more."""

import asyncio
from collections.abc import Sequence

from dearena.faults import ServiceUnavailable
from dearena.names import DimensionName
from dearena.ranking.evidence import Evidence, Vote, newest
from dearena.ranking.findings import Board
from dearena.ranking.ranking import RankingState
from services.ranker.inquiries import Inquiries
from services.ranker.spans import span_for
from services.ranker.store import RankerStore


class Heard:
    """Of one dimension; whatever is kept here only saves reading it again."""

    def __init__(self, name: DimensionName, store: RankerStore, inquiries: Inquiries) -> None:
        self._name = name
        self._store = store
        self._inquiries = inquiries
        self._first_round = 1
        self._board: Board | None = None
        self.evidence = Evidence()
        """Of votes themselves nothing is kept."""

    async def gather(self, state: RankingState) -> None:
        """Take in the outcomes of all closed rounds of the version that is ranked."""
        if state.first_round != self._first_round:
            self.evidence, self._first_round = Evidence(), state.first_round
        for number in range(state.first_round, state.last_closed_round + 1):
            if number not in self.evidence.rounds:
                await self.add(number, await self._votes_of_closed(number))

    async def add(self, number: int, votes: Sequence[Vote]) -> None:
        """Take in the outcomes of a round."""
        await asyncio.to_thread(self.evidence.add, number, votes)

    async def _votes_of_closed(self, number: int) -> Sequence[Vote]:
        """All outcomes of a closed round, or none: by half of them cells would be asked a second time."""
        record = await self._store.round(self._name, number)
        votes = await self._inquiries.votes(self._name, number) if record and record.cells else ()
        if record is None or len(newest(votes)) < record.cells:
            raise ServiceUnavailable(f"not all outcomes of round {number} can be read yet; try again")
        return votes

    async def board(self, state: RankingState) -> Board | None:
        """That of the last closed round; None before the first of the version."""
        return await self.last_board(state.last_closed_round) if state.has_board else None

    async def last_board(self, number: int) -> Board:
        """That of the last closed round, by its number."""
        if self._board is None or self._board.version != number:
            record = await self._store.round(self._name, number)
            with span_for([record.traceparent if record else ""], "read board", self._name, round_number=number):
                self._board = await self._inquiries.board(self._name, number)
        return self._board
