"""Traces: OTLP when an endpoint is set, and context carried through events and documents as a traceparent."""

import threading
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.pymongo import PymongoInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from dearena.transport import PLAINTEXT, Tls
from services.runtime import otlp, sampling, semantics

Attributes = Mapping[str, str | int | float | bool | Sequence[str]]

TRACEPARENT = "traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()


LINKS_A_SPAN: Final = 64
"""To traces that a span leads to; a span that leads to more links to these. The SDK would drop those beyond 128, the
first of them, and a viewer shows them one below the other."""


FLUSH_SECONDS: Final = 3.0
"""So long a stop goes on handing over what was recorded last, and one request more: a collector may be away."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """The spans of a process that exports them."""

    provider: TracerProvider
    exporter: SpanExporter

    def flush(self) -> None:
        """Export what is recorded and was not exported; what a collector does not take in time is lost.

        The library's own limit holds for each batch of spans, and there may be several.
        """
        end = threading.Timer(FLUSH_SECONDS, self.exporter.shutdown)
        end.daemon = True
        end.start()
        try:
            self.provider.force_flush()
        finally:
            end.cancel()


def start(
    service: str, instance: str, otlp_endpoint: str, trace_ratio: float = 1.0, tls: Tls = PLAINTEXT
) -> Tracing | None:
    """Begin to export spans of this process; does nothing when no endpoint is set.

    Must run before connections are made: the MongoDB driver is hooked here.

    Args:
        service: as its package is called.
        instance: of this process.
        otlp_endpoint: of a collector, for OTLP over gRPC.
        trace_ratio: the share of cells whose traces are recorded, from 0 to 1.
        tls: for an endpoint at https://.
    """
    if not otlp_endpoint:
        return None
    resource = Resource.create({"service.name": f"dearena.{service}", "service.instance.id": instance})
    provider = TracerProvider(resource=resource, sampler=sampling.sampler(trace_ratio))
    exporter = otlp.spans_to(otlp_endpoint, tls)
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=500)
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    commands = TracerProvider(resource=resource, sampler=sampling.of_commands(), shutdown_on_exit=False)
    commands.add_span_processor(processor)
    PymongoInstrumentor().instrument(tracer_provider=commands, request_hook=_name_command)
    return Tracing(provider, exporter)


def _name_command(span: trace.Span, event: Any) -> None:
    """Name a command as the conventions have it, by what it does and the collection it does it to."""
    collection = event.command.get(event.command_name)
    span.update_name(f"{event.command_name} {collection}" if isinstance(collection, str) else event.command_name)


def tracer(name: str) -> trace.Tracer:
    """The tracer of a module. Costs next to nothing while nothing is exported."""
    return trace.get_tracer(name)


def inject(carrier: MutableMapping[str, str]) -> None:
    """Write the current context into headers."""
    _PROPAGATOR.inject(carrier)


def extract(carrier: Mapping[str, str] | None) -> Context:
    """Read a context out of headers; an empty one where there is none."""
    return _PROPAGATOR.extract(dict(carrier or {}), context=Context())


def current_traceparent() -> str:
    """The current context as a W3C traceparent; empty outside a recorded trace."""
    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier.get(TRACEPARENT, "")


def traceparent_of(span: trace.Span) -> str:
    """Of a span that need not be the current one; empty for one that is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context=trace.set_span_in_context(span, Context()))
    return carrier.get(TRACEPARENT, "")


def is_recorded(traceparent: str) -> bool:
    """Whether it names a trace that is recorded."""
    context = trace.get_current_span(context_of(traceparent)).get_span_context()
    return context.is_valid and context.trace_flags.sampled


def context_of(traceparent: str) -> Context:
    """A context whose current span is the one named, so that new spans become its children."""
    return extract({TRACEPARENT: traceparent} if traceparent else None)


def link_to(traceparent: str) -> list[trace.Link]:
    """A link to the span named by a traceparent; none for an empty or broken one."""
    span = trace.get_current_span(context_of(traceparent)).get_span_context()
    return [trace.Link(span)] if span.is_valid else []


@contextmanager
def child_of(
    traceparent: str, name: str, attributes: Attributes | None = None, *, links: Sequence[trace.Link] = ()
) -> Iterator[trace.Span]:
    """A span below the one named by a stored traceparent, or below the current one when it is empty."""
    context = context_of(traceparent) if traceparent else None
    with tracer("dearena").start_as_current_span(name, context=context, attributes=attributes, links=links) as span:
        yield span


@contextmanager
def linked_trace(
    name: str, links: Sequence[trace.Link], attributes: Attributes | None = None, **options: Any
) -> Iterator[trace.Span]:
    """A new trace of its own, linked to where it came from, so that no trace grows without bound."""
    with tracer("dearena").start_as_current_span(
        name, context=Context(), links=links, attributes=attributes, **options
    ) as span:
        yield span


def link_onward(span: trace.Span, to: trace.Span) -> None:
    """Link a span to another trace that it leads to; of what is not recorded there is nothing to lead to."""
    context = to.get_span_context()
    if context.trace_flags.sampled:
        span.add_link(context)


def part(traceparent: str, name: str, root_name: str, attributes: Mapping[str, str]) -> tuple[trace.Span, trace.Span]:
    """A span below the one named, and the root of a trace that goes on from there; each links to the other.

    Neither has ended, and what does not end is not exported.
    """
    here = tracer("dearena").start_span(name, context=context_of(traceparent), attributes=attributes)
    root = tracer("dearena").start_span(
        root_name,
        context=Context(),
        links=[trace.Link(here.get_span_context())],
        attributes={**attributes, semantics.REGISTRATION_TRACE: trace_id_in(traceparent)},
    )
    link_onward(here, root)
    here.set_attribute(semantics.INSERTION_TRACE, trace_id_of(root))
    return here, root


def links_to(traceparents: Sequence[str]) -> tuple[list[trace.Link], dict[str, int]]:
    """Links to the last of these spans, as many as a span has; and how many that leaves out, as an attribute.

    To none twice.
    """
    several = list(dict.fromkeys(one for one in traceparents if one))
    left_out = max(0, len(several) - LINKS_A_SPAN)
    links = [link for one in several[left_out:] for link in link_to(one)]
    return links, {semantics.LINKS_LEFT_OUT: left_out} if left_out else {}


def describe(attributes: Attributes) -> None:
    """Say more of the current span, such as what a call is about."""
    trace.get_current_span().set_attributes(attributes)


def trace_id_of(span: trace.Span) -> str:
    """32 hexadecimal digits; empty when the span is not recorded."""
    return f"{span.get_span_context().trace_id:032x}" if span.is_recording() else ""


def trace_id_in(traceparent: str) -> str:
    """The trace that a traceparent names, likewise."""
    context = trace.get_current_span(context_of(traceparent)).get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""
