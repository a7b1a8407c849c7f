"""Mixing finds where a map stands still, sooner than walking, and walks where mixing misleads."""

import numpy as np

from dearena.scoring.mixing import MIXED_STEPS, PATIENCE, PLAIN_STEPS, Mixing


def test_a_slow_linear_map_is_solved_in_a_dozen_steps() -> None:
    shrink, target = np.diag([0.99, 0.95, -0.9, 0.5]), np.array([1.0, 2.0, 3.0, 4.0])
    place, mixing = np.zeros(4), Mixing()

    for _ in range(12):
        place = mixing.next(place, target + shrink @ (place - target))

    assert np.allclose(place, target, atol=1e-6)
    assert not np.allclose(0.99**12, 0, atol=0.5)  # walking would have come a tenth of the way


def test_a_map_that_stands_still_is_left_where_it_is() -> None:
    place, mixing = np.array([1.0, 2.0]), Mixing()

    for _ in range(2 * MIXED_STEPS):
        place = mixing.next(place, place)

    assert place.tolist() == [1.0, 2.0]


def test_after_a_stretch_of_mixing_it_walks_for_longer_than_before() -> None:
    random, mixing, plain = np.random.default_rng(0), Mixing(), []

    for _ in range(PLAIN_STEPS + MIXED_STEPS + PATIENCE * PLAIN_STEPS + 2):
        place, mapped = random.normal(size=3), random.normal(size=3)  # misleads for ever
        plain.append(np.array_equal(mixing.next(place, mapped), mapped))

    mixed = PLAIN_STEPS + MIXED_STEPS
    assert all(plain[:PLAIN_STEPS])
    assert not any(plain[PLAIN_STEPS + 1 : mixed - 1])
    assert all(plain[mixed : mixed + PATIENCE * PLAIN_STEPS])
    assert not plain[-1]
