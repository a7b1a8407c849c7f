"""Votes of judges that were drawn by weight: what they count, and what does not depend on how they were drawn."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dearena.scoring import FitSettings, Outcome, Votes, fit
from dearena.scoring.boards.board import Board
from dearena.scoring.boards.vote_log import VoteLog
from dearena.scoring.boards.vote_rows import Vote, columns_of, log_of
from dearena.scoring.draws import EVEN, RATIO_CAP, RATIO_UNITS, balanced, drawn, ratios
from dearena.scoring.outcomes import PREFERENCES
from tests.unit.scoring.voted import SCORE, UNIFORM, board_of, drawn_votes, planted, vote, votes

A, B = Outcome.A, Outcome.B


@given(draw=st.integers(1, 2**31))
def test_a_ratio_is_the_even_chance_over_that_of_the_draw_and_no_more_than_the_cap(draw: int) -> None:
    (ratio,) = ratios(np.array([draw])) / RATIO_UNITS
    assert 1 / RATIO_UNITS <= ratio <= RATIO_CAP
    if EVEN / RATIO_CAP <= draw <= 100 * EVEN:
        assert ratio == pytest.approx(EVEN / draw, abs=0.5 / RATIO_UNITS)


def test_the_floor_of_a_jury_meets_the_cap() -> None:
    assert ratios(np.array([13_107, 13_108, EVEN])).tolist() == [5 * RATIO_UNITS, 20_479, RATIO_UNITS]


@given(rows=votes(), draw=st.integers(1, 10 * EVEN))
@settings(max_examples=25)
def test_draws_that_are_alike_change_no_bit_of_a_board(rows: list[Vote], draw: int) -> None:
    assert board_of([row._replace(draw=draw) for row in rows]) == board_of(rows)


@given(rows=drawn_votes(), lot=st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_a_board_of_drawn_judges_does_not_depend_on_the_order_of_votes(rows: list[Vote], lot: random.Random) -> None:
    assert board_of(lot.sample(rows, len(rows))) == board_of(rows)


@given(rounds=st.lists(st.one_of(votes(max_size=12), drawn_votes(max_size=12)), min_size=1, max_size=4))
@settings(max_examples=25)
def test_a_log_that_grows_weighs_votes_as_one_read_anew(rounds: list[list[Vote]]) -> None:
    rounds = [[row._replace(cell_id=f"{n}-{row.cell_id}") for row in rows] for n, rows in enumerate(rounds)]
    grown = VoteLog()
    for number, rows in enumerate(rounds, start=1):
        grown.add_round(number, columns_of(rows))
        _assert_weighed_alike(grown.counted().votes, log_of(*rounds[:number]).counted().votes)
    for number in range(1, len(rounds) + 1):
        _assert_weighed_alike(grown.counted(number).votes, log_of(*rounds[:number]).counted().votes)


def _assert_weighed_alike(one: Votes, other: Votes) -> None:
    assert one.unit == other.unit
    np.testing.assert_array_equal(one.weight, other.weight)


@given(rows=drawn_votes(max_size=30))
def test_the_mean_weight_of_preferences_is_1(rows: list[Vote]) -> None:
    found = log_of(rows).counted().votes
    counted = [row.outcome in PREFERENCES for row in rows]
    if found.weight is not None and any(counted):
        assert np.mean(found.weight[counted] * found.unit) == pytest.approx(1)


@given(rows=drawn_votes(), chosen=st.sets(st.integers(0, 39)))
def test_some_of_the_votes_balanced_again_are_balanced_by_themselves(rows: list[Vote], chosen: set[int]) -> None:
    some = np.array(sorted(number for number in chosen if number < len(rows)), dtype=np.int64)
    all_votes = log_of([row._replace(draw=EVEN) for row in rows]).counted().votes
    draw = np.array([row.draw for row in rows], dtype=np.int64)
    _assert_weighed_alike(balanced(drawn(all_votes, draw).where(some)), drawn(all_votes.where(some), draw[some]))


def test_a_judge_that_was_drawn_twice_as_often_has_the_say_of_any_other() -> None:
    """Two judges of opposite minds: the one with twice the votes, each drawn twice as often, does not win."""
    often = [vote("alpha@1", "beta@1", A, "delta@1", query_id=f"q{n}", draw=4 * EVEN // 3) for n in range(40)]
    seldom = [vote("alpha@1", "beta@1", B, "gamma@1", query_id=f"q{n}", draw=2 * EVEN // 3) for n in range(20)]
    strengths = {row.model: row.strength for row in board_of([*often, *seldom], settings=UNIFORM).rows}
    assert strengths["alpha@1"] == pytest.approx(strengths["beta@1"], abs=1e-3)
    undrawn = board_of([row._replace(draw=EVEN) for row in [*often, *seldom]], settings=UNIFORM)
    assert {row.model: row.strength for row in undrawn.rows}["alpha@1"] > 0.3


def test_judges_drawn_by_their_weights_give_the_board_that_all_judges_would() -> None:
    """Votes kept with the chance of their judge's weight: counted by their draws they estimate the full board."""
    _, rows = planted(2, queries=20)
    full = board_of(rows)
    weight = {row.model: row.judge_weight for row in full.rows}
    lot = np.random.default_rng(0)
    kept = [row._replace(draw=weight[row.judge]) for row in rows if lot.random() < weight[row.judge] / EVEN / 2]
    by_draws, weighed_twice = board_of(kept), board_of([row._replace(draw=EVEN) for row in kept])
    assert _distance(by_draws, full) < _distance(weighed_twice, full) / 2


def _distance(one: Board, other: Board) -> float:
    strengths = [{row.model: row.strength for row in board.rows} for board in (one, other)]
    return float(np.sqrt(np.mean([(strengths[0][model] - strengths[1][model]) ** 2 for model in strengths[1]])))


@pytest.mark.parametrize("rule", [UNIFORM, SCORE], ids=lambda rule: rule.weighting)
def test_uneven_weights_are_worth_as_many_even_ones_as_kish_says(rule: FitSettings) -> None:
    """Independent votes, a question and a judge for each: effective votes are (sum of weights)^2 / sum of squares."""
    count = 3_000
    rng = np.random.default_rng(3)
    first = rng.integers(0, 4, count)
    second = (first + rng.integers(1, 4, count)) % 4
    even = Votes.of_codes(
        models=[f"m{n}" for n in range(4)],
        judges=[f"j{n:04d}" for n in range(count)],
        queries=[f"q{n:04d}" for n in range(count)],
        judge=np.arange(count),
        first=first,
        second=second,
        query=np.arange(count),
        outcome=rng.integers(0, 2, count),
    )
    draw = np.where(rng.random(count) < 0.5, 4 * EVEN // 3, EVEN // 3)
    found = drawn(even, draw)
    assert found.weight is not None
    kish = float(np.sum(found.weight)) ** 2 / float(np.sum(found.weight.astype(np.float64) ** 2))
    assert kish < 0.8 * count
    assert fit(found, rule).effective_votes / fit(even, rule).effective_votes == pytest.approx(kish / count, rel=0.15)


def test_weights_of_their_own_are_multiplied() -> None:
    columns = {
        "judge": ["j"] * 2,
        "model_a": ["a"] * 2,
        "model_b": ["b"] * 2,
        "query": ["p", "q"],
        "winner": ["a", "b"],
    }
    found = drawn(Votes.of_columns(**columns, weight=[3, 1]), np.array([EVEN, EVEN // 2]))
    assert found.weight is not None
    np.testing.assert_allclose(found.weight * found.unit, [3 * 2 / 3, 1 * 4 / 3], rtol=1e-5)
