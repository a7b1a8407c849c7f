"""What a vote is worth: the mean and the spread of a half-win, with and without a chance of its own for ties.

A vote counts y = 1 for a preference for the first model, 0 for the second, 1/2 for a tie. Its mean depends
on the difference d of the two in log-odds:

- `half`: a tie is half a win to each, and the mean is logistic(d) (Bradley and Terry, 1952);
- `davidson`: a tie has the chance nu / (2 cosh(d / 2) + nu) (Davidson, JASA 65, 1970).

Pure.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy.special import expit

from dearena.scoring.arrays import FloatArray

HALF: Final = "half"
DAVIDSON: Final = "davidson"
TIE_RULES: Final = (HALF, DAVIDSON)


class Chances(NamedTuple):
    """Of a vote at a difference d.

    Attributes:
        mean: of the half-win y.
        slope: derivative of the mean by d, which is the variance of y under the model.
        tie: chance of a tie; 0 under the half rule.
    """

    mean: FloatArray
    slope: FloatArray
    tie: FloatArray


def chances(difference: FloatArray, log_nu: float | None) -> Chances:
    """Mean, slope and chance of a tie at each difference.

    Args:
        difference: in log-odds, any shape.
        log_nu: logarithm of Davidson's tie parameter; None: the half rule.
    """
    if log_nu is None:
        mean = expit(difference)
        return Chances(mean, mean * (1 - mean), np.zeros_like(mean))
    # By the larger of the two exponentials, so that neither overflows.
    size = np.abs(difference)
    smaller = np.exp(-size)
    tie = np.exp(log_nu - size / 2)
    total = 1 + smaller + tie
    winner, loser, tie = 1 / total, smaller / total, tie / total
    first = np.where(difference >= 0, winner, loser)
    mean = first + tie / 2
    slope = winner * loser + tie * (winner + loser) / 4
    return Chances(mean, slope, tie)
