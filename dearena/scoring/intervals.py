"""How sure strengths are: a sandwich covariance clustered two ways, by question and by judge.

Votes on the same question lean the same way, since the answers are the same, and so do votes of the same
judge. The covariance is V = V_question + V_judge - V_(question and judge) (Cameron, Gelbach and Miller,
JBES 29, 2011), each term with its factor clusters / (clusters - 1), and quantiles are Student's t with
the smaller number of clusters minus 1 degrees of freedom. What it speaks of is the pseudo-true strength:
what judges of this kind would give over new questions of this kind.

Bread is the inverse curvature. The prior enters the filling as one more observation with its own
information: without it, a model that never lost would have a strength with no doubt at all. Judge weights
count as given; under `reliability`, whose judges are learnt, `reliable_intervals` changes bread and filling. Pure.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.linalg
from scipy.special import stdtrit

from dearena.scoring.arrays import Codes, FloatArray, IntArray
from dearena.scoring.clusters import Clustering, independent_spread, spread, spread_by_both
from dearena.scoring.few_clusters import clusters_of_models
from dearena.scoring.residuals import Pulls
from dearena.scoring.votes import Votes

CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Clusters:
    """How many clusters the votes fall into.

    Attributes:
        questions, judges: with at least one vote that counts.
        method: by what the intervals are clustered: "question and judge", or by which of them where
            there is one only of the other, or "vote" where there is one of each.
        sampled: one in so many of the clusters by question and judge was looked at; 1: all.
        degrees: degrees of freedom of the t quantiles; models seen in fewer clusters have wider errors for it.
    """

    questions: int
    judges: int
    method: str
    sampled: int
    degrees: int


@dataclass(frozen=True, slots=True, eq=False)
class Filling:
    """The filling of a sandwich, and what it was made of.

    Attributes:
        total: without the prior, shape (parameters, parameters).
        seen: for each way of clustering, the number of clusters on the board and of each model.
    """

    total: FloatArray
    clusters: Clusters
    seen: Sequence[tuple[int, IntArray]]


def filling(votes: Votes, pulls: Pulls, question: Codes, questions: int) -> Filling:
    """Spread of the pulls over clusters, both ways.

    Args:
        question: of each vote, below `questions`.
    """
    # Sums are exact: whoever computes which term, and when, the total is the same.
    with ThreadPoolExecutor(1) as beside:
        of_judges = beside.submit(_one_way, votes.judge, len(votes.judges), votes, pulls)
        of_both = beside.submit(spread_by_both, question, questions, votes.judge, len(votes.judges), votes, pulls)
        by_question = _one_way(question, questions, votes, pulls)
        by_judge, (both, sampled) = of_judges.result(), of_both.result()
    one, other = by_question.clusters, by_judge.clusters
    seen = [(way.clusters, way.seen) for way in (by_question, by_judge) if way.clusters > 1]
    if one > 1 and other > 1:
        total = by_question.corrected() + by_judge.corrected() - both
        return Filling(total, Clusters(one, other, "question and judge", sampled, min(one, other) - 1), seen)
    if one > 1:
        return Filling(by_question.corrected(), Clusters(one, other, "question", 1, one - 1), seen)
    if other > 1:
        return Filling(by_judge.corrected(), Clusters(one, other, "judge", 1, other - 1), seen)
    return Filling(independent_spread(votes, pulls), Clusters(one, other, "vote", 1, max(len(votes) - 1, 1)), seen)


@dataclass(frozen=True, slots=True, eq=False)
class _OneWay:
    """Spread over one way of clustering, and in how many clusters each model was seen."""

    total: FloatArray
    clusters: int
    seen: IntArray

    def corrected(self) -> FloatArray:
        return self.total * (self.clusters / (self.clusters - 1))


def _one_way(cluster: Codes, clusters: int, votes: Votes, pulls: Pulls) -> _OneWay:
    clustering = Clustering.of(cluster, clusters)
    return _OneWay(spread(clustering, votes, pulls), clustering.filled, clusters_of_models(clustering, votes))


def covariance(curvature: FloatArray, filled: FloatArray, models: int, precision: float) -> FloatArray:
    """Covariance of the strengths around their mean; shape (models, models), no negative variances.

    Args:
        curvature: negative derivative of the estimating equations, prior included, by all parameters.
        filled: the filling, likewise, without the prior.
        precision: of the prior.
    """
    meat = _without_negative(filled + precision * np.eye(len(filled)))
    parameters = len(curvature)
    # Only differences are observed: the mean is 0 by convention and carries no doubt.
    centred = np.zeros((parameters, models))
    centred[:models] = np.eye(models) - np.full((models, models), 1 / max(models, 1))
    if np.array_equal(curvature, curvature.T):
        slices = scipy.linalg.solve(curvature, centred, assume_a="pos", check_finite=False)
    else:
        slices = scipy.linalg.solve(curvature.T, centred, assume_a="gen", check_finite=False)
    found = slices.T @ meat @ slices
    return (found + found.T) / 2


def quantile(confidence: float, degrees: int) -> float:
    """Two-sided quantile of Student's t."""
    return float(stdtrit(degrees, (1 + confidence) / 2))


def _without_negative(matrix: FloatArray) -> FloatArray:
    """The matrix, its negative eigenvalues set to 0: a difference of covariances may have some."""
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(matrix)
        return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)
    return matrix


def independent_errors(votes: Votes, pulls: Pulls, curvature: FloatArray, models: int, precision: float) -> FloatArray:
    """Standard errors as if all votes were independent: the usual sandwich, too small under a jury."""
    found = covariance(curvature, independent_spread(votes, pulls), models, precision)
    return np.sqrt(np.maximum(np.diag(found), 0.0))
