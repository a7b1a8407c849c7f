"""Targets of the weightings: what each fit would give over ever more new queries and judges."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.targets import (
    JUDGES,
    mean_over_skill,
    reliability_target,
    target,
    weight_by_rank,
    weight_by_score,
)
from benchmarks.worlds import (
    CONTESTANT_LOG_SHARPNESS,
    SHARPNESS_PER_SKILL,
    Bench,
    CoverageWorld,
    FloatArray,
    coverage_world,
)
from dearena.scoring.weightings import RANK, RELIABILITY, SCORE, UNIFORM, WEIGHTINGS, score

WORLD = coverage_world(3, Bench.CONTESTANTS)
OUTSIDE = coverage_world(3, Bench.OUTSIDE)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("world", [WORLD, OUTSIDE], ids=["contestants", "outside"])
def test_every_target_keeps_the_order_of_skills(world: CoverageWorld, weighting: str) -> None:
    strengths = target(world, weighting, 200)

    assert np.argsort(strengths).tolist() == np.argsort(world.skill).tolist()
    assert np.sum(strengths) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("weighting", [SCORE, RANK])
def test_sharper_judges_stretch_the_scale_where_judges_have_a_score(weighting: str) -> None:
    assert np.std(target(WORLD, weighting, 200)) > 1.02 * np.std(target(WORLD, UNIFORM, 200))
    assert np.array_equal(target(OUTSIDE, weighting, 200), target(OUTSIDE, UNIFORM, 200))


@pytest.mark.parametrize("by_skill", [weight_by_score, weight_by_rank])
def test_a_new_judge_weighs_by_the_skill_that_goes_with_its_sharpness(
    by_skill: Callable[[FloatArray], FloatArray],
) -> None:
    random = np.random.default_rng(0)
    skill = random.normal(size=400_000)
    mean, deviation = CONTESTANT_LOG_SHARPNESS
    log_sharpness = mean + SHARPNESS_PER_SKILL * skill + deviation * random.normal(size=len(skill))
    weight = by_skill(skill)

    for low in (-0.5, 0.2, 0.8):
        near = np.abs(log_sharpness - low) < 0.02
        error = weight[near].std() / np.sqrt(np.count_nonzero(near))
        assert mean_over_skill(by_skill, np.array([low]))[0] == pytest.approx(weight[near].mean(), abs=4 * error)


def test_a_contestant_of_average_skill_has_the_average_score_and_place() -> None:
    assert weight_by_score(np.zeros(1))[0] == pytest.approx(score(np.zeros(1))[0], abs=1e-6)
    assert weight_by_rank(np.zeros(1))[0] == pytest.approx(0.05 + 0.95 * 8.5 / 16)


def test_more_judges_would_not_move_the_target_of_reliability() -> None:
    few, many = (reliability_target(WORLD, 200 / 16, judges) for judges in (JUDGES, 5 * JUDGES))

    assert np.abs(few - many).max() < 2e-4


def test_without_votes_to_learn_from_reliability_trusts_its_prior_and_has_the_target_of_equal_judges() -> None:
    assert reliability_target(WORLD, 1e-3) == pytest.approx(target(WORLD, UNIFORM, 200), abs=2e-3)


def test_with_many_votes_discriminations_are_those_of_the_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where answers do not vary the model is true: strengths are skills, times the mean sharpness."""
    monkeypatch.setattr("benchmarks.worlds.ANSWER_DEVIATION", 0.0)
    mean, deviation = CONTESTANT_LOG_SHARPNESS
    mean_sharpness = np.exp(mean + (deviation**2 + SHARPNESS_PER_SKILL**2) / 2)

    strengths = target(WORLD, RELIABILITY, 10**7)

    planted: FloatArray = mean_sharpness * (WORLD.skill - WORLD.skill.mean())
    assert strengths == pytest.approx(planted, abs=0.01)
