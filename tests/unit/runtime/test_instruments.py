"""The catalogue of metrics: names as Prometheus has them, and how many series there can be."""

import pytest

from services.runtime import instruments
from services.runtime.instruments import CATALOGUE, Kind, prometheus_name


@pytest.mark.parametrize(
    ("instrument", "name"),
    [
        (instruments.RPC_DURATION, "rpc_server_duration_seconds"),
        (instruments.TOKEN_USAGE, "gen_ai_client_token_usage"),
        (instruments.CALLS, "dearena_calls_total"),
        (instruments.MONEY_SPENT, "dearena_money_spent_total"),
        (instruments.QUEUE_PENDING, "dearena_queue_pending"),
        (instruments.LAST_VOTE, "dearena_vote_last_time_seconds"),
    ],
)
def test_prometheus_names(instrument: instruments.Instrument, name: str) -> None:
    assert prometheus_name(instrument) == name


def test_a_histogram_has_three_series_names() -> None:
    assert instruments.FIT_DURATION.series_names == (
        "dearena_fit_duration_seconds_bucket",
        "dearena_fit_duration_seconds_sum",
        "dearena_fit_duration_seconds_count",
    )
    assert instruments.CALLS.series_names == ("dearena_calls_total",)


def test_every_instrument_is_in_the_catalogue_once() -> None:
    made = [value for value in vars(instruments).values() if isinstance(value, instruments.Instrument)]

    assert len(made) == len(CATALOGUE)
    names = [name for one in made for name in one.series_names]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("instrument", CATALOGUE.values(), ids=list(CATALOGUE))
def test_each_is_whole(instrument: instruments.Instrument) -> None:
    assert instrument.description.endswith(".")
    assert set(instrument.services) <= set(instruments.ALL)
    assert instrument.services
    assert (instrument.kind is Kind.HISTOGRAM) == bool(instrument.buckets)
    assert list(instrument.buckets) == sorted(set(instrument.buckets))
    assert set(instrument.attributes) <= set(instruments.VALUES)


def test_a_thousand_models_and_a_hundred_dimensions_stay_below_a_hundred_thousand_series() -> None:
    series = sum(
        one.series(models=1_000, dimensions=100) * (len(one.services) if one.services == instruments.ALL else 1)
        for one in CATALOGUE.values()
    )

    assert 10_000 < series < 100_000
