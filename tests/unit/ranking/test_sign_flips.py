"""The test that may be looked at again and again."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.ranking.sign_flips import decide, grid

CAP = 40
VOTES = st.lists(st.tuples(st.integers(0, 11), st.sampled_from([-1, 0, 1])), max_size=60)
ERRORS = st.sampled_from([0.05, 0.2, 0.4])


def numbered(votes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Queries by their first coming, as juries number them."""
    numbers: dict[int, int] = {}
    return [(numbers.setdefault(query, len(numbers)), verdict) for query, verdict in votes]


def share_decided_of_equals(queries: int, error: float, pairs: int) -> float:
    """Votes on a query agree more often than not, and every query takes either side with the same chance."""
    rng = np.random.default_rng(queries)
    decided = 0
    for _ in range(pairs):
        side = rng.choice([-1, 1], queries)
        agree = rng.choice([1, 1, 1, 0, -1], CAP)
        asked = np.arange(CAP) % queries
        votes = [(int(query), int(side[query] * own)) for query, own in zip(asked, agree, strict=True)]
        decided += decide(votes, error, CAP).sign != 0
    return decided / pairs


@pytest.mark.parametrize("queries", [6, 12, 40])
@pytest.mark.parametrize("error", [0.05, 0.2])
def test_of_equals_no_more_are_decided_than_the_error_states(queries: int, error: float) -> None:
    pairs = 1_500
    found = share_decided_of_equals(queries, error, pairs)
    assert found <= error + 3 * sqrt(error * (1 - error) / pairs)


@pytest.mark.parametrize("queries", [12, 40])
@pytest.mark.parametrize("error", [0.2, 0.4])
def test_the_error_is_spent_over_the_looks_and_not_on_the_same_turns_twice(queries: int, error: float) -> None:
    """A test that decides far fewer of equals than it may asks more votes of everybody than it need."""
    assert share_decided_of_equals(queries, error, 1_000) >= 0.8 * error


def test_unequal_ones_are_decided_the_sooner_the_clearer_they_are() -> None:
    clear = decide([(query, 1) for query in range(CAP)], 0.05, CAP)
    closer = decide([(query, 0 if query % 3 else 1) for query in range(CAP)], 0.05, CAP)
    assert clear.sign == 1
    assert clear.votes <= CAP // 2
    assert not closer.sign or closer.votes > clear.votes


@given(VOTES, ERRORS)
def test_turning_all_signs_turns_the_decision(votes: list[tuple[int, int]], error: float) -> None:
    votes = numbered(votes)
    found = decide(votes, error, CAP)
    turned = decide([(query, -verdict) for query, verdict in votes], error, CAP)
    assert (turned.sign, turned.votes) == (-found.sign, found.votes)


@given(VOTES, ERRORS)
def test_once_decided_more_votes_do_not_change_it(votes: list[tuple[int, int]], error: float) -> None:
    votes = numbered(votes)
    whole = decide(votes, error, CAP)
    for length in range(len(votes)):
        part = decide(votes[:length], error, CAP)
        if part.sign:
            assert part == whole
        elif whole.sign:
            assert length < whole.votes


@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from([-1, 0, 1])), min_size=CAP, max_size=60), ERRORS)
def test_nothing_beyond_the_cap_is_looked_at(votes: list[tuple[int, int]], error: float) -> None:
    votes = numbered(votes)
    assert decide(votes, error, CAP).sign == decide(votes[:CAP], error, CAP).sign


@given(st.integers(1, 400))
def test_looks_grow_and_end_at_the_cap(cap: int) -> None:
    looks = grid(cap)
    assert looks[-1] == cap
    assert list(looks) == sorted(set(looks))
    assert looks[0] >= 1


@given(st.integers(1, 30), st.sampled_from([0.01, 0.05, 0.1]))
def test_votes_on_one_query_decide_nothing(votes: int, error: float) -> None:
    assert decide([(0, 1)] * votes, error, CAP).sign == 0
    assert decide([], error, CAP).sign == 0
