"""A board: its order, its flags, its digest, and what retires, fails or never met."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from services.scorer.board import Entrant, Method, PairVotes, matrices, rating, score_board
from services.scorer.evidence import ONE, StrangerVoted
from services.scorer.tallies import Outcome, Vote
from tests.unit.scorer.worlds import SCORE, UNIFORM, board_of, entrants, planted, row_of, tallied, vote, votes

A, B, TIE = Outcome.A, Outcome.B, Outcome.TIE


def times(number: int, model_a: str, model_b: str, outcome: Outcome, judge: str) -> list[Vote]:
    return [vote(model_a, model_b, outcome, judge) for _ in range(number)]


TRIANGLE = [
    *times(8, "alpha@1", "beta@1", A, "gamma@1"),
    *times(2, "alpha@1", "beta@1", B, "gamma@1"),
    *times(7, "alpha@1", "gamma@1", A, "beta@1"),
    *times(3, "alpha@1", "gamma@1", TIE, "beta@1"),
    *times(6, "beta@1", "gamma@1", A, "alpha@1"),
    *times(4, "beta@1", "gamma@1", B, "alpha@1"),
    vote("beta@1", "gamma@1", Outcome.FLIP, "alpha@1"),
]


def test_rows_stand_best_first_with_votes_and_wins() -> None:
    board = board_of(TRIANGLE)
    assert [(row.rank, row.model, row.votes, row.half_wins) for row in board.rows] == [
        (1, "alpha@1", 20, 2 * 15 + 3),
        (2, "beta@1", 20, 2 * 8),
        (3, "gamma@1", 20, 2 * 4 + 3),
    ]
    assert sum(row.strength for row in board.rows) == pytest.approx(0, abs=1e-8)
    assert all(row.low < row.strength < row.high for row in board.rows)
    assert board.connected
    assert board.outcomes == dict.fromkeys(Outcome, 0) | {A: 21, B: 6, TIE: 3, Outcome.FLIP: 1}
    assert board.judge_calls == 2 * len(TRIANGLE)


def test_ratings_and_scores_say_the_same_as_strengths() -> None:
    assert rating(0) == 1000
    assert rating(math.log(10)) == pytest.approx(1400)
    assert row_of(board_of(times(2, "alpha@1", "beta@1", TIE, "gamma@1")), "alpha@1").score == 50


@given(rows=votes(), order=st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_a_board_does_not_depend_on_the_order_of_votes(rows: list[Vote], order: random.Random) -> None:
    assert board_of(order.sample(rows, len(rows))) == board_of(rows)


@given(rows=votes())
@settings(max_examples=100, deadline=None)
def test_any_board_can_be_hashed_and_its_ranks_are_without_gap(rows: list[Vote]) -> None:
    board = board_of(rows)
    assert len(board.digest) == 64
    assert [row.rank for row in board.rows] == list(range(1, len(board.rows) + 1))
    assert sum(row.judge_weight for row in board.rows) == ONE * len(board.rows)


def test_the_digest_is_the_same_from_run_to_run() -> None:
    """A change of this digest is a change of every board there is: it needs a reason."""
    assert board_of(TRIANGLE).digest == "37293a14df2fe201d8238080ff9c462cdaa54eeb037bbd49bce2952b882e358c"


def test_the_digest_tells_another_strength_but_not_another_price() -> None:
    digest = board_of(TRIANGLE).digest
    dearer = [row._replace(cost_nano_units=9, currency="USD", cell_id=f"other-{row.cell_id}") for row in TRIANGLE]
    assert board_of(dearer).digest == digest
    assert board_of(dearer).cost_nano_units == {"USD": 9 * len(TRIANGLE)}
    assert board_of(TRIANGLE, times(1, "alpha@1", "beta@1", A, "gamma@1")).digest != digest


def test_the_settings_hash_tells_methods_apart() -> None:
    assert SCORE.settings_hash == Method("score", 3.0).settings_hash
    assert len({SCORE.settings_hash, UNIFORM.settings_hash, Method("score", 2.0).settings_hash}) == 3


def test_equal_evidence_gives_equal_strengths_and_canonical_order() -> None:
    board = board_of(
        times(5, "beta@1", "gamma@1", A, "alpha@1")
        + times(5, "beta@1", "gamma@1", B, "alpha@1")
        + times(5, "alpha@1", "gamma@1", A, "beta@1")
        + times(5, "alpha@1", "gamma@1", B, "beta@1")
    )
    assert [row.model for row in board.rows] == ["alpha@1", "beta@1", "gamma@1"]
    assert {row.strength for row in board.rows} == {0.0}


def test_revisions_are_ordered_by_number() -> None:
    board = board_of(times(1, "alpha@9", "alpha@10", TIE, "alpha@2"))
    assert [row.model for row in board.rows] == ["alpha@9", "alpha@10", "alpha@2"]


class TestRetired:
    board = board_of(TRIANGLE, retired=["alpha@1"])

    def test_has_no_rank_no_weight_and_the_last_row(self) -> None:
        last = self.board.rows[-1]
        assert (last.model, last.rank, last.judge_weight, last.retired) == ("alpha@1", 0, 0, True)
        assert [row.rank for row in self.board.rows] == [1, 2, 0]

    def test_stays_in_the_fit_with_all_votes(self) -> None:
        before = board_of(TRIANGLE)
        for row in before.rows:
            after = row_of(self.board, row.model)
            assert (after.strength, after.low, after.high, after.votes) == (row.strength, row.low, row.high, row.votes)

    def test_leaves_its_share_of_weight_to_the_others(self) -> None:
        assert sum(row.judge_weight for row in self.board.rows) == 2 * ONE

    def test_all_may_be(self) -> None:
        board = board_of(TRIANGLE, retired=["alpha@1", "beta@1", "gamma@1"])
        assert {row.rank for row in board.rows} == {0}


class TestWithoutVotes:
    def test_an_entrant_in_no_cell_is_not_on_the_board(self) -> None:
        tallies = tallied(TRIANGLE)
        board = score_board(tallies, [*entrants(tallies), Entrant("zeta@1")], SCORE)
        assert board == board_of(TRIANGLE)

    def test_a_model_without_a_readable_verdict_stands_last_and_unconnected(self) -> None:
        board = board_of(TRIANGLE, [vote("alpha@1", "zeta@1", Outcome.INVALID, "beta@1")])
        last = board.rows[-1]
        assert (last.model, last.rank, last.strength, last.votes) == ("zeta@1", 4, 0.0, 0)
        assert last.high - last.low > 5
        assert not board.connected

    def test_a_board_of_nothing_is_empty(self) -> None:
        board = board_of([])
        assert board.rows == ()
        assert board.connected
        assert matrices(board) == ([], [])


def test_a_stranger_in_a_cell_is_refused_by_name() -> None:
    tallies = tallied(TRIANGLE)
    with pytest.raises(StrangerVoted, match="gamma@1 stood in a cell, but was never admitted"):
        score_board(tallies, [Entrant("alpha@1"), Entrant("beta@1")], SCORE)


def test_two_parts_that_never_met_are_finite_and_flagged() -> None:
    board = board_of(
        times(9, "alpha@1", "beta@1", A, "delta@1") + times(9, "delta@1", "gamma@1", A, "alpha@1"),
    )
    assert not board.connected
    assert all(math.isfinite(row.strength) and row.low < row.high for row in board.rows)


def test_a_vote_of_each_part_joins_them() -> None:
    board = board_of(
        times(9, "alpha@1", "beta@1", A, "delta@1") + times(9, "delta@1", "gamma@1", A, "alpha@1"),
        times(1, "beta@1", "delta@1", TIE, "gamma@1"),
    )
    assert board.connected


def test_matrices_give_shares_and_numbers_of_votes_in_board_order() -> None:
    board = board_of(TRIANGLE, [vote("alpha@1", "zeta@1", Outcome.INVALID, "beta@1")])
    win_rate, comparisons = matrices(board)
    assert [row.model for row in board.rows] == ["alpha@1", "beta@1", "gamma@1", "zeta@1"]
    assert comparisons == [*(0, 10, 10, 0), *(10, 0, 10, 0), *(10, 10, 0, 0), *(0, 0, 0, 0)]
    assert win_rate[:4] == pytest.approx([math.nan, 0.8, 0.85, math.nan], nan_ok=True)
    assert win_rate[4:8] == pytest.approx([0.2, math.nan, 0.6, math.nan], nan_ok=True)
    assert board.pairs[0] == PairVotes(row=0, column=1, votes=10, half_wins=16)


def test_a_planted_world_is_ranked_as_it_was_planted() -> None:
    found = []
    for seed in range(3):
        skill, rows = planted(seed, queries=24)
        board = board_of(rows)
        assert board.weight_residual <= 1
        found.append(spearmanr([skill[row.model] for row in board.rows], [-row.rank for row in board.rows]).statistic)
    assert sum(found) / 3 > 0.9
