"""Where spans and metrics go: OTLP over gRPC, in plaintext or by TLS with certificates that are renewed meanwhile."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

import grpc
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from dearena.transport import PLAINTEXT, Tls
from dearena.transport.certificates import Certificates

REQUEST_SECONDS: Final = 5
"""An export that takes longer is given up: the next one of metrics tells all, and spans are lost."""

OF_THE_LIBRARY: Final = (
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
)
"""Authorities of a collector that is not the arena's own. Where one is named the library reads certificates, not we."""


class _Ends(Protocol):
    def shutdown(self) -> None: ...


E = TypeVar("E", bound=_Ends)


def spans_to(endpoint: str, tls: Tls = PLAINTEXT) -> SpanExporter:
    """An exporter of spans.

    Args:
        endpoint: of a collector: http:// or a bare address for plaintext, https:// for TLS.
        tls: what is shown to a collector at https://, and what it must show.

    Raises:
        InvalidField: a file of `tls` is wrong; names the setting.
    """

    def made(credentials: grpc.ChannelCredentials | None) -> OTLPSpanExporter:
        return OTLPSpanExporter(endpoint, _in_plaintext(endpoint), credentials, timeout=REQUEST_SECONDS)

    return _Spans(_Renewed(made, Certificates(tls))) if _ours(endpoint, tls) else made(None)


def metrics_to(endpoint: str, tls: Tls = PLAINTEXT) -> MetricExporter:
    """An exporter of metrics; see `spans_to`."""

    def made(credentials: grpc.ChannelCredentials | None) -> OTLPMetricExporter:
        return OTLPMetricExporter(endpoint, _in_plaintext(endpoint), credentials, timeout=REQUEST_SECONDS)

    return _Metrics(_Renewed(made, Certificates(tls))) if _ours(endpoint, tls) else made(None)


def _in_plaintext(endpoint: str) -> bool:
    return not endpoint.startswith("https://")


def _ours(endpoint: str, tls: Tls) -> bool:
    return endpoint.startswith("https://") and tls.wanted and not any(map(os.environ.get, OF_THE_LIBRARY))


class _Renewed(Generic[E]):
    """An exporter with what the files hold now: gRPC's own credentials never change."""

    def __init__(self, made: Callable[[grpc.ChannelCredentials], E], certificates: Certificates) -> None:
        self._made = made
        self._certificates = certificates
        self._ended = False
        self._changing = threading.Lock()
        self._pems = certificates.current()
        self._current = self._make()

    def _make(self) -> E:
        pems = self._pems
        return self._made(grpc.ssl_channel_credentials(pems.authorities or None, pems.key or None, pems.chain or None))

    def current(self) -> E:
        """For the next export; exports come one after another."""
        with self._changing:
            pems = self._certificates.current()
            if pems is not self._pems and not self._ended:
                self._current.shutdown()
                self._pems = pems
                self._current = self._make()
            return self._current

    def end(self) -> None:
        """May be called by another thread, to end an export."""
        with self._changing:
            self._ended = True
            self._current.shutdown()


class _Spans(SpanExporter):
    def __init__(self, renewed: _Renewed[OTLPSpanExporter]) -> None:
        self._renewed = renewed

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._renewed.current().export(spans)

    def shutdown(self) -> None:
        self._renewed.end()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept back."""
        return True


class _Metrics(MetricExporter):
    def __init__(self, renewed: _Renewed[OTLPMetricExporter]) -> None:
        super().__init__()
        self._renewed = renewed

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_options: Any) -> MetricExportResult:
        return self._renewed.current().export(metrics_data, timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **_options: Any) -> None:
        self._renewed.end()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is kept back."""
        return True
