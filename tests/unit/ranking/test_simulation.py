"""Whole arenas in the planted world, with no servers: what holds whoever plays, and that timing changes nothing."""

import random
from functools import lru_cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dearena.ranking.agenda import Wait
from dearena.ranking.decisions import Decision, DecisionKind, concerned
from dearena.ranking.entrants import EntrantState
from dearena.ranking.evidence import VOTE, Vote
from dearena.ranking.insertion import Fine, Settled
from dearena.ranking.ranking import replay
from dearena.ranking.rules import Rules
from dearena.ranking.verdict import ONE
from dearena.ranking.why import why
from dearena.scoring.weightings import WEIGHTINGS
from dearena.trials.measures import agreement_of_orders
from dearena.trials.world import Hostility, Planted
from tests.unit.ranking.planted import Played

NOBODY = Wait("no newcomer")
LOTS = st.integers(0, 2**32).map(random.Random)
"""By their seed: so many are drawn that a world of them is no more than a number."""


@pytest.mark.parametrize("seed", [0, 1])
def test_sixteen_models_end_up_in_the_order_of_their_skill(seed: int) -> None:
    world = Planted.economy(seed, 16, 24)
    played = Played(world)
    assert played.rest() == NOBODY
    assert sorted(played.state.ranking) == sorted(world.models)
    assert agreement_of_orders(played.state.ranking, world.truth).spearman >= 0.85
    every_cell = 16 * 15 // 2 * 14 * 24
    assert len(played.asked()) < every_cell / 15


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_by_whatever_weighting_all_find_a_place(weighting: str) -> None:
    world = Planted.economy(1, 12, 16, Hostility.parse("inverted:0.3"))
    played = Played(world, Rules(weighting=weighting))
    assert played.rest() == NOBODY
    assert sorted(played.state.ranking) == sorted(world.models)


def test_no_cell_is_asked_twice_and_no_model_judges_itself() -> None:
    played = Played(Planted.economy(0, 14, 16))
    played.rest()
    cells = [(vote.pair, vote.judge, vote.query_id) for vote in played.asked()]
    assert len(set(cells)) == len(cells)
    assert all(judge not in pair for pair, judge, _ in cells)


def test_every_decision_is_explained_to_everybody_it_concerns() -> None:
    played = Played(Planted.economy(0, 12, 16))
    played.rest()
    for decision in played.log:
        assert all(len(why(decision, model)) > 10 for model in concerned(decision))
    assert {decision.kind for decision in played.log} >= set(list(DecisionKind)[:5])
    assert all(later.number == earlier.number + 1 for earlier, later in pairwise(played.log))


def test_the_ranking_is_in_the_order_of_the_last_board() -> None:
    played = Played(Planted.economy(1, 12, 16))
    played.rest()
    assert list(played.state.ranking) == [row.model for row in played.made.board.rows]
    assert played.of_kind(DecisionKind.SETTLED)[-1].content["board_digest"] == played.made.board.digest


def test_a_round_decides_by_the_weights_of_the_board_before_it() -> None:
    played = Played(Planted.economy(2, 12, 16))
    while not played.state.ranking:
        played.step()
    weights = {row.model: row.judge_weight for row in played.made.board.rows}
    assert len(set(weights.values())) > 1
    played.until(lambda state: state.open_round)
    opened = played.of_kind(DecisionKind.ROUND_OPENED)
    assert set(opened[0].content["weights"].values()) == {ONE}
    frozen = opened[-1].content["weights"]
    # Whoever is on no board yet weighs as the average does.
    assert frozen == {model: weights.get(model, ONE) for model in frozen}


def test_a_round_tells_all_its_cells_and_everybody_settles_once() -> None:
    played = Played(Planted.economy(0, 14, 16))
    played.rest()
    closed = played.of_kind(DecisionKind.ROUND_CLOSED)
    assert [decision.round for decision in closed] == list(range(1, len(closed) + 1))
    assert all(sum(one.content["outcomes"].values()) == len(played.votes[one.round]) for one in closed)
    settled = [model for decision in played.of_kind(DecisionKind.SETTLED) for model in decision.content["models"]]
    assert sorted(settled) == sorted(played.state.admitted)
    boards = {decision.round for decision in played.of_kind(DecisionKind.SETTLED)}
    assert boards == {decision.round for decision in closed if decision.content["settles"]}
    assert all(insertion.is_over and insertion.rounds for insertion in played.state.insertions.values())


