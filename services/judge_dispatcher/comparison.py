"""All that is kept of one cell at one attempt."""

from collections.abc import Sequence
from dataclasses import dataclass

from dearena.names import DimensionName
from dearena.outcomes import Outcome
from dearena.v1.common_pb2 import Cell
from services.judge_dispatcher.outcome import Ruling, Seat

CellKey = tuple[str, str, int]
"""(project, cell id, attempt)."""


@dataclass(frozen=True, slots=True)
class SeatRecord:
    """One judge call and what it gave."""

    seat: Seat
    request_id: str
    called: bool = False
    """Whether the gateway has a completion of it: it may have cost something."""
    transcript: str | None = None
    """The judge's reply; None when there is none."""
    input_tokens: int = 0
    output_tokens: int = 0
    tokens_estimated: bool = False
    cost_nano_units: int = 0
    currency: str = ""
    latency_ms: int = 0
    finish_reason: str = ""
    structured: bool = False
    """The endpoint was held to the schema of a verdict."""
    reasoning: str | None = None
    """What the judge thought before it replied, told apart by the gateway; None when that is nothing."""
    grade: int = 0
    """Of five steps; 0: none."""
    form: str = ""
    """In which the verdict was asked for, as in `dearena.judging.forms`."""
    prompt_hash: str = ""
    """SHA-256 of what was sent."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What led to an outcome: the event that asked, and the span of the cell. Empty where unknown."""

    event_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A cell, its outcome, and what led to it."""

    dimension: DimensionName
    dimension_version: int
    round: int
    cell: Cell
    ruling: Ruling
    seats: Sequence[SeatRecord] = ()
    """First the call with model_a in the first seat; the only one of single seats; none when nothing was asked."""
    trace_id: str = ""
    origin: Origin = Origin()

    @property
    def key(self) -> CellKey:
        """What it is unique by."""
        return key_of(self.dimension.project, self.cell)

    @property
    def calls(self) -> Sequence[SeatRecord]:
        """The calls made: one for both seats when both contestants gave the same answer."""
        return list({seat.request_id: seat for seat in self.seats if seat.called}.values())


@dataclass(frozen=True, slots=True)
class Standing:
    """An outcome as it stands in the log."""

    dimension: DimensionName
    round: int
    cell_id: str
    attempt: int
    outcome: Outcome
    sequence: int


def key_of(project: str, cell: Cell) -> CellKey:
    """What an outcome of this cell is unique by."""
    return project, cell.cell_id, cell.attempt
