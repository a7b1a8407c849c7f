"""Which traces begin: all of insertions, a share of cells by parcels, and none of commands by themselves."""

from collections.abc import Sequence

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, Span, TraceFlags

from services.runtime import sampling, semantics, telemetry

MANY = 2_000


def begun(provider: TracerProvider, kind: str, links: Sequence[Link] = ()) -> Span:
    attributes = {semantics.TRACE: kind} if kind else {}
    return provider.get_tracer("t").start_span("x", context=Context(), attributes=attributes, links=links)


def ratio(value: float) -> TracerProvider:
    return TracerProvider(sampler=sampling.sampler(value), shutdown_on_exit=False)


@pytest.mark.parametrize("kind", ["", semantics.INSERTION, semantics.SELECTION])
def test_all_but_traces_of_cells_are_recorded_whatever_the_share(kind: str) -> None:
    provider = ratio(0.0)
    assert all(begun(provider, kind).is_recording() for _ in range(100))


def test_a_share_of_parcels_is_recorded() -> None:
    provider = ratio(0.1)
    share = sum(begun(provider, semantics.PARCEL).is_recording() for _ in range(MANY)) / MANY
    assert 0.06 < share < 0.14  # four standard deviations of .0067 and more
    assert not any(begun(ratio(0.0), semantics.PARCEL).is_recording() for _ in range(100))


def test_so_is_a_share_of_answers_apart_wherever_they_come_from() -> None:
    links = [Link(begun(ratio(1.0), semantics.INSERTION).get_span_context())]
    provider = ratio(0.1)
    share = sum(begun(provider, semantics.ANSWERS, links).is_recording() for _ in range(MANY)) / MANY
    assert 0.06 < share < 0.14
    assert not any(begun(ratio(0.0), semantics.ANSWERS, links).is_recording() for _ in range(100))


def test_cells_go_with_the_parcel_that_brought_them() -> None:
    provider = ratio(0.5)
    insertion = begun(provider, semantics.INSERTION).get_span_context()
    parcels = [begun(provider, semantics.PARCEL) for _ in range(50)]
    assert {parcel.is_recording() for parcel in parcels} == {True, False}
    for parcel in parcels:
        links = [Link(insertion), Link(parcel.get_span_context())]
        cells = [begun(provider, semantics.CELL_TRACE, links) for _ in range(8)]
        assert {cell.is_recording() for cell in cells} == {parcel.is_recording()}


def test_what_is_below_a_trace_follows_it_also_over_the_wire() -> None:
    provider = ratio(0.0)
    left_out = begun(provider, semantics.PARCEL)
    carrier: dict[str, str] = {}
    with trace.use_span(left_out):
        telemetry.inject(carrier)
    below = provider.get_tracer("t").start_span("y", context=telemetry.extract(carrier))
    assert not below.is_recording()
    assert below.get_span_context().trace_id == left_out.get_span_context().trace_id


def test_commands_are_recorded_in_traces_and_not_by_themselves() -> None:
    commands = TracerProvider(sampler=sampling.of_commands(), shutdown_on_exit=False).get_tracer("t")
    assert not commands.start_span("find", context=Context()).is_recording()
    with trace.use_span(begun(ratio(1.0), semantics.INSERTION)):
        assert commands.start_span("find").is_recording()


def test_only_what_is_recorded_has_a_trace_id_to_be_kept_and_can_be_led_to() -> None:
    provider = ratio(0.0)
    left_out, recorded = begun(provider, semantics.PARCEL), begun(provider, semantics.INSERTION)
    assert left_out.get_span_context().trace_flags & TraceFlags.SAMPLED == 0
    assert telemetry.trace_id_of(left_out) == ""
    assert telemetry.trace_id_of(recorded) == f"{recorded.get_span_context().trace_id:032x}"
    telemetry.link_onward(recorded, left_out)
    assert not recorded.links  # type: ignore[attr-defined]
