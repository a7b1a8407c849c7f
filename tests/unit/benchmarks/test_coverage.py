"""Intervals cover what they are of, where votes on one question and by one judge lean the same way."""

import numpy as np

from benchmarks.coverage import Design, held, means


def test_clustered_intervals_cover_and_plain_ones_do_not() -> None:
    figures = means([held(Design.CONTESTANTS_200, seed) for seed in range(20)])

    assert abs(figures["strength"].value - 0.95) < 3 * figures["strength"].error
    assert figures["plain"].value < 0.6
    assert figures["rank"].value > 0.93
    assert figures["rank_width"].value < 8


def test_the_error_of_a_mean_is_by_world() -> None:
    worlds = [held(Design.CONTESTANTS_40, seed) for seed in (0, 1)]
    one, other = (world.strength_length for world in worlds)

    mean = means(worlds)["strength_length"]

    assert np.isclose(mean.value, (one + other) / 2)
    assert np.isclose(mean.error, abs(one - other) / 2)