@lru_cache
def straight(seed: int) -> Played:
    played = Played(Planted.economy(seed, 12, 8))
    played.rest()
    return played


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1), order=LOTS)
def test_the_log_does_not_depend_on_the_order_of_outcomes(seed: int, order: random.Random) -> None:
    shuffled = Played(Planted.economy(seed, 12, 8), outcomes=lambda votes: order.sample(votes, len(votes)))
    shuffled.rest()
    assert shuffled.log == straight(seed).log
    assert shuffled.made.board.digest == straight(seed).made.board.digest


@pytest.mark.parametrize("seed", [1])
def test_the_log_alone_rebuilds_the_state_at_every_point(seed: int) -> None:
    played = Played(Planted.economy(seed, 12, 16))
    states = [played.state]
    while played.step() is None:
        states.append(played.state)
    by_number = {state.decisions: state for state in states}
    state = replay([])
    for decision in played.stored():
        state = replay([decision], state)
        assert by_number.get(state.decisions, state) == state
    assert state == played.state


# What has a fixed place in the log, below: who comes in, who leaves and what is ordered.
FIRST, LATE, LAST = range(8), range(8, 11), range(11, 14)
LATE_READY, LAST_READY, GONE, ORDERED = 30, 60, 75, 80


def play_on(timing: "Timing", seed: int) -> tuple[list[Decision], str]:
    """The same people at the same places of the log, and between these whatever the timing brings."""
    world = Planted.economy(seed, 14, 10)
    cohorts = [[world.models[place] for place in places] for places in (FIRST, LATE, LAST)]
    played = Played(world, Rules(canary_every=10), cohorts, outcomes=timing.outcomes)
    for model in (*cohorts[1], *cohorts[2]):
        played.change(model, state=EntrantState.COLLECTING)
    # The first of a cohort is the one whom the others wait for: their answers may be there at any time before.
    events = [(LATE_READY, cohorts[1][0]), (LAST_READY, cohorts[2][0])]
    events += [
        (timing.ready(ready), model)
        for ready, (_, *rest) in zip((LATE_READY, LAST_READY), cohorts[1:], strict=True)
        for model in rest
    ]
    events.sort()
    people = [(GONE, lambda: played.retire(world.models[2]))]
    people += [(ORDERED, lambda: played.order(DecisionKind.REFINEMENT_ORDERED, calls=200))]
    while True:
        while events and events[0][0] <= len(played.log):
            played.change(events.pop(0)[1], state=EntrantState.READY)
        while people and people[0][0] <= len(played.log):
            people.pop(0)[1]()
        if timing.restarts():
            played = played.restarted()
        if timing.looks():
            played.restarted().step()
        if played.step() is not None:
            assert [*events, *people] == []
            return played.log, played.made.board.digest


class Timing:
    """One run's: by default everything comes when it must, and nobody restarts."""

    def outcomes(self, votes: list[Vote]) -> list[Vote]:
        return votes

    def ready(self, latest: int) -> int:
        return latest

    def restarts(self) -> bool:
        return False

    def looks(self) -> bool:
        return False


class AnyTiming(Timing):
    def __init__(self, lots: random.Random) -> None:
        self.lots = lots

    def outcomes(self, votes: list[Vote]) -> list[Vote]:
        return self.lots.sample(votes, len(votes))

    def ready(self, latest: int) -> int:
        return self.lots.randint(0, latest)

    def restarts(self) -> bool:
        return self.lots.random() < 0.02

    def looks(self) -> bool:
        return self.lots.random() < 0.02


@lru_cache
def punctual(seed: int) -> tuple[list[Decision], str]:
    return play_on(Timing(), seed)


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 1), lots=LOTS)
def test_with_the_same_admissions_the_log_is_the_same_whatever_else_comes_when(seed: int, lots: random.Random) -> None:
    assert play_on(AnyTiming(lots), seed) == punctual(seed)


