"""Sums of pulls over clusters of votes, and how much these sums spread.

For clusters c with sums S_c, the spread is the matrix of sum over c of S_c S_c^T: the filling of a sandwich
covariance (Liang and Zeger, Biometrika 73, 1986). Pure.
"""

from typing import Final

import numpy as np

from dearena.scoring.arrays import BoolArray, Codes, FloatArray, IntArray
from dearena.scoring.residuals import Pulls
from dearena.scoring.votes import Votes

AT_ONCE: Final = 2**22
"""Numbers in a table of cluster sums (32 MB); more clusters than fit are taken in turns."""

WORK_LIMIT: Final = 2**28
"""Multiplications spent on clusters by question and judge at once. There may be as many such clusters as
votes, while they matter least; beyond this, those of a balanced sample stand for all."""

FEWEST_SAMPLED: Final = 2_048
"""Clusters in such a sample, whatever the work."""


def spread(cluster: Codes | IntArray, clusters: int, votes: Votes, pulls: Pulls) -> FloatArray:
    """Spread of the sums over clusters; shape (parameters, parameters), the models first.

    Args:
        cluster: of each vote, below `clusters`.
    """
    n = len(votes.models)
    width = n + pulls.others.shape[1]
    if clusters * width <= AT_ONCE or clusters < 2:
        return _of_table(cluster, clusters, votes, pulls)
    alone = np.bincount(cluster, minlength=clusters)[cluster] == 1
    total = independent_spread(votes, pulls, alone)
    together = np.flatnonzero(~alone)
    order = together[np.argsort(cluster[together], kind="stable")]
    names, starts = np.unique(cluster[order], return_index=True)
    at_once = max(AT_ONCE // width, 1)
    for begin in range(0, len(names), at_once):
        end = min(begin + at_once, len(names))
        rows = order[starts[begin] : starts[end] if end < len(names) else len(order)]
        renumbered = np.searchsorted(names[begin:end], cluster[rows])
        total += _of_table(renumbered, end - begin, votes.where(rows), pulls.where(rows))
    return total


def independent_spread(votes: Votes, pulls: Pulls, chosen: BoolArray | None = None) -> FloatArray:
    """Spread when every vote is a cluster of its own, over the votes chosen."""
    if chosen is not None:
        rows = np.flatnonzero(chosen)
        votes, pulls = votes.where(rows), pulls.where(rows)
    n, width = len(votes.models), len(votes.models) + pulls.others.shape[1]
    if not len(votes):
        return np.zeros((width, width))
    squares = np.square(pulls.steps * pulls.step)
    # Whole steps again, for sums that do not depend on the order.
    step = 2.0 ** -np.floor(52 - np.log2(len(votes) * max(float(np.max(squares)), 1e-300)))
    np.rint(np.divide(squares, step, out=squares), out=squares)
    pair = votes.first.astype(np.int64) * n + votes.second
    of_pairs = np.bincount(pair, squares, minlength=n * n).reshape(n, n) * step
    of_pairs += of_pairs.T
    total = np.zeros((width, width))
    total[:n, :n] = np.diag(np.sum(of_pairs, axis=1)) - of_pairs
    pulled = pulls.steps * pulls.step
    for column in range(n, width):
        other = pulls.others[:, column - n]
        crossed = np.bincount(votes.first, pulled * other, minlength=n)
        total[:n, column] = crossed - np.bincount(votes.second, pulled * other, minlength=n)
        total[column, :n] = total[:n, column]
    total[n:, n:] = pulls.others.T @ pulls.others
    return total


def spread_by_both(
    one: Codes, ones: int, other: Codes, others: int, votes: Votes, pulls: Pulls
) -> tuple[FloatArray, int]:
    """Spread of the sums over votes that share both clusters, and one in how many of these was looked at.

    Where that would be too much work, votes are split into those of their own, which are counted in full,
    and what votes of one cluster have in common, which a balanced sample tells: both clusterings are
    dealt into the same number of classes, and a cluster is looked at when its classes are the same.
    """
    n = len(votes.models)
    bound = min(len(votes), ones * others)
    if bound * n * n <= WORK_LIMIT or pulls.others.shape[1]:
        return _of_both(one, other, others, votes, pulls), 1
    doublings = np.ceil(np.log2(bound * n * n / WORK_LIMIT))
    most = np.log2(max(min(ones, others, bound // FEWEST_SAMPLED), 1))
    classes = int(2 ** max(min(doublings, np.floor(most)), 0))
    if classes == 1:
        return _of_both(one, other, others, votes, pulls), 1
    chosen = np.flatnonzero(_dealt(ones, classes)[one] == _dealt(others, classes)[other])
    sample, sampled_pulls = votes.where(chosen), pulls.where(chosen)
    in_common = _of_both(one[chosen], other[chosen], others, sample, sampled_pulls)
    in_common -= independent_spread(sample, sampled_pulls)
    return independent_spread(votes, pulls) + classes * in_common, classes


def _of_both(one: Codes, other: Codes, others: int, votes: Votes, pulls: Pulls) -> FloatArray:
    _, both = np.unique(one.astype(np.int64) * others + other, return_inverse=True)
    return spread(both, int(np.max(both, initial=-1)) + 1, votes, pulls)


def _dealt(clusters: int, classes: int) -> Codes:
    """A class for each cluster: equally many in each, in an order that nothing in the data follows."""
    shuffled = np.random.default_rng(clusters).permutation(clusters)
    return (shuffled % classes).astype(np.int32)


def _of_table(cluster: Codes | IntArray, clusters: int, votes: Votes, pulls: Pulls) -> FloatArray:
    sums = cluster_sums(cluster, clusters, votes, pulls)
    return np.asarray(sums.T @ sums)


def cluster_sums(cluster: Codes | IntArray, clusters: int, votes: Votes, pulls: Pulls) -> FloatArray:
    """Sum of the pulls of each cluster on each parameter; shape (clusters, parameters)."""
    n = len(votes.models)
    row = cluster.astype(np.int64) * n
    sums = np.bincount(row + votes.first, pulls.steps, minlength=clusters * n)
    sums -= np.bincount(row + votes.second, pulls.steps, minlength=clusters * n)
    by_model = sums.reshape(clusters, n) * pulls.step
    if not pulls.others.shape[1]:
        return by_model
    by_other = [np.bincount(cluster, column, minlength=clusters) for column in pulls.others.T]
    return np.column_stack([by_model, *by_other])
