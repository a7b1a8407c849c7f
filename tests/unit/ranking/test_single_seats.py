"""A dimension of single seats, ranked as a whole: one call a vote, and a board that tells of the first seat."""

from dataclasses import replace

import pytest

from dearena.ranking.agenda import Wait
from dearena.ranking.rules import Rules, SeatPolicy
from dearena.sparring.odds import Odds
from dearena.trials.world import Planted
from tests.unit.ranking.planted import Played


def ranked(seats: SeatPolicy, lean: float) -> Played:
    """By judges who all lean to the first seat by so many log-odds."""
    world = Planted.economy(5, 7, 8)
    world.planted = replace(world.planted, first_seat_mean=lean)
    world._odds = Odds(world.planted)
    played = Played(world, Rules(seed_models=4, seats=seats))
    assert played.rest() == Wait("no newcomer")
    return played


@pytest.mark.parametrize("lean", [0.0, 1.0])
def test_single_seats_take_a_call_a_vote_and_the_board_tells_of_the_first(lean: float) -> None:
    played = ranked(SeatPolicy.SINGLE, lean)
    asked = played.asked()
    assert {vote.judge_calls for vote in asked} == {1}
    # Both seats are drawn, though each vote has one.
    assert {bool(vote.a_first) for vote in asked} == {True, False}
    effect = played.made.board.first_seat
    assert effect is not None
    assert effect.votes == sum(vote.outcome in ("A", "B", "TIE") for vote in asked)
    # Of answers that vary, log-odds are smaller than those of one answer. Seven judges are few for an error.
    assert 0.5 * lean - 0.3 < effect.log_odds < lean + 0.3


def test_both_orders_have_no_such_effect() -> None:
    played = ranked(SeatPolicy.BOTH, 1.0)
    assert {vote.judge_calls for vote in played.asked()} == {2}
    assert played.made.board.first_seat is None
