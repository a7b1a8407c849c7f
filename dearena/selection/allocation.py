"""Which cells a pilot asks next: where a decision to take or leave a query is still open. Pure.

A pilot begins with a first look at queries drawn by lot: some pairs each, spread so that every model meets others. From
then on every query with votes stands against the marginal one, the last that `telling` would take now. More votes can
only still the noise of votes; what is particular to ten models' answers stays. So a query's slope may still move by

    reach^2 = slope_error^2 * (share of a contrast's variance that is due to votes)

and with its distance d to the marginal slope, asking on is worth the expected loss of deciding now,
reach * (phi(z) - z * (1 - Phi(z))), z = |d| / reach. Cells go to the queries with most to lose, a look more each. A
query with less to lose than TOLERANCE of the marginal slope is closed: clearly telling, dead or mislabelled, or as well
known as these models can make it. So is one whose every pair was asked `most_a_pair` times. Cells that came out
unreadable count as asked. When no query is open the pilot is done.

What it saves is that it knows when to stop: an even pilot of as many cells leads to boards as good, in planted pools
(`benchmarks/query_selection_pilots.py`). What is particular to ten models' answers blurs more than votes can mend.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from scipy.stats import norm

from dearena.faults import InvalidField
from dearena.scoring.arrays import BoolArray, FloatArray, IntArray
from dearena.selection.choice import Why
from dearena.selection.lots import drawn, places
from dearena.selection.pilot import PilotVotes
from dearena.selection.settings import TellingSettings
from dearena.selection.slopes import Slopes
from dearena.selection.telling import Believed, choose

FIRST_LOOK: Final = 2
"""Pairs a query and model of the first look: every model meets about twice as many others."""
TOLERANCE: Final = 0.01
"""Of the marginal slope: an expected loss that is not worth a look more."""
FIRST_QUERIES_A_PLACE: Final = 12
"""Queries drawn for the first look, for each of the k that are wanted."""


@dataclass(frozen=True, slots=True)
class PilotPlan:
    """How a pilot is asked.

    Attributes:
        k: queries wanted in the end.
        budget: cells in all.
        most_a_pair: cells that a pair has on a query at most, one a judge.
        batch: cells that are handed out at once.
        seed: of all lots.
        queries: that are looked at; 0: FIRST_QUERIES_A_PLACE for each of k.

    Raises:
        InvalidField: one of the others is not above 0.
    """

    k: int
    budget: int
    most_a_pair: int
    batch: int
    seed: int
    queries: int = 0

    def __post_init__(self) -> None:
        for name in ("k", "budget", "most_a_pair", "batch"):
            if getattr(self, name) < 1:
                raise InvalidField.of(name, "must be at least 1")


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Cells to ask next, a row each; the judge is left to whoever asks.

    Attributes:
        query, first, second: indices; a cell that stands twice is asked of two judges.
        open_queries: whether asking on is worth it, by query of the pool; those not yet seen are not open.
        expected_loss: of deciding now, in slope, of queries with votes; nan of the others.
    """

    query: IntArray
    first: IntArray
    second: IntArray
    open_queries: BoolArray
    expected_loss: FloatArray

    @property
    def done(self) -> bool:
        """Whether there is nothing left to ask."""
        return not len(self.query)


def pairs_of(models: int) -> IntArray:
    """All pairs of models, in the order of the columns of `asked`; shape (pairs, 2)."""
    return np.array(list(combinations(range(models), 2)), dtype=np.int64).reshape(-1, 2)


