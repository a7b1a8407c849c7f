"""A pilot looks at more of its pool where that pays more than looking again."""

import numpy as np
import pytest

from dearena.selection.allocation import Batch, PilotPlan, next_batch
from dearena.selection.growth import Worth, first_part, steepest, worth_of
from tests.unit.selection.pools import planted
from tests.unit.selection.test_allocation import MODELS, MOST, Asked

LOOK = 2 * MODELS


def plan(k: int) -> PilotPlan:
    return PilotPlan(k=k, budget=10**6, most_a_pair=MOST, batch=10 * LOOK, seed=0)


def looked(asked: Asked, k: int, looks: int) -> Batch:
    """What is asked next after so many looks at every query."""
    for _ in range(looks):
        # As the first look is dealt, at all queries.
        batch = next_batch(asked.pilot, np.zeros_like(asked.cells), PilotPlan(k, 10**6, MOST, 10**5, 0, 10**4))
        asked.ask(batch)
        np.minimum(asked.cells, MOST, out=asked.cells)
    return next_batch(asked.pilot, asked.cells, plan(k))


def worth(asked: Asked, k: int, batch: Batch, *, left: int = 10**5, unseen: int = 500, part: int = 60) -> Worth:
    return worth_of(asked.pilot, batch, plan(k), left=left, unseen=unseen, part=part)


def test_a_pool_of_few_steep_queries_is_looked_at_further() -> None:
    slopes = np.repeat([1.5, 0.1], [6, 54])
    asked = Asked(planted(slopes, models=MODELS, votes=MOST, seed=3, noise=0.2))
    found = worth(asked, 12, looked(asked, 12, 3))

    # Of the twelve that would be taken, half are flat; one in ten of the unseen is steep.
    assert found.grows
    assert found.fresh > 3 * found.again
    assert found.queries == 60


def test_where_all_are_alike_more_of_them_is_worth_nothing() -> None:
    asked = Asked(planted(np.ones(60), models=MODELS, votes=MOST, seed=3, noise=0.0))
    some = Asked(planted(np.repeat([1.5, 0.1], [6, 54]), models=MODELS, votes=MOST, seed=3, noise=0.2))
    alike = worth(asked, 12, looked(asked, 12, 3))
    mixed = worth(some, 12, looked(some, 12, 3))

    assert alike.fresh < mixed.fresh / 5


def test_what_was_looked_at_often_gains_less_by_a_look_more() -> None:
    slopes = np.linspace(0.2, 1.2, 60)
    once, often = (Asked(planted(slopes, models=MODELS, votes=MOST, seed=2, noise=0.2)) for _ in range(2))

    assert worth(once, 12, looked(once, 12, 1)).again > 1.5 * worth(often, 12, looked(often, 12, 6)).again > 0


@pytest.mark.parametrize(
    ("left", "unseen", "queries"),
    [(10**5, 500, 60), (10**5, 50, 50), (10**5, 5, 5), (40 * LOOK, 500, 40), (30 * LOOK, 500, 0), (0, 500, 0)],
)
def test_a_part_is_within_cells_and_pool_and_not_too_small(left: int, unseen: int, queries: int) -> None:
    asked = Asked(planted(np.repeat([1.5, 0.1], [6, 54]), models=MODELS, votes=MOST, seed=3, noise=0.2))
    found = worth(asked, 12, looked(asked, 12, 2), left=left, unseen=unseen)

    assert found.queries == queries
    assert found.grows == bool(queries)


def test_a_part_is_not_smaller_than_it_takes_to_rank_its_models() -> None:
    asked = Asked(planted(np.repeat([1.5, 0.1], [6, 54]), models=MODELS, votes=MOST, seed=3, noise=0.2))
    batch = looked(asked, 12, 2)

    assert not worth_of(asked.pilot, batch, plan(12), left=10**5, unseen=50, part=60, least=51).grows
    assert worth_of(asked.pilot, batch, plan(12), left=10**5, unseen=50, part=60, least=50).grows


def test_nothing_heard_is_no_reason_to_look_further() -> None:
    asked = Asked(planted(np.ones(20), models=MODELS, votes=MOST))

    assert not worth(asked, 4, next_batch(asked.pilot, asked.cells, plan(4))).grows


def test_the_steepest_of_more_queries_are_those_of_the_same_lot() -> None:
    slopes = np.array([3.0, 1.0, 2.0, -1.0])

    assert steepest(slopes, 2, 1.0) == 5.0
    assert steepest(slopes, 2, 2.0) == 6.0
    assert steepest(slopes, 2, 1.5) == pytest.approx(1.5 * 3 + 0.5 * 2)
    assert steepest(slopes, 4, 1.0) == 6.0


def test_a_pilot_begins_with_a_part_where_enough_is_left_for_another() -> None:
    assert first_part(10, 500) == 60
    assert first_part(10, 90) == 60
    assert first_part(10, 89) == 89
    assert first_part(10, 40) == 40


def test_the_two_are_told_in_looks() -> None:
    told = Worth(again=0.001, fresh=0.002, queries=60, marginal=0.2, look=16).told

    assert told.startswith("a look at a query promises 16.0 %")
    assert "8.0 % where it is one of those that are open" in told
