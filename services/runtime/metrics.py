"""Metrics: what the catalogue lists is recorded here, and exported over OTLP when an endpoint is set.

Counters and histograms are recorded where things happen: a counter is a sum kept here; a histogram is the library's,
and names traces as examples of what it has seen. Gauges are read by the service's own loop just before each export,
never by an exporter's thread: what a service keeps in memory may be in the middle of a change, and what it reads from
its store waits its turn there. Without an endpoint nothing is kept and no gauge is read.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import structlog
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider, TraceBasedExemplarFilter
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from dearena.names import DimensionName
from dearena.transport import PLAINTEXT, Tls
from services.runtime import otlp, semantics
from services.runtime.instruments import CATALOGUE, Instrument, Kind

log = structlog.get_logger(__name__)

EXPORT_SECONDS: Final = otlp.REQUEST_SECONDS
"""An export that takes longer is given up; the next one tells all that this one would have."""

Attributes = Mapping[str, str | int]
NONE: Final[Attributes] = MappingProxyType({})


class NotInCatalogue(LookupError):
    """A defect of ours: a metric, or an attribute of one, that the catalogue does not list here."""


class Reading(NamedTuple):
    """What a gauge says now."""

    instrument: Instrument
    value: float
    attributes: Attributes = NONE


Stock = Callable[[], Awaitable[Iterable[Reading]]]
"""Reads gauges. What it does not tell of any more is not exported any more."""

_Record = Callable[[float, Attributes, Context | None], None]


class _Sums:
    """Of one counter, by its attributes. To keep them so costs a tenth of the library's own counter."""

    def __init__(self, one: Instrument) -> None:
        self._attributes = one.attributes
        self._sums: dict[tuple[str | int | None, ...], float] = {}

    def add(self, value: float, attributes: Attributes, _context: Context | None) -> None:
        key = tuple(map(attributes.get, self._attributes))
        self._sums[key] = self._sums.get(key, 0) + value

    def read(self, _options: CallbackOptions) -> Iterable[Observation]:
        """Called by an exporter's thread: a copy is made in one step."""
        for key, value in list(self._sums.items()):
            named = zip(self._attributes, key, strict=True)
            yield Observation(value, {name: one for name, one in named if one is not None})


class Exporting:
    """The metrics of a process that exports them."""

    def __init__(self, service: str, instance: str, exporter: MetricExporter) -> None:
        """Nothing is exported yet.

        Args:
            service: as its package is called.
            instance: of this process.
            exporter: where to.
        """
        self._service = service.replace("_", "-")
        self._readings: Mapping[str, Sequence[Observation]] = {}
        # Without a rhythm of its own: it is told when the gauges have been read.
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
        mine = [one for one in CATALOGUE.values() if self._service in one.services]
        self._provider = MeterProvider(
            [reader],
            Resource.create({"service.name": f"dearena.{service}", "service.instance.id": instance}),
            exemplar_filter=TraceBasedExemplarFilter(),
            shutdown_on_exit=False,
            views=[
                View(instrument_name=one.name, aggregation=ExplicitBucketHistogramAggregation(one.buckets))
                for one in mine
                if one.buckets
            ],
        )
        self._records = {one.name: self._made(one) for one in mine}

    def _made(self, one: Instrument) -> _Record:
        meter = self._provider.get_meter("dearena")
        match one.kind:
            case Kind.COUNTER:
                sums = _Sums(one)
                meter.create_observable_counter(one.name, [sums.read], one.unit, one.description)
                return sums.add
            case Kind.HISTOGRAM:
                return meter.create_histogram(one.name, one.unit, one.description).record
            case Kind.GAUGE:

                def read(_options: CallbackOptions) -> Iterable[Observation]:
                    return self._readings.get(one.name, ())

                meter.create_observable_gauge(one.name, [read], one.unit, one.description)

                def refused(_value: float, _attributes: Attributes, _context: Context | None) -> None:
                    raise NotInCatalogue(f"{one.name} is a gauge: it is read, not recorded")

                return refused

    def record(self, one: Instrument, value: float, attributes: Attributes, context: Context | None) -> None:
        """See the function of this name."""
        if (known := self._records.get(one.name)) is None:
            raise NotInCatalogue(f"{one.name} is not reported by {self._service}")
        known(value, attributes, context)

    async def take_stock(self, stocks: Iterable[Stock]) -> None:
        """Read all gauges; those of a stock that cannot be read are left out."""
        readings: dict[str, list[Observation]] = {}
        for stock in stocks:
            try:
                found = list(await stock())
            except Exception as error:  # noqa: BLE001 - the others are read all the same
                log.info("gauges not read", error=repr(error))
                continue
            for one, value, attributes in found:
                if one.kind is not Kind.GAUGE or one.name not in self._records:
                    raise NotInCatalogue(f"{one.name} is no gauge of {self._service}")
                check(one, attributes)
                readings.setdefault(one.name, []).append(Observation(value, attributes))
        self._readings = readings

    async def keep(self, stocks: Sequence[Stock], every_seconds: float) -> None:
        """Read the gauges and export, until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            try:
                await self.take_stock(stocks)
                await asyncio.to_thread(self.export)
            except Exception:  # the service is not to end for it
                log.exception("metrics not exported")

    def export(self) -> None:
        """Export what has been recorded and read; a collector that is away hears it all next time."""
        self._provider.force_flush(EXPORT_SECONDS * 1_000)

    def stop(self) -> None:
        """Export what was recorded last, and no gauges: what they tell of has ended."""
        global _exporting  # noqa: PLW0603 - there is one process
        if _exporting is self:
            _exporting = None
        self._readings = {}
        self.export()
        self._provider.shutdown(EXPORT_SECONDS * 1_000)


_exporting: Exporting | None = None
_ALLOWED: Final = {one.name: frozenset(one.attributes) for one in CATALOGUE.values()}


def start(service: str, instance: str, otlp_endpoint: str, tls: Tls = PLAINTEXT) -> Exporting | None:
    """Begin to keep metrics of this process; does nothing when no endpoint is set.

    Args:
        service: as its package is called.
        instance: of this process.
        otlp_endpoint: of a collector, for OTLP over gRPC.
        tls: for an endpoint at https://.
    """
    if not otlp_endpoint:
        return None
    return begin(Exporting(service, instance, otlp.metrics_to(otlp_endpoint, tls)))


def begin(exporting: Exporting) -> Exporting:
    """Record in it from here on."""
    global _exporting  # noqa: PLW0603 - there is one process
    _exporting = exporting
    return exporting


def record(one: Instrument, value: float, attributes: Attributes = NONE, context: Context | None = None) -> None:
    """Add to a counter, or note a value in a histogram.

    Args:
        one: of the catalogue.
        value: in the instrument's unit.
        attributes: of the catalogue; one that does not apply is left out.
        context: whose trace is named as an example of the value; that of the caller where none is given.

    Raises:
        NotInCatalogue: this service does not report it, it is a gauge, or it has no such attribute.
    """
    check(one, attributes)
    if _exporting is not None:
        _exporting.record(one, value, attributes, context)


def of_dimension(name: DimensionName) -> Attributes:
    """The attributes that name a dimension."""
    return {semantics.PROJECT: name.project, semantics.DIMENSION: name.slug}


def check(one: Instrument, attributes: Attributes) -> None:
    """Raises NotInCatalogue when the instrument has not all these attributes; asked without an endpoint as well."""
    allowed = _ALLOWED.get(one.name)
    if allowed is None or not attributes.keys() <= allowed:
        raise NotInCatalogue(f"{one.name} with {sorted(attributes)} is not in the catalogue")
