"""What the benchmark of the gateway rests on: turns, ratios within a round, and no two calls alike."""

import pytest

from benchmarks.gateway_speed import CHARACTERS, SHARE_OF_CALLS, Bout, order_of, prompt, request_id, summary

NAMES = list(SHARE_OF_CALLS)


def test_a_bout_is_told_per_call_and_per_second() -> None:
    bout = Bout(calls=200, seconds=4.0, cpu_seconds=0.5)
    assert bout.rate == pytest.approx(50.0)
    assert bout.cpu_milliseconds == pytest.approx(2.5)


def test_ratios_are_of_one_round_and_their_median_counts() -> None:
    # A busy machine slows a whole round: the second one here by ten. Medians of each alone would give 9.0.
    def row(name: str, rates: list[float]) -> dict[str, list[Bout]]:
        return {name: [Bout(100, 100 / rate, 1.0) for rate in rates]}

    bouts = row("gateway", [900.0, 80.0, 1000.0]) | row("LiteLLM", [90.0, 10.0, 200.0])
    bouts |= row("httpx", [1.0, 1.0, 1.0]) | row("httpx-aiohttp", [1.0, 1.0, 1.0])
    assert summary(bouts)["rate_over_litellm"] == pytest.approx(8.0)
    assert summary(bouts)["contestants"]["gateway"]["calls_a_second"] == pytest.approx(900.0)


def test_all_take_part_in_every_round_and_nobody_is_always_first() -> None:
    orders = [order_of(number, NAMES) for number in range(len(NAMES))]
    assert all(sorted(order) == sorted(NAMES) for order in orders)
    assert len({order[0] for order in orders}) > 1


def test_prompts_and_request_ids_differ_and_are_as_long_as_told() -> None:
    assert len({prompt(number) for number in range(100)}) == 100
    assert {len(prompt(number)) for number in range(100)} == {CHARACTERS}
    assert len({request_id(round_number, number) for round_number in range(3) for number in range(50)}) == 150
