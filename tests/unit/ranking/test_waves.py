"""Newcomers side by side: ten take hardly more rounds than one."""

from functools import lru_cache

import pytest

from dearena.ranking.decisions import DecisionKind
from dearena.trials.world import Planted
from tests.unit.ranking.planted import Played

RANKED, NEWCOMERS = 24, 10


@lru_cache
def ranked(seed: int) -> Played:
    world = Planted.economy(seed, RANKED + NEWCOMERS, 24)
    played = Played(world, cohorts=[world.models[:RANKED]])
    played.rest()
    return played


def with_newcomers(seed: int, first: int, count: int) -> Played:
    """An arena that goes on from the ranked one."""
    before = ranked(seed)
    played = before.restarted()
    played.enter(before.planted.models[RANKED + first : RANKED + first + count])
    played.rest()
    assert len(played.state.ranking) == RANKED + count
    return played


@pytest.mark.parametrize("seed", range(2))
def test_ten_newcomers_settle_in_at_most_three_times_the_rounds_of_one(seed: int) -> None:
    """As a mean over eight seeds they take 1.3 times as many; what is asserted is between that and the promise."""
    rounds = ranked(seed).state.last_closed_round
    alone = [with_newcomers(seed, place, 1).state.last_closed_round - rounds for place in (0, 9)]
    together = with_newcomers(seed, 0, NEWCOMERS)
    assert together.state.last_closed_round - rounds <= 2 * sum(alone) / len(alone)
    assert together.state.last_closed_round - rounds <= 3 * min(alone)


def test_all_of_a_wave_are_served_by_one_round_and_judged_by_the_ranked_alone() -> None:
    newcomers = set(ranked(0).planted.models[RANKED:])
    played = with_newcomers(0, 0, NEWCOMERS)
    opened = [one for one in played.of_kind(DecisionKind.ROUND_OPENED) if newcomers & set(one.content["models"])]
    assert set(opened[0].content["models"]) == newcomers
    places = {model: model_places(played, model) for model in newcomers}
    for decision in opened:
        for pair in decision.content["pairs"]:
            # Whoever has its place is a measure for those who still search.
            assert any(decision.number < places[model] for model in pair if model in newcomers)
            assert sum(decision.number < places.get(model, 0) for model in pair) == 1
        assert all(decision.number > places.get(judge, 0) for judge in decision.content["judges"])


def model_places(played: Played, model: str) -> int:
    """Number of the decision by which a model is ranked."""
    (settled,) = (one for one in played.of_kind(DecisionKind.SETTLED) if model in one.content["models"])
    return settled.number


def test_no_more_are_inserted_at_once_than_half_as_many_as_are_ranked() -> None:
    played = Played(Planted.economy(1, 26, 8))
    most = 0
    while played.step() is None:
        state = played.state
        most = max(most, len(state.newcomers))
        if played.log[-1].kind is DecisionKind.ADMITTED and state.ranking:
            assert len(state.newcomers) <= max(1, len(state.ranking) // 2)
    assert most > 5
    assert len(played.state.ranking) == 26


def test_a_cohort_comes_in_waves_and_another_does_not_wait_for_it() -> None:
    world = Planted.economy(0, 16, 8)
    played = Played(world, cohorts=[world.models[:8]])
    played.rest()
    played.enter(world.models[8:15])
    played.until(lambda state: state.newcomers)
    assert played.state.newcomers == world.models[8:12]
    played.until(lambda state: len(state.newcomers) < 4)
    played.enter(world.models[15:])
    played.until(lambda state: world.models[15] in state.admitted)
    assert not set(world.models[12:15]) & set(played.state.admitted)
    assert played.state.newcomers
    played.rest()
    assert len(played.state.ranking) == 16
