"""The fit of strengths: where its maximum lies, that it is found, and that it is always finite."""

from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dearena.scoring import FitSettings, fit
from dearena.scoring import strengths as module
from dearena.scoring.arrays import FloatArray
from dearena.scoring.cells import Cells
from dearena.scoring.strengths import FitDidNotConverge, fit_strengths
from dearena.scoring.tallies import tally
from tests.unit.scoring import plain
from tests.unit.scoring.plain import Ballot
from tests.unit.scoring.worlds import MODELS, ballots, votes_of

NO_PRIOR = 1e6
WEAK_PRIOR = 3.0


def cells_of(wins: object, ties: object = 0.0) -> Cells:
    """Pairs from a matrix of wins of row over column, and one of ties above the diagonal."""
    won = np.array(wins, dtype=np.float64)
    tied = np.zeros_like(won) + np.array(ties)
    return Cells.of_pairs(np.stack([won, np.zeros_like(won), tied]))


@pytest.mark.parametrize(("wins", "losses"), [(3, 1), (1, 1), (2, 7), (900, 100)])
def test_two_models_differ_by_the_log_of_their_odds(wins: int, losses: int) -> None:
    strong, weak = fit_strengths(cells_of([[0, wins], [losses, 0]]), NO_PRIOR).strengths
    assert strong - weak == pytest.approx(log(wins / losses), abs=1e-9)
    assert strong == pytest.approx(-weak, abs=1e-12)


def test_of_three_models_each_gap_adds_up() -> None:
    truth = np.array([1.0, 0.25, -1.25])
    wins = 50 / (1 + np.exp(truth[None, :] - truth[:, None])) * (1 - np.eye(3))
    assert fit_strengths(cells_of(wins), NO_PRIOR).strengths == pytest.approx(truth, abs=1e-9)


def test_davidson_finds_the_tie_parameter_that_ties_were_made_with() -> None:
    truth, nu = np.array([0.8, 0.1, -0.9]), 0.7
    up = np.exp((truth[:, None] - truth[None, :]) / 2)
    total = up + 1 / up + nu
    found = fit_strengths(
        cells_of(100 * up / total * (1 - np.eye(3)), np.triu(100 * nu / total, 1)), NO_PRIOR, "davidson"
    )
    assert found.strengths == pytest.approx(truth, abs=1e-9)
    assert found.log_nu is not None
    assert exp(found.log_nu) == pytest.approx(nu, abs=1e-9)


@given(rows=ballots(min_size=1, max_size=25))
@settings(max_examples=40, deadline=None)
def test_under_davidson_no_step_aside_is_likelier(rows: list[Ballot]) -> None:
    votes = votes_of(rows)
    found = fit_strengths(Cells.of_pairs(tally(votes)), WEAK_PRIOR, "davidson")
    assert found.log_nu is not None
    place = dict(zip(votes.models, found.strengths, strict=True))
    best = plain.log_posterior(rows, place, exp(found.log_nu), WEAK_PRIOR)
    for step in (1e-3, -1e-3):
        assert plain.log_posterior(rows, place, exp(found.log_nu + step), WEAK_PRIOR) < best
        for model, strength in place.items():
            aside = place | {model: strength + step}
            assert plain.log_posterior(rows, aside, exp(found.log_nu), WEAK_PRIOR) < best


wins_of_all_sizes = st.integers(1, 6).flatmap(
    lambda n: arrays(np.float64, (n, n), elements=st.sampled_from([0.0, 0.0, 1e-3, 0.5, 1.0, 7.0, 300.0, 1e6])).map(
        lambda wins: wins * (1 - np.eye(n))
    )
)


@given(
    wins=wins_of_all_sizes,
    prior_deviation=st.sampled_from([0.5, 3.0, 30.0]),
    ties=st.sampled_from(["half", "davidson"]),
)
@settings(max_examples=300)
def test_any_board_has_finite_strengths_of_mean_0(wins: FloatArray, prior_deviation: float, ties: str) -> None:
    found = fit_strengths(cells_of(wins), prior_deviation, ties).strengths
    assert np.all(np.isfinite(found))
    assert found.sum() == pytest.approx(0, abs=1e-9)


