"""A board: its order, its flags, its digest, and what retires, fails or never met."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from dearena.scoring import FitSettings, Outcome
from dearena.scoring.arrays import ONE
from dearena.scoring.boards.board import Entrant, StrangerVoted, _shared_out, make_board, rating
from dearena.scoring.boards.pair_votes import matrices
from dearena.scoring.boards.vote_rows import Vote, log_of
from dearena.scoring.weightings import WEIGHTINGS
from tests.unit.scoring.voted import SCORE, UNIFORM, board_of, entrants, made_of, planted, row_of, vote, votes

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


@given(rows=votes(), weighting=st.sampled_from(WEIGHTINGS), ties=st.sampled_from(["half", "davidson"]))
@settings(max_examples=60, deadline=None)
def test_any_board_can_be_hashed_and_its_ranks_are_without_gap(rows: list[Vote], weighting: str, ties: str) -> None:
    board = board_of(rows, settings=FitSettings(weighting=weighting, ties=ties))
    assert len(board.digest) == 64
    assert [row.rank for row in board.rows] == list(range(1, len(board.rows) + 1))
    assert sum(row.judge_weight for row in board.rows) == ONE * len(board.rows)
    assert all(1 <= row.rank_low <= row.rank <= row.rank_high <= len(board.rows) for row in board.rows)
    groups = [row.group for row in board.rows if row.votes]
    assert groups == sorted(groups)
    assert groups[:1] in ([], [1])


def test_outcomes_are_told_of_each_model_as_contestant_and_as_judge() -> None:
    board = board_of(TRIANGLE)
    beta, gamma = row_of(board, "beta@1"), row_of(board, "gamma@1")
    nothing = dict.fromkeys(Outcome, 0)
    assert beta.contested == nothing | {A: 2 + 6, B: 8 + 4, Outcome.FLIP: 1}
    assert gamma.judged == nothing | {A: 8, B: 2}
    assert beta.judged == nothing | {A: 7, TIE: 3}


def test_models_that_votes_tell_apart_stand_in_groups_of_their_own() -> None:
    _, rows = planted(0, models=10, queries=40)
    board = board_of(rows)
    assert board.rows[0].group == 1
    assert board.rows[-1].group > 1
    assert board.rows[0].rank_high < board.rows[-1].rank_low


class TestWeights:
    """Of judges, as the next round hears them."""

    @pytest.mark.parametrize("weighting", WEIGHTINGS)
    def test_are_of_mean_1_over_those_who_are_not_retired(self, weighting: str) -> None:
        _, rows = planted(1, models=6, queries=6)
        board = board_of(rows, settings=FitSettings(weighting=weighting), retired=["model-02@1"])
        assert sum(row.judge_weight for row in board.rows) == 5 * ONE
        assert row_of(board, "model-02@1").judge_weight == 0

    def test_of_a_model_that_has_not_judged_follow_from_its_strength(self) -> None:
        _, rows = planted(1, models=6, queries=6)
        silent = [row for row in rows if row.judge != "model-02@1"]
        found = {row.model: row for row in board_of(silent).rows}
        stronger = [row for row in found.values() if row.strength > found["model-02@1"].strength]
        weaker = [row for row in found.values() if row.strength < found["model-02@1"].strength]
        assert all(row.judge_weight > found["model-02@1"].judge_weight for row in stronger)
        assert all(row.judge_weight < found["model-02@1"].judge_weight for row in weaker)
        reliable = row_of(board_of(silent, settings=FitSettings(weighting="reliability")), "model-02@1")
        assert reliable.judge_weight == pytest.approx(ONE, rel=0.3)

    def test_of_nobody_worth_hearing_are_even(self) -> None:
        weights = _shared_out(np.array([0.0, 5.0, 0.0]), np.array([True, False, True]))
        assert weights.tolist() == [ONE, 0, ONE]

    def test_below_a_part_are_none(self) -> None:
        weights = _shared_out(np.array([1.0, 3.0 * ONE, 2.0 * ONE, 2.0 * ONE]), np.ones(4, dtype=bool))
        assert weights[0] == 0
        assert weights.sum() == 4 * ONE


def test_the_digest_is_the_same_from_run_to_run() -> None:
    """A change of this digest is a change of every board there is: it needs a reason."""
    assert board_of(TRIANGLE).digest == "da5f4ef5e054ec55275471624bb9d2b8f0fa23a36ea0ab1e5cca16c044078bdc"


def test_the_digest_tells_another_strength_but_not_another_price() -> None:
    digest = board_of(TRIANGLE).digest
    dearer = [row._replace(cost_nano_units=9, currency="USD", cell_id=f"other-{row.cell_id}") for row in TRIANGLE]
    assert board_of(dearer).digest == digest
    assert board_of(dearer).cost_nano_units == {"USD": 9 * len(TRIANGLE)}
    assert board_of(TRIANGLE, times(1, "alpha@1", "beta@1", A, "gamma@1")).digest != digest


def test_a_board_says_how_it_was_made() -> None:
    other = FitSettings(weighting="uniform", ties="davidson", flips="half", prior_deviation=2.0)
    boards = [board_of(TRIANGLE, settings=settings) for settings in (SCORE, UNIFORM, other)]
    assert len({board.settings_hash for board in boards}) == 3
    assert [board.settings["weighting"] for board in boards] == ["score", "uniform", "uniform"]
    assert boards[2].settings == other.echo()
    assert [board.tie_parameter is None for board in boards] == [True, True, False]


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
        counted = log_of(TRIANGLE).counted()
        board = make_board(counted, [*entrants(counted), Entrant("zeta@1")], SCORE).board
        assert board == board_of(TRIANGLE)

    def test_a_model_without_a_readable_verdict_stands_last_and_unconnected(self) -> None:
        board = board_of(TRIANGLE, [vote("alpha@1", "zeta@1", Outcome.INVALID, "beta@1")])
        last = board.rows[-1]
        assert (last.model, last.rank, last.strength, last.votes) == ("zeta@1", 4, 0.0, 0)
        assert last.high - last.low > 5
        assert not board.connected

    @pytest.mark.parametrize("weighting", WEIGHTINGS)
    def test_a_board_of_nothing_is_empty(self, weighting: str) -> None:
        made = made_of([], settings=FitSettings(weighting=weighting))
        assert made.board.rows == ()
        assert made.board.connected
        assert matrices(made.pairs, 0) == ([], [])


def test_a_stranger_in_a_cell_is_refused_by_name() -> None:
    with pytest.raises(StrangerVoted, match="gamma@1 stood in a cell, but was never admitted"):
        make_board(log_of(TRIANGLE).counted(), [Entrant("alpha@1"), Entrant("beta@1")], SCORE)


def test_two_parts_that_never_met_are_finite_and_flagged() -> None:
    board = board_of(
        times(9, "alpha@1", "beta@1", A, "delta@1") + times(9, "delta@1", "gamma@1", A, "alpha@1"),
    )
    assert not board.connected
    assert not board.bounded
    assert all(math.isfinite(row.strength) and row.low < row.high for row in board.rows)
    parts = {row.model: row.part for row in board.rows}
    assert parts["alpha@1"] == parts["beta@1"] != parts["delta@1"] == parts["gamma@1"]
    assert set(parts.values()) == {1, 2}
    assert board.rows[0].part == 1
    assert {row.model for row in board.rows if row.undefeated} == {"alpha@1", "delta@1"}
    assert {row.model for row in board.rows if row.winless} == {"beta@1", "gamma@1"}


def test_a_vote_of_each_part_joins_them() -> None:
    board = board_of(
        times(9, "alpha@1", "beta@1", A, "delta@1") + times(9, "delta@1", "gamma@1", A, "alpha@1"),
        times(1, "beta@1", "delta@1", TIE, "gamma@1"),
    )
    assert board.connected
    assert {row.part for row in board.rows} == {1}


def test_matrices_give_shares_and_numbers_of_votes_in_board_order() -> None:
    made = made_of(TRIANGLE, [vote("alpha@1", "zeta@1", Outcome.INVALID, "beta@1")])
    win_rate, comparisons = matrices(made.pairs, 4)
    assert [row.model for row in made.board.rows] == ["alpha@1", "beta@1", "gamma@1", "zeta@1"]
    assert comparisons == [*(0, 10, 10, 0), *(10, 0, 10, 0), *(10, 10, 0, 0), *(0, 0, 0, 0)]
    assert win_rate[:4] == pytest.approx([math.nan, 0.8, 0.85, math.nan], nan_ok=True)
    assert win_rate[4:8] == pytest.approx([0.2, math.nan, 0.6, math.nan], nan_ok=True)
    pairs = made.pairs
    assert [int(column[0]) for column in (pairs.row, pairs.column, pairs.votes, pairs.half_wins)] == [0, 1, 10, 16]


def test_a_planted_world_is_ranked_as_it_was_planted() -> None:
    found = []
    for seed in range(3):
        skill, rows = planted(seed, queries=24)
        board = board_of(rows)
        assert board.weight_residual <= 1
        assert board.clusters is not None
        assert (board.clusters.questions, board.clusters.judges) == (24, 12)
        assert 0 < board.effective_votes < len(rows)
        found.append(spearmanr([skill[row.model] for row in board.rows], [-row.rank for row in board.rows]).statistic)
    assert sum(found) / 3 > 0.9
