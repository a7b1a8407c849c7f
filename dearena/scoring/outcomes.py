"""What can become of a vote, and how it stands in a column.

Pure.
"""

from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """What became of one cell at one attempt; A and B are preferences for the first and second model."""

    A = "A"
    B = "B"
    TIE = "TIE"
    FLIP = "FLIP"
    INVALID = "INVALID"
    FAILED = "FAILED"
    VOID = "VOID"
    SKIPPED = "SKIPPED"


CODES: Final = {outcome: code for code, outcome in enumerate(Outcome)}
"""An outcome as a whole number, in the order of the list; columns hold these."""

PREFERENCES = (Outcome.A, Outcome.B, Outcome.TIE)
"""The outcomes that enter a fit. The others say nothing of the two models and are counted only."""
