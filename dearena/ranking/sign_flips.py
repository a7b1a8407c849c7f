"""A test that may be looked at again and again: is one of two models preferred over the draws of queries?

The unit of evidence is the query, not the vote: votes on the same two answers repeat one another. If the
models are equal, each query is as likely to favour the one as the other; turning round the signs of all
votes on a query then leaves their distribution as it is, whatever else is so of them. So the sums that were
found are compared with those under random turns of whole queries, which is exact for any number of
queries, any judges and any number of votes a query (a permutation test: Fisher, The Design of Experiments,
1935, section 21; in clusters: Canay, Romano and Shaikh, Econometrica 85, 2017).

It is looked at on a fixed grid of numbers of votes. Each look may decide so many of the turns, those with the
largest sums, that all looks so far have decided no more than the error spent by then (Lan and DeMets,
Biometrika 70, 1983). The pair's own signs are one of the turns and no likelier than any other to be among
the decided, so the error holds for all looks together, however many votes are asked between two of them.
The order of votes must not depend on what they say. The turns were drawn once and are the same for every pair, so that
a level is exact on average over their draw, and off by a few thousandths for one number of votes or another. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

Sums = npt.NDArray[np.float32]
"""Whole numbers far below 2^24, so exact; as floats they are multiplied fast."""

FIRST_LOOK: Final = 4
"""Fewer votes decide nothing at an error worth stating: four that agree are one in eight."""
GROWTH: Final = 1.25
"""From one look to the next: looks much closer cost error and tell little."""
SPENDING: Final = 0.75
"""Exponent of the share of the cap at which so much of the error is spent. Below 1, much of it early: pairs far
apart, the most of a binary search, are decided in few votes, at little loss for close ones."""
TURNS: Final = 1_023
"""Random turns beside the pair's own: errors are told in parts of 1,024."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What the test says.

    Attributes:
        sign: 1 or -1 for the side that is preferred; 0 while nothing is decided.
        votes: number of votes by which it was decided; of all votes while nothing is.
    """

    sign: int
    votes: int


def grid(cap: int) -> tuple[int, ...]:
    """Numbers of votes at which the test is looked at, up to the cap."""
    looks = [min(FIRST_LOOK, cap)]
    while looks[-1] < cap:
        looks.append(min(cap, max(looks[-1] + 2, round(looks[-1] * GROWTH))))
    return tuple(looks)


def decide(votes: Sequence[tuple[int, int]], error: float, cap: int) -> Decided:
    """Look at votes as they came.

    Args:
        votes: (query, verdict) in the order in which they were asked; queries numbered from 0, verdicts 1,
            0 or -1. Votes beyond the cap are not looked at.
        error: chance that a pair of equals is decided by any look.
        cap: number of votes by which the error is spent.
    """
    looks = [look for look in grid(cap) if look <= len(votes)]
    if not looks:
        return Decided(0, len(votes))
    sums = _turned(_by_query(votes, looks))
    alive = np.ones(sums.shape[1], dtype=bool)
    spent = 0
    for look, turned in zip(looks, sums, strict=True):
        may = int(error * (look / cap) ** SPENDING * len(turned)) - spent
        crossed = alive & (turned >= _boundary(turned[alive], may))
        if crossed[0]:
            return Decided(1 if _total(votes[:look]) > 0 else -1, look)
        spent += int(np.count_nonzero(crossed))
        alive &= ~crossed
    return Decided(0, len(votes))


def _total(votes: Sequence[tuple[int, int]]) -> int:
    return sum(verdict for _, verdict in votes)


def _by_query(votes: Sequence[tuple[int, int]], looks: Sequence[int]) -> Sums:
    """Sums of verdicts by look and query."""
    places: dict[int, int] = {}
    for query, _ in votes:
        places.setdefault(query, len(places))
    sums = np.zeros((len(looks), len(places)), dtype=np.float32)
    running, row = np.zeros(len(places), dtype=np.float32), 0
    for number, (query, verdict) in enumerate(votes[: looks[-1]], start=1):
        running[places[query]] += verdict
        if number == looks[row]:
            sums[row] = running
            row += 1
    return sums


def _turned(sums: Sums) -> Sums:
    """Sizes of the total at each look under every turn, the pair's own first; shape (looks, turns)."""
    return np.asarray(np.abs(sums @ _turns(sums.shape[1])), dtype=np.float32)


@lru_cache(maxsize=256)
def _turns(queries: int) -> Sums:
    """Signs by query and turn; the first turn leaves all as they are. The same ones for every pair.

    Those of a query do not depend on how many follow: a look that has been taken says the same ever after.
    """
    signs = [2 * np.random.default_rng(query).integers(0, 2, TURNS) - 1 for query in range(queries)]
    return np.concatenate([np.ones((queries, 1)), signs], axis=1).astype(np.float32)


def _boundary(sizes: Sums, may: int) -> float:
    """The least size of which no more than `may` turns are."""
    if may < 1:
        return np.inf
    ordered = np.sort(sizes)[::-1]
    if may >= len(ordered):
        return float(ordered[-1])
    # Turns of equal size are decided together or not at all.
    larger = ordered[ordered > ordered[may]]
    return float(larger[-1]) if len(larger) else np.inf
