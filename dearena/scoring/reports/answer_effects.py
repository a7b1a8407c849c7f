"""How good each answer is, not only each model: appeal of a model's answer to a query, from votes.

A vote of a on b at query q has the log-odds theta_a + e_aq - theta_b - e_bq, where the strengths have a weak
prior and the effects of answers the prior N(0, sigma^2). sigma is found with them, by expectation and
maximisation. Answers with few votes lean on their model's strength, and how unsure they are is kept:
whoever predicts a vote from them must know. Pure.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.linalg
from scipy.special import expit

from dearena.scoring.arrays import FloatArray, IntArray
from dearena.scoring.strengths import FitDidNotConverge

STEP_LIMIT: Final = 200
"""Of Newton steps, each with a step of sigma."""

EXPECTED_DEVIATION: Final = 1.0
"""Sigma before any vote is seen, in log-odds; the search starts there."""

EXPECTED_ANSWERS: Final = 20
"""As many answers as this belief in sigma counts for. Few votes cannot tell sigma from wider strengths."""

STILL: Final = 1e-3
"""Change in log-odds, of an effect or of sigma, below which they stand still: far below their errors."""


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Votes as columns, in canonical order.

    Attributes:
        first, second, query: indices; of models, models and queries.
        half_win: 1, 0 or 1/2, for the first.
        weight: of each.
        offset: log-odds that are known beforehand.
    """

    first: IntArray
    second: IntArray
    query: IntArray
    half_win: FloatArray
    weight: FloatArray
    offset: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class AnswerEffects:
    """Appeal of answers, in log-odds.

    Attributes:
        strength: of each model, shape (models,).
        effect: of each answer beyond that, shape (queries, models).
        covariance: of the effects on one query, given the strengths; shape (queries, models, models).
        deviation: sigma.
    """

    strength: FloatArray
    effect: FloatArray
    covariance: FloatArray
    deviation: float

    def differences(self, first: IntArray, second: IntArray, query: IntArray) -> tuple[FloatArray, FloatArray]:
        """Appeal of the first over the second answer, and its variance; shape (votes,) each."""
        appeal = self.strength[None, :] + self.effect
        spread = self.covariance
        variance = spread[query, first, first] + spread[query, second, second]
        variance = variance - 2 * spread[query, first, second]
        return appeal[query, first] - appeal[query, second], np.maximum(variance, 0.0)


def answer_effects(
    looks: Looks, models: int, queries: int, prior_deviation: float, start: AnswerEffects | None = None
) -> AnswerEffects:
    """Fit strengths, effects and their deviation.

    Args:
        prior_deviation: of a strength, in log-odds.
        start: effects of about the same votes, to start from.

    Raises:
        FitDidNotConverge: after `STEP_LIMIT` steps.
    """
    strength = np.zeros(models) if start is None else start.strength
    effect = np.zeros((queries, models)) if start is None else start.effect
    deviation = EXPECTED_DEVIATION if start is None else start.deviation
    answered = np.zeros((queries, models), dtype=bool)
    answered[looks.query, looks.first] = answered[looks.query, looks.second] = True
    for _ in range(STEP_LIMIT):
        d_strength, d_effect, covariance = _newton_step(looks, strength, effect, prior_deviation**-2, deviation**-2)
        strength, effect = strength + d_strength, effect + d_effect
        variances = np.diagonal(covariance, axis1=1, axis2=2)
        squares = np.sum((effect**2 + variances)[answered]) + EXPECTED_ANSWERS * EXPECTED_DEVIATION**2
        before, deviation = deviation, float(np.sqrt(squares / (np.count_nonzero(answered) + EXPECTED_ANSWERS)))
        moved = max(np.max(np.abs(d_strength), initial=0.0), np.max(np.abs(d_effect), initial=0.0))
        if max(moved, abs(deviation - before)) < STILL:
            return AnswerEffects(strength, effect, covariance, deviation)
    raise FitDidNotConverge(f"answer effects moved still after {STEP_LIMIT} steps")


def _newton_step(
    looks: Looks, strength: FloatArray, effect: FloatArray, precision: float, tightness: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Damped step of strengths and effects, and the covariance of effects.

    Effects of different queries meet in the strengths only: they are eliminated a query at a time.
    """
    queries, n = effect.shape
    appeal = (strength[None, :] + effect).ravel()
    first, second = looks.query * n + looks.first, looks.query * n + looks.second
    mean = expit(appeal[first] - appeal[second] + looks.offset)
    surplus = looks.weight * (looks.half_win - mean)
    pulled = np.bincount(first, surplus, minlength=queries * n) - np.bincount(second, surplus, minlength=queries * n)
    pull = pulled.reshape(queries, n)
    pairs = np.bincount(first * n + looks.second, looks.weight * mean * (1 - mean), minlength=queries * n * n)
    between = pairs.reshape(queries, n, n)
    between = between + np.transpose(between, (0, 2, 1))
    diagonal = np.arange(n)
    curvature = -between
    curvature[:, diagonal, diagonal] += np.sum(between, axis=2)
    inner = curvature.astype(np.float64)
    inner[:, diagonal, diagonal] += tightness
    covariance: FloatArray = np.linalg.inv(inner).astype(np.float64, copy=False)
    by_effect = pull - tightness * effect
    by_strength = np.sum(pull, axis=0) - precision * strength
    # With C (C + t)^-1 = 1 - t (C + t)^-1 for the curvature C of a query and the tightness t:
    solved = np.einsum("qij,qj->qi", covariance, by_effect)
    left = precision * np.eye(n) + tightness * (queries * np.eye(n) - tightness * np.sum(covariance, axis=0))
    d_strength = scipy.linalg.solve(left, by_strength - np.sum(by_effect - tightness * solved, axis=0), assume_a="pos")
    d_effect = solved - d_strength[None, :] + tightness * np.einsum("qij,j->qi", covariance, d_strength)
    change = (d_strength[None, :] + d_effect).ravel()
    reach = float(np.max(np.abs(change[first] - change[second]), initial=0.0))
    damping = np.log1p(reach) / reach if reach > 0 else 1.0
    return d_strength * damping, d_effect * damping, covariance
