"""The shapes of numbers that scoring is written in, and the unit of a weight."""

from typing import Final

import numpy as np
import numpy.typing as npt

from dearena import parts

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
"""Indices into a tuple of names."""
OutcomeCodes = npt.NDArray[np.int8]
BoolArray = npt.NDArray[np.bool_]

ONE: Final = parts.ONE
"""A judge's weight is a whole number of parts; this many are the weight 1."""
