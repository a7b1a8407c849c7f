"""How sure strengths are: a sandwich covariance clustered two ways, by question and by judge.

Votes on the same question lean the same way, since the answers are the same, and so do votes of the same
judge. The covariance is V = V_question + V_judge - V_(question and judge) (Cameron, Gelbach and Miller,
JBES 29, 2011), each term with its factor clusters / (clusters - 1), and quantiles are Student's t with
the smaller number of clusters minus 1 degrees of freedom. What it speaks of is the pseudo-true strength:
what judges of this kind would give over new questions of this kind.

Bread is the inverse curvature. The prior enters the filling as one more observation with its own
information: without it, a model that never lost would have a strength with no doubt at all. Judge weights
count as given. Pure.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.linalg
from scipy.special import stdtrit

from dearena.scoring.arrays import FloatArray
from dearena.scoring.clusters import Clustering, independent_spread, spread, spread_by_both
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


def filling(votes: Votes, pulls: Pulls, by_question: Clustering, by_judge: Clustering) -> tuple[FloatArray, Clusters]:
    """Filling of the sandwich, without the prior; shape (parameters, parameters)."""
    questions, judges = by_question.filled, by_judge.filled
    if questions > 1 and judges > 1:
        # Sums are exact: whoever computes which term, and when, the total is the same.
        with ThreadPoolExecutor(1) as beside:
            second = beside.submit(_corrected, by_judge, votes, pulls)
            first = _corrected(by_question, votes, pulls)
            both, sampled = spread_by_both(by_question, by_judge, votes, pulls)
            total = first + second.result() - both
        degrees = min(questions, judges) - 1
        return total, Clusters(questions, judges, "question and judge", sampled, degrees)
    if questions > 1:
        return _corrected(by_question, votes, pulls), Clusters(questions, judges, "question", 1, questions - 1)
    if judges > 1:
        return _corrected(by_judge, votes, pulls), Clusters(questions, judges, "judge", 1, judges - 1)
    return independent_spread(votes, pulls), Clusters(questions, judges, "vote", 1, max(len(votes) - 1, 1))


def _corrected(clustering: Clustering, votes: Votes, pulls: Pulls) -> FloatArray:
    return spread(clustering, votes, pulls) * (clustering.filled / (clustering.filled - 1))


def covariance(curvature: FloatArray, filled: FloatArray, models: int, precision: float) -> FloatArray:
    """Covariance of the strengths around their mean; shape (models, models), no negative variances.

    Args:
        curvature: of the fit, prior included, by all parameters.
        filled: the filling, likewise, without the prior.
        precision: of the prior.
    """
    meat = _without_negative(filled + precision * np.eye(len(filled)))
    parameters = len(curvature)
    # Only differences are observed: the mean is 0 by convention and carries no doubt.
    centred = np.zeros((parameters, models))
    centred[:models] = np.eye(models) - np.full((models, models), 1 / max(models, 1))
    slices = scipy.linalg.solve(curvature, centred, assume_a="pos", check_finite=False)
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
