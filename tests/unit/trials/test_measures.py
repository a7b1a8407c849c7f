"""Orders held against one another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.trials.measures import agreement, agreement_of_orders, rank_error, true_rank, wrong_pairs

TRUTH = {"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.0}


def test_the_true_order_agrees_wholly_and_its_reverse_not_at_all() -> None:
    right, reversed_ = agreement_of_orders("abcd", TRUTH), agreement_of_orders("dcba", TRUTH)
    assert (right.spearman, right.kendall) == pytest.approx((1, 1))
    assert (reversed_.spearman, reversed_.kendall) == pytest.approx((-1, -1))


def test_one_swap_of_neighbours_costs_what_the_formulas_say() -> None:
    found = agreement_of_orders("bacd", TRUTH)
    assert found.spearman == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert found.kendall == pytest.approx(1 - 2 / 6)


def test_where_nothing_is_told_apart_nothing_agrees() -> None:
    assert agreement(dict.fromkeys("abcd", 0.0), TRUTH).spearman == 0


def test_one_model_has_no_order() -> None:
    with pytest.raises(ValueError, match="two models"):
        agreement({"a": 1.0}, TRUTH)


@given(order=st.permutations("abcd"))
def test_a_rank_error_is_how_far_a_model_stands_from_its_true_place(order: list[str]) -> None:
    for model in order:
        assert rank_error(model, order, TRUTH) == abs(order.index(model) - "abcd".index(model))


def test_the_true_rank_is_among_those_who_are_there() -> None:
    assert true_rank("c", ["c", "d"], TRUTH) == 1
    assert rank_error("c", ["d", "c"], TRUTH) == 1


@given(order=st.permutations("abcd"))
def test_wrong_pairs_are_counted_among_those_that_can_be_told_apart_only(order: list[str]) -> None:
    separable = [("a", "c"), ("b", "d")]
    assert wrong_pairs(order, separable) == sum(order.index(one) > order.index(other) for one, other in separable)
