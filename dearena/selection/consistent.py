"""`consistent`: the makers' way, queries on which models rank as they do on the mean query. Pure.

Each query ranks the pilot's models by their shares of wins on it; its agreement is Spearman's correlation of that
ranking with the mean of all queries' rankings; the k that agree best are taken. Source: Decentralized Arena (arXiv
2505.12808), "automatic question selection". Models without a vote on a query stand in the middle of its ranking. A
query without votes, or one that ranks all models equal, agrees by 0. Lots decide between equals.
"""

import numpy as np
from scipy.stats import rankdata

from dearena.scoring.arrays import FloatArray
from dearena.selection.choice import Reason, Selection, Why
from dearena.selection.lots import places
from dearena.selection.pilot import PilotVotes


def consistent(pilot: PilotVotes, k: int, seed: int) -> Selection:
    """The k queries whose own ranking is nearest to the mean ranking."""
    pool = pilot.pool
    asked = np.unique(pilot.query)
    agreement = np.zeros(len(pool))
    agreement[asked] = agreements(shares_of_wins(pilot))
    order = np.lexsort((places(pool.queries, seed), -agreement))
    reasons = [
        Reason(
            query=pool.queries[query],
            category=pool.categories[pool.category[query]],
            why=Why.CONSISTENT if rank <= k else Why.INCONSISTENT,
            rank=rank if rank <= k else 0,
            agreement=float(agreement[query]),
        )
        for rank, query in enumerate(order.tolist(), start=1)
    ]
    left = sorted(reasons[k:], key=lambda reason: reason.query)
    mean = np.cumsum(agreement[order[:k]]) / np.arange(1, k + 1)
    return Selection("consistent", pool, tuple(reasons[:k]), tuple(left), mean)


def shares_of_wins(pilot: PilotVotes) -> FloatArray:
    """Of each model on each query with votes, a tie half a win; 1/2 without a vote. Shape (queries, models)."""
    _, row = np.unique(pilot.query, return_inverse=True)
    models = len(pilot.models)
    rows = int(row.max(initial=-1)) + 1
    of_first, of_second = row * models + pilot.first, row * models + pilot.second
    wins = np.bincount(of_first, pilot.outcome, minlength=rows * models)
    wins = wins + np.bincount(of_second, 1 - pilot.outcome, minlength=rows * models)
    met = np.bincount(of_first, minlength=rows * models) + np.bincount(of_second, minlength=rows * models)
    return np.asarray(np.where(met > 0, wins / np.maximum(met, 1), 0.5).reshape(rows, models))


def agreements(scores: FloatArray) -> FloatArray:
    """Spearman's correlation of each row's ranking with the mean of all rows' rankings."""
    if not scores.size:
        return np.zeros(len(scores))
    # Ranks are halves and rows are many: their sum is exact, and their mean is the same in any order.
    ranks = rankdata(scores, axis=1)
    of_all = rankdata(ranks.sum(axis=0))
    middle = (scores.shape[1] + 1) / 2
    own, mean = ranks - middle, of_all - middle
    size = np.sqrt(np.sum(own**2, axis=1) * np.sum(mean**2))
    return np.asarray(np.divide(own @ mean, size, out=np.zeros(len(own)), where=size > 0))
