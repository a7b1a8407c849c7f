"""Where the ranker's spans hang: in the trace of the registration that they serve."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dearena.names import DimensionName
from services.runtime import semantics, telemetry


@contextmanager
def span_for(
    traceparents: Sequence[str], name: str, dimension: DimensionName, *, round_number: int = 0, model: str = ""
) -> Iterator[str]:
    """A span below the last of these traces, and linked to the others; gives its own traceparent.

    The last, because whoever came last is whom the work was waiting for. Without any it is a trace of its own.
    """
    *others, own = [one for one in traceparents if one] or [""]
    attributes: dict[str, str | int] = {semantics.PROJECT: dimension.project, semantics.DIMENSION: dimension.slug}
    if round_number:
        attributes[semantics.ROUND] = round_number
    if model:
        attributes[semantics.MODEL] = model
    links = [link for other in others for link in telemetry.link_to(other)]
    with telemetry.tracer(__name__).start_as_current_span(
        name, context=telemetry.context_of(own), links=links, attributes=attributes
    ):
        yield telemetry.current_traceparent()
