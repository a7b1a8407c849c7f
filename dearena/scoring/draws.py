"""Votes of judges that were drawn by weight: each counts by how much rarer its judge was drawn than evenly.

A jury draws some judges more often than others. Were every vote to count alike, these would weigh by their draws
and then by their weights once more. So a vote counts by the ratio of the even chance to that of its draw (Horvitz
and Thompson, J. Am. Statist. Assoc. 47, 1952), capped, over the mean ratio of the votes that are preferences
(Hajek, 1971): draws that are alike change nothing. Pure.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dearena.outcomes import Outcome
from dearena.scoring.arrays import ONE, IntArray
from dearena.scoring.outcomes import CODES
from dearena.scoring.units import whole_units
from dearena.scoring.votes import Votes

EVEN: Final = ONE
"""A draw is a whole number of parts; this many are the chance of an even draw."""

RATIO_CAP: Final = 5
"""No vote counts more often than so, before ratios are set to mean 1. A judge is drawn with at least a fifth of the
even chance, so that the cap meets only rounding and votes drawn by other rules."""

RATIO_UNITS: Final = 4_096
"""A ratio is a whole number of these parts: its sums over votes, times the judges' parts, stay exact."""

_LAST_PREFERENCE: Final = CODES[Outcome.TIE]


def ratios(draw: npt.NDArray[np.integer[Any]]) -> IntArray:
    """Ratio of the even chance to each draw, at most `RATIO_CAP`, in parts of `RATIO_UNITS`; at least one part.

    Args:
        draw: chance of the draw over the even one, in parts of 65,536, at least 1; shape (votes,).
    """
    exact = RATIO_UNITS * (EVEN / draw.astype(np.float64))
    return np.clip(np.rint(exact), 1, RATIO_CAP * RATIO_UNITS).astype(np.int64)


def drawn(votes: Votes, draw: npt.NDArray[np.integer[Any]]) -> Votes:
    """The votes, weighed by their draws; weights that they have are multiplied.

    Args:
        draw: as `ratios` has it.
    """
    weighed = balanced(replace(votes, weight=ratios(draw), unit=1.0))
    if votes.weight is None or weighed.weight is None:
        return votes if weighed.weight is None else weighed
    weight, unit = whole_units(votes.weight * votes.unit * (weighed.weight * weighed.unit))
    return replace(votes, weight=weight, unit=unit)


def balanced(votes: Votes) -> Votes:
    """The votes, their weights in proportion as they are and of mean 1 over the preferences; none where all are alike.

    It depends on the proportions alone, to the bit, and on no order: some of the votes balanced again are those
    votes balanced by themselves.
    """
    weight = votes.weight
    if weight is None:
        return votes
    if not len(weight) or weight.min() == weight.max():
        return replace(votes, weight=None, unit=1.0)
    weight = weight // int(np.gcd.reduce(weight))
    counted = votes.outcome <= _LAST_PREFERENCE
    total = int(np.sum(weight[counted]))
    return replace(votes, weight=weight, unit=int(np.count_nonzero(counted)) / total if total else 1.0)
