"""Where the spans of collecting hang: the first collection and its first answers in the trace of the insertion.

What is collected again, after a failure, a wait or a restart, may be so without number: each time is a trace of its
own, and so is each answer beyond those that a trace bears. The way there and back are links, and an attribute.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace

from services.gateway.answer_log import EntrantKey
from services.gateway.entrance_book import Entrance, attributes_of
from services.gateway.entrances import ANSWERS_A_TRACE
from services.runtime import semantics, telemetry


@contextmanager
def collecting(key: EntrantKey, entrance: Entrance) -> Iterator[int]:
    """The span of a collection; gives how many of its answers are in its trace."""
    attributes = attributes_of(key)
    if entrance.new:
        attributes[semantics.TRACE] = semantics.INSERTION
        with telemetry.child_of(entrance.traceparent, "collect answers", attributes):
            yield entrance.answers
        return
    attributes[semantics.TRACE] = semantics.ANSWERS
    attributes[semantics.INSERTION_TRACE] = telemetry.trace_id_in(entrance.traceparent)
    with telemetry.linked_trace("collect answers again", telemetry.link_to(entrance.traceparent), attributes):
        yield ANSWERS_A_TRACE


@contextmanager
def answering(key: EntrantKey, query_id: str, beyond: int) -> Iterator[None]:
    """Within a collection: the trace of one answer, where it is one apart.

    Args:
        key: whose.
        query_id: of the query.
        beyond: the answer's place among those that are apart, from 0; below 0 it is in the collection's trace.
    """
    if beyond < 0:
        yield
        return
    collection = trace.get_current_span()
    traceparent = telemetry.current_traceparent()
    attributes = attributes_of(key) | {
        semantics.TRACE: semantics.ANSWERS,
        semantics.QUERY: query_id,
        semantics.INSERTION_TRACE: telemetry.trace_id_in(traceparent),
    }
    with telemetry.linked_trace("answer query", telemetry.link_to(traceparent), attributes) as span:
        if beyond < telemetry.LINKS_A_SPAN:
            telemetry.link_onward(collection, span)
        yield
