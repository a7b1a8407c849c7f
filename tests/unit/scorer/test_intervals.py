"""Intervals: by hand for two models, and real where evidence is thin or one-sided."""

from itertools import combinations

import numpy as np
import pytest

from services.scorer.bradley_terry import fit
from services.scorer.evidence import ONE, Evidence
from services.scorer.intervals import standard_errors
from services.scorer.tallies import Outcome, Vote
from tests.unit.scorer import plain
from tests.unit.scorer.worlds import tallied, vote

PRIOR = 3.0


def errors_of(votes: list[Vote], models: list[str], parts: list[int] | None = None) -> tuple[list[float], list[float]]:
    """Strengths and their standard errors under given weights; equal ones unless told otherwise."""
    evidence = Evidence.of(tallied(votes), models)
    weights = np.array(parts or [ONE] * len(models))
    strengths = fit(evidence.wins(weights), PRIOR).strengths
    return list(strengths), list(standard_errors(evidence, weights, strengths, PRIOR))


def duel(wins: int, losses: int, judge: str = "judge@1") -> list[Vote]:
    return [
        vote("alpha@1", "beta@1", outcome, judge)
        for outcome, times in ((Outcome.A, wins), (Outcome.B, losses))
        for _ in range(times)
    ]


@pytest.mark.parametrize(("wins", "losses"), [(3, 1), (20, 20), (60, 0), (1, 0)])
def test_two_models_by_hand(wins: int, losses: int) -> None:
    models = ["alpha@1", "beta@1"]
    evidence = Evidence((*models, "judge@1"), *(np.array([x]) for x in (2, 0, 1, wins, losses, 0)))
    weights = np.full(3, ONE)
    strengths = fit(evidence.wins(weights), PRIOR).strengths
    found = standard_errors(evidence, weights, strengths, PRIOR)

    # The judge never played: it stands at 0 with the prior's own doubt, less its share of the mean's.
    assert strengths[2] == 0
    assert found[2] == pytest.approx(PRIOR * np.sqrt(2 / 3))
    # The pair's mean and the judge share the doubt of the prior: variance PRIOR^2 / 6 of each, about the mean.
    difference = plain.two_model_error(wins, losses, strengths[0] - strengths[1], PRIOR)
    assert found[0] == pytest.approx(np.sqrt(difference**2 + PRIOR**2 / 6))


def test_an_undefeated_model_has_a_real_interval() -> None:
    strengths, errors = errors_of(duel(40, 0), ["alpha@1", "beta@1", "judge@1"])
    _, fair = errors_of(duel(20, 20), ["alpha@1", "beta@1", "judge@1"])
    assert np.isfinite(strengths).all()
    assert 0.3 < errors[0] < PRIOR
    assert errors[0] > fair[0]


def test_four_times_the_votes_halve_the_interval() -> None:
    models = ["alpha@1", "beta@1", "delta@1", "gamma@1"]

    def everybody(times: int) -> list[Vote]:
        return [
            vote(first, second, outcome, next(iter({*models} - {first, second})))
            for first, second in combinations(models, 2)
            for outcome in (Outcome.A, Outcome.B)
            for _ in range(times)
        ]

    _, few = errors_of(everybody(25), models)
    _, many = errors_of(everybody(100), models)
    assert np.array(few) / np.array(many) == pytest.approx(2, rel=0.01)


def test_uneven_weights_widen_an_interval() -> None:
    """The same total weight in fewer votes' hands is less evidence."""
    models = ["alpha@1", "beta@1", "delta@1", "gamma@1"]
    votes = duel(30, 30, "delta@1") + duel(30, 30, "gamma@1")
    _, even = errors_of(votes, models, [ONE, ONE, ONE, ONE])
    _, uneven = errors_of(votes, models, [ONE, ONE, 19 * ONE // 10, ONE // 10])
    assert uneven[0] > even[0]


def test_the_gap_between_unconnected_parts_is_as_wide_as_the_prior() -> None:
    models = ["alpha@1", "beta@1", "delta@1", "gamma@1"]
    votes = [
        vote("alpha@1", "beta@1", outcome, "delta@1") for outcome in (Outcome.A, Outcome.B) for _ in range(5000)
    ] + [vote("delta@1", "gamma@1", outcome, "alpha@1") for outcome in (Outcome.A, Outcome.B) for _ in range(5000)]
    _, errors = errors_of(votes, models)
    assert errors == pytest.approx([PRIOR / 2] * 4, rel=0.01)


def test_an_empty_board_has_no_intervals() -> None:
    assert errors_of([], []) == ([], [])
