"""How much a judge's vote counts. One function a weighting, one interface.

Raw weights are numbers from 0 up; `in_parts` makes them whole numbers whose mean is 1, which is
how they stand on a board, in the decision log and in the fit. Pure.
"""

from collections.abc import Mapping
from typing import Final, Protocol

import numpy as np
from scipy.special import expit
from scipy.stats import rankdata

from dearena.faults import InvalidField
from dearena.scoring.arrays import ONE, FloatArray, IntArray

UNIFORM: Final = "uniform"
SCORE: Final = "score"
RANK: Final = "rank"
RELIABILITY: Final = "reliability"

FLOOR: Final = 0.05
"""Share of its weight that a judge gets whatever its place: the best weighs at most 20 times the worst.

More listens to weak judges; less lets a board on which one model never loses be judged by that model.
"""

STRENGTH_DECIMALS: Final = 9
"""Strengths are cut to a billionth before they are ranked, weighed and hashed. That is far below what they
mean, and above the last bits, in which processors differ: equal evidence for two models gives equal strengths."""


class Weighting(Protocol):
    """Raw weights of models as judges, positive, in the order of the strengths (log-odds, mean 0)."""

    def __call__(self, strengths: FloatArray) -> FloatArray:
        """Weigh the models as judges."""
        ...


def score(strengths: FloatArray) -> FloatArray:
    """A judge weighs by its score: its chance to be preferred to a model of average strength.

    The makers of the method weigh by normalised score. This normalisation is chosen for what it
    cannot do: stretching scores to 0 .. 1 by minimum and maximum silences the last judge and lets one
    outlier set everybody's weight; shares of exp(strength) leave a single undefeated model as judge.
    """
    return FLOOR + (1 - FLOOR) * np.asarray(expit(strengths))


def rank(strengths: FloatArray) -> FloatArray:
    """A judge weighs by its place, in even steps from the last to the first; equals share theirs."""
    places = rankdata(np.round(strengths, STRENGTH_DECIMALS))
    return FLOOR + (1 - FLOOR) * places / max(len(strengths), 1)


def uniform(strengths: FloatArray) -> FloatArray:
    """Every judge weighs the same."""
    return np.ones_like(strengths)


BY_STRENGTH: Final[Mapping[str, Weighting]] = {SCORE: score, RANK: rank, UNIFORM: uniform}
"""The weightings that depend on the strengths alone."""

WEIGHTINGS: Final = (*BY_STRENGTH, RELIABILITY)


def check_weighting(name: str) -> str:
    """The name unchanged; raises InvalidField for a name that is none."""
    if name not in WEIGHTINGS:
        raise InvalidField.of("weighting", f"{name!r} is none of {', '.join(sorted(WEIGHTINGS))}")
    return name


def in_parts(raw: FloatArray) -> IntArray:
    """Whole numbers in proportion to `raw`, with sum exactly `ONE` times their number.

    What rounding leaves over goes to the largest remainders, in canonical order among equals.

    Raises:
        ValueError: a weight is negative or no number, all are 0, or one above 0 is below the smallest part.
    """
    if not len(raw):
        return np.zeros(0, dtype=np.int64)
    if not (np.all(np.isfinite(raw)) and np.all(raw >= 0) and np.any(raw > 0)):
        raise ValueError("judge weights must be finite and not negative, and not all 0")
    total = ONE * len(raw)
    exact = raw * (total / np.sum(raw))
    parts = np.floor(exact).astype(np.int64)
    left_over = total - int(np.sum(parts))
    parts[np.argsort(parts - exact, kind="stable")[:left_over]] += 1
    if np.any((parts < 1) & (raw > 0)):
        raise ValueError("a judge weight is too small to be told from none")
    return parts
