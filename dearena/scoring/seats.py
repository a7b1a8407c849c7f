"""What a judge said in each seat order, as it stands in a column.

A verdict names a seat, not a model. Column 0 is the order with the vote's `first` model in the first
seat, column 1 the order with `second` there; where a judge looked once, the other order was not said.
Pure.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dearena.outcomes import Outcome
from dearena.scoring.arrays import OutcomeCodes
from dearena.scoring.outcomes import CODES

FIRST: Final = 0
SECOND: Final = 1
TIE: Final = 2
UNSAID: Final = 3
"""No readable verdict: a broken reply, none, or an order that was not asked."""

SeatCodes = npt.NDArray[np.int8]
"""Verdicts, shape (votes, 2)."""

WHO_SAT_FIRST: Final = {"a": 0, "b": 1}
"""Words for the model in the first seat of a judge's only look, and the column of that order."""


def unsaid(votes: int) -> SeatCodes:
    """Seats of votes of which nothing is known."""
    return np.full((votes, 2), UNSAID, dtype=np.int8)


def of_one_look(outcome: OutcomeCodes, order: npt.NDArray[np.integer[Any]]) -> SeatCodes:
    """Seats of votes that come from one look each.

    Args:
        outcome: codes of `outcomes.CODES`.
        order: 0 where `first` sat first, 1 where `second` did.
    """
    won = np.where(outcome == CODES[Outcome.A], 0, 1)
    said = np.where(won == order, FIRST, SECOND)
    said[outcome == CODES[Outcome.TIE]] = TIE
    said[outcome > CODES[Outcome.TIE]] = UNSAID
    seats = unsaid(len(outcome))
    seats[np.arange(len(outcome)), order] = said
    return seats
