"""What the first seat is worth before a judge who looks once.

A judge who sees two answers in one order only may prefer whichever comes first, or second. Seats are drawn by lot, so
that no model gains by it; but a lean that all judges share adds noise to every vote and draws strengths together, and
where the lot falls unevenly it moves them. So it is fitted beside the strengths, as one number for all judges: the
log-odds of a vote are `strength of the first - strength of the second + effect * seat`, where seat is 1 when the
first model sat first, -1 when the second did, and 0 in votes of both orders, whose lean shows as a flip. Pure.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dearena.scoring.arrays import FloatArray
from dearena.scoring.seats import UNSAID
from dearena.scoring.votes import Votes

CORRECT: Final = "correct"
LEAVE: Final = "leave"
FIRST_SEAT_RULES: Final = (CORRECT, LEAVE)


@dataclass(frozen=True, slots=True)
class SeatEffect:
    """The effect of the first seat, in log-odds of being preferred.

    Attributes:
        log_odds: above 0, judges prefer whoever sits first.
        error: its standard error, clustered as those of strengths.
        low, high: its interval at the confidence of the settings.
        votes: of one look, from which it was estimated.
    """

    log_odds: float
    error: float
    low: float
    high: float
    votes: int


def seats_of_one_look(votes: Votes) -> FloatArray | None:
    """1 where the first model of a vote of one look sat first, -1 where the second did, else 0; shape (votes,).

    None where there is no vote of one look.
    """
    if votes.seats is None:
        return None
    said = votes.seats != UNSAID
    signs: FloatArray = said[:, 0].astype(np.float64) - said[:, 1]
    return signs if signs.any() else None
