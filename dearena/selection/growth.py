"""Whether a pilot should look at more of its pool, or again at what it has seen. Pure.

Both are told in the same unit: what the slopes of the k that are taken are expected to gain in all, a cell asked. One
more look at a query of which the decision is open moves its slope by a deviation of

    move^2 = reach^2 * look / (asked + look)

with its reach as `allocation` tells it; that is worth move * (phi(z) - z * (1 - Phi(z))), z = |d| / move, by its
distance d to the marginal slope. It is the mean over the queries that the next batch asks.

Queries that nobody has seen come out of the same pool by lot, so that they will look like those that were seen: with m
more beside n seen ones, the sum of the k steepest is expected to be what it were if each seen query stood (n + m) / n
times. The cells are a first look at each: where a further part has its models ranked anew, what is compared for that is
a look at its queries, too. What redundancy and categories do is left out on both sides.
Whoever goes on leaves the former part as it is: its votes count, and no more are asked.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dearena.scoring.arrays import FloatArray
from dearena.selection.allocation import TOLERANCE, Batch, PilotPlan, look_of, marginal_of, reach_of, unsettled
from dearena.selection.pilot import PilotVotes
from dearena.selection.settings import TellingSettings
from dearena.selection.telling import Believed

LEAST_PART: Final = 3
"""Queries of a part, for each of the k that are wanted: fewer do not tell which are steep."""


FIRST_PART: Final = 6
"""Queries of the first part, for each of the k."""


def first_part(k: int, most: int) -> int:
    """Queries that a pilot begins with, of so many that it may look at; all, where nothing worth a part is left."""
    part = FIRST_PART * k
    return part if most - part >= LEAST_PART * k else most


@dataclass(frozen=True, slots=True)
class Worth:
    """What the next cells are worth.

    Attributes:
        again: gain in the slopes of the k, a cell, of looking again at what is open; 0: nothing is.
        fresh: the same of looking at more of the pool; 0: nothing is left of it, or no cells.
        queries: how many of these the pool, the limits and the cells let be looked at; 0: too few for a part.
        marginal: slope of the last query that would be taken now.
        look: cells of a look at a query.
    """

    again: float
    fresh: float
    queries: int
    marginal: float
    look: int

    @property
    def grows(self) -> bool:
        """Whether to look at more: it pays more than looking again, and more than what counts as settled."""
        return self.queries > 0 and self.fresh > self.again and self.fresh * self.look > TOLERANCE * self.marginal

    @property
    def told(self) -> str:
        """The two, for a person: by what part of the marginal slope a look at a query is expected to better the k."""
        of_marginal = 100 * self.look / self.marginal if self.marginal else 0.0
        return (
            f"a look at a query promises {self.fresh * of_marginal:.1f} % of a chosen query's slope where it is new, "
            f"{self.again * of_marginal:.1f} % where it is one of those that are open"
        )


def worth_of(
    pilot: PilotVotes, batch: Batch, plan: PilotPlan, *, left: int, unseen: int, part: int, least: int = 1
) -> Worth:
    """What the next batch is worth, against a further part of the pool.

    Args:
        pilot: readable votes so far, of a pool that holds what is piloted.
        batch: that would be asked next, where every query has had its first look.
        plan: by which the batch was found.
        left: cells that may still be asked, by calls and by money.
        unseen: queries that may still be looked at besides.
        part: queries of a further part at most.
        least: queries of it at least, besides LEAST_PART.
    """
    believed = Believed.of(pilot, TellingSettings())
    fitted, scores = believed.fitted, believed.fitted.scores
    look = look_of(len(pilot.models), plan.most_a_pair)
    if not len(scores.query):
        return Worth(0.0, 0.0, 0, 0.0, look)
    marginal = marginal_of(believed, plan)
    rows = np.isin(scores.query, batch.query)
    again = 0.0
    if rows.any():
        # A vote speaks of two models: it counts twice among the contrasts.
        move = reach_of(fitted)[rows] * np.sqrt(2 * look / (scores.votes.sum(axis=1)[rows] + 2 * look))
        again = float(np.mean(unsettled(move, fitted.slope[rows] - marginal))) / look
    queries = min(part, unseen, max(left, 0) // look)
    if queries < max(min(LEAST_PART * plan.k, part, unseen), least):
        return Worth(again, 0.0, 0, marginal, look)
    seen = len(fitted.slope)
    gain = steepest(fitted.slope, plan.k, (seen + queries) / seen) - steepest(fitted.slope, plan.k, 1.0)
    return Worth(again, gain / (queries * look), queries, marginal, look)


def steepest(slopes: FloatArray, k: int, times: float) -> float:
    """Sum of the k largest, where each stands so many times; slopes below 0 count as 0."""
    ordered = np.maximum(np.sort(slopes)[::-1], 0.0)
    room = np.clip(k - times * np.arange(len(ordered)), 0.0, times)
    return float(ordered @ room)
