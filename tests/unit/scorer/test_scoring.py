"""What the scorer keeps of those who ask."""

import asyncio
import gc
from typing import Any, cast

import pytest

from dearena.faults import UnknownDimension
from dearena.names import DimensionName
from dearena.outcomes import Outcome
from dearena.scoring import Votes
from dearena.scoring.boards import vote_log
from dearena.scoring.boards.vote_rows import columns_of
from dearena.scoring.reports.outcome_counts import OutcomeCounts, outcome_counts
from services.scorer.news import News
from services.scorer.records import ClosedRound
from services.scorer.scoring import Scoring
from services.scorer.settings import ScorerSettings
from services.scorer.shared_work import SharedWork
from tests.unit.scoring.voted import vote


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
