import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from dearena.scoring import FitSettings, Votes, fit
from dearena.scoring.evidence import preferences
from dearena.scoring.reports.refits import Rows, fit_without_style, held_factors, refit
from dearena.scoring.residuals import JudgeFactors
from dearena.scoring.settings import LARGEST_PRIOR
from dearena.scoring.style import Style
from tests.unit.scoring.planted import coverage_votes, shuffled


def rows_of(votes: Votes, factors: JudgeFactors) -> Rows:
    return Rows.of(votes, factors, len(votes))


@pytest.mark.parametrize("weighting", ["score", "rank", "uniform", "reliability"])
@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_the_board_of_all_votes_is_the_fit_again(ties: str, weighting: str) -> None:
    votes = preferences(coverage_votes(1, 40, undecided=0.1))
    found = fit(votes, FitSettings(weighting=weighting, ties=ties))
    rows = rows_of(votes, held_factors(found))
    boards = rows.sums(slice(None), votes.outcome, votes.query, len(votes.queries)).total()
    assert_allclose(refit(rows, boards, found)[0], found.strengths, atol=2e-9)


@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_each_board_is_the_fit_of_its_own_votes(ties: str) -> None:
    votes = preferences(coverage_votes(2, 12, undecided=0.2))
    settings = FitSettings(weighting="uniform", ties=ties)
    found = fit(votes, settings)
    rows = rows_of(votes, held_factors(found))
    sums = rows.sums(slice(None), votes.outcome, votes.judge, len(votes.judges))
    strengths = refit(rows, sums.combined(1 - np.eye(len(votes.judges))), found)
    for judge in (0, 7):
        alone = fit(votes.where(votes.judge != judge), settings)
        assert_allclose(strengths[judge], alone.strengths, atol=2e-9)


def test_a_board_where_one_model_never_loses_comes_to_rest() -> None:
    votes = preferences(coverage_votes(3, 6))
    found = fit(votes, FitSettings(weighting="uniform"))
    rows = rows_of(votes, held_factors(found))
    sums = rows.sums(slice(None), votes.outcome, votes.query, len(votes.queries))
    one_question = refit(rows, sums.combined(np.eye(len(votes.queries))), found)
    assert np.isfinite(one_question).all()
    assert_allclose(one_question.sum(axis=1), 0, atol=1e-9)


def test_slopes_tell_judges_of_one_pair_apart() -> None:
    """With slope s for all, strengths times s are those without, but for the prior."""
    votes = preferences(coverage_votes(4, 40))
    found = fit(votes, FitSettings(weighting="uniform", prior_deviation=LARGEST_PRIOR))
    judges = len(votes.judges)
    rows = rows_of(votes, JudgeFactors(np.ones(judges), np.full(judges, 2.0)))
    assert len(rows.first) > len(votes.models) * (len(votes.models) - 1) / 2
    boards = rows.sums(slice(None), votes.outcome, votes.query, len(votes.queries)).total()
    assert_allclose(2 * refit(rows, boards, found)[0], found.strengths, atol=1e-6)


def test_influence_scales_votes_by_both_models() -> None:
    votes = preferences(coverage_votes(5, 10))
    influence = np.ones((len(votes.judges), len(votes.models)))
    influence[:, 3] = 0.0
    rows = rows_of(votes, JudgeFactors(np.ones(len(votes.judges)), None, influence))
    boards = rows.sums(slice(None), votes.outcome, votes.query, len(votes.queries)).total()
    met = (rows.first == 3) | (rows.second == 3)
    assert boards.votes[0, met].sum() == 0
    assert boards.votes[0, ~met].sum() == np.sum((votes.first != 3) & (votes.second != 3))


def test_boards_do_not_depend_on_the_order_of_votes() -> None:
    votes = preferences(coverage_votes(6, 20, undecided=0.1))
    found = fit(votes)
    strengths = []
    for some in (votes, shuffled(votes, 9)):
        rows = rows_of(some, held_factors(found))
        sums = rows.sums(slice(None), some.outcome, some.query, len(some.queries))
        strengths.append(refit(rows, sums.total(), found))
    assert_array_equal(strengths[0], strengths[1])


def test_a_fit_with_style_is_not_started_from() -> None:
    """Sums by pair do not tell long answers from short ones: strengths beside them must not know it either."""
    votes = coverage_votes(7, 20)
    lengths = np.random.default_rng(0).integers(100, 900, (len(votes.queries), len(votes.models), 1)).astype(float)
    styled = fit(votes, FitSettings(weighting="uniform"), Style(("length",), votes.models, votes.queries, lengths))
    plain = fit_without_style(votes, None, styled)
    assert_array_equal(plain.strengths, fit(votes, FitSettings(weighting="uniform")).strengths)
    assert not np.array_equal(plain.strengths, styled.strengths)
    assert fit_without_style(votes, None, plain) is plain
