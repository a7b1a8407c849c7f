"""What is recorded is of the catalogue, and is exported as it was recorded."""

import asyncio
from collections.abc import Iterable, Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider

from services.runtime import instruments, metrics, semantics
from services.runtime.instruments import Instrument, Kind
from services.runtime.metrics import Exporting, NotInCatalogue, Reading
from tests.fixtures.metrics import Kept


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def exporting(kept: Kept) -> Iterator[Exporting]:
    exporting = metrics.begin(Exporting("gateway", "one", kept))
    yield exporting
    exporting.stop()


CALL = {semantics.PROJECT: "p", semantics.MODEL: "m", semantics.PURPOSE: "judge", instruments.STATE: "done"}


def test_a_counter_adds_up_by_attributes(exporting: Exporting, kept: Kept) -> None:
    metrics.record(instruments.CALLS, 1, CALL)
    metrics.record(instruments.CALLS, 1, CALL)
    metrics.record(instruments.CALLS, 1, {**CALL, instruments.STATE: "failed"})
    exporting.export()

    assert {point.attributes[instruments.STATE]: point.value for point in kept.last["dearena.calls"]} == {
        "done": 2,
        "failed": 1,
    }


def test_a_histogram_has_the_bounds_of_the_catalogue(exporting: Exporting, kept: Kept) -> None:
    metrics.record(instruments.CALL_DURATION, 0.3)
    exporting.export()

    (point,) = kept.last["gen_ai.client.operation.duration"]
    assert tuple(point.explicit_bounds) == instruments.CALL_DURATION.buckets
    assert point.bucket_counts[2] == 1


def test_a_gauge_tells_what_is_so_now_and_nothing_of_what_is_gone(exporting: Exporting, kept: Kept) -> None:
    waiting = {"m": 3, "n": 1}

    async def stock() -> Iterable[Reading]:
        return [
            Reading(instruments.CALLS_WAITING, count, {semantics.PROJECT: "p", semantics.MODEL: model})
            for model, count in waiting.items()
        ]

    asyncio.run(exporting.take_stock([stock]))
    exporting.export()
    assert {p.attributes[semantics.MODEL]: p.value for p in kept.last["dearena.calls.waiting"]} == {"m": 3, "n": 1}

    del waiting["n"]
    asyncio.run(exporting.take_stock([stock]))
    exporting.export()
    assert {p.attributes[semantics.MODEL]: p.value for p in kept.last["dearena.calls.waiting"]} == {"m": 3}


def test_a_stock_that_cannot_be_read_keeps_no_other_from_being_read(exporting: Exporting, kept: Kept) -> None:
    async def broken() -> Iterable[Reading]:
        raise OSError("the store is away")

    async def whole() -> Iterable[Reading]:
        return [Reading(instruments.OUTBOX_WAITING, 2)]

    asyncio.run(exporting.take_stock([broken, whole]))
    exporting.export()

    assert [point.value for point in kept.last["dearena.outbox.waiting"]] == [2]


def test_a_value_names_the_trace_that_it_was_met_in(exporting: Exporting, kept: Kept) -> None:
    with TracerProvider().get_tracer("test").start_as_current_span("call") as span:
        metrics.record(instruments.CALL_DURATION, 2.0)
    exporting.export()

    (point,) = kept.last["gen_ai.client.operation.duration"]
    assert [one.trace_id for one in point.exemplars] == [span.get_span_context().trace_id]


def test_the_last_values_are_exported_at_the_stop(kept: Kept) -> None:
    exporting = metrics.begin(Exporting("gateway", "one", kept))
    metrics.record(instruments.CALLS, 1, CALL)
    exporting.stop()

    assert [point.value for point in kept.last["dearena.calls"]] == [1]
    metrics.record(instruments.CALLS, 1, CALL)  # recorded nowhere
    assert [point.value for point in kept.last["dearena.calls"]] == [1]


def test_no_gauges_are_exported_at_the_stop(kept: Kept) -> None:
    """What they tell of has ended with the process, and would be told of as if it went on."""
    exporting = metrics.begin(Exporting("gateway", "one", kept))

    async def stock() -> Iterable[Reading]:
        return [Reading(instruments.OUTBOX_WAITING, 7)]

    asyncio.run(exporting.take_stock([stock]))
    exporting.export()
    assert kept.values(instruments.OUTBOX_WAITING) == {(): 7}
    metrics.record(instruments.CALLS, 1, CALL)
    exporting.stop()

    assert kept.values(instruments.OUTBOX_WAITING) == {}
    assert len(kept.values(instruments.CALLS)) == 1, "counters are"


def test_an_attribute_that_is_not_in_the_catalogue_is_refused_even_where_nothing_is_exported() -> None:
    with pytest.raises(NotInCatalogue, match=r"dearena\.calls"):
        metrics.record(instruments.CALLS, 1, {semantics.DIMENSION: "d"})


def test_a_metric_that_is_not_in_the_catalogue_is_refused() -> None:
    with pytest.raises(NotInCatalogue, match="new"):
        metrics.record(Instrument("dearena.new", Kind.COUNTER, "{call}", "New."), 1)


@pytest.mark.usefixtures("exporting")
def test_a_metric_of_another_service_is_refused() -> None:
    with pytest.raises(NotInCatalogue, match="votes"):
        metrics.record(instruments.VOTES, 1)


@pytest.mark.usefixtures("exporting")
def test_a_gauge_is_not_recorded() -> None:
    with pytest.raises(NotInCatalogue, match="gauge"):
        metrics.record(instruments.OUTBOX_WAITING, 1)


def test_a_reading_that_is_not_of_the_catalogue_is_refused(exporting: Exporting) -> None:
    async def stock() -> Iterable[Reading]:
        return [Reading(instruments.CELLS_IN_FLIGHT, 1)]

    with pytest.raises(NotInCatalogue, match="cells"):
        asyncio.run(exporting.take_stock([stock]))


def test_without_an_endpoint_nothing_is_made() -> None:
    assert metrics.start("gateway", "one", "") is None
