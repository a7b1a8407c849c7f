"""Correlation between dimensions: over common models only, as SciPy has it, and None where there is none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from services.dashboard.correlation import LEAST_MODELS, correlations, spearman

MODELS = [f"model-{number}@1" for number in range(12)]

# Few different values, so that ties occur.
strengths = st.dictionaries(st.sampled_from(MODELS), st.integers(-4, 4).map(float), max_size=len(MODELS))


@given(strengths, strengths)
def test_it_is_spearman_over_the_common_models(one: dict[str, float], other: dict[str, float]) -> None:
    common = [model for model in one if model in other]
    x, y = [one[model] for model in common], [other[model] for model in common]
    found = spearman(one, other)
    if len(common) < LEAST_MODELS or len(set(x)) == 1 or len(set(y)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(float(spearmanr(x, y).statistic), abs=1e-12)
        assert found is not None
        assert -1 <= found <= 1


@given(strengths, strengths)
def test_only_the_order_counts_and_neither_board_comes_first(one: dict[str, float], other: dict[str, float]) -> None:
    stretched = {model: math.exp(strength) for model, strength in one.items()}
    assert spearman(stretched, other) == spearman(one, other) == spearman(other, one)


def test_boards_are_compared_each_with_each() -> None:
    algebra = {"alpha@1": 2.0, "beta@1": 1.0, "gamma@1": 0.0, "delta@1": -3.0}
    reversed_without_delta = {"alpha@1": -1.0, "beta@1": 0.0, "gamma@1": 1.0}
    small = {"alpha@1": 1.0, "beta@1": 0.0}
    found = correlations({"algebra": algebra, "python": reversed_without_delta, "small": small})
    assert found.dimensions == ["algebra", "python", "small"]
    assert found.spearman == [[1.0, -1.0, None], [-1.0, 1.0, None], [None, None, None]]
    assert found.common == [[4, 3, 2], [3, 3, 2], [2, 2, 2]]


def test_another_revision_is_another_model() -> None:
    board = {f"model-{number}@1": float(number) for number in range(4)}
    changed = {model.replace("@1", "@2"): strength for model, strength in board.items()}
    assert correlations({"one": board, "other": changed}).common[0][1] == 0
