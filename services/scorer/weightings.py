"""How much a judge's vote counts, from how its own answers fare. One function a weighting, one interface.

Raw weights are any positive numbers; `in_parts` makes them whole numbers whose mean is 1, which is
how they stand on a board, in the decision log and in the fit. Pure.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from scipy.special import expit

from dearena.faults import InvalidField
from services.scorer.evidence import ONE, Evidence, FloatArray, IntArray

SCORE_FLOOR = 0.05
"""Share of its weight that `score` gives to every judge alike: the best weighs at most 20 times the worst.

More listens to weak judges; less lets a board on which one model never loses be judged by that model.
"""


class Weighting(Protocol):
    """Raw weights of all models as judges, positive, in the order of the strengths."""

    def __call__(self, strengths: FloatArray, evidence: Evidence) -> FloatArray:
        """Weigh the judges.

        Args:
            strengths: in log-odds, mean 0, shape (n,); the fit under the weights so far.
            evidence: the votes behind it, for weightings that ask how well a judge foretells others.
        """
        ...


def score(strengths: FloatArray, evidence: Evidence) -> FloatArray:  # noqa: ARG001 - the interface's
    """A judge weighs by its score: its chance to be preferred to a model of average strength.

    The makers of the method weigh by normalised score. This normalisation is chosen for what it
    cannot do: stretching scores to 0 .. 1 by minimum and maximum silences the last judge and lets one
    outlier set everybody's weight; shares of exp(strength) leave a single undefeated model as judge.
    """
    return SCORE_FLOOR + (1 - SCORE_FLOOR) * np.asarray(expit(strengths))


def uniform(strengths: FloatArray, evidence: Evidence) -> FloatArray:  # noqa: ARG001 - the interface's
    """Every judge weighs the same."""
    return np.ones_like(strengths)


WEIGHTINGS: Mapping[str, Weighting] = {"score": score, "uniform": uniform}


def weighting_named(name: str) -> Weighting:
    """Raises InvalidField for a name that is none."""
    try:
        return WEIGHTINGS[name]
    except KeyError:
        raise InvalidField.of("weighting", f"{name!r} is none of {', '.join(sorted(WEIGHTINGS))}") from None


def in_parts(raw: FloatArray) -> IntArray:
    """Whole numbers in proportion to `raw`, each at least 1, with sum exactly `ONE` times their number.

    What rounding leaves over goes to the largest remainders, in canonical order among equals.

    Raises:
        ValueError: a weight is not positive and finite, or below the smallest part.
    """
    if not len(raw):
        return np.zeros(0, dtype=np.int64)
    if not (np.all(np.isfinite(raw)) and np.all(raw > 0)):
        raise ValueError("judge weights must be positive and finite")
    total = ONE * len(raw)
    exact = raw * (total / np.sum(raw))
    parts = np.floor(exact).astype(np.int64)
    left_over = total - int(np.sum(parts))
    parts[np.argsort(parts - exact, kind="stable")[:left_over]] += 1
    if np.min(parts) < 1:
        raise ValueError("a judge weight is too small to be told from none")
    return parts
