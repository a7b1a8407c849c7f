"""What became of a cell: the seat orders in which it was asked, put together. Pure.

A and B are models in slug order, never seats. Whatever is not a clear verdict keeps its own name and
its reason: a flip is not a tie, a broken reply is not a loss.
"""

from dataclasses import dataclass
from enum import StrEnum

from dearena.outcomes import Outcome, SeatVerdict, outcome_of


class Miss(StrEnum):
    """Why there is no reply."""

    FAILED = "FAILED"
    """The endpoint did not deliver, attempts used up."""
    NO_RECORD = "NO_RECORD"
    """A recorded judge that never judged these two answers: nobody's fault."""
    NOT_ACTIVE = "NOT_ACTIVE"
    """The judge was retired, or may judge no more."""


@dataclass(frozen=True, slots=True)
class Seat:
    """What one seat order gave. `reason` says why it is unreadable or missing; empty otherwise."""

    first: str
    """Model revision in the first seat."""
    verdict: SeatVerdict
    miss: Miss | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """An outcome and, unless it is a vote, why."""

    outcome: Outcome
    reason: str = ""


# What asking again cannot mend comes before what it can: SKIPPED and VOID are final, FAILED is not. And
# one failed call makes the cell FAILED though the other reply was unreadable: half of what was to be
# asked is no cell.
_MISSES = ((Miss.NOT_ACTIVE, Outcome.SKIPPED), (Miss.NO_RECORD, Outcome.VOID), (Miss.FAILED, Outcome.FAILED))


def rule(a_first: Seat | None, b_first: Seat | None) -> Ruling:
    """Put the seat orders together; of a cell of single seats, take the one there is at its word.

    Args:
        a_first: the call with model_a in the first seat; None when the cell is not asked in this order.
        b_first: the call with model_b in the first seat; likewise.

    Raises:
        ValueError: the cell was asked in no order, or a seat has neither a verdict nor a miss.
    """
    seats = [seat for seat in (a_first, b_first) if seat is not None]
    for miss, outcome in _MISSES:
        if struck := [seat for seat in seats if seat.miss is miss]:
            return Ruling(outcome, _reason(struck))
    if struck := [seat for seat in seats if seat.verdict is SeatVerdict.UNREADABLE]:
        return Ruling(Outcome.INVALID, _reason(struck))
    return Ruling(outcome_of(a_first.verdict if a_first else None, b_first.verdict if b_first else None))


def without_answer(models: list[str]) -> Ruling:
    """The ruling on a cell that cannot be asked: these contestants have no usable answer."""
    return Ruling(Outcome.VOID, f"no usable answer of {' and '.join(dict.fromkeys(models))}")


def not_truncated(model: str) -> Ruling:
    """The ruling on a canary that cannot be asked: the answer is so short that nothing can be cut off."""
    return Ruling(Outcome.VOID, f"the answer of {model} is too short to be truncated")


def _reason(seats: list[Seat]) -> str:
    reasons = {seat.reason for seat in seats}
    if len(seats) > 1 and len(reasons) == 1:
        return f"in both seat orders: {seats[0].reason}"
    return "; ".join(f"with {seat.first} first: {seat.reason}" for seat in seats)
