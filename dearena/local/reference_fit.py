"""A second opinion: plain Bradley-Terry on all votes at once, by maximum likelihood.

Written apart from the scorer on purpose, and as plainly as can be: no weights, no rounds, another
optimiser. Pure.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

PRIOR_PRECISION = 1e-3
"""Of a normal prior on strengths: keeps a model that never lost finite, and moves nobody else."""


def strengths(models: Sequence[str], shares: Iterable[tuple[str, str, float]]) -> NDArray[np.float64]:
    """Log-odds strengths, mean 0.

    Args:
        models: their order is that of the result.
        shares: votes as (model a, model b, share of a: 1, 0 or a half).
    """
    place = {model: number for number, model in enumerate(models)}
    wins = np.zeros((len(models), len(models)))
    for model_a, model_b, share_a in shares:
        wins[place[model_a], place[model_b]] += share_a
        wins[place[model_b], place[model_a]] += 1 - share_a
    votes = wins + wins.T

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        difference = theta[:, None] - theta[None, :]
        value = -np.sum(wins * special.log_expit(difference)) + PRIOR_PRECISION / 2 * theta @ theta
        expected = votes * special.expit(difference)
        return float(value), expected.sum(axis=1) - wins.sum(axis=1) + PRIOR_PRECISION * theta

    found = optimize.minimize(loss, np.zeros(len(models)), jac=True, method="L-BFGS-B", tol=1e-12)
    theta: NDArray[np.float64] = found.x - np.mean(found.x)
    return theta
