import numpy as np
import pytest
from numpy.testing import assert_allclose

from dearena.scoring import FitSettings, Votes, fit
from dearena.scoring.evidence import preferences
from dearena.scoring.reports.agreement import Agreement, agreement, boards_without
from tests.unit.scoring.planted import coverage_votes

UNIFORM = FitSettings(weighting="uniform")


def decided(outcomes: list[int]) -> Votes:
    count = len(outcomes)
    return Votes.of_codes(
        models=["a", "b", "c"],
        judges=["j"],
        queries=[f"q{number}" for number in range(count)],
        judge=[0] * count,
        first=[number % 2 for number in range(count)],
        second=[number % 2 + 1 for number in range(count)],
        query=range(count),
        outcome=outcomes,
    )


def of(votes: Votes, strengths: list[float]) -> Agreement:
    found = agreement(votes, np.array(strengths), 0.95)
    assert found is not None
    return found


def test_agreement_is_with_whom_the_board_has_higher() -> None:
    found = of(decided([0, 0, 1, 0, 2]), [2.0, 1.0, 0.0])
    assert found.share.value == 3 / 4
    assert found.share.votes == 4
    assert found.kappa == pytest.approx(0.5)
    assert found.expected == pytest.approx(1 / (1 + np.exp(-1)))


def test_pairs_that_the_board_holds_equal_tell_nothing() -> None:
    assert of(decided([0, 0, 1, 1]), [1.0, 1.0, 0.0]).share.votes == 2
    assert agreement(decided([0, 1]), np.zeros(3), 0.95) is None
    assert agreement(decided([2, 2]), np.array([2.0, 1.0, 0.0]), 0.95) is None


def test_the_rest_is_the_board_without_the_judge() -> None:
    votes = preferences(coverage_votes(1, 20, undecided=0.1))
    without = boards_without(votes, fit(votes, UNIFORM))
    for judge in (2, 11):
        alone = fit(votes.where(votes.judge != judge), UNIFORM)
        assert_allclose(without[judge], alone.strengths, atol=2e-9)
