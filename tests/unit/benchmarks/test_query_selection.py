"""Figures of selection are of worlds whose faults are as planted, and every board is of models that took no part."""

import numpy as np
import pytest

from benchmarks.query_selection_growth import Run, cells_of, grown
from benchmarks.query_selection_pilots import Cells
from benchmarks.query_selection_planted import PLANTED, spreads, steepest, tried
from benchmarks.query_selection_recorded import pilot_of
from benchmarks.query_selection_world import JUDGES, MODELS, PILOT_MODELS, Reading, pool_world
from dearena.scoring import Votes


def test_a_world_has_the_faults_it_says() -> None:
    world = pool_world(1000)
    assert np.count_nonzero(world.discrimination < 0) == 25
    assert np.count_nonzero(world.discrimination == 0) == 50
    assert np.all(world.difference_of[:, world.discrimination == 0] == 0)
    other = pool_world(1000, Reading.SKILL)
    assert np.array_equal(world.skill, other.skill)
    assert np.std(other.difference_of[:, other.discrimination == 0]) > 0.5


@pytest.mark.parametrize("third", [0, 1, 2])
def test_pilot_and_test_have_no_model_in_common_and_no_cell_twice(third: int) -> None:
    world = pool_world(1000, queries=30)
    pilot, test = world.pilot(third), world.test(np.array([3, 7]), 2, third)
    assert len(pilot.models) == PILOT_MODELS
    assert len(test.models) == MODELS - PILOT_MODELS
    assert not set(pilot.models) & set(test.models)
    assert set(np.unique(test.query)) == {3, 7}
    for votes, most in ((pilot, JUDGES), (test, 2)):
        cells = np.stack([votes.query, votes.first, votes.second, votes.judge], axis=1)
        assert len(np.unique(cells, axis=0)) == len(cells)
        assert np.unique(cells[:, :3], axis=0, return_counts=True)[1].max() <= most


def test_whoever_is_stronger_is_preferred_but_where_mislabelled() -> None:
    world = pool_world(1000)
    heard = world.cells(range(MODELS), np.arange(100), JUDGES, stream=5)
    stronger = (world.skill[heard.first] > world.skill[heard.second]) == heard.first_won
    sign = np.sign(world.discrimination[heard.query])
    assert stronger[sign > 0].mean() > 0.7
    assert stronger[sign < 0].mean() < 0.3
    assert abs(stronger[sign == 0].mean() - 0.5) < 0.02


def test_the_planted_choice_is_steep_and_covers_categories() -> None:
    world = pool_world(1000)
    chosen = steepest(world, 40)
    assert len(np.unique(chosen)) == 40
    assert world.discrimination[chosen].min() > 1
    assert np.bincount(world.category[chosen]).min() >= 3


def test_every_method_has_a_board_of_every_size_and_choosing_helps() -> None:
    boards = [board for seed in (1000, 1001) for board in tried((seed, Reading.SKILL, 1, (10, 20), 1))]
    found = spreads(boards)
    assert set(found) == {
        (size, method) for size in (10, 20) for method in ("random", "consistent", "telling", PLANTED)
    }
    assert found[10, "telling"].faulty.max() == 0
    assert found[10, "telling"].spearman.mean() > found[10, "random"].spearman.mean()


def test_a_recorded_pilot_hears_nobody_of_the_tested_half() -> None:
    votes = Votes.of_columns(
        judge=["a", "b", "c", "d", "outside", "c"],
        model_a=["b", "a", "a", "a", "a", "a"],
        model_b=["c", "c", "b", "b", "b", "d"],
        query=["q"] * 6,
        winner=["a", "b", "tie", "a", "b", "a"],
    )
    pilots = np.array([name in ("a", "b", "c") for name in votes.models])
    found = pilot_of(votes, pilots)
    assert found.models == ("a", "b", "c")
    assert sorted(found.judges[judge] for judge in found.judge) == ["a", "b", "c", "outside"]


def test_a_growing_pilot_begins_with_half_and_asks_only_of_its_newest_part() -> None:
    run = Run(Cells(pool_world(1000, queries=200)), 5, cells_of(5, 1), 1000)
    run.begin(30, 0.5)
    first = run.asked.copy()
    assert np.count_nonzero(first.sum(axis=1)) == 30
    run.play(200)
    assert len(run.parts) > 1
    assert sum(run.parts) == run.looked == np.count_nonzero(run.asked.sum(axis=1))
    before = run.asked.copy()
    run.budget += 2000
    run.begin(20, 0.1)
    run.play(run.looked)
    assert np.array_equal(run.asked[before.any(axis=1)], before[before.any(axis=1)])


@pytest.mark.parametrize("reading", list(Reading))
def test_pilots_of_a_world_keep_to_one_budget_and_differ_in_what_they_begin_with(reading: Reading) -> None:
    budget = cells_of(5, 1)
    assert budget == 5 * 12 * 20
    world = grown((1000, reading, 5, budget))
    assert (world.fixed.queries, world.fixed.parts) == (60, 1)
    assert (world.first.queries, world.first.parts) == (30, 1)
    assert world.growing.queries >= 30
    assert (world.growing == world.first) == (world.growing.parts == 1)
    for side in (world.fixed, world.first, world.growing):
        assert 0 < side.cells <= budget
        assert -1 <= side.spearman <= 1
