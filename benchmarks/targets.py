"""What the intervals of a fit are to cover, for each weighting of judges.

A target is the strengths that the same fit would give over ever more new queries and judges of the populations that
a `worlds.CoverageWorld` was drawn from, every pair compared equally often: found in expectation, with no draw and no
prior on strengths. Weightings differ in it, since they listen to different judges of the same population.

- `uniform`: the maximum of the expected likelihood (`worlds.bradley_terry_target`).
- `score`, `rank`: likewise, each new judge counting by its weight. When contestants judge, a new judge is a new
  contestant, and weighs by the place that its skill gives it among its like: sharper judges, being stronger models,
  weigh more. Outside judges have no score, weigh the same, and have the target of `uniform`.
- `reliability`: its estimating equations have no closed mean over judges, since influences rest on medians over all
  of them. Hence one large population stands for it: `JUDGES` judges, whose sharpness divides the population's into
  equal parts, each with the expected votes on all pairs, in fractions. It is fitted by the scorer's own
  `fit_reliability`; the scale is the fit's own, a mean discrimination of 1 over judges. A judge has as many votes in
  all as in the design, for its prior and its bounds weigh against these. What discriminations and influences owe to
  the chance of a finite number of votes is not in the target: it counts as the fit's error.
"""

from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Final

import numpy as np
from scipy.stats import norm

from benchmarks.worlds import (
    CONTESTANT_LOG_SHARPNESS,
    CONTESTANTS,
    SHARPNESS_PER_SKILL,
    SKILL_DEVIATION,
    Bench,
    CoverageWorld,
    FloatArray,
    bradley_terry_target,
    chances_of,
    hermite,
    log_sharpness_of,
)
from dearena.scoring.reliability import JudgedPairs, fit_reliability
from dearena.scoring.weightings import BY_STRENGTH, FLOOR, RANK, RELIABILITY, SCORE, UNIFORM

JUDGES: Final = 200
"""In the population that stands for `reliability`'s. Five times as many move no target by 2e-4."""

PEERS: Final = 32
"""Contestants that stand for their population, where a new one's score is found. Skills in between are interpolated."""

WIDE: Final = 100.0
"""Deviation of a prior on strengths, in log-odds, that is as good as none."""

STILL: Final = 1e-10
"""No weight moves by as much: the fixed point of weights and strengths is found."""


def target(world: CoverageWorld, weighting: str, votes_per_pair: int) -> FloatArray:
    """Theta* of a weighting, `(contestants,)`, log-odds, mean 0.

    Args:
        weighting: one of `weightings.WEIGHTINGS`.
        votes_per_pair: of the design; only `reliability` depends on it.

    Raises:
        ValueError: a fixed point was not found.
    """
    if weighting == RELIABILITY:
        return reliability_target(world, votes_per_pair / len(world.sharpness))
    if weighting == UNIFORM or world.bench is Bench.OUTSIDE:
        return bradley_terry_target(world.win_chances())
    by_skill = {SCORE: weight_by_score, RANK: weight_by_rank}[weighting]
    return bradley_terry_target(world.win_chances(lambda log_sharpness: mean_over_skill(by_skill, log_sharpness)))


def reliability_target(world: CoverageWorld, votes_of_judge: float, judges: int = JUDGES) -> FloatArray:
    """Strengths that `reliability` finds before a large population with its expected votes.

    Args:
        votes_of_judge: of one judge on one pair, in the mean over pairs.
        judges: how many stand for the population.

    Raises:
        ValueError: strengths and judges did not come to rest.
    """
    mean, deviation = log_sharpness_of(world.bench)
    sharpness = np.exp(mean + deviation * norm.ppf(middles(judges)))
    first, second = np.array(list(combinations(range(len(world.skill)), 2))).T
    wins = votes_of_judge * chances_of(world.skill[first] - world.skill[second], sharpness).ravel()
    found = fit_reliability(
        JudgedPairs(
            judge=np.repeat(np.arange(judges), len(first)),
            first=np.tile(first, judges),
            second=np.tile(second, judges),
            wins_first=wins,
            wins_second=votes_of_judge - wins,
            ties=np.zeros(len(wins)),
        ),
        judges,
        len(world.skill),
        prior_deviation=WIDE,
    )
    if not found.settled:
        raise ValueError("judges and strengths of the population did not come to rest")
    return found.strengths


def mean_over_skill(by_skill: Callable[[FloatArray], FloatArray], log_sharpness: FloatArray) -> FloatArray:
    """Mean weight of the contestants that are so sharp, whose skills are normal given that."""
    mean, deviation = log_sharpness_of(Bench.CONTESTANTS)
    per_sharpness = SHARPNESS_PER_SKILL * SKILL_DEVIATION**2 / deviation**2
    rest = SKILL_DEVIATION * CONTESTANT_LOG_SHARPNESS[1] / deviation
    node, weight = hermite()
    skill = per_sharpness * (log_sharpness - mean)[:, None] + rest * node
    return np.asarray(by_skill(skill) @ weight)


def weight_by_rank(skill: FloatArray) -> FloatArray:
    """Weight of a contestant at the place that it may expect among as many others as a world has."""
    place = 1 + (CONTESTANTS - 1) * norm.cdf(skill / SKILL_DEVIATION)
    return np.asarray(FLOOR + (1 - FLOOR) * place / CONTESTANTS)


def weight_by_score(skill: FloatArray) -> FloatArray:
    """Weight of a contestant by its score on a board of its whole population, judged by that population likewise."""
    skills, weights = _scored_peers()
    return np.interp(skill, skills, weights)


@cache
def _scored_peers() -> tuple[FloatArray, FloatArray]:
    """Skills that divide the population into equal parts, and the weights that score and strengths settle on."""
    skill = SKILL_DEVIATION * norm.ppf(middles(PEERS))
    mean, deviation = CONTESTANT_LOG_SHARPNESS
    node, share = hermite()
    sharpness = np.exp(mean + SHARPNESS_PER_SKILL * skill[:, None] + deviation * node)
    difference = skill[:, None] - skill[None, :]
    before = np.array([np.tensordot(share, chances_of(difference, of_judge), axes=1) for of_judge in sharpness])
    weight = np.ones(PEERS)
    for _ in range(100):
        implied = BY_STRENGTH[SCORE](bradley_terry_target(np.tensordot(weight / weight.sum(), before, axes=1)))
        if np.abs(implied - weight).max() < STILL:
            return skill, implied
        weight = implied
    raise ValueError("scores and weights of the population did not come to rest")


def middles(parts: int) -> FloatArray:
    """Middles of equal parts of 0 .. 1."""
    return (np.arange(parts) + 0.5) / parts
