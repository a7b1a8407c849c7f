"""Which traces begin to be recorded. What becomes of them is decided where they end: in the collector.

A trace that has begun is recorded whole, in every service: the decision travels with its context. Traces of
insertions and of people's calls are recorded always, for there are few of them. Those of cells are many, and so are
those of answers apart; a share of them can be told to be enough.
"""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from services.runtime import semantics


def sampler(ratio: float) -> Sampler:
    """Children follow their parents; of traces of cells and of answers apart the share `ratio` begins, else each."""
    return ParentBased(root=_Roots(ratio))


def of_commands() -> Sampler:
    """For commands to the store: those of a trace, and none by themselves.

    Sweeps, leases and writes of many calls at once belong to nobody's trace. Each would be a trace of one span, and
    there would be more of them than of all others together.
    """
    return ParentBased(root=ALWAYS_OFF)


class _Roots(Sampler):
    def __init__(self, ratio: float) -> None:
        self._share = TraceIdRatioBased(ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """A parcel of cells is drawn; its cells go with it, so that whoever follows a link finds what it names."""
        begun = (attributes or {}).get(semantics.TRACE)
        if begun in (semantics.PARCEL, semantics.ANSWERS):
            chosen: Sampler = self._share
        elif begun == semantics.CELL_TRACE and links:
            chosen = ALWAYS_ON if all(link.context.trace_flags.sampled for link in links) else ALWAYS_OFF
        elif begun == semantics.CELL_TRACE:
            chosen = self._share
        else:
            chosen = ALWAYS_ON
        return chosen.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """As the SDK shows it."""
        return f"Roots{{cells={self._share.get_description()}}}"
