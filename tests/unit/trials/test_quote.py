"""What a quote says of an insertion to come, and the insertions that are simulated for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidField
from dearena.ranking.rules import Rules, SeatPolicy
from dearena.trials.newcomers import NEWCOMERS, Setting, Taken, newcomers
from dearena.trials.quote import (
    FEWEST_OBSERVED,
    CallPace,
    Range,
    RoundPace,
    Usage,
    like_the_next,
    mean_of,
    price_of,
    quote,
)

SMALL = Setting(6, 8, Rules())


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60))
def test_a_range_holds_its_median_and_lies_within_what_was_seen(calls: list[int]) -> None:
    found = Range.of(calls)
    assert min(calls) <= found.low <= found.median <= found.high <= max(calls)


def test_a_range_holds_an_insertion_to_come_at_its_chance() -> None:
    lots = np.random.default_rng(5)
    drawn = lots.lognormal(6.0, 0.4, size=(4000, 31))
    inside = [found.low <= one[-1] <= found.high for one in drawn if (found := Range.of(one[:-1].tolist()))]
    assert np.mean(inside) == pytest.approx(0.8, abs=0.02)


def test_tokens_money_and_time_follow_from_calls_and_rounds() -> None:
    made = quote(
        [Taken(300, 3, (6, 17, 0))],
        40,
        judging=Usage(1000, 100, {"USD": 2e6}),
        answering=Usage(50, 500, {"USD": 1e6, "EUR": 5e8}),
        pace=CallPace(2.0, 8),
    )
    assert made.judge_calls == Range(300, 300, 300)
    assert made.input_tokens is not None
    assert made.output_tokens is not None
    assert made.input_tokens.median == 300 * 1000 + 40 * 50
    assert made.output_tokens.median == 300 * 100 + 40 * 500
    assert {currency: cost.median for currency, cost in made.cost.items()} == {"EUR": 20.0, "USD": pytest.approx(0.64)}
    # Five times eight answers, then one, three and no turns of the judges.
    assert made.seconds == Range(18.0, 18.0, 18.0)


def test_what_nobody_knows_is_not_made_up() -> None:
    made = quote([Taken(300, 3)], 40)
    assert (made.input_tokens, made.output_tokens, made.cost, made.seconds) == (None, None, {}, None)
    assert quote([Taken(300, 3)], 40, judging=Usage(1000, 100)).input_tokens is None
    assert quote([Taken(300, 3)], 0, judging=Usage(1000, 100)).input_tokens == Range(300_000, 300_000, 300_000)


def test_time_is_that_of_the_clock_or_else_of_rounds() -> None:
    assert quote([Taken(1, 3, seconds=60.0), Taken(1, 4, seconds=80.0)], 0, pace=RoundPace(1)).seconds == Range(
        70.0, 60.0, 80.0
    )
    assert quote([Taken(1, 3, seconds=60.0), Taken(1, 4)], 0, pace=RoundPace(10.0)).seconds == Range(35.0, 30.0, 40.0)


def test_a_mean_weighs_and_a_price_is_a_million_tokens() -> None:
    found = mean_of([(3.0, Usage(100, 10, {"USD": 4.0})), (1.0, Usage(300, 30))])
    assert found == Usage(150, 15, {"USD": 3.0})
    assert mean_of([(1.0, Usage(100, 10)), (1.0, Usage())]).input_tokens is None
    assert price_of("EUR", 2.0, 10.0, Usage(1000, 100)) == Usage(1000, 100, {"EUR": 3_000_000.0})
    assert price_of("EUR", 0.0, 0.0, Usage(1000, 100)).nano_units == {}
    assert price_of("EUR", 2.0, 10.0, Usage()) == Usage()


def test_insertions_into_much_shorter_rankings_are_no_measure() -> None:
    old, new = Taken(100, 5), Taken(300, 10)
    observed = [(10, old)] * 30 + [(20, new)] * FEWEST_OBSERVED
    assert like_the_next(observed, 40) == [new] * FEWEST_OBSERVED
    assert like_the_next(observed[:-1], 40) == []


def test_newcomers_of_the_same_worlds_take_the_same() -> None:
    found = newcomers(SMALL, [3])
    assert len(found) == NEWCOMERS
    assert found == newcomers(SMALL, [3])
    assert found != newcomers(SMALL, [4])
    for one in found:
        assert one.rounds == len(one.busiest) <= SMALL.rules.most_rounds
        assert max(one.busiest) <= one.judge_calls <= sum(one.busiest) * SMALL.models


def test_an_exhaustive_jury_asks_every_judge_about_every_query() -> None:
    for one in newcomers(Setting(6, 8, Rules(jury="exhaustive", canary_every=0)), [0]):
        # A pair at most has 5 judges outside it, with 2 calls a cell.
        assert one.judge_calls % (8 * 2) == 0
        assert one.judge_calls > 100


def test_a_target_of_calls_or_money_is_kept() -> None:
    for one in newcomers(Setting(8, 20, Rules(target_calls=60, canary_every=0)), [0]):
        assert one.judge_calls == 60
    dear = Rules(target_cost_nano_units=1000, target_cost_currency="USD", canary_every=0)
    once = newcomers(Setting(8, 20, dear, call_nano_units=1000), [0])
    assert [one.rounds for one in once] == [1] * NEWCOMERS


def test_a_single_seat_costs_one_call_and_few_judges_are_asked_more() -> None:
    single = newcomers(Setting(8, 20, Rules(target_calls=61, seats=SeatPolicy.SINGLE, canary_every=0)), [0])
    assert [one.judge_calls for one in single] == [61] * NEWCOMERS
    rules = Rules(target_calls=120, canary_every=0)
    few, all_judge = (newcomers(Setting(12, 20, rules, judges=judges), [0]) for judges in (4, 0))
    assert sum(map(max, (one.busiest for one in few))) > sum(map(max, (one.busiest for one in all_judge)))


@pytest.mark.parametrize(("models", "queries", "judges"), [(3, 10, 0), (10, 0, 0), (10, 10, 11), (10, 10, -1)])
def test_a_setting_that_is_none_is_refused(models: int, queries: int, judges: int) -> None:
    with pytest.raises(InvalidField):
        Setting(models, queries, Rules(), judges=judges)
