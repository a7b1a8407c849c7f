"""Sums of pulls over clusters of votes, and how much these sums spread.

For clusters c with sums S_c, the spread is the matrix of sum over c of S_c S_c^T: the filling of a sandwich
covariance (Liang and Zeger, Biometrika 73, 1986). Pure.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from dearena.scoring.arrays import BoolArray, Codes, FloatArray, IntArray
from dearena.scoring.residuals import Pulls, summable
from dearena.scoring.votes import Votes

AT_ONCE: Final = 2**22
"""Numbers in a table of cluster sums (32 MB); more clusters than fit are taken in turns."""

WORK_LIMIT: Final = 2**27
"""Multiplications spent on clusters by question and judge at once. There may be as many such clusters as
votes, while they matter least; beyond this, those of a balanced sample stand for all."""

FEWEST_SAMPLED: Final = 2_048
"""Clusters in such a sample, whatever the work."""


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """Votes by what they share.

    Attributes:
        cluster: of each vote, below the number of clusters.
        sizes: votes in each cluster, which may be 0.
    """

    cluster: Codes | IntArray
    sizes: IntArray

    @classmethod
    def of(cls, cluster: Codes | IntArray, clusters: int) -> Self:
        """Count what is in each."""
        return cls(cluster, np.bincount(cluster, minlength=clusters))

    @property
    def filled(self) -> int:
        """Clusters with a vote in them."""
        return int(np.count_nonzero(self.sizes))


def spread(clustering: Clustering, votes: Votes, pulls: Pulls) -> FloatArray:
    """Spread of the sums over clusters; shape (parameters, parameters), the models first."""
    n = len(votes.models)
    width = n + pulls.others.shape[1]
    cluster, clusters = clustering.cluster, len(clustering.sizes)
    if clusters * width <= AT_ONCE or clusters <= 1:
        return _of_table(cluster, clusters, votes, pulls)
    alone = (clustering.sizes == 1)[cluster]
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
    squares = _squares(votes, pulls) if pulls.squares is None else pulls.squares
    of_pairs = squares + squares.T
    total = np.zeros((width, width))
    total[:n, :n] = np.diag(np.sum(of_pairs, axis=1)) - of_pairs
    for one, other in enumerate(pulls.others.T, start=n):
        crossed = summable(pulls.own * other, len(votes))
        total[:n, one] = np.bincount(votes.first, crossed, minlength=n)
        total[:n, one] -= np.bincount(votes.second, crossed, minlength=n)
        total[one, :n] = total[:n, one]
        for two, another in enumerate(pulls.others.T, start=n):
            total[one, two] = np.sum(summable(other * another, len(votes)))
    return total


def _squares(votes: Votes, pulls: Pulls) -> FloatArray:
    """Sum of squared pulls by ordered pair."""
    n = len(votes.models)
    pair = votes.first.astype(np.int64) * n + votes.second
    squares = summable(np.square(pulls.own), len(votes))
    return np.asarray(np.bincount(pair, squares, minlength=n * n).reshape(n, n), dtype=np.float64)


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
    if bound * n * n <= WORK_LIMIT:
        return spread(_both(one, other, others), votes, pulls), 1
    doublings = np.ceil(np.log2(bound * n * n / WORK_LIMIT))
    most = np.log2(max(min(ones, others, bound // FEWEST_SAMPLED), 1))
    classes = int(2 ** max(min(doublings, np.floor(most)), 0))
    if classes == 1:
        return spread(_both(one, other, others), votes, pulls), 1
    chosen = np.flatnonzero(_dealt(ones, classes, 0)[one] == _dealt(others, classes, 1)[other])
    sample, sampled_pulls = votes.where(chosen), pulls.where(chosen)
    both = _both(one[chosen], other[chosen], others)
    in_common = spread(both, sample, sampled_pulls)
    in_common -= independent_spread(sample, sampled_pulls)
    return independent_spread(votes, pulls) + classes * in_common, classes


def _both(one: Codes | IntArray, other: Codes | IntArray, others: int) -> Clustering:
    """Clusters of the votes that share both, numbered without gaps."""
    _, both, sizes = np.unique(one.astype(np.int64) * others + other, return_inverse=True, return_counts=True)
    return Clustering(both, sizes)


def _dealt(clusters: int, classes: int, way: int) -> npt.NDArray[np.uint16]:
    """A class for each cluster: equally many in each, in an order that neither the data nor the other way follows."""
    shuffled = np.random.default_rng((clusters, way)).permutation(clusters)
    return (shuffled % classes).astype(np.uint16)


def _of_table(cluster: Codes | IntArray, clusters: int, votes: Votes, pulls: Pulls) -> FloatArray:
    sums = cluster_sums(cluster, clusters, votes, pulls)
    return sums.T @ sums


def cluster_sums(cluster: Codes | IntArray, clusters: int, votes: Votes, pulls: Pulls) -> FloatArray:
    """Sum of the pulls of each cluster on each parameter; shape (clusters, parameters)."""
    n = len(votes.models)
    row: Any = cluster.astype(np.int32 if clusters * n < 2**31 else np.int64) * n
    sums = np.bincount(row + votes.first, pulls.own, minlength=clusters * n)
    sums -= np.bincount(row + votes.second, pulls.own, minlength=clusters * n)
    by_model = np.asarray(sums.reshape(clusters, n), dtype=np.float64)
    if not pulls.others.shape[1]:
        return by_model
    by_other = [np.bincount(cluster, column, minlength=clusters) for column in pulls.others.T]
    return np.column_stack((by_model, *by_other)).astype(np.float64)
