"""How much models lean to categories is found where it was planted, and not where it was not."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.special import expit

from dearena.scoring.arrays import FloatArray
from dearena.selection import categories
from dearena.selection.query_scores import QueryScores
from dearena.selection.slopes import fit_slopes
from tests.unit.selection.pools import planted

MODELS, VOTES, QUERIES = 12, 6, 60


def found(leaning: float, kinds: int, seed: int) -> float:
    """Of a pilot whose models lean to their categories by so many deviations of skill."""
    world = planted(np.ones(QUERIES), models=MODELS, votes=VOTES, categories=kinds)
    chance = np.random.default_rng(seed)
    skill = chance.permutation(np.linspace(-1.6, 1.6, MODELS))
    appeal: FloatArray = skill[:, None] + leaning * chance.normal(0, 1, (MODELS, kinds))[:, np.arange(QUERIES) % kinds]
    appeal = 0.5 * (appeal + chance.normal(0, 0.5, appeal.shape))
    wins = expit(appeal[world.first, world.query] - appeal[world.second, world.query])
    pilot = replace(world, outcome=(chance.random(len(wins)) < wins).astype(np.float64)).pilot()
    assert len(list(combinations(range(MODELS), 2))) * VOTES * QUERIES == len(pilot)
    return categories.category_variance(fit_slopes(QueryScores.of(pilot)), pilot.pool.category)


@pytest.mark.parametrize("kinds", [2, 6])
def test_leanings_are_found_in_size(kinds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(categories, "GUESS_DEGREES", 0.0)
    strong = np.mean([found(0.5, kinds, seed) for seed in range(12)])
    none = np.mean([found(0.0, kinds, seed) for seed in range(12)])
    # Models' deviation is about 1: a leaning of .5 is a variance of .25, less what strengths take up of two kinds.
    assert 0.17 < strong < 0.33
    assert none < 0.02


def test_a_small_pilot_is_drawn_to_the_guess() -> None:
    assert found(0.0, 2, 0) > 0.02


def test_one_category_leaves_the_guess() -> None:
    assert found(0.5, 1, 0) == categories.GUESS
