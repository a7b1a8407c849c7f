"""Votes as rows, out of the columnar batches in which they travel."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Final

from dearena import parts
from dearena.v1 import common_pb2
from dearena.v1.judge_dispatcher_pb2 import ListVotesResponse

_OUTCOMES: Final = {number: name.removeprefix("OUTCOME_") for name, number in common_pb2.Outcome.items()}
EVEN_DRAW: Final = parts.ONE
_KINDS: Final = {number: name.removeprefix("CELL_KIND_") for name, number in common_pb2.CellKind.items()}
ALL_KINDS: Final = (common_pb2.CELL_KIND_VOTE, common_pb2.CELL_KIND_CANARY)
_UNASKED: Final = (common_pb2.SEAT_VERDICT_UNSPECIFIED, common_pb2.SEAT_VERDICT_NONE)
_WINNERS: Final = {"A": "a", "B": "b", "TIE": "tie"}


@dataclass(frozen=True, slots=True)
class Vote:
    """One outcome: a judge asked about two models' answers to one query."""

    sequence: int
    round: int
    cell_id: str
    attempt: int
    model_a: str
    """Model revision, first in slug order."""
    model_b: str
    judge: str
    query_id: str
    outcome: str
    """A, B, TIE, FLIP, INVALID, FAILED, VOID or SKIPPED; one that is not known here as its number."""
    judge_calls: int
    cost_nano_units: int
    currency: str
    kind: str = "VOTE"
    """VOTE or CANARY; one that is not known here as its number."""
    draw: int = EVEN_DRAW
    """Chance with which the judge was drawn over that of an even draw, in parts of 65,536."""
    first: str | None = None
    """Who sat first where the judge looked once: a or b; None where it looked twice, or did not reply."""
    trace_id: str = ""
    """Of the cell's trace, 32 hexadecimal digits; empty where none was recorded, or it was not asked for."""

    @property
    def winner(self) -> str | None:
        """`a`, `b` or `tie`; None where the judge decided nothing, which is never a tie."""
        return _WINNERS.get(self.outcome)


def rows_of(batch: ListVotesResponse) -> Iterator[Vote]:
    """The rows of a batch, in its order."""
    columns = zip(
        batch.sequence,
        batch.round,
        batch.cell_id,
        batch.attempt,
        batch.model_a,
        batch.model_b,
        batch.judge,
        batch.query,
        batch.outcome,
        batch.judge_calls,
        batch.cost_nano_units,
        batch.draw or repeat(0, len(batch.sequence)),
        batch.kind or repeat(common_pb2.CELL_KIND_VOTE, len(batch.sequence)),
        batch.a_first or repeat(common_pb2.SEAT_VERDICT_UNSPECIFIED, len(batch.sequence)),
        batch.b_first or repeat(common_pb2.SEAT_VERDICT_UNSPECIFIED, len(batch.sequence)),
        batch.trace_id or repeat("", len(batch.sequence)),
        strict=True,
    )
    for (
        sequence,
        round_,
        cell_id,
        attempt,
        model_a,
        model_b,
        judge,
        query,
        outcome,
        judge_calls,
        cost,
        draw,
        kind,
        a_first,
        b_first,
        trace_id,
    ) in columns:
        yield Vote(
            sequence=sequence,
            round=round_,
            cell_id=cell_id,
            attempt=attempt,
            model_a=batch.models[model_a],
            model_b=batch.models[model_b],
            judge=batch.models[judge],
            query_id=batch.query_ids[query],
            outcome=_OUTCOMES.get(outcome, str(outcome)),
            judge_calls=judge_calls,
            cost_nano_units=cost,
            currency=batch.currency,
            draw=draw or EVEN_DRAW,
            kind=_KINDS.get(kind, str(kind)),
            first=_who_sat_first(a_first, b_first),
            trace_id=trace_id,
        )


def _who_sat_first(a_first: int, b_first: int) -> str | None:
    """Of one look; None of two, and of none."""
    asked = [seat for seat, said in (("a", a_first), ("b", b_first)) if said not in _UNASKED]
    return asked[0] if len(asked) == 1 else None
