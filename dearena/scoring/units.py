"""Weights as whole multiples of a unit, so that their sums are exact in any order. Pure."""

from typing import Final

import numpy as np

from dearena.scoring.arrays import FloatArray, IntArray

UNIT_BITS: Final = 20
"""Weights that are no multiples of a power of two are rounded to a millionth (2^-20) of the largest."""


def whole_units(weights: FloatArray) -> tuple[IntArray, float]:
    """Weights as whole numbers, and what one of them weighs.

    Exact for weights like 1, 2, 0.5 or 0.75; others are rounded to 2^-20 of the largest.

    Args:
        weights: finite, at least 0; shape (votes,).
    """
    largest = float(np.max(weights, initial=0.0))
    if not largest:
        return np.zeros(len(weights), dtype=np.int64), 1.0
    if np.all(weights == np.rint(weights)) and largest < 2**UNIT_BITS:
        unit = 1.0
    else:
        unit = 2.0 ** (np.ceil(np.log2(largest)) - UNIT_BITS)
    units = np.rint(weights / unit).astype(np.int64)
    common = int(np.gcd.reduce(units))
    return units // max(common, 1), unit * max(common, 1)
