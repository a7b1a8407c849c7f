"""A pilot asks where a decision is open, spends no more than it may, and comes to an end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dearena.faults import InvalidField
from dearena.scoring.arrays import IntArray
from dearena.selection import PilotVotes, Pool, select
from dearena.selection.allocation import Batch, PilotPlan, next_batch, pairs_of
from tests.unit.selection.pools import Planted, planted

MODELS, MOST = 8, 6
PAIRS = pairs_of(MODELS)
PLACE = {(int(one), int(other)): place for place, (one, other) in enumerate(PAIRS)}


def plan(k: int = 10, budget: int = 10**6, batch: int = 600, seed: int = 0) -> PilotPlan:
    return PilotPlan(k=k, budget=budget, most_a_pair=MOST, batch=batch, seed=seed)


class Asked:
    """A pilot that hears what was planted, cell by cell."""

    def __init__(self, world: Planted, unreadable: float = 0.0) -> None:
        pilot = world.pilot()
        self.pool = pilot.pool
        self.models = pilot.models
        self.cells = np.zeros((len(pilot.pool), len(PAIRS)), dtype=np.int64)
        self._said = np.full((len(pilot.pool), len(PAIRS), MOST), np.nan)
        pair = [PLACE[one, other] for one, other in zip(pilot.first.tolist(), pilot.second.tolist(), strict=True)]
        heard = np.random.default_rng(0).random(len(pilot)) >= unreadable
        self._said[pilot.query[heard], np.array(pair)[heard], pilot.judge[heard]] = pilot.outcome[heard]
        self.full = pilot

    def ask(self, batch: Batch) -> None:
        for row in zip(batch.query.tolist(), batch.first.tolist(), batch.second.tolist(), strict=True):
            self.cells[row[0], PLACE[row[1], row[2]]] += 1

    @property
    def pilot(self) -> PilotVotes:
        asked = np.arange(MOST) < self.cells[:, :, None]
        query, pair, judge = np.nonzero(asked & np.isfinite(self._said))
        judges = tuple(f"j{number}" for number in range(MOST))
        outcome = self._said[query, pair, judge]
        return PilotVotes(self.pool, self.models, judges, query, PAIRS[pair, 0], PAIRS[pair, 1], judge, outcome)

    def play(self, how: PilotPlan) -> int:
        for step in range(1_000):
            batch = next_batch(self.pilot, self.cells, how)
            if batch.done:
                return step
            self.ask(batch)
        raise AssertionError("the pilot does not end")


def test_the_first_look_is_wide_and_even() -> None:
    asked = Asked(planted(np.ones(30), models=MODELS, votes=MOST))
    batch = next_batch(asked.pilot, asked.cells, plan(k=30))
    for query in range(30):
        met = np.bincount(np.concatenate([batch.first[batch.query == query], batch.second[batch.query == query]]))
        assert met.sum() == 4 * MODELS
        assert set(met) <= {3, 4, 5}


def test_no_more_queries_are_looked_at_than_it_takes() -> None:
    pool = Pool.of([f"q{number:05}" for number in range(5_000)])
    nothing = np.zeros(0, dtype=np.int64)
    pilot = PilotVotes(pool, tuple("abcdefgh"), (), nothing, nothing, nothing, nothing, np.zeros(0))
    batch = next_batch(pilot, np.zeros((5_000, len(PAIRS)), dtype=np.int64), plan(k=10, batch=10**6))
    assert len(np.unique(batch.query)) == 120
    assert set(np.unique(batch.query)) != set(range(120))


def test_a_pilot_ends_with_few_cells_and_as_good_a_choice() -> None:
    slopes = np.repeat([1.5, 0.5, 0.0, -1.0], [20, 20, 10, 5])
    asked = Asked(planted(slopes, models=MODELS, votes=MOST, seed=5, noise=0.3))
    asked.play(plan(k=15))
    chosen = select(asked.pilot, method="telling", k=15, seed=0).queries
    full = select(asked.full, method="telling", k=15, seed=0).queries
    steep = {f"q{number:03}" for number in range(20)}

    assert asked.cells.sum() < 0.5 * len(asked.full)
    assert len(steep & set(chosen)) >= len(steep & set(full)) - 2
    # What is clear is not asked any more: the mislabelled get less than those near the margin.
    spent = asked.cells.sum(axis=1)
    assert spent[50:].mean() < spent[:40].mean()


@settings(max_examples=15, deadline=None)
@given(budget=st.integers(1, 2_000), batch=st.integers(1, 500), unreadable=st.sampled_from([0.0, 0.4, 1.0]))
def test_a_pilot_keeps_to_its_budget_and_to_its_cells(budget: int, batch: int, unreadable: float) -> None:
    asked = Asked(planted(np.repeat([1.0, 0.0], 6), models=MODELS, votes=MOST), unreadable)
    asked.play(plan(k=4, budget=budget, batch=batch))
    assert asked.cells.sum() <= budget
    assert asked.cells.max() <= MOST


def test_a_query_that_was_asked_in_full_is_closed_however_open() -> None:
    asked = Asked(planted(np.linspace(0.1, 0.6, 12), models=MODELS, votes=MOST, noise=0.0))
    asked.cells[:6] = 1
    asked.cells[6:] = MOST
    open_at_one = next_batch(asked.pilot, asked.cells, plan(k=4)).open_queries
    asked.cells[:] = np.minimum(asked.cells, 1)
    assert np.any(next_batch(asked.pilot, asked.cells, plan(k=4)).open_queries[6:])
    assert not np.any(open_at_one[6:])
    # One judge a pair is all there is: nothing is open, though much is.
    alone = PilotPlan(k=4, budget=10**6, most_a_pair=1, batch=600, seed=0)
    found = next_batch(asked.pilot, asked.cells, alone)
    assert found.done
    assert not np.any(found.open_queries)


def test_what_is_closed_is_not_asked_about_and_tells_all_the_same() -> None:
    asked = Asked(planted(np.linspace(0.1, 1.2, 30), models=MODELS, votes=MOST, noise=0.2))
    closed = np.arange(30) < 15
    first = next_batch(asked.pilot, asked.cells, plan(k=10), closed=closed)
    assert set(first.query.tolist()) == set(range(15, 30))
    asked.ask(next_batch(asked.pilot, asked.cells, plan(k=10)))
    whole = next_batch(asked.pilot, asked.cells, plan(k=10))
    part = next_batch(asked.pilot, asked.cells, plan(k=10), closed=closed)
    assert not np.any(part.open_queries & closed)
    assert np.array_equal(part.open_queries, whole.open_queries & ~closed)
    assert np.any(whole.open_queries & closed)
    assert np.array_equal(part.expected_loss, whole.expected_loss)


def test_the_same_evidence_gives_the_same_batch() -> None:
    asked = Asked(planted(np.repeat([1.0, 0.0], 20), models=MODELS, votes=MOST))
    for _ in range(3):
        one, other = (next_batch(asked.pilot, asked.cells, plan(k=5)) for _ in range(2))
        for column in ("query", "first", "second", "expected_loss"):
            assert getattr(one, column).tobytes() == getattr(other, column).tobytes()
        asked.ask(one)


def test_what_was_asked_must_fit_the_pool() -> None:
    asked = Asked(planted(np.ones(4), models=MODELS, votes=MOST))
    short: IntArray = asked.cells[:2]
    with pytest.raises(InvalidField, match="asked"):
        next_batch(asked.pilot, short, plan())


@pytest.mark.parametrize("name", ["k", "budget", "batch"])
def test_a_plan_is_checked(name: str) -> None:
    with pytest.raises(InvalidField, match=name):
        plan(**{name: 0})