@given(wins=wins_of_all_sizes, prior_deviation=st.sampled_from([0.5, 3.0, 30.0]))
@settings(max_examples=200)
def test_the_gradient_is_0_at_the_maximum(wins: FloatArray, prior_deviation: float) -> None:
    found = fit_strengths(cells_of(wins), prior_deviation).strengths
    chance = 1 / (1 + np.exp(found[None, :] - found[:, None]))
    gradient = np.sum(wins * chance.T - wins.T * chance, axis=1) - found / prior_deviation**2
    assert np.max(np.abs(gradient)) <= 1e-9 * max(1.0, wins.sum())


@given(rows=ballots(min_size=1, max_size=25, weights=(1.0, 0.5, 3.0)))
@settings(max_examples=40, deadline=None)
def test_the_plain_twin_finds_the_same(rows: list[Ballot]) -> None:
    votes = votes_of(rows, weighted=True)
    found = fit(votes, FitSettings(weighting="uniform", prior_deviation=WEAK_PRIOR))
    twin = plain.climb(rows, [model for model in MODELS if model in votes.models], WEAK_PRIOR)
    assert dict(zip(found.models, found.strengths, strict=True)) == pytest.approx(twin, abs=1e-8)


def test_a_sharp_judge_needs_a_smaller_difference_to_say_the_same() -> None:
    """Two judges of slopes 2 and 1/2 who see the same two models: chances follow slope times difference."""
    slope = np.array([2.0, 0.5])
    chance = 1 / (1 + np.exp(-slope * 0.6))
    cells = Cells(2, np.array([0, 0]), np.array([1, 1]), 100 * chance, 100 * (1 - chance), np.zeros(2), slope)
    strong, weak = fit_strengths(cells, NO_PRIOR).strengths
    assert strong - weak == pytest.approx(0.6, abs=1e-9)


def test_a_covariate_takes_what_it_explains() -> None:
    """Two models of equal strength; whoever is longer has odds e^0.4 to 1."""
    longer = np.array([[1.0], [-1.0]])
    chance = 1 / (1 + np.exp(-0.4 * longer[:, 0]))
    cells = Cells(2, np.array([0, 0]), np.array([1, 1]), 300 * chance, 300 * (1 - chance), np.zeros(2), None, longer)
    found = fit_strengths(cells, NO_PRIOR)
    assert found.strengths == pytest.approx([0, 0], abs=1e-9)
    assert found.coefficients == pytest.approx([0.4], abs=1e-9)


@pytest.mark.parametrize("wins", [1, 40, 10_000, 10**9])
def test_an_undefeated_model_is_strong_but_finite(wins: int) -> None:
    strong, weak = fit_strengths(cells_of([[0, wins], [0, 0]]), WEAK_PRIOR).strengths
    assert weak < 0 < strong < 25


def test_more_wins_without_a_loss_are_stronger() -> None:
    found = [fit_strengths(cells_of([[0, wins], [0, 0]]), WEAK_PRIOR).strengths[0] for wins in (1, 5, 50, 500)]
    assert found == sorted(set(found))


def test_meeting_the_limit_of_steps_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEP_LIMIT", 3)
    with pytest.raises(FitDidNotConverge, match="3 Newton steps on a board of 2 models"):
        fit_strengths(cells_of([[0, 1000], [0, 0]]), WEAK_PRIOR)


def test_a_board_on_which_full_newton_steps_swing_for_ever_is_fitted() -> None:
    wins = [[0, 0, 0, 0], [1e5, 0, 10, 0], [0, 0, 0, 1e5], [1e5, 0, 0, 0]]
    assert list(np.argsort(-fit_strengths(cells_of(wins), WEAK_PRIOR).strengths)) == [1, 2, 3, 0]


@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_the_hardest_boards_stay_far_from_the_limit_of_steps(ties: str) -> None:
    """Chains of undefeated models, each beating the next a million times."""
    n = 60
    assert fit_strengths(cells_of(np.diag(np.full(n - 1, 1e6), k=1)), 100.0, ties).steps < module.STEP_LIMIT / 2
