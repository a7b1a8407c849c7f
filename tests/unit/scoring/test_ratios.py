import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.scoring.reports.ratios import Share, share_by_question


def share(hits: list[bool], question: list[int]) -> Share:
    found = share_by_question(np.array(hits), np.array(question), 0.95)
    assert found is not None
    return found


@given(votes=st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=60))
def test_an_interval_lies_around_its_share_and_has_a_width(votes: list[tuple[bool, int]]) -> None:
    found = share([hit for hit, _ in votes], [question for _, question in votes])
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    assert found.votes == len(votes)


def test_votes_that_repeat_a_question_are_no_surer() -> None:
    hits = np.random.default_rng(0).random(40) < 0.7
    once = share(hits.tolist(), list(range(40)))
    repeated = share(np.repeat(hits, 5).tolist(), np.repeat(np.arange(40), 5).tolist())
    independent = share(np.repeat(hits, 5).tolist(), list(range(200)))
    assert repeated.high - repeated.low == pytest.approx(once.high - once.low, rel=0.03)
    assert independent.high - independent.low < 0.6 * (once.high - once.low)


def test_one_question_says_nothing_of_others() -> None:
    assert share([True] * 50, [3] * 50) == Share(1.0, 0.0, 1.0, 50)


def test_no_votes_have_no_share() -> None:
    assert share_by_question(np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64), 0.95) is None


def test_intervals_cover_the_share_over_new_questions() -> None:
    chance = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        of_question = chance.beta(3, 2, 30)
        question = chance.integers(0, 30, 150)
        found = share((chance.random(150) < of_question[question]).tolist(), question.tolist())
        covered += found.low <= 0.6 <= found.high
    assert 0.92 < covered / 400 < 0.98
