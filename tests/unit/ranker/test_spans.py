"""Links of the ranker's spans are bounded, and what is left out is told."""

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dearena.names import DimensionName
from services.ranker.spans import span_for
from services.runtime import telemetry


def traceparent(number: int) -> str:
    return f"00-{number:032x}-{number:016x}-01"


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    provider, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer)
    return exporter


def span_of(exported: InMemorySpanExporter, traceparents: list[str]) -> Any:
    with span_for(traceparents, "open round", DimensionName("p", "d")):
        pass
    return exported.get_finished_spans()[-1]


@pytest.mark.parametrize(("newcomers", "left_out"), [(2, 0), (65, 0), (66, 1), (300, 235)])
def test_the_last_others_are_linked_and_the_number_left_out_is_told(
    exported: InMemorySpanExporter, newcomers: int, left_out: int
) -> None:
    span = span_of(exported, [traceparent(number) for number in range(1, newcomers + 1)])
    assert span.context.trace_id == newcomers
    assert [link.context.trace_id for link in span.links] == list(range(1 + left_out, newcomers))
    assert span.attributes.get("dearena.links_left_out", 0) == left_out
    assert span.dropped_links == 0


def test_nothing_is_linked_twice_and_nothing_to_itself(exported: InMemorySpanExporter) -> None:
    span = span_of(exported, [traceparent(number) for number in (3, 1, 1, 2, 3)] + [""])
    assert span.context.trace_id == 3
    assert [link.context.trace_id for link in span.links] == [1, 2]
    assert "dearena.links_left_out" not in span.attributes
