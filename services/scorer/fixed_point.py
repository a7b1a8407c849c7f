"""Strengths decide how judges weigh, and weights decide strengths: iterated until both stand still.

Weights are whole parts all the way, so the result is exact: the strengths are the fit under precisely
the weights given beside them, and anybody can fit them again. Pure.
"""

from dataclasses import dataclass

import numpy as np

from services.scorer.bradley_terry import fit
from services.scorer.evidence import ONE, Evidence, FloatArray, IntArray
from services.scorer.weightings import Weighting, in_parts

RESIDUAL_TOLERANCE = 1
"""In parts of 65,536: rounding to whole parts may keep a weight moving by one for ever."""

FIT_LIMIT = 100
"""Boards need four to ten fits; where the limit is met, the residual on the board says so."""


@dataclass(frozen=True, slots=True)
class WeightedFit:
    """Strengths under weights, and the weights that these strengths imply.

    Attributes:
        strengths: in log-odds, mean 0.
        parts: weight of each model as a judge, in parts of 65,536, mean 65,536.
        implied: the weights these strengths ask for, likewise.
    """

    strengths: FloatArray
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


def settle(evidence: Evidence, weighting: Weighting, prior_deviation: float) -> tuple[WeightedFit, int]:
    """Iterate from equal weights to a fixed point; returns it and the number of fits made.

    Each step goes from the weights found so far towards those their strengths imply. One that leads
    away is taken back and tried at half its length; one that leads nearer doubles the next. So weights
    that would lead to one another in turn come to rest in between.

    Raises:
        FitDidNotConverge: one of the fits has no maximum.
    """

    def under(parts: IntArray) -> WeightedFit:
        strengths = fit(evidence.wins(parts), prior_deviation).strengths
        return WeightedFit(strengths, parts, in_parts(weighting(strengths, evidence)))

    found = under(np.full(len(evidence.models), ONE, dtype=np.int64))
    fits, step = 1, 1.0
    while not found.settled and fits < FIT_LIMIT:
        tried = under(in_parts(found.parts + step * (found.implied - found.parts)))
        fits += 1
        if tried.distance < found.distance:
            found, step = tried, min(1.0, 2 * step)
        else:
            step /= 2
    return found, fits
