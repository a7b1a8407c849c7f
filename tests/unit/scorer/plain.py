"""Bradley-Terry in plain Python, one vote at a time: slow, obvious, and of no shared code."""

from collections.abc import Iterable, Mapping
from math import exp, sqrt

from services.scorer.tallies import Outcome, Vote

WON_BY_A = {Outcome.A: 1.0, Outcome.B: 0.0, Outcome.TIE: 0.5}


def chance(strength: float, other: float) -> float:
    """Probability that the first is preferred."""
    return 1 / (1 + exp(other - strength))


def gradient(
    votes: Iterable[Vote], weights: Mapping[str, float], strengths: Mapping[str, float], prior_deviation: float
) -> dict[str, float]:
    """Derivative of the log-posterior by each strength."""
    slopes = {model: -strength / prior_deviation**2 for model, strength in strengths.items()}
    for vote in votes:
        if vote.outcome in WON_BY_A:
            surprise = WON_BY_A[vote.outcome] - chance(strengths[vote.model_a], strengths[vote.model_b])
            slopes[vote.model_a] += weights[vote.judge] * surprise
            slopes[vote.model_b] -= weights[vote.judge] * surprise
    return slopes


def climb(
    votes: Iterable[Vote], weights: Mapping[str, float], models: Iterable[str], prior_deviation: float
) -> dict[str, float]:
    """The maximum, one strength at a time by Newton's method in one variable, until nothing moves."""
    rows = [vote for vote in votes if vote.outcome in WON_BY_A]
    strengths = dict.fromkeys(models, 0.0)
    for _ in range(20_000):
        largest = 0.0
        for model in strengths:
            slope = -strengths[model] / prior_deviation**2
            curve = prior_deviation**-2
            for vote in rows:
                if model in (vote.model_a, vote.model_b):
                    p = chance(strengths[vote.model_a], strengths[vote.model_b])
                    sign = 1 if model == vote.model_a else -1
                    slope += sign * weights[vote.judge] * (WON_BY_A[vote.outcome] - p)
                    curve += weights[vote.judge] * 0.25
            strengths[model] += slope / curve
            largest = max(largest, abs(slope / curve))
        if largest < 1e-12:
            return strengths
    raise AssertionError("the plain climb did not arrive")


def two_model_error(wins: float, losses: float, strength_difference: float, prior_deviation: float) -> float:
    """Standard error of half the difference of two models with unit weights, by hand.

    In d = s1 - s2 the posterior has curvature N p q + precision / 2 and the scores the variance
    wins q^2 + losses p^2 + precision / 2.
    """
    p = chance(strength_difference, 0.0)
    prior = prior_deviation**-2 / 2
    bread = (wins + losses) * p * (1 - p) + prior
    filling = wins * (1 - p) ** 2 + losses * p**2 + prior
    return sqrt(filling) / bread / 2
