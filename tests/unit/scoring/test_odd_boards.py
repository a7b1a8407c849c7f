"""Boards with next to nothing on them, or all on one side, are numbers all the same."""

import numpy as np
import pytest

from dearena.scoring import Evidence, FitSettings, Votes, fit
from tests.unit.scoring.boards import assert_numbers, every_rule
from tests.unit.scoring.plain import Ballot
from tests.unit.scoring.worlds import JUDGES, MODELS, QUERIES, planted, votes_of


@every_rule
def test_a_million_wins_to_none_are_a_number(rule: FitSettings) -> None:
    wins = np.zeros(1_000_000, dtype=np.int8)
    votes = Votes.of_codes(
        models=["loser", "winner"],
        judges=JUDGES,
        queries=QUERIES,
        judge=np.arange(len(wins)) % 4,
        first=wins + 1,
        second=wins,
        query=np.arange(len(wins)) % 6,
        outcome=wins,
    )
    found = fit(votes, rule)
    assert_numbers(found)
    np.testing.assert_array_equal(found.rank, [2, 1])
    assert 5 < found.strengths[1] < 15
    assert not found.connection.bounded


@every_rule
def test_a_million_wins_in_one_vote_are_a_number(rule: FitSettings) -> None:
    rows = [Ballot("ann", "alpha", "beta", "q1", 1.0, 1e6), Ballot("ben", "beta", "delta", "q2", 0.0, 1.0)]
    found = fit(votes_of(rows, weighted=True), rule)
    assert_numbers(found)


@every_rule
@pytest.mark.parametrize("models", [0, 1, 3])
def test_no_votes_are_an_even_board(rule: FitSettings, models: int) -> None:
    nothing = np.zeros(0, dtype=np.int32)
    votes = Votes.of_codes(
        models=MODELS[:models],
        judges=JUDGES,
        queries=QUERIES,
        judge=nothing,
        first=nothing,
        second=nothing,
        query=nothing,
        outcome=nothing,
    )
    for found in (fit(votes, rule), fit(Evidence(votes), rule)):
        assert_numbers(found)
        assert not found.strengths.any()
        assert not found.votes.any()


def test_a_log_without_a_line_is_an_empty_board() -> None:
    found = fit(Evidence(), FitSettings())
    assert found.models == ()
    assert found.connection.connected
    assert_numbers(found)


@every_rule
@pytest.mark.parametrize(("judges", "queries"), [(1, 6), (4, 1), (1, 1)])
def test_one_judge_or_one_question_is_enough_for_a_board(rule: FitSettings, judges: int, queries: int) -> None:
    _, votes = planted(11, models=5, judges=judges, queries=queries, votes=200)
    found = fit(votes, rule)
    assert_numbers(found)
    assert np.all(found.high - found.low > 0)


@every_rule
@pytest.mark.parametrize("half_win", [1.0, 0.5])
def test_one_vote_is_a_board(rule: FitSettings, half_win: float) -> None:
    found = fit(votes_of([Ballot("ann", "alpha", "beta", "q1", half_win)]), rule)
    assert_numbers(found)
    assert (found.strengths[0] > 0) == (half_win == 1)
    assert np.all(found.rank_high == 2)


@every_rule
def test_nothing_but_ties_is_an_even_board(rule: FitSettings) -> None:
    rows = [Ballot(judge, "alpha", "beta", query, 0.5) for judge in JUDGES for query in QUERIES]
    found = fit(votes_of(rows), rule)
    assert_numbers(found)
    assert not found.strengths.any()
