"""The second opinion, against what can be said without it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from dearena.local import reference_fit


@given(wins=st.integers(1, 400), losses=st.integers(1, 400))
def test_two_models_differ_by_the_log_of_their_odds(wins: int, losses: int) -> None:
    votes = [("alpha", "beta", 1.0)] * wins + [("beta", "alpha", 1.0)] * losses
    alpha, beta = reference_fit.strengths(["alpha", "beta"], votes)
    np.testing.assert_allclose(alpha - beta, np.log(wins / losses), atol=0.02)


def test_expected_shares_give_back_the_strengths_they_come_from() -> None:
    models = ["alpha", "beta", "gamma", "delta"]
    true = np.array([1.2, 0.1, -0.3, -1.0])
    votes = [
        (one, other, float(special.expit(true[i] - true[j])))
        for i, one in enumerate(models)
        for j, other in enumerate(models)
        if i < j
        for _ in range(500)
    ]
    np.testing.assert_allclose(reference_fit.strengths(models, votes), true, atol=1e-3)


def test_a_model_that_always_wins_is_first_and_finite() -> None:
    votes = [("alpha", other, 1.0) for other in ("beta", "gamma")] * 20 + [("beta", "gamma", 0.5)] * 20
    alpha, beta, gamma = reference_fit.strengths(["alpha", "beta", "gamma"], votes)
    assert 20 > alpha > beta
    np.testing.assert_allclose(beta, gamma, atol=1e-6)
