"""Targets of an insertion, as whole arenas keep them."""

from collections.abc import Sequence
from functools import lru_cache

import pytest

from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.defaults import DEFAULT_SEED_MODELS
from dearena.ranking.evidence import Vote
from dearena.ranking.rules import Rules, SeatPolicy
from dearena.trials.arena import Inserted, in_cohorts
from dearena.trials.world import Planted
from tests.unit.ranking.planted import Played

CURRENCY, PRICE = "USD", 7


@lru_cache
def inserted(at_once: int = 3, **rules: int | str | SeatPolicy) -> Played:
    """Newcomers in cohorts, each cohort after the one before it, under these rules."""
    world = Planted.economy(1, 14, 16)
    played = Played(world, Rules(**rules), [world.models[:DEFAULT_SEED_MODELS]], outcomes=priced)  # type: ignore[arg-type]
    for cohort in in_cohorts(world.models, DEFAULT_SEED_MODELS, at_once)[1:]:
        played.rest()
        played.enter(cohort)
    played.rest()
    assert len(played.inserted) == 14 - DEFAULT_SEED_MODELS
    return played


def priced(votes: Sequence[Vote]) -> list[Vote]:
    return [vote._replace(cost_nano_units=PRICE * vote.judge_calls, currency=CURRENCY) for vote in votes]


def last_step(played: Played, one: Inserted) -> Decision:
    return [step for step in played.of_kind(DecisionKind.STEPPED) if step.model == one.model][-1]


@pytest.mark.parametrize("seats", SeatPolicy)
@pytest.mark.parametrize("target", [31, 100])
def test_a_target_of_calls_is_never_exceeded_and_nearly_spent(seats: SeatPolicy, target: int) -> None:
    played = inserted(target_calls=target, seats=seats)
    assert all(one.judge_calls <= target for one in played.inserted)
    assert all(one.rounds < played.rules.most_rounds for one in played.inserted)
    for one in played.inserted:
        whole_cells = target // played.rules.calls_a_cell * played.rules.calls_a_cell
        assert one.judge_calls == whole_cells or seen_all(played, one)


def seen_all(played: Played, one: Inserted) -> bool:
    """The window was as wide as the ranking, and nobody there had anything more to say."""
    step = last_step(played, one)
    before = step.content["before"]
    return not step.content["ended_early"] and len(step.content["verdicts"]) >= min(
        2 * before["width"], len(one.ranking) - 3
    )


def width(step: Decision) -> int:
    standing = step.content["standing"]
    return int(standing["high"] - standing["low"] + 1)


@pytest.mark.parametrize("target", [2, 6])
def test_an_insertion_goes_on_until_its_rank_is_as_sure_as_was_asked(target: int) -> None:
    played = inserted(target_rank_width=target)
    sure = 0
    for one in played.inserted:
        step = last_step(played, one)
        enough = width(step) <= target
        sure += enough
        assert enough or one.rounds == played.rules.most_rounds or seen_all(played, one), (one.model, width(step))
    assert sure > 0


def test_surer_ranks_cost_more_calls() -> None:
    spent = [sum(one.judge_calls for one in inserted(target_rank_width=target).inserted) for target in (2, 6)]
    assert spent == sorted(spent, reverse=True)
    assert spent[0] > spent[-1]


@pytest.mark.parametrize("calls", [60, 120])
def test_a_target_of_cost_ends_an_insertion_with_the_round_that_reaches_it(calls: int) -> None:
    target = PRICE * calls
    played = inserted(target_cost_nano_units=target, target_cost_currency=CURRENCY)
    reached = 0
    for one in played.inserted:
        by_round = [cost_of(played, one.model, number) for number in played.state.insertions[one.model].rounds]
        assert sum(by_round[:-1]) < target
        reached += sum(by_round) >= target
    assert reached > len(played.inserted) / 3


def cost_of(played: Played, model: str, number: int) -> int:
    return sum(vote.cost_nano_units for vote in played.votes[number] if model in vote.pair)


def test_a_target_of_cost_in_another_currency_ends_nothing() -> None:
    other = inserted(target_cost_nano_units=PRICE, target_cost_currency="EUR")
    assert other.log == inserted().log


@pytest.mark.parametrize("most", [1, 3, 8])
def test_no_insertion_takes_more_rounds_than_it_may(most: int) -> None:
    played = inserted(most_rounds=most)
    assert max(one.rounds for one in played.inserted) == most


def test_whose_rank_is_known_well_enough_settles_where_its_search_ends() -> None:
    """Any width will do: nothing is asked of a window that is not looked at first for want of a place."""
    played = inserted(target_rank_width=99)
    for one in played.inserted:
        steps = [step for step in played.of_kind(DecisionKind.STEPPED) if step.model == one.model]
        arrived = next(
            step for step in steps if step.content["after"]["phase"] == "fine" and not step.content["after"]["survey"]
        )
        assert steps[-1].content["after"]["phase"] == "settled"
        assert steps[-1].round == arrived.round
        assert steps[-1].content["ended_early"]
