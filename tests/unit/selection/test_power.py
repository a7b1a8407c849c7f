"""Predicted power is the power that boards of the project's own fit have, in worlds where everything is planted."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidField
from dearena.outcomes import Outcome
from dearena.scoring import FitSettings, Votes, fit
from dearena.scoring.outcomes import CODES
from dearena.selection.health import preferences_of
from dearena.selection.power import Design, needed, power_of, standard_error
from dearena.selection.spread import Spread, spread_of

SCORES = np.array([0.12, 0.06, 0.03, -0.01, -0.06, -0.14])
QUERY, JUDGE = 0.08, 0.03
"""Standard deviations in mean score."""
PAIRS = np.array(list(combinations(range(len(SCORES)), 2)))


def board(queries: int, judges: int, seed: int) -> Votes:
    """Every pair once on each query, before a judge by lot; linear in scores."""
    chance = np.random.default_rng(seed)
    of_query = SCORES[:, None] + chance.normal(0, QUERY, (len(SCORES), queries))
    of_judge = chance.normal(0, JUDGE, (len(SCORES), judges))
    query = np.repeat(np.arange(queries), len(PAIRS))
    first, second = np.tile(PAIRS, (queries, 1)).T
    judge = chance.integers(0, judges, len(query))
    appeal = of_query[:, query] + of_judge[:, judge]
    rows = np.arange(len(query))
    wins = chance.random(len(query)) < np.clip(0.5 + appeal[first, rows] - appeal[second, rows], 0, 1)
    return Votes.of_codes(
        models=[f"m{number}" for number in range(len(SCORES))],
        judges=[f"j{number:02}" for number in range(judges)],
        queries=[f"q{number:03}" for number in range(queries)],
        judge=judge,
        first=first,
        second=second,
        query=query,
        outcome=np.where(wins, CODES[Outcome.A], CODES[Outcome.B]),
    )


def test_the_three_variances_are_found() -> None:
    found = [spread_of(preferences_of(board(300, 12, seed))) for seed in range(30)]
    assert np.mean([one.query for one in found]) == pytest.approx(QUERY**2, rel=0.15)
    assert np.mean([one.judge for one in found]) == pytest.approx(JUDGE**2, abs=0.0006)
    assert np.mean([one.vote for one in found]) == pytest.approx(0.224, rel=0.03)
    assert np.mean([one.scores for one in found], axis=0) == pytest.approx(SCORES - SCORES.mean(), abs=0.01)


def test_without_tastes_of_judges_none_are_found() -> None:
    world = preferences_of(board(200, 1, 1))
    assert spread_of(world).judge == 0.0


@pytest.mark.parametrize("queries", [20, 60])
def test_predicted_power_is_measured_power(queries: int) -> None:
    judges, boards = 40, 200
    learnt = spread_of(preferences_of(board(150, judges, 999)))
    measured = np.zeros((len(SCORES), len(SCORES)))
    for seed in range(boards):
        better = fit(board(queries, judges, seed), FitSettings(weighting="uniform")).better
        measured += (np.maximum(better, 1 - better) > 0.975) / boards
    design = Design(queries=queries, models=len(SCORES), votes_a_pair=1, judges=judges)
    predicted = [power_of(learnt, design, float(SCORES[one] - SCORES[other])) for one, other in PAIRS]
    gaps = np.array(predicted) - measured[PAIRS[:, 0], PAIRS[:, 1]]
    # Fifteen pairs of 200 boards: the error of a share is at most .035.
    assert np.abs(gaps).max() < 0.12
    assert abs(gaps.mean()) < 0.04
    assert min(predicted) < 0.4
    assert max(predicted) > 0.9


SPREAD = Spread(("a", "b", "c"), np.array([0.1, 0.0, -0.1]), query=0.01, judge=0.0004, vote=0.24)


def test_needed_is_the_fewest_queries_that_have_the_power() -> None:
    design = Design(queries=1, models=3, votes_a_pair=2, judges=20)
    found = needed(SPREAD, "a", "b", design, power=0.8, price_of_vote=0.002)
    assert found.design is not None
    assert found.design.queries > 1
    assert found.power >= 0.8
    fewer = Design(found.design.queries - 1, 3, 2, 20)
    assert power_of(SPREAD, fewer, found.difference) < 0.8
    assert found.cost == pytest.approx(found.design.queries * 3 * 2 * 0.002)


def test_so_few_judges_that_no_queries_help_are_told() -> None:
    found = needed(SPREAD, "a", "b", Design(queries=1, models=3, judges=1), power=0.99999)
    assert found.design is None
    assert found.cost is None
    assert found.power < 0.99999


@given(
    queries=st.integers(1, 500),
    models=st.integers(2, 30),
    votes=st.floats(0.1, 20),
    judges=st.integers(2, 50),
    difference=st.floats(-0.4, 0.4),
)
def test_more_of_anything_never_lowers_power(
    queries: int, models: int, votes: float, judges: int, difference: float
) -> None:
    design = Design(queries, models, votes, judges)
    power = power_of(SPREAD, design, difference)
    assert 0.049 <= power <= 1
    for more in (
        Design(queries + 1, models, votes, judges),
        Design(queries, models + 1, votes, judges),
        Design(queries, models, votes + 1, judges),
        Design(queries, models, votes, judges + 1),
    ):
        assert standard_error(SPREAD, more) <= standard_error(SPREAD, design)
        assert power_of(SPREAD, more, difference) >= power - 1e-4  # of the mean over quantiles


def test_equals_are_told_apart_by_error_only() -> None:
    assert power_of(SPREAD, Design(40, 3), 0.0, error=0.05) == pytest.approx(0.05, abs=1e-3)


def test_what_is_asked_is_checked() -> None:
    with pytest.raises(InvalidField, match="nobody"):
        needed(SPREAD, "a", "nobody", Design(1))
    with pytest.raises(InvalidField, match="power"):
        needed(SPREAD, "a", "b", Design(1), power=1.0)
    with pytest.raises(InvalidField, match="design"):
        Design(0)
    with pytest.raises(InvalidField, match="votes"):
        spread_of(preferences_of(board(1, 3, 0)))
