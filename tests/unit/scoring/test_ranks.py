"""What is said of ranks: Holm's rule row by row, groups over all pairs, and how sure "better" is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from dearena.scoring.ranks import better, rank_intervals, separation, votes_needed
from tests.unit.scoring.plain import decided_by_holm

ALL = np.ones(5, dtype=bool)


def test_models_far_apart_have_their_ranks_for_sure() -> None:
    strengths = np.array([4.0, 2.0, 0.0, -2.0, -4.0])
    low, high = rank_intervals(strengths, np.eye(5) * 0.01, 100, 0.95, ALL)
    assert list(low) == list(high) == [1, 2, 3, 4, 5]


def test_models_of_which_nothing_is_known_may_stand_anywhere() -> None:
    low, high = rank_intervals(np.array([0.2, 0.1, 0.0, -0.1, -0.2]), np.eye(5) * 100, 100, 0.95, ALL)
    assert list(low) == [1] * 5
    assert list(high) == [5] * 5


def test_models_without_a_rank_take_no_part() -> None:
    counted = np.array([True, False, True, True, True])
    strengths = np.array([4.0, 3.0, 0.0, -2.0, -4.0])
    low, high = rank_intervals(strengths, np.eye(5) * 0.01, 100, 0.95, counted)
    assert list(low) == list(high) == [1, 0, 2, 3, 4]


@given(
    strengths=st.lists(st.floats(-3, 3), min_size=2, max_size=7),
    deviation=st.sampled_from([0.05, 0.3, 1.0]),
    degrees=st.sampled_from([1, 5, 60]),
)
def test_intervals_are_those_of_holms_rule_in_plain_words(
    strengths: list[float], deviation: float, degrees: int
) -> None:
    n = len(strengths)
    low, high = rank_intervals(np.array(strengths), np.eye(n) * deviation**2, degrees, 0.95, np.ones(n, dtype=bool))
    for one in range(n):
        others = [other for other in range(n) if other != one]
        ratios = [(strengths[one] - strengths[other]) / (deviation * 2**0.5) for other in others]
        decided = decided_by_holm([2 * float(student.sf(abs(ratio), degrees)) for ratio in ratios], 0.05)
        assert low[one] == 1 + sum(sure and ratio < 0 for sure, ratio in zip(decided, ratios, strict=True))
        assert high[one] == n - sum(sure and ratio > 0 for sure, ratio in zip(decided, ratios, strict=True))


def test_better_is_a_half_for_equals_and_complements_itself() -> None:
    strengths, covariance = np.array([1.0, 0.2, 0.2]), np.diag([0.1, 0.4, 0.1])
    found = better(strengths, covariance, 12)
    assert np.diag(found) == pytest.approx([0.5] * 3)
    assert found + found.T == pytest.approx(np.ones((3, 3)))
    assert found[1, 2] == 0.5
    assert found[0, 1] == pytest.approx(student.cdf(0.8 / 0.5**0.5, 12))


def test_two_models_with_no_doubt_at_all_are_told_apart_by_any_difference() -> None:
    found = better(np.array([0.1, -0.1]), np.zeros((2, 2)), 3)
    assert found.tolist() == [[0.5, 1.0], [0.0, 0.5]]


def test_groups_begin_where_a_leader_is_left_behind() -> None:
    strengths = np.array([2.0, 1.9, 0.0, -0.1, -3.0])
    found = separation(strengths, np.eye(5) * 0.04, 200, 0.95, np.arange(5))
    assert list(found.groups) == [1, 1, 2, 2, 3]
    assert found.apart[0, 2]
    assert not found.apart[2, 3]


def test_the_critical_value_of_two_models_is_that_of_students_t() -> None:
    """Of one pair there is nothing simultaneous."""
    found = separation(np.array([1.0, -1.0]), np.eye(2), 20, 0.95, np.arange(2))
    assert found.critical == pytest.approx(student.ppf(0.975, 20), rel=0.05)


def test_the_critical_value_of_many_equals_is_tukeys() -> None:
    """Independent means of equal variance: the studentised range, divided by the root of 2."""
    from scipy.stats import studentized_range

    found = separation(np.zeros(8), np.eye(8), 30, 0.95, np.arange(8))
    assert found.critical == pytest.approx(studentized_range.ppf(0.95, 8, 30) / 2**0.5, rel=0.04)


def test_votes_needed_grow_with_the_square_of_what_is_missing() -> None:
    assert votes_needed(1_000, 1.0, 2.0) == 4_000
    assert votes_needed(1_000, -1.0, 2.0) == 4_000
    assert votes_needed(1_000, 5.0, 2.0) == 1_000
    assert votes_needed(1_000, 0.0, 2.0) is None
    assert votes_needed(2_000_000, 1e-9, 3.0) is None  # more than can be counted
