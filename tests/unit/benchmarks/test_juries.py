"""Figures of juries are of the arenas that `dearena simulate` plays, and of rivals that are given as much."""

from dataclasses import replace

import numpy as np

from benchmarks import jury_calls, jury_growth, jury_pairs
from benchmarks.jury_arenas import Wave, _Growing, errors_in_growing_arena, play
from benchmarks.jury_figures import Mean
from dearena.scoring import FitSettings
from dearena.trials.arena import Inserted
from dearena.trials.mass import Mass
from dearena.trials.simulation import Simulation, simulate
from dearena.trials.world import Planted

SIMULATION = Simulation(models=10, queries=12, seed=3, jury="sequential", calls=1_500)


def test_an_arena_that_is_looked_into_is_the_one_that_is_simulated() -> None:
    played, simulated = play(SIMULATION), simulate(SIMULATION)

    assert played.digest == simulated.board_digest
    assert played.judge_calls == simulated.judge_calls <= SIMULATION.calls
    assert [one.rank_error for one in played.newcomers] == [one.rank_error for one in simulated.insertions]


def test_waves_tell_of_every_newcomer_once_and_of_growing_spending() -> None:
    played = play(SIMULATION)

    settled = [model for wave in played.waves for model in wave.models]
    assert len(settled) == len(set(settled)) == len(played.newcomers) == 5
    assert all(set(wave.models) <= set(wave.present) for wave in played.waves)
    assert set(played.waves[-1].present) == set(range(10))
    spent = [wave.judge_calls for wave in played.waves]
    assert spent == sorted(spent)
    assert spent[-1] <= played.judge_calls


def test_a_rival_spends_what_it_is_given_and_asks_nothing_twice_nor_of_who_is_absent() -> None:
    arena = _Growing(Mass(Planted.economy(0, 12, 6)), FitSettings(weighting="score"), np.random.default_rng(0))
    present = np.array([1, 3, 4, 8, 11])
    arena.spend(100, present, reach=5)
    arena.spend(150, present, reach=1)

    cells = arena._asked.cells
    columns = list(zip(cells.judge, cells.first, cells.second, cells.query, strict=True))
    assert len(columns) == len(set(columns)) == 150
    assert all(first < second and judge not in (first, second) for judge, first, second, _ in columns)
    # Near pairs have fewer cells than that; others are asked when they are used up.
    assert {int(model) for column in columns for model in column[:3]} == set(present.tolist())


def test_a_rival_places_newcomers_better_for_more_calls() -> None:
    world = Planted.economy(1, 30, 40)
    errors = {}
    for calls in (60, 2_000):
        waves = [Wave((last,), tuple(range(last + 1)), calls * last) for last in range(10, 30, 2)]
        errors[calls] = np.mean(errors_in_growing_arena(world, "near", FitSettings(weighting="score"), waves))

    assert errors[2_000] < errors[60] / 2


def test_the_better_rival_is_the_one_to_beat() -> None:
    simulated = simulate(Simulation(models=8, queries=4, seed=0, jury="random", calls=400))
    best = jury_calls.RIVALS[2]
    rivals = dict.fromkeys(jury_calls.RIVALS, replace(simulated, spearman=0.5))
    rivals[best] = replace(simulated, spearman=0.99)
    world = jury_calls.World(0, 400, play(SIMULATION), rivals, {})
    level = jury_calls.Level(400, [world], [])

    assert level.better("spearman") == best
    assert level.lead("spearman") == [world.ours.spearman - 0.99]


def test_equals_are_decided_no_more_often_than_stated_and_clear_pairs_for_the_better() -> None:
    bench = jury_pairs.Bench.of(0, 20)
    equals = [jury_pairs.ruled(number, 0.0, 0.1, bench) for number in range(200)]
    apart = [jury_pairs.ruled(number, 3.0, 0.1, bench) for number in range(50)]

    decided = Mean.of_share(sum(one.sign != 0 for one in equals), len(equals))
    assert 0 < decided.value <= 0.1 + 3 * decided.error
    assert sum(one.sign == 1 for one in apart) >= 48
    assert np.mean([one.cells for one in apart]) < np.mean([one.cells for one in equals]) / 2


def test_growth_is_the_ratio_of_means_within_its_interval() -> None:
    lots = np.random.default_rng(0)
    small, large = (
        [Inserted("", 1, int(calls), 1, ()) for calls in lots.normal(mean, mean / 4, 200)] for mean in (200, 300)
    )
    found = jury_growth.Growth.of(small, large)

    assert abs(found.ratio - 1.5) < 0.1
    assert found.low < found.ratio < found.high < found.ratio + 0.15
