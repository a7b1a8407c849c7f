"""What a pilot tells of its queries: slope, noise and the models' strengths, fitted together. Pure.

The score of model m on query q is slope_q * strength_m + e_qm, plus what is left of the noise of votes
(`query_scores`). Strengths have mean 0 and mean square 1. e is what is particular to a model's answer to this query,
with a variance of the query's own. A slope may come out next to zero (a dead query) or below it (a mislabelled one).

Pilots are small, so the prior of slope and noise comes from the pool itself (empirical Bayes): a distribution on a grid
that makes the pilot likeliest, of no given shape (Kiefer and Wolfowitz, Ann. Math. Stat. 27, 1956), found by EM, with a
little weight held on the whole grid. Strengths are refitted in each pass, weighing a query by its slope: mislabelled
queries count for what they say, the wrong way round.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.linalg

from dearena.scoring.arrays import FloatArray
from dearena.selection.query_scores import QueryScores

STEEPEST: Final = 0.5
"""Largest slope on the grid: scores lie between -1/2 and 1/2."""
SLOPES: Final = np.linspace(-STEEPEST, STEEPEST, 41)
NOISES: Final = np.geomspace(0.01, 0.4, 10)
"""Standard deviations of what is particular to a model and a query, in mean score."""
HELD: Final = 2.0
"""Queries that the even prior over the grid counts for."""
PASSES: Final = 40
STILL: Final = 1e-5
"""A pass that moves no strength by more is the last."""
NOTHING: Final = 1e-9
"""Strengths that are all smaller tell of no difference between models."""
DEAD_SHARE: Final = 0.25
"""A query with less than this share of the typical slope is dead."""


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """What is believed of each query of `scores`, a row a query.

    Attributes:
        strengths: of the pilot's models, mean 0, mean square 1 (0 where nothing tells them apart); shape (models,).
        prior: probability of each noise and slope of the grid, shape (noises, slopes).
        belief: the same for each query, given its votes, shape (queries, noises, slopes).
    """

    scores: QueryScores
    strengths: FloatArray
    prior: FloatArray
    belief: FloatArray

    @property
    def slope(self) -> FloatArray:
        """Expected slope."""
        return np.asarray(self.belief.sum(axis=1) @ SLOPES)

    @property
    def slope_error(self) -> FloatArray:
        """Standard deviation of the slope."""
        return np.asarray(np.sqrt(np.maximum(self.belief.sum(axis=1) @ SLOPES**2 - self.slope**2, 0.0)))

    @property
    def noise(self) -> FloatArray:
        """Expected variance of what is particular to a model's answer, in squares of mean score."""
        return np.asarray(self.belief.sum(axis=2) @ NOISES**2)

    @property
    def dead_below(self) -> float:
        """Slopes that are smaller in size are next to none."""
        return dead_below(self.prior)

    @property
    def wrong_way(self) -> FloatArray:
        """Probability that the slope is below 0, and not merely next to it."""
        return np.asarray(self.belief.sum(axis=1) @ (-self.dead_below >= SLOPES))

    @property
    def dead(self) -> FloatArray:
        """Probability that the slope is next to none."""
        return np.asarray(self.belief.sum(axis=1) @ (np.abs(SLOPES) < self.dead_below))

    @property
    def typical(self) -> tuple[float, float]:
        """Expected slope and noise of a query that nobody has seen."""
        return float(self.prior.sum(axis=0) @ SLOPES), float(self.prior.sum(axis=1) @ NOISES**2)

    def residuals(self) -> FloatArray:
        """Scores less what slope and strengths explain, shape (queries, models)."""
        return self.scores.of_models() - self.slope[:, None] * self.strengths


def dead_below(prior: FloatArray) -> float:
    """A share of the mean of those slopes that are above 0; never less than a step of the grid."""
    above = prior.sum(axis=0) * (SLOPES > 0)
    weight = float(above.sum())
    typical = float(above @ SLOPES) / weight if weight > 0 else 0.0
    return max(DEAD_SHARE * typical, float(SLOPES[1] - SLOPES[0]) / 2)


def fit_slopes(scores: QueryScores) -> Slopes:
    """Fit strengths, slopes and noises to a pilot."""
    models = scores.directions.shape[1]
    spread = _spread(scores)
    start = strengths = _strengths(scores, spread, np.ones((len(scores.query), len(NOISES), 1)), np.ones(1))
    prior = np.full((len(NOISES), len(SLOPES)), 1 / (len(NOISES) * len(SLOPES)))
    even = prior
    for _ in range(PASSES):
        belief = _belief(scores, spread, strengths, prior)
        prior = (belief.sum(axis=0) + HELD * even) / (len(scores.query) + HELD)
        moved = _strengths(scores, spread, belief, SLOPES)
        if moved @ start < 0:
            # All slopes and all strengths may change their signs together: most votes are taken to be right.
            moved = -moved
        movement = float(np.max(np.abs(moved - strengths), initial=0.0))
        strengths = moved
        if movement < STILL:
            break
    if not models:
        strengths = np.zeros(0)
    return Slopes(scores, strengths, prior, _belief(scores, spread, strengths, prior))


def _spread(scores: QueryScores) -> FloatArray:
    """Variance of each estimated contrast by noise, shape (queries, noises, contrasts); inf where nothing is known."""
    with np.errstate(divide="ignore"):
        of_votes = scores.variance[:, None] / scores.votes
    return np.asarray(of_votes[:, None, :] + NOISES[None, :, None] ** 2)


def _belief(scores: QueryScores, spread: FloatArray, strengths: FloatArray, prior: FloatArray) -> FloatArray:
    expected = np.einsum("qmc,m->qc", scores.directions, strengths)[:, None, :]
    found = scores.score[:, None, :]
    known = np.isfinite(spread)
    precision = 1 / spread
    both = np.sum(found * expected * precision, axis=2)
    square = np.sum(expected**2 * precision, axis=2)
    rest = np.sum(found**2 * precision + np.log(np.where(known, spread, 1.0)), axis=2)
    # -1/2 of sum((found - slope * expected)^2 / spread + log spread).
    likelihood = both[:, :, None] * SLOPES - square[:, :, None] * SLOPES**2 / 2 - rest[:, :, None] / 2
    belief = likelihood + np.log(prior)
    belief -= belief.max(axis=(1, 2), keepdims=True)
    np.exp(belief, out=belief)
    belief /= belief.sum(axis=(1, 2), keepdims=True)
    return np.asarray(belief)


def _strengths(scores: QueryScores, spread: FloatArray, belief: FloatArray, slopes: FloatArray) -> FloatArray:
    """The likeliest, given what is believed of slope and noise."""
    models = scores.directions.shape[1]
    precision = 1 / spread
    first, second = belief @ slopes, belief @ slopes**2
    pull = np.sum(first[:, :, None] * precision, axis=1) * scores.score
    weight = np.sum(second[:, :, None] * precision, axis=1)
    gradient = np.einsum("qmc,qc->m", scores.directions, pull)
    weighed = scores.directions * weight[:, None, :]
    curvature = np.tensordot(weighed, scores.directions, axes=((0, 2), (0, 2)))
    # The mean is 0 by convention; a little curvature holds models that nobody compared.
    held = curvature + np.trace(curvature) / max(models, 1) * (1e-6 * np.eye(models) + 1 / max(models, 1))
    if not np.any(held):
        return np.zeros(models)
    found = scipy.linalg.solve(held, gradient, assume_a="sym", check_finite=False)
    found -= found.mean()
    size = float(np.sqrt(np.mean(found**2)))
    return np.zeros(models) if size < NOTHING else np.asarray(found / size)
