"""`telling`: the queries that will tell most of models that took no part in the pilot. Pure.

Slopes, noises and strengths come from one fit (`slopes`); the set grows by the query that adds most information
(`information`) per cost. Queries that are likely mislabelled or dead are taken last, when there is nothing else.
Queries without votes promise what the pool's do on the average.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from dearena.scoring.arrays import FloatArray, IntArray
from dearena.selection.categories import category_variance
from dearena.selection.choice import Reason, Selection, Why
from dearena.selection.information import Chosen, Promise, greedy_order
from dearena.selection.lots import places
from dearena.selection.pilot import PilotVotes
from dearena.selection.query_scores import COIN, QueryScores
from dearena.selection.redundancy import Alike, alike
from dearena.selection.settings import TellingSettings
from dearena.selection.slopes import Slopes, fit_slopes

MOSTLY_SHARED: Final = 0.5
"""Estimated correlation with a taken query from which one that was left counts as redundant."""


def telling(pilot: PilotVotes, k: int, seed: int, settings: TellingSettings | None = None) -> Selection:
    """The k queries of which a board will tell most, greedily."""
    return choose(Believed.of(pilot, settings or TellingSettings()), k, seed)


@dataclass(frozen=True, slots=True, eq=False)
class Believed:
    """What a pilot leaves to be believed of every query of its pool, shape (queries,) each.

    Attributes:
        promise: what the objective needs.
        fitted: of the queries that have votes.
        slope_error, wrong_way, dead: as in `Slopes`; nan of queries without votes.
        verdict: MISLABELLED, DEAD, UNPILOTED or TELLING.
        alike: pairs of the queries that have votes.
    """

    promise: Promise
    fitted: Slopes
    alike: Alike
    slope_error: FloatArray
    wrong_way: FloatArray
    dead: FloatArray
    verdict: tuple[Why, ...]

    @classmethod
    def of(cls, pilot: PilotVotes, settings: TellingSettings) -> "Believed":
        """Fit the pilot."""
        pool = pilot.pool
        fitted = fit_slopes(QueryScores.of(pilot))
        scores = fitted.scores
        seen = scores.query
        slope, noise = (np.full(len(pool), value) for value in fitted.typical)
        slope[seen], noise[seen] = fitted.slope, fitted.noise
        variance = np.full(len(pool), float(scores.variance.mean()) if len(seen) else COIN)
        variance[seen] = scores.variance
        error, wrong_way, dead = (np.full(len(pool), np.nan) for _ in range(3))
        error[seen], wrong_way[seen], dead[seen] = fitted.slope_error, fitted.wrong_way, fitted.dead
        verdict = [Why.UNPILOTED] * len(pool)
        for query in seen.tolist():
            verdict[query] = _verdict(float(wrong_way[query]), float(dead[query]), settings)
        leaning = category_variance(fitted, pool.category[seen])
        promise = Promise(pool, slope, noise + variance / settings.planned_votes, leaning)
        similar = alike(fitted, pool.category[seen])
        return cls(promise, fitted, similar, error, wrong_way, dead, tuple(verdict))

    def resembling(self, query: int) -> tuple[IntArray, FloatArray]:
        """Queries of the pool that are redundant with one, and their correlations of what is particular."""
        seen = self.fitted.scores.query
        place = int(np.searchsorted(seen, query))
        if place == len(seen) or seen[place] != query:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        other, correlation = self.alike.of(place)
        return seen[other], correlation

    def sharing(self, query: int) -> FloatArray | None:
        """Covariance of a query with every one of the pool by what is particular to both; None: with none."""
        other, correlation = self.resembling(query)
        if not len(other):
            return None
        seen, noise = self.fitted.scores.query, self.fitted.noise
        own = noise[np.searchsorted(seen, query)]
        found = np.zeros(len(self.verdict))
        found[other] = correlation * np.sqrt(own * noise[np.searchsorted(seen, other)])
        return found


def choose(believed: Believed, k: int, seed: int) -> Selection:
    """The greedy choice."""
    promise, pool = believed.promise, believed.promise.pool
    lot = places(pool.queries, seed)
    cost = np.ones(len(pool)) if pool.cost is None else pool.cost / np.mean(pool.cost)
    last = np.array([word in (Why.MISLABELLED, Why.DEAD) for word in believed.verdict])
    open_to = ~last
    chosen = Chosen(promise)
    order: list[int] = []
    gains: list[float] = []
    objective: list[float] = []
    while len(order) < k:
        if not np.any(open_to):
            open_to = last.copy()
            open_to[order] = False
        before = chosen.information
        gain = (chosen.with_one_more() - before) / cost
        query = greedy_order(gain, open_to, lot)
        chosen.add(query, believed.sharing(query))
        open_to[query] = False
        order.append(query)
        objective.append(chosen.information)
        gains.append(chosen.information - before)
    left_gain = chosen.with_one_more() - chosen.information
    rank_of = {query: rank for rank, query in enumerate(order, start=1)}
    gain_of = {**dict(enumerate(left_gain.tolist())), **dict(zip(order, gains, strict=True))}
    rest = [query for query in range(len(pool)) if query not in rank_of]
    reasons = [_reason(believed, query, rank_of, gain_of[query]) for query in [*order, *rest]]
    return Selection("telling", pool, tuple(reasons[:k]), tuple(reasons[k:]), np.array(objective))


def _verdict(wrong_way: float, dead: float, settings: TellingSettings) -> Why:
    if wrong_way >= settings.wrong_way:
        return Why.MISLABELLED
    return Why.DEAD if dead >= settings.dead else Why.TELLING


def _reason(believed: Believed, query: int, taken: Mapping[int, int], gain: float) -> Reason:
    pool, verdict, rank = believed.promise.pool, believed.verdict[query], taken.get(query, 0)
    why = verdict
    twin, redundancy = _twin(believed, query, taken)
    if rank and verdict in (Why.MISLABELLED, Why.DEAD):
        why = Why.FILLED
    elif not rank and verdict is Why.TELLING:
        why = Why.REDUNDANT if redundancy >= MOSTLY_SHARED else Why.LESS_TELLING
    seen = verdict is not Why.UNPILOTED
    return Reason(
        query=pool.queries[query],
        category=pool.categories[pool.category[query]],
        why=why,
        rank=rank,
        slope=float(believed.promise.slope[query]),
        slope_error=float(believed.slope_error[query]) if seen else None,
        wrong_way=float(believed.wrong_way[query]) if seen else None,
        dead=float(believed.dead[query]) if seen else None,
        gain=float(gain),
        redundant_with=None if twin is None else pool.queries[twin],
        redundancy=None if twin is None else redundancy,
    )


def _twin(believed: Believed, query: int, taken: Mapping[int, int]) -> tuple[int | None, float]:
    """The query that was taken, before this one, and resembles it most."""
    other, correlation = believed.resembling(query)
    if not len(other):
        return None, 0.0
    own = taken.get(query, len(taken) + 1)
    before = np.array([taken.get(int(one), len(taken) + 1) < own for one in other], dtype=bool)
    if not np.any(before):
        return None, 0.0
    best = int(np.argmax(np.where(before, correlation, -1.0)))
    return int(other[best]), float(correlation[best])
