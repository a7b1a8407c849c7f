"""A service that stops hands over its last spans, and waits for no collector that is away."""

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from services.runtime.telemetry import FLUSH_SECONDS, Tracing
from tests.fixtures.otlp import otlp_receiver

BATCHES = 4
REQUEST_SECONDS = 5


def tracing(endpoint: str) -> Tracing:
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True, timeout=REQUEST_SECONDS)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000, max_export_batch_size=100))
    for _ in range(100 * BATCHES):
        provider.get_tracer("t").start_span("s").end()
    return Tracing(provider, exporter)


@pytest.fixture
def silent() -> Iterator[str]:
    """Takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


async def test_the_last_spans_are_handed_over() -> None:
    async with otlp_receiver() as (endpoint, spans):
        await asyncio.to_thread(tracing(endpoint).flush)
        assert len(spans.received) == 100 * BATCHES


def test_a_collector_that_never_answers_is_waited_for_once_only(silent: str) -> None:
    began = time.monotonic()
    tracing(silent).flush()
    # Each batch by itself would take as long as a request may.
    assert time.monotonic() - began < FLUSH_SECONDS + REQUEST_SECONDS + 2 < BATCHES * REQUEST_SECONDS
