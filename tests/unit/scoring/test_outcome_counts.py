import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from dearena.faults import InvalidField
from dearena.scoring import Evidence, FitSettings, Outcome, Votes, fit
from dearena.scoring.outcomes import CODES
from dearena.scoring.reports.outcome_counts import outcome_bounds, outcome_counts
from tests.unit.scoring.planted import coverage_votes, shuffled, with_outcomes

ROWS = st.lists(st.tuples(st.integers(0, 2), st.permutations(range(3)), st.integers(0, 7)), min_size=1, max_size=30)


def votes_of(rows: list[tuple[int, list[int], int]]) -> Votes:
    return Votes.of_codes(
        models=["a", "b", "c"],
        judges=["x", "y", "z"],
        queries=["q"],
        judge=[judge for judge, _, _ in rows],
        first=[models[0] for _, models, _ in rows],
        second=[models[1] for _, models, _ in rows],
        query=[0] * len(rows),
        outcome=[outcome for _, _, outcome in rows],
    )


@given(rows=ROWS)
def test_counts_are_those_of_counting_one_by_one(rows: list[tuple[int, list[int], int]]) -> None:
    by_judge, by_model = np.zeros((3, 8), dtype=int), np.zeros((3, 8), dtype=int)
    for judge, models, outcome in rows:
        by_judge[judge, outcome] += 1
        by_model[models[0], outcome] += 1
        by_model[models[1], {0: 1, 1: 0}.get(outcome, outcome)] += 1
    counts = outcome_counts(votes_of(rows))
    assert_array_equal(counts.by_judge, by_judge)
    assert_array_equal(counts.by_model, by_model)


@pytest.mark.parametrize("flips", ["leave", "half"])
@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_a_bound_is_the_fit_of_votes_thought_otherwise(flips: str, ties: str) -> None:
    votes = coverage_votes(0, 30, undecided=0.15)
    chosen = FitSettings(weighting="uniform", flips=flips, ties=ties)
    bounds = outcome_bounds(votes, chosen)
    model = 5
    own = (votes.first == model) | (votes.second == model)
    unclear = own & (votes.outcome >= CODES[Outcome.FLIP]) & (votes.outcome <= CODES[Outcome.FAILED])
    assert bounds.undecided[model] == unclear.sum() > 0
    for all_won, strength, rank in (
        (True, bounds.all_won, bounds.rank_all_won),
        (False, bounds.all_lost, bounds.rank_all_lost),
    ):
        as_first = with_outcomes(votes, unclear & (votes.first == model), 0 if all_won else 1)
        thought = with_outcomes(as_first, unclear & (votes.second == model), 1 if all_won else 0)
        again = fit(thought, chosen)
        assert_allclose(strength[model], again.strengths[model], atol=2e-9)
        assert rank[model] == again.rank[model]


def test_what_is_undecided_is_a_choice() -> None:
    votes = coverage_votes(1, 30, undecided=0.15)
    flips = outcome_bounds(votes, undecided=[Outcome.FLIP])
    assert flips.undecided.sum() == 2 * np.sum(votes.outcome == CODES[Outcome.FLIP])
    with pytest.raises(InvalidField, match="TIE is a preference"):
        outcome_bounds(votes, undecided=[Outcome.TIE])


@given(seed=st.integers(0, 2**16))
@settings(max_examples=15, deadline=None)
def test_losses_never_help_and_wins_never_hurt(seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows = [
        (int(chance.integers(3)), chance.permutation(3).tolist(), int(outcome))
        for outcome in chance.choice([0, 0, 1, 2, 3, 4, 5, 6, 7], chance.integers(1, 20))
    ]
    evidence = Evidence(votes_of(rows))
    found, bounds = fit(evidence), outcome_bounds(evidence)
    assert (bounds.all_lost <= found.strengths).all()
    assert (bounds.all_won >= found.strengths).all()
    moved = bounds.undecided > 0
    assert (bounds.all_lost[moved] < bounds.all_won[moved]).all()
    assert (bounds.rank_all_won <= bounds.rank_all_lost).all()


def test_without_undecided_cells_the_board_stays() -> None:
    votes = coverage_votes(2, 10)
    found, bounds = fit(votes), outcome_bounds(votes)
    assert_array_equal(bounds.all_lost, found.strengths)
    assert_array_equal(bounds.rank_all_won, found.rank)


def test_bounds_do_not_depend_on_the_order_of_votes() -> None:
    votes = coverage_votes(3, 20, undecided=0.2)
    one, other = outcome_bounds(votes), outcome_bounds(shuffled(votes, 1))
    assert_array_equal(one.all_won, other.all_won)
    assert_array_equal(one.rank_all_lost, other.rank_all_lost)


def test_models_without_a_vote_stand_behind_whoever_was_asked() -> None:
    votes = Votes.of_codes(
        models=["a", "b", "unseen"],
        judges=["j"],
        queries=["q", "r"],
        judge=[0, 0],
        first=[0, 0],
        second=[1, 1],
        query=[0, 1],
        outcome=[CODES[Outcome.TIE], CODES[Outcome.FLIP]],
    )
    bounds = outcome_bounds(votes)
    assert bounds.rank_all_lost.tolist() == [2, 2, 3]
    assert bounds.rank_all_won.tolist() == [1, 1, 3]
