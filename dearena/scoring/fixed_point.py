"""Strengths decide how judges weigh, and weights decide strengths: iterated until both stand still.

Weights are whole parts all the way, so the result is exact: the strengths are the fit under precisely
the weights given beside them, and anybody can fit them again. Pure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from dearena.scoring.arrays import ONE, IntArray
from dearena.scoring.strengths import StrengthFit
from dearena.scoring.weightings import in_parts

RESIDUAL_TOLERANCE: Final = 1
"""In parts of 65,536: rounding to whole parts may keep a weight moving by one for ever."""

FIT_LIMIT: Final = 100
"""Boards need four to ten fits; where the limit is met, the residual on the board says so."""


@dataclass(frozen=True, slots=True, eq=False)
class WeightedFit:
    """Strengths under weights, and the weights that these strengths imply.

    Attributes:
        fit: the strengths, in log-odds.
        parts: weight of each judge, in parts of 65,536, mean 65,536.
        implied: the weights these strengths ask for, likewise.
    """

    fit: StrengthFit
    parts: IntArray
    implied: IntArray

    @property
    def residual(self) -> int:
        """Largest difference of a weight to the one implied, in parts."""
        return int(np.max(np.abs(self.implied - self.parts), initial=0))

    @property
    def settled(self) -> bool:
        """Whether weights and strengths stand still."""
        return self.residual <= RESIDUAL_TOLERANCE

    @property
    def distance(self) -> int:
        """How far they are from standing still: the sum of squared differences, exact."""
        return int(np.sum((self.implied - self.parts) ** 2))


def settle(
    judges: int, fit_under: Callable[[IntArray], StrengthFit], implied_by: Callable[[StrengthFit], IntArray]
) -> tuple[WeightedFit, int]:
    """Iterate from equal weights to a fixed point; returns it and the number of fits made.

    Each step goes from the weights found so far towards those their strengths imply. One that leads
    away is taken back and tried at half its length; one that leads nearer doubles the next. So weights
    that would lead to one another in turn come to rest in between.

    Args:
        fit_under: the fit under weights in parts.
        implied_by: the weights in parts that a fit asks for.

    Raises:
        FitDidNotConverge: one of the fits has no maximum.
    """

    def under(parts: IntArray) -> WeightedFit:
        fit = fit_under(parts)
        return WeightedFit(fit, parts, implied_by(fit))

    found = under(np.full(judges, ONE, dtype=np.int64))
    fits, step = 1, 1.0
    while not found.settled and fits < FIT_LIMIT:
        tried = under(in_parts(found.parts + step * (found.implied - found.parts)))
        fits += 1
        if tried.distance < found.distance:
            found, step = tried, min(1.0, 2 * step)
        else:
            step /= 2
    return found, fits
