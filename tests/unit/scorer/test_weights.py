"""Judge weights: whole, of mean 1, positive, and at rest with the strengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from dearena.faults import InvalidField
from services.scorer import fixed_point
from services.scorer.bradley_terry import fit
from services.scorer.evidence import ONE, Evidence, FloatArray
from services.scorer.fixed_point import settle
from services.scorer.tallies import Outcome, Vote
from services.scorer.weightings import SCORE_FLOOR, in_parts, score, uniform, weighting_named
from tests.unit.scorer.worlds import MODELS, planted, tallied, vote, votes

PRIOR = 3.0
NOBODY = Evidence.of(tallied(), [])


@given(raw=st.lists(st.floats(0.05, 1.0), min_size=1, max_size=300))
def test_parts_are_whole_positive_and_of_mean_1(raw: list[float]) -> None:
    parts = in_parts(np.array(raw))
    assert parts.dtype == np.int64
    assert parts.sum() == ONE * len(raw)
    assert parts.min() >= 1
    assert parts == pytest.approx(np.array(raw) / np.mean(raw) * ONE, abs=1)


def test_parts_left_over_go_to_equals_in_canonical_order() -> None:
    assert list(in_parts(np.ones(7))) == [ONE] * 7
    assert list(in_parts(np.array([1.0, 1.0, 2.0]))) == [49152, 49152, 98304]
    assert list(in_parts(np.array([1.0, 1.0, 5.0]))) == [28087, 28087, 140434]


@pytest.mark.parametrize("raw", [[1.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [1.0, float("inf")], [1.0, 1e-12]])
def test_weights_that_are_none_are_refused(raw: list[float]) -> None:
    with pytest.raises(ValueError, match="weight"):
        in_parts(np.array(raw))


def test_a_judge_weighs_by_its_score_above_the_floor() -> None:
    best, average, worst = score(np.array([800.0, 0.0, -800.0]), NOBODY)
    assert best == pytest.approx(1)
    assert average == pytest.approx((1 + SCORE_FLOOR) / 2)
    assert worst == pytest.approx(SCORE_FLOOR)


def test_one_model_that_never_loses_does_not_become_the_only_judge() -> None:
    rows = [
        vote("alpha@1", loser, Outcome.A, judge)
        for loser in MODELS[1:]
        for judge in set(MODELS) - {"alpha@1", loser}
        for _ in range(1000)
    ]
    found, _ = settle(Evidence.of(tallied(rows), MODELS), score, PRIOR)
    assert found.settled
    assert found.parts[0] / found.parts.sum() < 0.8


def test_equal_judges_rest_at_once() -> None:
    _, rows = planted(seed=0, models=5, queries=3)
    found, fits = settle(Evidence.of(tallied(rows), sorted({row.judge for row in rows})), uniform, PRIOR)
    assert list(found.parts) == [ONE] * 5
    assert (fits, found.residual) == (1, 0)


@given(rows=votes())
@settings(max_examples=200, deadline=None)
def test_at_rest_the_strengths_imply_the_weights_under_which_they_were_fitted(rows: list[Vote]) -> None:
    evidence = Evidence.of(tallied(rows), MODELS)
    found, _ = settle(evidence, score, PRIOR)
    assert found.settled
    assert found.parts.sum() == ONE * len(MODELS)
    assert np.max(np.abs(in_parts(score(found.strengths, evidence)) - found.parts)) <= 1
    assert np.array_equal(fit(evidence.wins(found.parts), PRIOR).strengths, found.strengths)


def test_good_judges_weigh_more_in_a_planted_world() -> None:
    skill, rows = planted(seed=1)
    models = sorted(skill)
    found, fits = settle(Evidence.of(tallied(rows), models), score, PRIOR)
    assert found.settled
    assert fits < 20
    by_skill = sorted(range(len(models)), key=lambda i: skill[models[i]])
    assert found.parts[by_skill[-3:]].sum() > 2 * found.parts[by_skill[:3]].sum()


def trust_the_worst(strengths: FloatArray, evidence: Evidence) -> FloatArray:
    """Judges lose trust as they gain strength, steeply enough to swing."""
    return 0.02 + np.asarray(expit(-3 * strengths))


@pytest.mark.parametrize("seed", range(4))
def test_weights_that_would_swing_come_to_rest_in_between(seed: int) -> None:
    _, rows = planted(seed, models=5, queries=3)
    found, fits = settle(Evidence.of(tallied(rows), sorted({row.judge for row in rows})), trust_the_worst, PRIOR)
    assert found.settled
    assert fits < fixed_point.FIT_LIMIT / 2


def test_weights_that_do_not_come_to_rest_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_point, "FIT_LIMIT", 1)
    _, rows = planted(seed=0, models=5, queries=3)
    found, fits = settle(Evidence.of(tallied(rows), sorted({row.judge for row in rows})), score, PRIOR)
    assert fits == 1
    assert found.residual > 1
    assert not found.settled


def test_names_of_weightings() -> None:
    assert weighting_named("score") is score
    assert weighting_named("uniform") is uniform
    with pytest.raises(InvalidField, match="'best' is none of score, uniform"):
        weighting_named("best")
