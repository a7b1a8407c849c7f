"""Spans and metrics go to a collector that shows who it is, and to no other; what is shown to it is renewed."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from dearena.faults import InvalidField
from dearena.transport import PLAINTEXT, Tls, certificates
from services.runtime import instruments, metrics, otlp
from services.runtime.metrics import Exporting
from tests.fixtures.certificates import Authority
from tests.fixtures.otlp import Spans, otlp_receiver


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is refused is not asked for long."""
    monkeypatch.setattr(otlp, "REQUEST_SECONDS", 2)


async def exported(endpoint: str, tls: Tls) -> None:
    """One span and one metric, handed over or not."""
    await asyncio.to_thread(_export, endpoint, tls)


def _export(endpoint: str, tls: Tls) -> None:
    exporter = otlp.spans_to(endpoint, tls)
    _span(exporter)
    exporter.shutdown()
    exporting = Exporting("judge_dispatcher", "one", otlp.metrics_to(endpoint, tls))
    exporting.record(instruments.CELL_DURATION, 1.5, metrics.NONE, None)
    exporting.stop()


def _span(exporter: SpanExporter) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("t").start_span("s").end()


def came(spans: Spans) -> tuple[int, int]:
    return len(spans.received), len(spans.metrics.points(instruments.CELL_DURATION.name))


async def test_spans_and_metrics_go_by_mutual_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with otlp_receiver(authority.issue("collector")) as (endpoint, spans):
        await exported(endpoint, authority.issue("service"))
        assert came(spans) == (1, 1)


async def test_nothing_is_told_a_collector_with_a_false_certificate(tmp_path: Path) -> None:
    ours = Authority(tmp_path).issue("service")
    false = Authority(tmp_path, "another")
    # It believes us: who refuses is we.
    collector = replace(false.issue("collector"), ca_file=ours.ca_file)
    async with otlp_receiver(collector) as (endpoint, spans):
        await exported(endpoint, ours)
        assert spans.exports == []
        await exported(endpoint, replace(ours, ca_file=str(false.file)))
        assert came(spans) == (1, 1), "the same collector, believed"


async def test_nor_one_that_is_called_by_another_name_or_whose_time_is_over(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ours = authority.issue("service")
    for collector in (authority.issue("elsewhere", "gateway"), authority.issue("old", expired=True)):
        async with otlp_receiver(collector) as (endpoint, spans):
            await exported(endpoint, ours)
            assert spans.exports == []


async def test_a_collector_takes_nothing_from_whoever_shows_no_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with otlp_receiver(authority.issue("collector")) as (endpoint, spans):
        await exported(endpoint, authority.trusted)
        await exported(endpoint.replace("https://", "http://"), PLAINTEXT)
        assert spans.exports == []


async def test_certificates_are_renewed_without_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LOOK_SECONDS", 0.0)
    authority = Authority(tmp_path)
    over = authority.issue("service", expired=True)
    async with otlp_receiver(authority.issue("collector")) as (endpoint, spans):
        exporter = otlp.spans_to(endpoint, over)
        exporting = Exporting("judge_dispatcher", "one", otlp.metrics_to(endpoint, over))
        exporting.record(instruments.CELL_DURATION, 1.5, metrics.NONE, None)
        await asyncio.to_thread(_span, exporter)
        await asyncio.to_thread(exporting.export)
        assert came(spans) == (0, 0)

        authority.issue("service")
        await asyncio.to_thread(_span, exporter)
        await asyncio.to_thread(exporting.export)
        assert came(spans) == (1, 1)
        exporter.shutdown()
        exporting.stop()


async def test_a_collector_of_others_is_believed_by_the_library_s_own_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = Authority(tmp_path, "others")
    shown = others.issue("client")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(others.file))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", shown.key_file)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", shown.cert_file)
    async with otlp_receiver(others.issue("collector")) as (endpoint, spans):
        await exported(endpoint, Authority(tmp_path).issue("service"))
        assert came(spans) == (1, 1)


def test_a_file_that_is_wrong_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidField, match=certificates.CA):
        otlp.spans_to("https://127.0.0.1:4317", Tls(ca_file=str(tmp_path / "nothing")))


async def test_a_bare_address_is_one_in_plaintext() -> None:
    async with otlp_receiver() as (endpoint, spans):
        await exported(endpoint.removeprefix("http://"), PLAINTEXT)
        assert came(spans) == (1, 1)
