"""The fit: where its maximum lies, that it is found, and that it is always finite."""

import random
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from services.scorer import bradley_terry
from services.scorer.bradley_terry import FitDidNotConverge, fit, preferred
from services.scorer.evidence import ONE, Evidence, FloatArray, StrangerVoted
from services.scorer.fixed_point import settle
from services.scorer.tallies import Outcome, Vote
from services.scorer.weightings import uniform
from tests.unit.scorer import plain
from tests.unit.scorer.worlds import MODELS, planted, tallied, vote, votes

NO_PRIOR = 1e6
WEAK_PRIOR = 3.0


def matrix(rows: list[list[float]]) -> FloatArray:
    return np.array(rows, dtype=np.float64)


@pytest.mark.parametrize(("wins", "losses"), [(3, 1), (1, 1), (2, 7), (900, 100)])
def test_two_models_differ_by_the_log_of_their_odds(wins: int, losses: int) -> None:
    strong, weak = fit(matrix([[0, wins], [losses, 0]]), NO_PRIOR).strengths
    assert strong - weak == pytest.approx(log(wins / losses), abs=1e-9)
    assert strong == pytest.approx(-weak, abs=1e-12)


def test_a_tie_is_half_a_win_to_each() -> None:
    rows = [vote("alpha@1", "beta@1", outcome) for outcome in (Outcome.A, Outcome.A, Outcome.TIE, Outcome.TIE)]
    evidence = Evidence.of(tallied(rows), ["alpha@1", "beta@1", "judge@1"])
    wins = evidence.wins(np.full(3, ONE))
    assert wins[0, 1] == 3
    assert wins[1, 0] == 1


def test_of_three_models_each_gap_adds_up() -> None:
    """Wins in exact proportion to chances are fitted by those chances."""
    truth = np.array([1.0, 0.25, -1.25])
    wins = 50 * preferred(truth) * (1 - np.eye(3))
    assert fit(wins, NO_PRIOR).strengths == pytest.approx(truth, abs=1e-9)


wins_of_all_sizes = st.integers(1, 6).flatmap(
    lambda n: arrays(np.float64, (n, n), elements=st.sampled_from([0.0, 0.0, 1e-3, 0.5, 1.0, 7.0, 300.0, 1e6])).map(
        lambda wins: wins * (1 - np.eye(n))
    )
)


@given(wins=wins_of_all_sizes, prior_deviation=st.sampled_from([0.5, 3.0, 30.0]))
@settings(max_examples=300)
def test_any_board_has_finite_strengths_of_mean_0_at_which_the_gradient_is_0(
    wins: FloatArray, prior_deviation: float
) -> None:
    strengths = fit(wins, prior_deviation).strengths
    chance = preferred(strengths)
    gradient = np.sum(wins * chance.T - wins.T * chance, axis=1) - strengths / prior_deviation**2
    assert np.all(np.isfinite(strengths))
    assert strengths.sum() == pytest.approx(0, abs=1e-9)
    assert np.max(np.abs(gradient)) <= 1e-9 * max(1.0, wins.sum())


@given(rows=votes(max_size=25), weights=st.lists(st.integers(1, 4 * ONE), min_size=6, max_size=6))
@settings(max_examples=40, deadline=None)
def test_the_plain_twin_finds_the_same(rows: list[Vote], weights: list[int]) -> None:
    evidence = Evidence.of(tallied(rows), MODELS)
    strengths = dict(zip(MODELS, fit(evidence.wins(np.array(weights)), WEAK_PRIOR).strengths, strict=True))
    plain_weights = {model: parts / ONE for model, parts in zip(MODELS, weights, strict=True)}
    slopes = plain.gradient(rows, plain_weights, strengths, WEAK_PRIOR)
    assert max(map(abs, slopes.values())) < 1e-9
    assert plain.climb(rows, plain_weights, MODELS, WEAK_PRIOR) == pytest.approx(strengths, abs=1e-8)


@pytest.mark.parametrize("wins", [1, 40, 10_000, 10**9])
def test_an_undefeated_model_is_strong_but_finite(wins: int) -> None:
    strong, weak = fit(matrix([[0, wins], [0, 0]]), WEAK_PRIOR).strengths
    assert weak < 0 < strong < 25


def test_more_wins_without_a_loss_are_stronger() -> None:
    found = [fit(matrix([[0, wins], [0, 0]]), WEAK_PRIOR).strengths[0] for wins in (1, 5, 50, 500)]
    assert found == sorted(set(found))


def test_meeting_the_limit_of_steps_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bradley_terry, "STEP_LIMIT", 3)
    with pytest.raises(FitDidNotConverge, match="3 Newton steps on a board of 2 models"):
        fit(matrix([[0, 1000], [0, 0]]), WEAK_PRIOR)


def test_a_board_on_which_full_newton_steps_swing_for_ever_is_fitted() -> None:
    wins = matrix([[0, 0, 0, 0], [1e5, 0, 10, 0], [0, 0, 0, 1e5], [1e5, 0, 0, 0]])
    found = fit(wins, WEAK_PRIOR)
    assert list(np.argsort(-found.strengths)) == [1, 2, 3, 0]


def test_the_hardest_boards_stay_far_from_the_limit_of_steps() -> None:
    """Chains of undefeated models, each beating the next a million times."""
    n = 60
    wins = np.diag(np.full(n - 1, 1e6), k=1)
    assert fit(wins, 100.0).steps < bradley_terry.STEP_LIMIT / 2


def test_planted_strengths_are_recovered() -> None:
    correlations = []
    for seed in range(3):
        skill, rows = planted(seed, queries=24)
        models = sorted(skill)
        found = settle(Evidence.of(tallied(rows), models), uniform, WEAK_PRIOR)[0].strengths
        correlations.append(spearmanr([skill[model] for model in models], found).statistic)
    assert np.mean(correlations) > 0.9


@given(rows=votes(), order=st.randoms(use_true_random=False))
def test_columns_stand_in_canonical_order(rows: list[Vote], order: random.Random) -> None:
    """So that sums are taken in one order, whatever the order of the votes."""
    straight = Evidence.of(tallied(rows), MODELS)
    tallies = tallied(rows)
    tallies.preferences = dict(order.sample(list(tallies.preferences.items()), len(tallies.preferences)))
    shuffled = Evidence.of(tallies, MODELS)
    for column in ("judge", "first", "second", "wins_first", "wins_second", "ties"):
        assert np.array_equal(getattr(straight, column), getattr(shuffled, column))


def test_a_vote_of_a_stranger_is_refused_by_name() -> None:
    tallies = tallied([vote("alpha@1", "beta@1", Outcome.A, judge="who@1")])
    with pytest.raises(StrangerVoted, match="who@1 is no entrant, but who@1 has judged alpha@1 against beta@1"):
        Evidence.of(tallies, ["alpha@1", "beta@1"])