def next_batch(
    pilot: PilotVotes,
    asked: IntArray,
    plan: PilotPlan,
    settings: TellingSettings | None = None,
    closed: BoolArray | None = None,
) -> Batch:
    """What to ask next.

    Args:
        pilot: readable votes so far; its models are the pilot's, also before the first vote.
        asked: cells asked so far, by query and pair of `pairs_of`, readable or not; shape (queries, pairs).
        closed: queries that nobody can be asked about any more, of the pool; None: there is none.

    Raises:
        InvalidField: `asked` has another shape.
    """
    pool, pairs = pilot.pool, pairs_of(len(pilot.models))
    if asked.shape != (len(pool), len(pairs)):
        raise InvalidField.of("asked", f"is of shape {asked.shape}, not {(len(pool), len(pairs))}")
    nan = np.full(len(pool), np.nan)
    left = min(plan.budget - int(asked.sum()), plan.batch)
    look = look_of(len(pilot.models), plan.most_a_pair)
    first = drawn(pool.queries, plan.seed)[: plan.queries or FIRST_QUERIES_A_PLACE * plan.k]
    unseen = first[asked[first].sum(axis=1) == 0]
    if closed is not None:
        unseen = unseen[~closed[unseen]]
    if len(unseen):
        rows = unseen[: max(left, 0) // max(look, 1)]
        return _dealt(rows, asked, pairs, look, plan, np.isin(np.arange(len(pool)), unseen), nan)
    loss = expected_loss(pilot, plan, settings or TellingSettings())
    full = asked.min(axis=1, initial=plan.most_a_pair) >= plan.most_a_pair
    if closed is not None:
        full |= closed
    still_open = (np.nan_to_num(loss.of_queries) > TOLERANCE * loss.marginal) & ~full
    order = np.lexsort((places(pool.queries, plan.seed), -np.nan_to_num(loss.of_queries)))
    rows = order[still_open[order]][: max(left, 0) // max(look, 1)]
    return _dealt(rows, asked, pairs, look, plan, still_open, loss.of_queries)


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """What may be lost by deciding now.

    Attributes:
        of_queries: in slope, shape (queries,); nan without votes.
        marginal: slope of the last query that would be taken.
    """

    of_queries: FloatArray
    marginal: float


def expected_loss(pilot: PilotVotes, plan: PilotPlan, settings: TellingSettings) -> Loss:
    """By query, as told above."""
    believed = Believed.of(pilot, settings)
    fitted, scores = believed.fitted, believed.fitted.scores
    found = np.full(len(pilot.pool), np.nan)
    if not len(scores.query):
        return Loss(found, 0.0)
    marginal = marginal_of(believed, plan)
    found[scores.query] = unsettled(reach_of(fitted), fitted.slope - marginal)
    return Loss(found, marginal)


def marginal_of(believed: Believed, plan: PilotPlan) -> float:
    """Slope of the last query that would be taken now."""
    taken = choose(believed, min(plan.k, len(believed.promise.pool)), plan.seed).taken
    good = [reason.slope for reason in taken if reason.why is Why.TELLING and reason.slope is not None]
    return max(min(good, default=0.0), believed.fitted.dead_below)


def unsettled(reach: FloatArray, distance: FloatArray) -> FloatArray:
    """Expected loss of a decision by something that may still move by `reach`, at a distance from where it turns."""
    z = np.abs(distance) / np.maximum(reach, 1e-12)
    return np.asarray(reach * (norm.pdf(z) - z * norm.sf(z)))


def look_of(models: int, most_a_pair: int) -> int:
    """Cells of a look at a query."""
    return min(FIRST_LOOK * models, models * (models - 1) // 2 * most_a_pair)


def reach_of(fitted: Slopes) -> FloatArray:
    """By how much the slope of each query with votes may still move, as told above."""
    scores = fitted.scores
    contrasts = max(len(fitted.strengths) - 1, 1)
    of_votes = scores.variance * contrasts / np.maximum(scores.votes.sum(axis=1), 1.0)
    return np.asarray(fitted.slope_error * np.sqrt(of_votes / (of_votes + fitted.noise)))


def _dealt(
    rows: IntArray,
    asked: IntArray,
    pairs: IntArray,
    look: int,
    plan: PilotPlan,
    open_queries: BoolArray,
    loss: FloatArray,
) -> Batch:
    """A look more for each row: the pair asked least first, then that of the models asked least, then by lot."""
    dealt = [_look(asked[row], pairs, look, plan, int(row)) for row in rows]
    pair = np.concatenate(dealt) if dealt else np.zeros(0, dtype=np.int64)
    query = np.repeat(rows, [len(some) for some in dealt]) if dealt else pair
    return Batch(query.astype(np.int64), pairs[pair, 0], pairs[pair, 1], open_queries, loss)


def _look(asked: IntArray, pairs: IntArray, look: int, plan: PilotPlan, query: int) -> IntArray:
    models = int(pairs.max()) + 1
    count = asked.copy()
    met = np.bincount(pairs[:, 0], count, minlength=models) + np.bincount(pairs[:, 1], count, minlength=models)
    lot = np.random.default_rng([plan.seed, query, int(asked.sum())]).permutation(len(pairs))
    chosen = []
    for _ in range(look):
        tired = met[pairs[:, 0]] + met[pairs[:, 1]]
        best = int(np.lexsort((lot, tired, count))[0])
        if count[best] >= plan.most_a_pair:
            break
        chosen.append(best)
        count[best] += 1
        met[pairs[best]] += 1
    return np.array(chosen, dtype=np.int64)
