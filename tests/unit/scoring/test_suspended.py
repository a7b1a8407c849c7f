"""A suspended judge: its votes count nothing, wherever its board is looked at, and it is ranked like any other."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dearena.scoring import FitSettings, Outcome
from dearena.scoring.arrays import ONE
from dearena.scoring.boards.board import Board, Entrant, make_board
from dearena.scoring.boards.vote_log import VoteLog
from dearena.scoring.boards.vote_rows import Vote, columns_of, log_of
from dearena.scoring.reports.judges import SUSPENDED, suspended_judges
from dearena.scoring.weightings import WEIGHTINGS
from tests.unit.scoring.voted import MODELS, SCORE, board_of, drawn_votes, entrants, planted, row_of, vote

GAMMA = MODELS[4]


def suspending(log: VoteLog, *suspended: str, rule: FitSettings = SCORE, retired: tuple[str, ...] = ()) -> Board:
    counted = log.counted()
    return make_board(counted, entrants(counted, retired, suspended), rule).board


def scores(board: Board) -> list[tuple[object, ...]]:
    return [(row.model, row.rank, row.strength, row.low, row.high) for row in board.rows]


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@given(rows=drawn_votes(), suspended=st.sets(st.sampled_from(MODELS), min_size=1, max_size=5))
@settings(max_examples=20)
def test_its_board_is_that_of_the_log_without_its_votes(weighting: str, rows: list[Vote], suspended: set[str]) -> None:
    heard = [row for row in rows if row.judge not in suspended]
    rule = FitSettings(weighting=weighting)
    without = log_of(heard)
    assume(without.counted().votes.models == log_of(rows).counted().votes.models)
    board, expected = suspending(log_of(rows), *suspended, rule=rule), suspending(without, *suspended, rule=rule)
    assert scores(board) == scores(expected)
    assert board.digest == expected.digest
    assert (board.outcomes, board.clusters, board.effective_votes) == (
        expected.outcomes,
        expected.clusters,
        expected.effective_votes,
    )
    assert [replace(row, judged={}) for row in board.rows] == [replace(row, judged={}) for row in expected.rows]
    assert board.judge_calls == 2 * len(rows)


@given(rows=drawn_votes(), lot=st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_its_board_does_not_depend_on_the_order_of_votes(rows: list[Vote], lot: random.Random) -> None:
    assert suspending(log_of(lot.sample(rows, len(rows))), GAMMA) == suspending(log_of(rows), GAMMA)


@given(
    rounds=st.lists(
        st.tuples(drawn_votes(max_size=12), st.sets(st.sampled_from(MODELS), max_size=3)), min_size=1, max_size=4
    )
)
@settings(max_examples=20)
def test_a_log_that_grows_hears_whoever_is_reinstated(rounds: list[tuple[list[Vote], set[str]]]) -> None:
    votes = [[row._replace(cell_id=f"{n}-{row.cell_id}") for row in rows] for n, (rows, _) in enumerate(rounds)]
    grown = VoteLog()
    for number, (_, suspended) in enumerate(rounds, start=1):
        grown.add_round(number, columns_of(votes[number - 1]))
        assert suspending(grown, *suspended) == suspending(log_of(*votes[:number]), *suspended)


def test_it_weighs_nothing_and_the_others_share_the_weight() -> None:
    _, rows = planted(1, models=6, queries=3)
    log = log_of(rows)
    first, second, third = log.counted().votes.models[:3]
    board = suspending(log, first, retired=(second,))
    assert {row.model for row in board.rows if row.suspended} == {first}
    assert row_of(board, first).judge_weight == row_of(board, second).judge_weight == 0
    may_judge = [row.judge_weight for row in board.rows if row.model not in (first, second)]
    assert all(may_judge)
    assert sum(may_judge) == ONE * len(may_judge)
    assert row_of(board, first).rank > 0
    assert row_of(board, third).rank_low > 0


def test_its_own_record_stays_and_that_of_its_contestants_is_without_it() -> None:
    rows = [
        vote("alpha@1", "beta@1", Outcome.A, "gamma@1"),
        vote("alpha@1", "beta@1", Outcome.B, "delta@1"),
        vote("alpha@1", "beta@1", Outcome.INVALID, "gamma@1"),
    ]
    board = suspending(log_of(rows), "gamma@1")
    gamma, alpha = row_of(board, "gamma@1"), row_of(board, "alpha@1")
    assert (gamma.judged[Outcome.A], gamma.judged[Outcome.INVALID]) == (1, 1)
    assert (alpha.votes, alpha.contested[Outcome.A], alpha.contested[Outcome.B]) == (1, 0, 1)
    assert sum(alpha.contested.values()) == 1
    assert board.outcomes[Outcome.B] == sum(board.outcomes.values()) == 1


@given(rows=drawn_votes())
@settings(max_examples=15)
def test_where_all_are_suspended_no_vote_counts(rows: list[Vote]) -> None:
    board = suspending(log_of(rows), *MODELS)
    assert all(row.votes == row.judge_weight == 0 and row.strength == 0 for row in board.rows)


def test_nobody_suspended_leaves_the_board_as_it_is() -> None:
    _, rows = planted(2, models=6, queries=3)
    counted = log_of(rows).counted()
    everybody = [Entrant(model, suspended=False) for model in counted.votes.models]
    assert make_board(counted, everybody, SCORE).board == board_of(rows)
    assert counted.without_judges(["nobody@1"]) is counted


def test_its_report_says_how_it_voted_beside_the_board_of_the_others() -> None:
    """An inverted judge is seen to disagree, and one that always says first to prefer the first seat."""
    _, rows = planted(3, models=8, queries=12)
    turned = {Outcome.A: Outcome.B, Outcome.B: Outcome.A}
    inverted, first = sorted({row.judge for row in rows})[:2]
    rows = [
        row._replace(outcome=turned.get(row.outcome, row.outcome)) if row.judge == inverted else row for row in rows
    ]
    rows = [row._replace(outcome=Outcome.FLIP, seats=(0, 0)) if row.judge == first else row for row in rows]
    counted = log_of(rows).counted()
    found = make_board(counted, entrants(counted, (), (inverted, first)), SCORE).fit
    votes = counted.votes_by([inverted, first])
    assert votes.judges == (inverted, first)
    of_inverted, of_first = suspended_judges(votes, found)
    assert of_inverted.notes == (SUSPENDED, "disagrees with the rest")
    assert of_inverted.agreement is not None
    assert of_inverted.agreement.share.high < 0.5
    assert set(of_first.notes) == {SUSPENDED, "mostly undecided", "prefers the first seat"}
    assert (of_inverted.weight, of_inverted.worth, of_inverted.family) == (0, None, None)
    assert of_inverted.cells == np.count_nonzero([row.judge == inverted for row in rows])
