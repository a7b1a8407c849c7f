"""Where the ranker's spans hang: in the trace of the insertion that they serve, as the gateway told it of the entrant.

What a round asks of its judges does not: a round may have more cells than a viewer bears. Each message to a judge is
a trace of its own, and so is each of its cells. The way there and back are links: from the span that asks to the first
messages, from a message to its cells, from a cell to its message and to its round.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import trace

from dearena.names import DimensionName
from dearena.v1.events_pb2 import EventEnvelope
from services.ranker.records import RoundRecord
from services.runtime import semantics, telemetry


@contextmanager
def span_for(
    traceparents: Sequence[str], name: str, dimension: DimensionName, *, round_number: int = 0, model: str = ""
) -> Iterator[str]:
    """A span below the last of these traces, and linked to the others, as far as links go; gives its own traceparent.

    The last, because whoever came last is whom the work was waiting for. Without any it is a trace of its own.
    """
    *others, own = [one for one in traceparents if one] or [""]
    links, left_out = telemetry.links_to([one for one in others if one != own])
    attributes: dict[str, str | int] = {
        semantics.TRACE: semantics.INSERTION,
        semantics.PROJECT: dimension.project,
        semantics.DIMENSION: dimension.slug,
        **left_out,
    }
    if round_number:
        attributes[semantics.ROUND] = round_number
    if model:
        attributes[semantics.MODEL] = model
    with telemetry.tracer(__name__).start_as_current_span(
        name, context=telemetry.context_of(own), links=links, attributes=attributes
    ):
        yield telemetry.current_traceparent()


def asking(asked: RoundRecord, *, again: bool) -> AbstractContextManager[trace.Span]:
    """The span that asks the judges of a round: in the insertion's trace the first time, later in a trace apart.

    A round that waits for long may ask again without number.
    """
    attributes: telemetry.Attributes = {
        # What is asked again is told apart, for a collector keeps all that is of an insertion.
        semantics.TRACE: semantics.PARCEL if again else semantics.INSERTION,
        semantics.PROJECT: asked.name.project,
        semantics.DIMENSION: asked.name.slug,
        semantics.ROUND: asked.number,
        semantics.CELLS: asked.cells,
    }
    if again:
        return telemetry.linked_trace("ask judges again", telemetry.link_to(asked.traceparent), attributes)
    return telemetry.child_of(asked.traceparent, "ask judges", attributes)


@contextmanager
def parcel(event: EventEnvelope, *, place: int) -> Iterator[None]:
    """The trace of one message to a judge; the current span asks, and leads to it if it is among the first.

    Judges take turns, so that the first messages are of as many judges as there are.

    Args:
        event: a `judging.requested`.
        place: of the message among those of its round, from 0.
    """
    asks = trace.get_current_span()
    request = event.judging_requested
    attributes: telemetry.Attributes = {
        semantics.TRACE: semantics.PARCEL,
        semantics.PROJECT: event.project,
        semantics.DIMENSION: event.dimension,
        semantics.ROUND: request.round,
        semantics.JUDGE: request.judge,
        semantics.CELLS: len(request.cells),
        semantics.INSERTION_TRACE: telemetry.trace_id_in(request.insertion_traceparent),
    }
    with telemetry.linked_trace("ask judge", telemetry.link_to(telemetry.current_traceparent()), attributes) as span:
        if place < telemetry.LINKS_A_SPAN:
            telemetry.link_onward(asks, span)
        yield
