"""Whole insertions in the planted world, with no servers."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from dearena.outcomes import Outcome
from dearena.ranking.agenda import Wait
from dearena.ranking.decisions import DecisionKind, concerned
from dearena.ranking.entrants import EntrantState
from dearena.ranking.insertion import Fine, Settled
from dearena.ranking.rounds import Cell
from dearena.ranking.rules import Rules
from dearena.ranking.verdict import ONE
from dearena.ranking.why import why
from dearena.scoring.weightings import RELIABILITY, WEIGHTINGS
from tests.unit.ranking.planted import Played, World, play


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_twelve_models_end_up_in_the_order_of_their_skill(seed: int) -> None:
    world = World.plant(seed)
    played = play(world)
    assert played.run() == Wait("no newcomer")
    order = played.state.ranking
    assert sorted(order) == sorted(world.models)
    found = spearmanr(range(len(order)), [-world.skill[model] for model in order]).statistic
    assert found >= 0.9
    everything = 12 * 11 // 2 * 10 * 24
    asked = sum(map(len, played.cells.values()))
    assert asked < 0.8 * everything


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_by_whatever_weighting_all_find_a_place(weighting: str) -> None:
    """A third of the judges says the opposite of what it should: some weightings listen to none of these."""
    world = World.plant(1, models=9, queries=8)
    contrary = set(world.models[::3])

    def judging(cell: Cell) -> Outcome:
        outcome = world.judge(cell)
        turned = {Outcome.A: Outcome.B, Outcome.B: Outcome.A}
        return turned.get(outcome, outcome) if cell.judge in contrary else outcome

    played = play(world, judging=judging, rules=Rules(weighting=weighting))
    assert played.run() == Wait("no newcomer")
    assert sorted(played.state.ranking) == sorted(world.models)
    weights = played.weights()
    assert sum(weights.values()) == ONE * len(weights)
    if weighting == RELIABILITY:
        assert min(weights.values()) == 0
        assert {model for model, weight in weights.items() if weight == 0} <= contrary


def test_every_decision_is_explained_to_everybody_it_concerns() -> None:
    played = play(World.plant(0, models=8, queries=6))
    played.run()
    for decision in played.log:
        assert concerned(decision)
        for model in concerned(decision):
            assert len(why(decision, model)) > 10
    assert {decision.kind for decision in played.log} >= set(list(DecisionKind)[:5])


def test_the_ranking_is_in_the_order_of_the_last_board() -> None:
    played = play(World.plant(1, models=9, queries=8))
    played.run()
    assert list(played.state.ranking) == [row.model for row in played.board().rows]


def test_weights_are_frozen_when_a_round_is_opened_and_decide_it() -> None:
    played = play(World.plant(2, models=7, queries=8))
    played.run()
    opened = played.of_kind(DecisionKind.ROUND_OPENED)
    assert set(opened[0].content["weights"].values()) == {ONE}
    later = opened[-1]
    board = {row.model: row.judge_weight for row in played.boards[later.round - 1].rows}
    newcomer = later.model
    # On no board before its first round, the newcomer weighs as the average does.
    assert {m: w for m, w in later.content["weights"].items() if m != newcomer} == {
        m: w for m, w in board.items() if m != newcomer
    }
    assert len(set(later.content["weights"].values())) > 1


def test_no_cell_is_asked_twice_and_no_model_judges_itself() -> None:
    played = play(World.plant(0, models=9, queries=5))
    played.run()
    cells = [cell for cells in played.cells.values() for cell in cells]
    assert len({cell.cell_id for cell in cells}) == len(cells)
    assert all(cell.judge not in cell.pair for cell in cells)


def test_neighbours_are_judged_from_outside_the_window() -> None:
    played = play(World.plant(1, models=10, queries=5))
    played.run()
    for before, decision, after in zip(played.states, played.log[1:], played.states[1:], strict=False):
        if decision.kind is DecisionKind.ROUND_OPENED and before.newcomer:
            phase = before.insertions[before.newcomer].phase
            if isinstance(phase, Fine):
                window = {before.ranking[place] for place in phase.window(before.ranking)}
                assert not window & set(decision.content["judges"])
                assert {m for pair in decision.content["pairs"] for m in pair} <= window | {before.newcomer}
        assert after.decisions == decision.number


def test_a_round_names_its_cells_and_everything_settles_once() -> None:
    played = play(World.plant(0, models=8, queries=4))
    played.run()
    closed = played.of_kind(DecisionKind.ROUND_CLOSED)
    assert [decision.round for decision in closed] == list(range(1, len(closed) + 1))
    assert all(sum(decision.content["outcomes"].values()) == len(played.cells[decision.round]) for decision in closed)
    settled = [model for decision in played.of_kind(DecisionKind.SETTLED) for model in decision.content["models"]]
    assert sorted(settled) == sorted(played.state.admitted)
    assert {decision.round for decision in played.of_kind(DecisionKind.SETTLED)} == {
        decision.round for decision in closed if decision.content["settles"]
    }
    for model, insertion in played.state.insertions.items():
        assert insertion.is_over
        assert insertion.rounds, model


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 20), order=st.randoms(use_true_random=False))
def test_the_log_does_not_depend_on_the_order_of_outcomes(seed: int, order: random.Random) -> None:
    world = World.plant(seed, models=7, queries=4)
    straight, shuffled = play(world), play(world, shuffle=order)
    straight.run()
    shuffled.run()
    assert shuffled.log == straight.log


@settings(max_examples=12, deadline=None)
@given(data=st.data(), seed=st.integers(0, 20))
def test_the_log_alone_rebuilds_the_ranking_whatever_people_do_meanwhile(data: st.DataObject, seed: int) -> None:
    world = World.plant(seed, models=8, queries=2)
    rules = Rules(seed_models=3, window=data.draw(st.integers(1, 3)), max_slides=data.draw(st.integers(1, 3)))
    played = play(world, rules=rules)
    gone: set[str] = set()
    for _ in range(400):
        if data.draw(st.integers(0, 9)) == 0:
            model = data.draw(st.sampled_from(world.models))
            if data.draw(st.booleans()):
                played.change(model, state=EntrantState.RETIRED, reason="the model is retired")
                gone.add(model)
            else:
                played.change(model, may_judge=data.draw(st.booleans()))
        if played.step() is not None:
            break
        assert_sound(played)
    assert played.replayed() == played.state
    assert all(why(decision, model) for decision in played.log for model in concerned(decision))


def assert_sound(played: Played) -> None:
    state = played.state
    assert len(set(state.ranking)) == len(state.ranking)
    assert state.newcomer not in state.ranking
    assert not any(state.admitted[model].retired for model in state.ranking)
    assert not (state.settling and state.open_round)
    if state.open_round is not None:
        assert state.open_round.number == state.last_closed_round + 1
        last = played.log[-1]
        if last.kind is DecisionKind.ROUND_OPENED:
            assert not any(state.admitted[judge].retired for judge in last.content["judges"])
            assert all(state.admitted[judge].may_judge for judge in last.content["judges"])
    for insertion in state.insertions.values():
        if isinstance(insertion.phase, Fine):
            assert insertion.phase.slides <= played.rules.max_slides
        if isinstance(insertion.phase, Settled) and not insertion.rank:
            assert state.settling or state.resting


@settings(max_examples=12, deadline=None)
@given(late=st.permutations(range(7)), seed=st.integers(0, 5))
def test_the_log_of_a_cohort_does_not_depend_on_whose_answers_come_first(late: list[int], seed: int) -> None:
    world = World.plant(seed, models=7, queries=2)
    rules = Rules(seed_models=3)
    at_once = play(world, rules=rules)
    at_once.run()
    one_by_one = play(world, rules=rules)
    for model in world.models:
        one_by_one.change(model, state=EntrantState.COLLECTING)
    for index in late:
        one_by_one.run()
        one_by_one.change(world.models[index], state=EntrantState.READY)
    one_by_one.run()
    assert one_by_one.log == at_once.log


def test_a_model_that_leaves_an_idle_ranking_is_gone_from_the_next_board_at_once() -> None:
    played = play(World.plant(0, models=6, queries=3))
    played.run()
    before = len(played.boards)
    leaver = played.state.ranking[2]
    played.change(leaver, state=EntrantState.RETIRED, reason="the model is retired")
    assert played.run() == Wait("no newcomer")
    assert leaver not in played.state.ranking
    assert len(played.boards) == before + 1
    (row,) = [row for row in played.board().rows if row.model == leaver]
    assert row.rank == 0
    (opened,) = played.of_kind(DecisionKind.ROUND_OPENED)[-1:]
    assert opened.content["cells"] == 0
    assert "left" in why(opened)


def test_a_newcomer_that_leaves_makes_room_for_the_next() -> None:
    played = play(World.plant(0, models=7, queries=3), rules=Rules(seed_models=5))
    while not played.state.newcomer or not played.state.open_round:
        played.step()
    newcomer = played.state.newcomer
    played.change(newcomer, state=EntrantState.RETIRED, reason="the model is retired")
    played.run()
    assert newcomer not in played.state.ranking
    assert len(played.state.ranking) == 6
    assert not played.state.outdated


def test_seeds_grow_until_every_pair_has_a_judge() -> None:
    world = World.plant(0, models=5, queries=3)
    played = play(world, rules=Rules(seed_models=2))
    while not played.state.open_round:
        played.step()
    assert len(played.state.seeds) == 3
    nobody = play(world, rules=Rules(seed_models=2))
    for model in world.models:
        nobody.change(model, may_judge=False)
    assert nobody.run() == Wait("no eligible judge for model-00@1 against model-01@1")


def test_a_ranking_that_everybody_left_is_seeded_anew() -> None:
    world = World.plant(0, models=8, queries=2)
    played = play(world, rules=Rules(seed_models=3))
    while len(played.state.ranking) < 3:
        played.step()
    for model in played.state.ranking:
        played.change(model, state=EntrantState.RETIRED, reason="the model is retired")
    played.run()
    assert len(played.state.ranking) == 5
    assert not played.state.outdated


def test_a_world_without_a_single_vote_still_comes_to_rest() -> None:
    played = play(World.plant(0, models=8, queries=2), judging=lambda _cell: Outcome.VOID)
    assert played.run() == Wait("no newcomer")
    assert len(played.state.ranking) == 8


def test_numbers_follow_one_another() -> None:
    played = play(World.plant(0, models=7, queries=2))
    played.run()
    assert all(later.number == earlier.number + 1 for earlier, later in pairwise(played.log))
    assert played.log[0].number == 1
