"""Refinements in the planted world: what they spend, and what they leave behind."""

import pytest

from dearena.ranking.agenda import Wait
from dearena.ranking.decisions import DecisionKind
from dearena.ranking.evidence import CANARY
from dearena.ranking.rules import Rules, SeatPolicy
from dearena.trials.world import Planted
from tests.unit.ranking.planted import Played

NOBODY = Wait("no newcomer")


def ranked(seed: int, rules: Rules | None = None) -> Played:
    played = Played(Planted.economy(seed, 13, 16), rules)
    played.rest()
    return played


def refined(played: Played, *calls: int) -> int:
    """What is spent on these orders."""
    before = played.judge_calls
    for one in calls:
        played.order(DecisionKind.REFINEMENT_ORDERED, calls=one)
    assert played.rest() == NOBODY
    return played.judge_calls - before


@pytest.mark.parametrize("seats", SeatPolicy)
@pytest.mark.parametrize("canary_every", [0, 3, 20])
def test_it_spends_what_was_ordered_canaries_included_and_no_call_more(seats: SeatPolicy, canary_every: int) -> None:
    rules = Rules(seats=seats, canary_every=canary_every, cap=20)
    played = Played(Planted.economy(0, 8, 12), rules)
    played.rest()
    for calls in (1, 7, 301):
        # A vote that cannot go without a canary is not asked when only one of the two is paid for.
        assert calls - 2 * rules.calls_a_cell < refined(played, calls) <= calls
        assert played.state.refinement is None


def test_it_asks_nothing_twice_and_leaves_nothing_open() -> None:
    played = ranked(1)
    canaries = len(played.asked(CANARY))
    refined(played, 800)
    assert len(played.asked(CANARY)) > canaries
    cells = [vote.cell_id for votes in played.votes.values() for vote in votes]
    assert len(set(cells)) == len(cells)
    assert played.state.open_round is None
    assert not played.state.settling
    assert not played.state.resting
    assert not played.state.outdated
    assert played.restarted().rest() == NOBODY
    assert played.restarted().state == played.state


def test_every_round_of_it_sorts_the_ranking_by_its_board() -> None:
    played = ranked(2)
    before, decisions = played.state.ranking, len(played.log)
    refined(played, 1_500)
    log = played.log[decisions:]
    refines = {one.round for one in log if one.kind is DecisionKind.ROUND_OPENED and one.content["refines"]}
    assert len(refines) > 3
    assert {one.round for one in log if one.kind is DecisionKind.SETTLED} == refines
    assert list(played.state.ranking) == [row.model for row in played.made.board.rows]
    assert sorted(played.state.ranking) == sorted(before)
    assert played.state.ranking != before


@pytest.mark.parametrize("seed", [0, 1])
def test_it_makes_every_strength_surer_on_the_whole(seed: int) -> None:
    played = ranked(seed)
    before = total_width(played)
    refined(played, 1_000)
    assert total_width(played) < 0.9 * before


def total_width(played: Played) -> float:
    return sum(row.high - row.low for row in played.made.board.rows)


def test_what_is_ordered_twice_adds_up() -> None:
    played = ranked(0)
    before = played.judge_calls
    played.order(DecisionKind.REFINEMENT_ORDERED, calls=300)
    played.until(lambda state: state.refinement and state.refinement.calls_left < 300)
    played.order(DecisionKind.REFINEMENT_ORDERED, calls=400)
    assert played.rest() == NOBODY
    assert 700 - 4 < played.judge_calls - before <= 700
    assert 500 - 4 < refined(played, 200, 300) <= 500


def test_more_than_there_is_to_ask_ends_when_everything_is_asked() -> None:
    played = Played(Planted.economy(0, 6, 4))
    played.rest()
    refined(played, 100_000)
    assert played.state.refinement is None
    assert len(played.asked()) == 6 * 5 // 2 * 4 * 4


def test_newcomers_come_first_and_it_goes_on_after_them() -> None:
    world = Planted.economy(0, 14, 16)
    played = Played(world, cohorts=[world.models[:12]])
    played.rest()
    played.order(DecisionKind.REFINEMENT_ORDERED, calls=600)
    played.until(lambda state: state.refinement and state.refinement.calls_left < 600)
    left = played.state.refinement
    played.enter(world.models[12:])
    played.until(lambda state: len(state.ranking) == 14)
    assert played.state.refinement == left
    assert played.rest() == NOBODY
    opened = played.of_kind(DecisionKind.ROUND_CLOSED)
    refines = {one.round for one in played.of_kind(DecisionKind.ROUND_OPENED) if one.content["refines"]}
    assert 600 - 4 < sum(one.content["calls"] for one in opened if one.round in refines) <= 600
