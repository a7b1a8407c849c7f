"""Outcomes are counted once, when they are new in the log."""

from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from dearena.names import DimensionName
from dearena.outcomes import Outcome
from dearena.v1.common_pb2 import CELL_KIND_CANARY, CELL_KIND_VOTE, SEAT_POLICY_BOTH, Cell
from services.judge_dispatcher.comparison import Comparison
from services.judge_dispatcher.outcome import Ruling
from services.judge_dispatcher.store import INDEXES, ComparisonStore
from services.runtime import instruments
from services.runtime.indexing import ensure_indexes
from services.runtime.store import Store, now
from tests.fixtures.metrics import kept_metrics

ALGEBRA = DimensionName("default", "algebra")


@pytest.fixture
async def log(mongo_url: str, mongo_database: str) -> AsyncIterator[ComparisonStore]:
    store = Store(mongo_url, mongo_database)
    await ensure_indexes(store, INDEXES, patience_seconds=10)
    yield ComparisonStore(store, "test")
    store.close()


def compared(name: str, *, judge: str = "solomon@1", outcome: Outcome = Outcome.A, canary: bool = False) -> Comparison:
    kind = CELL_KIND_CANARY if canary else CELL_KIND_VOTE
    cell = Cell(
        cell_id=sha256(name.encode()).hexdigest(), attempt=1, judge=judge, seat_policy=SEAT_POLICY_BOTH, kind=kind
    )
    return Comparison(ALGEBRA, 1, 1, cell, Ruling(outcome))


async def test_what_is_written_again_is_not_counted_again(log: ComparisonStore) -> None:
    first = [compared("one"), compared("two", outcome=Outcome.TIE), compared("three", canary=True)]
    began = now()
    with kept_metrics("judge_dispatcher") as (exporting, kept):
        await log.append(first)
        await log.append([*first, compared("four", judge="other@2")])
        exporting.export()

        assert kept.values(instruments.VOTES) == {
            ("default", "solomon", "A"): 1,
            ("default", "solomon", "TIE"): 1,
            ("default", "other", "A"): 1,
        }
        assert kept.values(instruments.DIMENSION_VOTES) == {("default", "algebra"): 3}
    last = await log.last_outcomes()
    assert list(last) == [ALGEBRA]
    assert began <= last[ALGEBRA] <= now()
