"""`telling`: the queries that will tell most of models that took no part in the pilot. Pure.

Slopes, noises and strengths come from one fit (`slopes`); the set grows by the query that adds most information
(`information`) per cost. Queries that are likely mislabelled or dead are taken last, when there is nothing else.
Queries without votes promise what the pool's do on the average.
"""

from dataclasses import dataclass

import numpy as np

from dearena.scoring.arrays import FloatArray
from dearena.selection.categories import category_variance
from dearena.selection.choice import Reason, Selection, Why
from dearena.selection.information import Chosen, Promise, greedy_order
from dearena.selection.lots import places
from dearena.selection.pilot import PilotVotes
from dearena.selection.query_scores import COIN, QueryScores
from dearena.selection.settings import TellingSettings
from dearena.selection.slopes import Slopes, fit_slopes


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
    """

    promise: Promise
    fitted: Slopes
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
        verdict = np.full(len(pool), Why.UNPILOTED, dtype=object)
        verdict[seen] = Why.TELLING
        verdict[dead >= settings.dead] = Why.DEAD
        verdict[wrong_way >= settings.wrong_way] = Why.MISLABELLED
        leaning = category_variance(fitted, pool.category[seen])
        promise = Promise(pool, slope, noise + variance / settings.planned_votes, leaning)
        return cls(promise, fitted, error, wrong_way, dead, tuple(verdict.tolist()))


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
        chosen.add(query)
        open_to[query] = False
        order.append(query)
        objective.append(chosen.information)
        gains.append(chosen.information - before)
    left_gain = chosen.with_one_more() - chosen.information
    rank_of = {query: rank for rank, query in enumerate(order, start=1)}
    reasons = [
        _reason(
            believed, query, rank_of.get(query, 0), gains[rank_of[query] - 1] if query in rank_of else left_gain[query]
        )
        for query in [*order, *(query for query in range(len(pool)) if query not in rank_of)]
    ]
    return Selection("telling", pool, tuple(reasons[:k]), tuple(reasons[k:]), np.array(objective))


def _reason(believed: Believed, query: int, rank: int, gain: float) -> Reason:
    pool, verdict = believed.promise.pool, believed.verdict[query]
    why = verdict
    if rank and verdict in (Why.MISLABELLED, Why.DEAD):
        why = Why.FILLED
    elif not rank and verdict is Why.TELLING:
        why = Why.LESS_TELLING
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
    )
