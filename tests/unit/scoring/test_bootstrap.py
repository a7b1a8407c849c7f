import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from dearena.faults import InvalidField
from dearena.scoring import Fit, FitSettings, Votes, fit
from dearena.scoring.arrays import FloatArray
from dearena.scoring.evidence import preferences
from dearena.scoring.intervals import quantile
from dearena.scoring.reports import bootstrap
from dearena.scoring.reports.bootstrap import Bootstrap, bootstrap_by_question
from tests.unit.scoring.planted import coverage_votes, shuffled

UNIFORM = FitSettings(weighting="uniform")


def drawn(votes: Votes, settings: FitSettings | None = None, draws: int = 1_000, seed: int = 0) -> Bootstrap:
    found = bootstrap_by_question(votes, settings, draws, seed)
    assert found is not None
    return found


def errors_by_question(votes: Votes, found: Fit) -> FloatArray:
    """Sandwich clustered by question alone, written out for equal weights and votes without ties."""
    n, questions = len(votes.models), len(votes.queries)
    mean = expit(found.strengths[votes.first] - found.strengths[votes.second])
    surplus, weight = (votes.outcome == 0) - mean, mean * (1 - mean)
    sums, curvature = np.zeros((questions, n)), np.eye(n) / found.settings.prior_deviation**2
    for model, sign in ((votes.first, 1), (votes.second, -1)):
        np.add.at(sums, (votes.query, model), sign * surplus)
        np.add.at(curvature, (model, model), weight)
    for row, column in ((votes.first, votes.second), (votes.second, votes.first)):
        np.add.at(curvature, (row, column), -weight)
    slices = (np.eye(n) - 1 / n) @ np.linalg.inv(curvature)
    meat = sums.T @ sums * questions / (questions - 1) + np.eye(n) / found.settings.prior_deviation**2
    return np.asarray(np.sqrt(np.diag(slices @ meat @ slices.T)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("votes_per_pair", [40, 200])
def test_errors_are_those_of_the_sandwich_clustered_by_question(seed: int, votes_per_pair: int) -> None:
    votes = coverage_votes(seed, votes_per_pair)
    found = fit(votes, UNIFORM)
    ratio = drawn(votes, UNIFORM).errors / errors_by_question(votes, found)
    assert ratio.mean() == pytest.approx(1, abs=0.02)
    assert_allclose(ratio, 1, atol=0.12)  # 1,000 draws tell a deviation to 2.2 %


def test_intervals_reach_as_far_as_students_t() -> None:
    votes = coverage_votes(1, 200)
    found = drawn(votes, UNIFORM, draws=4_000)
    half = (found.high - found.low) / 2
    assert (half / found.errors).mean() == pytest.approx(quantile(0.95, found.questions - 1), rel=0.02)


def test_the_plain_percentile_of_a_hundred_draws_would_be_too_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[FloatArray] = []
    published = bootstrap._percentiles

    def spied(strengths: FloatArray, *others: object) -> tuple[FloatArray, FloatArray]:
        kept.append(strengths)
        return published(strengths, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(bootstrap, "_percentiles", spied)
    votes = coverage_votes(2, 40)
    reach = 2 * quantile(0.95, 39) * errors_by_question(votes, fit(votes, UNIFORM))
    plain, widened = [], []
    for seed in range(20):
        found = drawn(votes, UNIFORM, draws=100, seed=seed)
        low, high = np.quantile(kept[-1], [0.025, 0.975], axis=0)
        plain.append(np.mean((high - low) / reach))
        widened.append(np.mean((found.high - found.low) / reach))
    assert 0.90 < np.mean(plain) < 0.97
    assert 0.98 < np.mean(widened) < 1.08


def test_what_is_published_is_the_fit_of_all_votes() -> None:
    votes = coverage_votes(3, 6)
    found = drawn(votes, draws=50)
    assert_array_equal(found.strengths, fit(votes).strengths)
    assert (found.low <= found.strengths).all()
    assert (found.strengths <= found.high).all()


def test_an_undefeated_model_gets_no_point_interval() -> None:
    votes = Votes.of_columns(
        judge=["x", "y"] * 6,
        model_a=["best"] * 6 + ["mid"] * 6,
        model_b=["mid"] * 6 + ["low"] * 6,
        query=[f"q{number % 6}" for number in range(12)],
        winner=["a"] * 8 + ["b"] * 4,
    )
    found = drawn(votes)
    assert np.isfinite([found.low, found.high]).all()
    assert (found.low < found.high).all()


@pytest.mark.parametrize("settings", [None, FitSettings(ties="davidson", flips="half"), UNIFORM])
def test_equal_seeds_give_equal_bounds_in_any_order_of_votes(settings: FitSettings | None) -> None:
    votes = coverage_votes(4, 10, undecided=0.2)
    one, other = drawn(votes, settings, draws=60, seed=5), drawn(shuffled(votes, 1), settings, draws=60, seed=5)
    assert_array_equal(one.low, other.low)
    assert_array_equal(one.errors, other.errors)
    assert not np.array_equal(one.low, drawn(votes, settings, draws=60, seed=6).low)


def test_held_weights_are_said() -> None:
    votes = coverage_votes(5, 10)
    assert drawn(votes, draws=40).weights_held
    assert not drawn(votes, UNIFORM, draws=40).weights_held


def test_one_question_cannot_be_drawn() -> None:
    votes = coverage_votes(6, 10, undecided=0.2)
    one = votes.where(votes.query == 3)
    assert len(preferences(one))
    assert bootstrap_by_question(one) is None


def test_too_few_draws_are_refused() -> None:
    with pytest.raises(InvalidField, match="40 or more"):
        bootstrap_by_question(coverage_votes(7, 10), draws=39)
