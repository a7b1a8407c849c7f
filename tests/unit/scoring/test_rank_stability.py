"""How ranks fare from board to board."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from dearena.scoring.arrays import IntArray
from dearena.scoring.reports.rank_stability import agreement, rank_stability


def ranks(*numbers: int) -> IntArray:
    return np.array(numbers, dtype=np.int64)


def test_shares_are_counted_over_the_boards() -> None:
    found = rank_stability(
        ranks(1, 2, 3), ranks(1, 1, 2), [ranks(1, 2, 3), ranks(2, 1, 3), ranks(3, 1, 2), ranks(1, 2, 3)]
    )
    np.testing.assert_array_equal(found.boards, [4, 4, 4])
    np.testing.assert_array_equal(found.lowest, [1, 1, 2])
    np.testing.assert_array_equal(found.highest, [3, 2, 3])
    np.testing.assert_array_equal(found.same_rank, [0.5, 0.5, 0.75])
    np.testing.assert_array_equal(found.same_group, [0.75, 1.0, 0.75])


def test_a_model_that_others_left_from_above_keeps_its_rank() -> None:
    found = rank_stability(ranks(1, 2, 3, 4), ranks(1, 1, 2, 2), [ranks(0, 1, 3, 2)])
    np.testing.assert_array_equal(found.boards, [0, 1, 1, 1])
    np.testing.assert_array_equal(found.lowest, [1, 2, 3, 3])
    np.testing.assert_array_equal(found.highest, [1, 2, 4, 4])
    np.testing.assert_array_equal(found.same_rank, [1, 1, 0, 0])
    np.testing.assert_array_equal(found.same_group, [1, 1, 1, 1])


def test_a_model_without_a_rank_has_none_anywhere() -> None:
    found = rank_stability(ranks(1, 2, 0), ranks(1, 1, 0), [ranks(1, 2, 3), ranks(1, 2, 0)])
    np.testing.assert_array_equal(found.boards, [2, 2, 0])
    np.testing.assert_array_equal(found.highest, [1, 2, 0])


@pytest.mark.parametrize("boards", [[], [ranks()]])
def test_nothing_is_stable(boards: list[IntArray]) -> None:
    found = rank_stability(ranks(), ranks(), boards)
    assert not len(found.same_rank)


@given(permutations=st.lists(st.permutations(range(1, 8)), min_size=2, max_size=2))
def test_agreement_is_kendalls_tau(permutations: list[list[int]]) -> None:
    one, other = (ranks(*numbers) for numbers in permutations)
    assert agreement(one, other) == pytest.approx(kendalltau(one, other).statistic)
    assert agreement(one, one) == 1


def test_agreement_is_over_the_models_that_both_rank() -> None:
    assert agreement(ranks(1, 2, 3, 0), ranks(2, 1, 0, 3)) == -1
    assert agreement(ranks(1, 2, 0), ranks(1, 0, 2)) is None
    assert agreement(ranks(), ranks()) is None
