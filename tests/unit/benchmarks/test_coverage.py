"""Intervals cover what they are of, where votes on one question and by one judge lean the same way."""

import numpy as np
from scipy.stats import rankdata

from benchmarks.coverage import Design, Weighting, as_votes, chosen_weightings, held, held_against, means
from benchmarks.targets import target
from benchmarks.worlds import Bench, coverage_world
from dearena.scoring import FitSettings, fit


def test_clustered_intervals_cover_and_plain_ones_do_not() -> None:
    figures = means([world for seed in range(20) for world in held(Design.CONTESTANTS_200, seed)])

    assert abs(figures["strength"].value - 0.95) < 3 * figures["strength"].error
    assert figures["plain"].value < 0.6
    assert figures["rank"].value > 0.93
    assert figures["rank_width"].value < 8


def test_under_reliability_intervals_know_how_far_a_board_may_stretch() -> None:
    """With the judges as given they stretch with about 5 times the variance that is stated, and 92 % are covered."""
    worlds = []
    stretches = []
    for seed in range(60):
        world = coverage_world(seed, Bench.CONTESTANTS)
        found = fit(as_votes(world, world.votes(40)), FitSettings(weighting="reliability"))
        strength = target(world, "reliability", 40)
        along = strength / (strength @ strength)
        stretches.append((along @ found.strengths - 1) ** 2 / (along @ found.covariance @ along))
        worlds.append(held_against(found, strength, rankdata(-world.skill)))

    assert 0.5 < np.mean(stretches) < 2
    assert means(worlds)["strength"].value > 0.935


def test_the_error_of_a_mean_is_by_world() -> None:
    worlds = [world for seed in (0, 1) for world in held(Design.CONTESTANTS_40, seed)]
    one, other = (world.strength_length for world in worlds)

    mean = means(worlds)["strength_length"]

    assert np.isclose(mean.value, (one + other) / 2)
    assert np.isclose(mean.error, abs(one - other) / 2)


def test_weightings_are_held_against_one_world_each_with_its_own_target() -> None:
    alone = held(Design.CONTESTANTS_40, 0, ["score"])
    together = held(Design.CONTESTANTS_40, 0, ["uniform", "score", "reliability"])

    assert together[1:2] == alone
    assert len(set(together)) == 3


def test_all_is_every_weighting_once() -> None:
    assert chosen_weightings([Weighting.RANK, Weighting.UNIFORM]) == ["uniform", "rank"]
    assert chosen_weightings([Weighting.RANK, Weighting.ALL]) == ["uniform", "score", "rank", "reliability"]
