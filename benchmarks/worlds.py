"""Planted worlds: where the truth is known, because it was drawn.

The world of coverage: 16 contestants answer 40 queries, judges read the answers two at a time, and the
question is whether a 95 % interval holds what it says. The constants are fixed here for every figure, so
that nobody tunes the world to the method. Pure: a seed gives a world, and the same one each time.

A model's skill is `N(0, 1)` in log-odds. Its answer to one query is better or worse than that by
`N(0, .8)`, and every judge who reads the answer sees the same: votes on one query are not independent.
A judge's sharpness multiplies every difference it looks at: nor are the votes of one judge.

A vote is a single draw of a judge who looks at two answers once: the first of the pair wins with the chance
`logistic(sharpness * (difference of skill and answer))`. There is no seat effect in this world, hence a second
look with the seats changed would only turn some of the votes into FLIPs, and what is tried here is the intervals
of votes, not the reading of flips.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]

CONTESTANTS = 16
QUERIES = 40
SKILL_DEVIATION = 1.0
ANSWER_DEVIATION = 0.8
"""Of one model's answer to one query about the model's skill, in log-odds."""

OUTSIDE_JUDGES = 40
OUTSIDE_LOG_SHARPNESS = (0.2, 0.4)
"""Mean and standard deviation of the logarithm of an outside judge's sharpness."""

CONTESTANT_LOG_SHARPNESS = (0.2, 0.35)
"""Likewise of a contestant of average skill, given its skill."""

SHARPNESS_PER_SKILL = 0.25
"""What a contestant's logarithm of sharpness gains with each unit of its skill: better models judge better."""

NODES = 40
"""Of each Gauss-Hermite rule. Twice as many move no target by 1e-5, far below what an interval is wide."""


class Bench(Enum):
    """Who judges."""

    CONTESTANTS = "contestants"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class PlantedVotes:
    """Votes as columns, one entry a vote, all of one length; models, queries and judges are numbered from 0.

    Attributes:
        first, second: the pair, `first < second`; no seats.
        query, judge: the cell of the pair that the vote is of; a pair has each cell once at most.
        first_won: whether the judge preferred the first.
    """

    first: IntArray
    second: IntArray
    query: IntArray
    judge: IntArray
    first_won: BoolArray


