"""Models that few questions or few judges have told of: how much less is known of them than of the board.

A sandwich takes all clusters to be equally informed. A model seen on two questions has but two sums of pulls,
which cancel at the maximum, and its variance comes out far too small; seen on one question, it comes out
as none. So each model's standard error is widened to what its own clusters allow: by the factor
clusters / (clusters - 1) of its own number in place of the board's, and by Student's quantile with its own degrees
of freedom. Of a model with one cluster only the prior is known. Pure.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.special import stdtrit

from dearena.scoring.arrays import BoolArray, FloatArray, IntArray
from dearena.scoring.clusters import Clustering
from dearena.scoring.votes import Votes

AT_ONCE: Final = 2**18
"""Votes looked at before it is asked whether all has been seen."""

TABLE_LIMIT: Final = 2**26
"""Pairs of cluster and model that a table is kept of (64 MB)."""


def clusters_of_models(clustering: Clustering, votes: Votes) -> IntArray:
    """In how many clusters each model has a vote; shape (models,)."""
    n, clusters = len(votes.models), len(clustering.sizes)
    if clusters * n > TABLE_LIMIT:
        return _sorted_out(clustering, votes)
    seen: BoolArray = np.zeros(clusters * n, dtype=bool)
    filled = clustering.filled * n
    for begin in range(0, len(votes), AT_ONCE):
        some = slice(begin, begin + AT_ONCE)
        row = clustering.cluster[some].astype(np.int64) * n
        seen[row + votes.first[some]] = True
        seen[row + votes.second[some]] = True
        # On large boards the first tenth of the votes has shown it all.
        if np.count_nonzero(seen) == filled:
            break
    return np.asarray(np.count_nonzero(seen.reshape(clusters, n), axis=0), dtype=np.int64)


def _sorted_out(clustering: Clustering, votes: Votes) -> IntArray:
    n = len(votes.models)
    row = clustering.cluster.astype(np.int64) * n
    both = np.sort(np.concatenate((row + votes.first, row + votes.second)))
    new = np.append(True, both[1:] != both[:-1])
    return np.asarray(np.bincount(both[new] % n, minlength=n), dtype=np.int64)


def widened(
    covariance: FloatArray,
    seen: Sequence[tuple[int, IntArray]],
    degrees: int,
    confidence: float,
    prior_deviation: float,
) -> FloatArray:
    """The covariance, with each model's standard error as wide as its own clusters ask for.

    Args:
        covariance: of the strengths, shape (models, models).
        seen: for each way of clustering, the number of clusters on the board and of each model.
        degrees: degrees of freedom with which the covariance is read.
        confidence: two-sided, at which the quantiles are to agree: further out, few degrees of freedom ask for more.
        prior_deviation: what is known of a model with one cluster, as a standard error.
    """
    if not seen:
        return covariance
    fewest = np.min([of_models for _, of_models in seen], axis=0)
    known = fewest > 1
    factor = np.ones(len(covariance))
    for clusters, of_models in seen:
        own = of_models[known]
        factor[known] = np.maximum(factor[known], np.sqrt((own / (own - 1)) / (clusters / (clusters - 1))))
    usual = stdtrit(degrees, (1 + confidence) / 2)
    own_degrees = np.minimum(fewest[known] - 1, degrees)
    factor[known] *= stdtrit(own_degrees, (1 + confidence) / 2) / usual
    found: FloatArray = covariance * factor[:, None] * factor[None, :]
    # With one cluster there may be no variance to widen: the doubt is the prior's.
    found[np.diag_indices(len(found))] = np.where(known, np.diag(found), np.maximum(np.diag(found), prior_deviation**2))
    return found
