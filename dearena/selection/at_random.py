"""`random`: each category in proportion to its share of the pool, by lot within it. Pure.

Places go to categories by largest remainders (Hamilton's rule): each gets its whole share, and what is left goes to
the largest fractions.
"""

import numpy as np

from dearena.scoring.arrays import IntArray
from dearena.selection.choice import Reason, Selection, Why
from dearena.selection.lots import drawn
from dearena.selection.pilot import PilotVotes


def at_random(pilot: PilotVotes, k: int, seed: int) -> Selection:
    """K queries by lot, stratified by category; looks at no vote. They are taken in the order of their lots."""
    pool = pilot.pool
    room = places_of(np.bincount(pool.category, minlength=len(pool.categories)), k)
    taken: list[Reason] = []
    left: list[Reason] = []
    for query in drawn(pool.queries, seed).tolist():
        category = pool.category[query]
        rank = len(taken) + 1 if room[category] > 0 else 0
        room[category] -= 1
        reason = Reason(pool.queries[query], pool.categories[category], Why.DRAWN if rank else Why.NOT_DRAWN, rank)
        (taken if rank else left).append(reason)
    left.sort(key=lambda reason: reason.query)
    return Selection("random", pool, tuple(taken), tuple(left), np.full(k, np.nan))


def places_of(sizes: IntArray, k: int) -> IntArray:
    """How many of k places each category gets, never more than it has queries; equal fractions by category order."""
    quota = sizes * k
    whole = quota // sizes.sum()
    rest = quota - whole * sizes.sum()
    first = np.argsort(-rest, kind="stable")[: k - int(whole.sum())]
    whole[first] += 1
    return np.asarray(whole)