@dataclass(frozen=True, slots=True)
class CoverageWorld:
    """One world: contestants, their answers, and judges.

    Attributes:
        bench: who judges; when the contestants do, judge k is contestant k, and no one judges itself.
        skill: of each contestant, `(contestants,)`, log-odds.
        answer_effect: of each contestant's answer to each query, `(contestants, queries)`, log-odds.
        sharpness: of each judge, `(judges,)`.
        seed: what all of them were drawn from.
    """

    bench: Bench
    skill: FloatArray
    answer_effect: FloatArray
    sharpness: FloatArray
    seed: int

    def votes(self, votes_per_pair: int) -> PlantedVotes:
        """The same number of votes for every pair, in cells of (query, judge) drawn without repetition.

        Raises:
            ValueError: a pair has fewer cells than that.
        """
        chance = np.random.default_rng([self.seed, votes_per_pair])
        models, queries = self.answer_effect.shape
        judges = np.arange(len(self.sharpness))
        pairs = np.array(list(combinations(range(models), 2)))
        panels = (
            np.array([np.setdiff1d(judges, pair) for pair in pairs])
            if self.bench is Bench.CONTESTANTS
            else np.tile(judges, (len(pairs), 1))
        )
        cells = queries * panels.shape[1]
        if votes_per_pair > cells:
            raise ValueError(f"{votes_per_pair} votes a pair, but a pair has {cells} cells")
        drawn = chance.permuted(np.tile(np.arange(cells), (len(pairs), 1)), axis=1)[:, :votes_per_pair]
        query = (drawn % queries).ravel()
        judge = np.take_along_axis(panels, drawn // queries, axis=1).ravel()
        first, second = np.repeat(pairs, votes_per_pair, axis=0).T
        appeal = self.skill[:, None] + self.answer_effect
        wins = expit(self.sharpness[judge] * (appeal[first, query] - appeal[second, query]))
        return PlantedVotes(
            first=first.astype(np.int32),
            second=second.astype(np.int32),
            query=query.astype(np.int32),
            judge=judge.astype(np.int32),
            first_won=chance.random(len(wins)) < wins,
        )

    def win_chances(self, weigh: Callable[[FloatArray], FloatArray] | None = None) -> FloatArray:
        """Chance that row's model is preferred to column's by a new judge on a new query, `(contestants, contestants)`.

        The mean over the populations that queries and judges were drawn from, not over those that were drawn.
        For outside judges the population is plain. When contestants judge, a new judge is a new contestant of any
        skill: the judges of a pair are the other contestants, whose skills were drawn independently of the pair's.
        Its logarithm of sharpness is then normal, with the variance that comes from skill and the one given skill
        together. To hold the skills of the contestants at hand, and draw only the rest of their sharpness anew, would
        name another population; intervals clustered by judge treat judges as a sample in all that they are.

        Args:
            weigh: how much a new judge counts in the mean, by its logarithm of sharpness; None: all the same.
        """
        mean, deviation = log_sharpness_of(self.bench)
        node, weight = hermite()
        log_sharpness = mean + deviation * node
        if weigh is not None:
            weight = weight * weigh(log_sharpness)
        return np.asarray(np.tensordot(weight / weight.sum(), self.chances_before(np.exp(log_sharpness)), axes=1))

    def chances_before(self, sharpness: FloatArray) -> FloatArray:
        """The same before judges of given sharpness, `(judges, contestants, contestants)`."""
        return chances_of(self.skill[:, None] - self.skill[None, :], sharpness)


def chances_of(difference: FloatArray, sharpness: FloatArray) -> FloatArray:
    """Chance that a model so much more skilled is preferred on a new query, `(judges, *differences)`."""
    node, weight = hermite()
    answers = np.sqrt(2) * ANSWER_DEVIATION * node
    appeal = difference[..., None] + answers
    return np.array([expit(sharp * appeal) @ weight for sharp in sharpness])


@cache
def hermite() -> tuple[FloatArray, FloatArray]:
    """Nodes and weights, sum 1, of the mean over a standard normal."""
    node, weight = np.polynomial.hermite_e.hermegauss(NODES)
    return node, weight / weight.sum()


def log_sharpness_of(bench: Bench) -> tuple[float, float]:
    """Mean and standard deviation of a new judge's logarithm of sharpness."""
    if bench is Bench.OUTSIDE:
        return OUTSIDE_LOG_SHARPNESS
    mean, deviation = CONTESTANT_LOG_SHARPNESS
    return mean, float(np.hypot(deviation, SHARPNESS_PER_SKILL * SKILL_DEVIATION))


def coverage_world(seed: int, bench: Bench) -> CoverageWorld:
    """Draw a world. Contestants and answers are the same for both benches of one seed."""
    chance = np.random.default_rng(seed)
    skill = chance.normal(0, SKILL_DEVIATION, CONTESTANTS)
    answer_effect = chance.normal(0, ANSWER_DEVIATION, (CONTESTANTS, QUERIES))
    if bench is Bench.CONTESTANTS:
        mean, deviation = CONTESTANT_LOG_SHARPNESS
        sharpness = np.exp(chance.normal(mean + SHARPNESS_PER_SKILL * skill, deviation))
    else:
        mean, deviation = OUTSIDE_LOG_SHARPNESS
        sharpness = np.exp(chance.normal(mean, deviation, OUTSIDE_JUDGES))
    return CoverageWorld(bench, skill, answer_effect, sharpness, seed)


def bradley_terry_target(win_chances: FloatArray, prior_precision: float = 0.0) -> FloatArray:
    """The strengths, mean 0, that maximise the expected log-likelihood with equally many votes for every pair.

    Bradley-Terry is wrong for these votes (answers and judges vary), and this is the value that its fit goes to as
    queries and judges become many: what an interval is to cover.

    Args:
        win_chances: `(models, models)`, row against column.
        prior_precision: of the normal prior on a strength, divided by the votes of a pair; 0 leaves it out.

    Returns:
        `(models,)`, log-odds; the order of the skills, since every pair is compared equally often.

    Raises:
        ValueError: Newton's method did not come to rest.
    """
    models = len(win_chances)
    strength = np.zeros(models)
    for _ in range(100):
        expected = expit(strength[:, None] - strength[None, :])
        gradient = (win_chances - expected).sum(axis=1) - prior_precision * strength
        information = expected * (1 - expected)
        np.fill_diagonal(information, 0)
        curvature = np.diag(information.sum(axis=1) + prior_precision) - information
        step = np.linalg.solve(curvature + 1 / models, gradient)
        strength = strength + step
        strength -= strength.mean()
        if np.abs(step).max() < 1e-12:
            return strength
    raise ValueError("the target was not found in 100 steps of Newton's method")