@settings(max_examples=3, deadline=None)
@given(late=st.permutations(range(9)), seed=st.integers(0, 1))
def test_the_log_of_a_cohort_does_not_depend_on_whose_answers_come_first(late: list[int], seed: int) -> None:
    one_by_one = Played(Planted.economy(seed, 9, 8))
    for model in one_by_one.planted.models:
        one_by_one.change(model, state=EntrantState.COLLECTING)
    for index in late:
        one_by_one.rest()
        one_by_one.change(one_by_one.planted.models[index], state=EntrantState.READY)
    one_by_one.rest()
    assert one_by_one.log == nine_at_once(seed).log


@lru_cache
def nine_at_once(seed: int) -> Played:
    played = Played(Planted.economy(seed, 9, 8))
    played.rest()
    return played


@settings(max_examples=6, deadline=None)
@given(lots=LOTS, seed=st.integers(0, 20))
def test_the_log_alone_rebuilds_the_ranking_whatever_people_do_meanwhile(lots: random.Random, seed: int) -> None:
    rules = Rules(seed_models=3, window=lots.randint(1, 3), max_slides=lots.randint(1, 3), cap=20, canary_every=5)
    played = Played(Planted.economy(seed, 12, 8), rules)
    models = played.planted.models
    for _ in range(400):
        if lots.random() < 0.1:
            do_something(played, lots.choice(models), lots)
        if played.step() is not None:
            break
        assert_sound(played)
    assert replay(played.stored()) == played.state
    assert played.restarted().state == played.state
    assert all(why(decision, model) for decision in played.log for model in concerned(decision))


def do_something(played: Played, model: str, lots: random.Random) -> None:
    match lots.randint(0, 4):
        case 0:
            played.retire(model)
        case 1:
            played.change(model, may_judge=lots.random() < 0.5)
        case 2:
            played.order(DecisionKind.JUDGE_SUSPENDED, model)
        case 3:
            played.order(DecisionKind.JUDGE_REINSTATED, model)
        case _:
            played.order(DecisionKind.REFINEMENT_ORDERED, calls=lots.randint(1, 200))


def assert_sound(played: Played) -> None:
    state = played.state
    assert len(set(state.ranking)) == len(state.ranking)
    assert not set(state.newcomers) & set(state.ranking)
    assert not any(state.admitted[model].retired for model in state.ranking)
    assert not (state.settling and state.open_round)
    last = played.log[-1]
    if last.kind is DecisionKind.ROUND_OPENED:
        assert all(state.admitted[judge].judges for judge in last.content["judges"])
    for insertion in state.insertions.values():
        if isinstance(insertion.phase, Fine):
            assert insertion.phase.slides <= played.rules.max_slides
            assert 0 <= insertion.phase.place <= len(state.ranking)
        if isinstance(insertion.phase, Settled) and not insertion.rank:
            assert state.settling or state.resting


def test_seeds_grow_until_every_pair_has_a_judge() -> None:
    played = Played(Planted.economy(0, 5, 8), Rules(seed_models=2))
    played.until(lambda state: state.open_round)
    assert len(played.state.seeds) == 3
    nobody = Played(Planted.economy(0, 5, 8), Rules(seed_models=2))
    for model in nobody.planted.models:
        nobody.change(model, may_judge=False)
    assert nobody.rest() == Wait("no eligible judge for model-000@1 against model-001@1")


def test_neighbours_are_judged_from_outside_the_window() -> None:
    played = Played(Planted.economy(1, 16, 16))
    looked = 0
    while played.step() is None:
        state, last = played.state, played.log[-1]
        if last.kind is not DecisionKind.ROUND_OPENED:
            continue
        for model in last.content["models"]:
            phase = state.insertions[model].phase
            met = {a if b == model else b for a, b in last.content["pairs"] if model in (a, b)}
            if not isinstance(phase, Fine) or not met:
                continue
            window = {state.ranking[place] for place in phase.window(state.ranking)}
            # Strengths have moved with the board, and the newcomer with them, where it meets others.
            if met == window and len(state.ranking) - len(window) >= 3:
                judges = {ask.judge for ask in played.asks if model in ask.pair and ask.kind == VOTE}
                assert judges
                assert not window & judges
                looked += 1
    assert looked > 5
