"""What the scorer keeps of those who ask."""

import asyncio
import gc
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from dearena.faults import UnknownDimension
from dearena.names import DimensionName
from dearena.outcomes import Outcome
from dearena.scoring import Votes
from dearena.scoring.boards import vote_log
from dearena.scoring.boards.board import Board, Entrant
from dearena.scoring.boards.vote_rows import columns_of
from dearena.scoring.reports.outcome_counts import OutcomeCounts, outcome_counts
from services.scorer.news import News
from services.scorer.records import ClosedRound
from services.scorer.scoring import Scoring
from services.scorer.settings import ScorerSettings
from services.scorer.shared_work import SharedWork
from services.scorer.store import Scoreboard
from tests.unit.scoring.voted import MODELS, UNIFORM, board_of, vote

MOMENT = datetime(2030, 1, 2, tzinfo=UTC)


class NothingThere:
    """Boards and records of no dimension; counts who asks for records at once."""

    def __init__(self) -> None:
        self.inside: dict[DimensionName, int] = {}
        self.most = 0

    async def find(self, name: DimensionName, number: int) -> None:
        return None

    async def closed_round(self, name: DimensionName, number: int) -> None:
        self.inside[name] = self.inside.get(name, 0) + 1
        self.most = max(self.most, self.inside[name])
        await asyncio.sleep(0)
        self.inside[name] -= 1
        raise UnknownDimension(f"no dimension {name}")


async def test_of_dimensions_asked_for_in_vain_nothing_is_kept() -> None:
    nothing = cast("Any", NothingThere())
    settings = ScorerSettings.model_construct(cached_dimensions=2)
    scoring = Scoring(settings, nothing, nothing, cast("Any", None), News(), SharedWork())

    async def ask(name: DimensionName, number: int) -> None:
        with pytest.raises(UnknownDimension):
            await scoring.through(name, number)

    names = [DimensionName("default", f"unknown-{number}") for number in range(50)]
    await asyncio.gather(*(ask(name, number) for name in names for number in (1, 2, 3)))
    gc.collect()
    assert len(scoring._locks) == 0
    assert nothing.most == 1


class OneRound:
    """Records of one closed round of three votes; counts how often it is read."""

    def __init__(self) -> None:
        self.read = 0
        self.votes = [vote("alpha@1", "beta@1", outcome) for outcome in (Outcome.A, Outcome.B, Outcome.FLIP)]

    async def closed_round(self, name: DimensionName, number: int) -> ClosedRound:
        return ClosedRound(1, 1, len(self.votes), settles=True, entrants=(), weighting="uniform")

    async def votes_of(self, name: DimensionName, closed: ClosedRound) -> Any:
        self.read += 1
        return columns_of(self.votes)


async def test_a_log_that_a_fault_left_half_counted_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    records = OneRound()
    settings = ScorerSettings.model_construct(cached_dimensions=2)
    nothing = cast("Any", None)
    scoring = Scoring(settings, nothing, cast("Any", records), nothing, News(), SharedWork())
    name = DimensionName("default", "algebra")

    def no_room(votes: Votes) -> OutcomeCounts:
        if len(votes):
            raise MemoryError
        return outcome_counts(votes)

    with monkeypatch.context() as full:
        full.setattr(vote_log, "outcome_counts", no_room)
        with pytest.raises(MemoryError):
            await scoring.counted(name, 1)
    counted = await scoring.counted(name, 1)
    assert len(counted.votes) == 3
    assert counted.outcomes.by_judge.sum() == 3
    assert records.read == 2


FIRST, SECOND = 3, 4
"""Rounds of the second version; the rounds before them are the first one's."""


class TwoVersions:
    """Records, boards and bus of a dimension that was revised after two rounds, in which the weaker model then wins."""

    def __init__(self) -> None:
        wins = {1: Outcome.A, 2: Outcome.A, FIRST: Outcome.B, SECOND: Outcome.B}
        self.rounds = {
            number: [
                vote("alpha@1", "beta@1", outcome, judge, query_id=f"q{place}")
                for place, judge in enumerate(("gamma@1", "delta@1"))
            ]
            for number, outcome in wins.items()
        }
        self.boards: dict[int, Scoreboard] = {}
        self.read: list[int] = []

    async def closed_round(self, name: DimensionName, number: int) -> ClosedRound:
        version, first = (1, 1) if number < FIRST else (2, FIRST)
        entrants = tuple(Entrant(model, retired=False) for model in MODELS)
        votes = len(self.rounds[number])
        return ClosedRound(
            number, version, votes, settles=True, entrants=entrants, weighting="uniform", first_round=first
        )

    async def votes_of(self, name: DimensionName, closed: ClosedRound) -> Any:
        self.read.append(closed.number)
        return columns_of(self.rounds[closed.number])

    async def find(self, name: DimensionName, number: int) -> Scoreboard | None:
        return self.boards.get(number)

    async def add(
        self,
        name: DimensionName,
        version: int,
        number: int,
        board: Board,
        pairs: object,
        *,
        settled: bool,
        first_round: int,
    ) -> Scoreboard:
        made = Scoreboard(name, version, number, settled, board, board.digest, MOMENT, first_round)
        return self.boards.setdefault(number, made)

    async def publish(self, subject: str, event: object) -> None: ...

    async def mark_announced(self, scoreboard: Scoreboard) -> None: ...


@pytest.mark.parametrize("order", [(2, FIRST, SECOND), (SECOND, 2, FIRST)])
async def test_a_board_counts_its_dimension_version_alone_in_whatever_order_they_are_made(
    order: tuple[int, ...],
) -> None:
    peers = TwoVersions()
    played = cast("Any", peers)
    settings = ScorerSettings.model_construct(cached_dimensions=4)
    scoring = Scoring(settings, played, played, played, News(), SharedWork())
    name = DimensionName("default", "algebra")

    made = {number: await scoring.through(name, number) for number in order}

    assert {number: (one.dimension_version, one.first_round) for number, one in made.items()} == {
        2: (1, 1),
        FIRST: (2, FIRST),
        SECOND: (2, FIRST),
    }
    alone = {
        2: board_of(peers.rounds[1], peers.rounds[2], settings=UNIFORM),
        FIRST: board_of(peers.rounds[FIRST], settings=UNIFORM),
        SECOND: board_of(peers.rounds[FIRST], peers.rounds[SECOND], settings=UNIFORM),
    }
    assert {number: one.board_digest for number, one in made.items()} == {
        number: board.digest for number, board in alone.items()
    }
    assert {number: one.board.rows[0].model for number, one in made.items()} == {
        2: "alpha@1",
        FIRST: "beta@1",
        SECOND: "beta@1",
    }
    assert len({one.board_digest for one in made.values()}) == 3
    # What is worked out of an older version's board later rests on that one's votes too, without reading them again.
    assert len((await scoring.counted(name, 2)).votes) == 4
    assert len((await scoring.counted(name, SECOND)).votes) == 4
    assert sorted(peers.read) == [1, 2, FIRST, SECOND]
