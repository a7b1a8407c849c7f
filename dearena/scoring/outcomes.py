"""How an outcome stands in a column, and which of them are votes.

Pure.
"""

from typing import Final

from dearena.outcomes import Outcome

CODES: Final = {outcome: code for code, outcome in enumerate(Outcome)}
"""An outcome as a whole number, in the order of the list; columns hold these."""

PREFERENCES = (Outcome.A, Outcome.B, Outcome.TIE)
"""The outcomes that enter a fit. The others say nothing of the two models and are counted only."""
