"""Sizes of other arenas, by calculation: held to what was measured, and to what must grow with what."""

from dataclasses import replace

import pytest

from benchmarks import sizes
from benchmarks.sizes import Assumed, estimate

USUAL = Assumed()


@pytest.mark.parametrize(
    ("models", "measured"),
    [
        (40, 10_458),  # dearena simulate --models 40 --queries 40
        (200, 78_818),  # make bench-jury-makers
    ],
)
def test_judge_calls_are_those_that_simulations_took(models: int, measured: int) -> None:
    assert sizes.judge_calls(models) == pytest.approx(measured, rel=0.1)


def test_an_insertion_grows_as_it_was_measured() -> None:
    assert sizes.insertion_calls(385) / sizes.insertion_calls(25) == pytest.approx(1.73)


@pytest.mark.parametrize(("models", "measured"), [(40, 74.5), (66, 100)])
def test_rounds_are_those_that_were_counted(models: int, measured: float) -> None:
    assert sizes.rounds(models) == pytest.approx(measured, rel=0.1)


def test_what_is_per_dimension_grows_with_dimensions() -> None:
    one, ten = estimate(100, 1, USUAL), estimate(100, 10, USUAL)
    for part in ("judge_calls", "answers", "input_tokens", "output_tokens", "cost", "store_bytes", "one_more_cost"):
        assert getattr(ten, part) == pytest.approx(10 * getattr(one, part)), part
    assert ten.rounds == one.rounds
    assert ten.round_hours == one.round_hours


def test_money_is_tokens_times_prices() -> None:
    free_to_read = estimate(100, 10, replace(USUAL, price_in=0.0, price_out=2.0))
    assert free_to_read.cost == pytest.approx(free_to_read.output_tokens * 2 / 1e6)


def test_twice_the_calls_a_minute_halve_the_hours() -> None:
    slow, quick = estimate(100, 100, USUAL), estimate(100, 100, replace(USUAL, calls_a_minute=120))
    assert slow.rate_hours == pytest.approx(2 * quick.rate_hours)
    assert slow.cost == quick.cost


def test_cores_are_those_of_the_wanted_time_or_of_what_endpoints_allow() -> None:
    day, hour = estimate(100, 10, USUAL), estimate(100, 10, replace(USUAL, hours=1))
    assert hour.hours > 1
    assert hour.cores["gateway"] == pytest.approx(day.cores["gateway"] * 24 / hour.hours)
    assert day.cores["gateway"] > day.cores["dispatcher"] > day.cores["ranker"] > 0


def test_a_thousand_models_and_a_hundred_dimensions_stay_below_a_hundred_thousand_series() -> None:
    assert 10_000 < sizes.series(1_000, 100) < 100_000


@pytest.mark.parametrize(("models", "dimensions"), [(4, 1), (100, 0)])
def test_what_is_no_arena_is_refused(models: int, dimensions: int) -> None:
    with pytest.raises(ValueError, match="begins with 5 models"):
        estimate(models, dimensions, USUAL)


def test_each_column_has_figures_of_its_own() -> None:
    lines = sizes.tables([estimate(100, 10, USUAL)], USUAL).splitlines()
    cores = [line.split("|")[2].strip() for line in lines if line.startswith("| cores: ")]
    assert len(cores) == 4
    assert len(set(cores)) > 1


def test_the_page_has_the_tables_that_are_made_today() -> None:
    page = sizes.PAGE.read_text("utf-8")
    made = sizes.tables([estimate(*size, USUAL) for size in sizes.SIZES], USUAL)
    assert page == sizes.written_into(page, made), "run make sizes ARGS=--write"


def test_a_page_without_a_place_for_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="begin"):
        sizes.written_into("# Sizes\n", "|")
