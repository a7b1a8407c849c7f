"""What can become of a cell. One vocabulary for who writes outcomes, who decides by them and who scores them. Pure.

A and B are models in slug order, never seats; what a judge says names a seat. Here is how the one follows from
the other, once, for judges that are asked and for those that are simulated.
"""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of one cell at one attempt; as `Outcome` in common.proto, without its prefix.

    A and B are preferences for the first and second model in slug order, never seats. All but FAILED are final.
    """

    A = "A"
    B = "B"
    TIE = "TIE"
    FLIP = "FLIP"
    INVALID = "INVALID"
    FAILED = "FAILED"
    VOID = "VOID"
    SKIPPED = "SKIPPED"


class SeatVerdict(StrEnum):
    """What a judge said in one seat order; as `SeatVerdict` in common.proto, without its prefix."""

    FIRST = "FIRST"
    SECOND = "SECOND"
    TIE = "TIE"
    UNREADABLE = "UNREADABLE"
    NONE = "NONE"
    """No reply."""


def outcome_of(a_first: SeatVerdict | None, b_first: SeatVerdict | None) -> Outcome:
    """Put the replies of the seat orders together.

    Of a cell of single seats the one verdict is taken at its word. One that is unreadable makes the cell INVALID.

    Args:
        a_first: the reply with model_a in the first seat; None when the cell is not asked in this order.
        b_first: the reply with model_b in the first seat; likewise.

    Raises:
        ValueError: the cell is asked in no order, or one has no reply: why decides what becomes of it.
    """
    verdicts = [verdict for verdict in (a_first, b_first) if verdict is not None]
    if not verdicts:
        raise ValueError("a cell that is asked in no seat order has no outcome")
    if SeatVerdict.NONE in verdicts:
        raise ValueError("NONE says nothing about a pair")
    if SeatVerdict.UNREADABLE in verdicts:
        return Outcome.INVALID
    said = set()
    if a_first is not None:
        said.add(_WITH_A_FIRST[a_first])
    if b_first is not None:
        said.add(_WITH_B_FIRST[b_first])
    return said.pop() if len(said) == 1 else Outcome.FLIP


_WITH_A_FIRST = {SeatVerdict.FIRST: Outcome.A, SeatVerdict.SECOND: Outcome.B, SeatVerdict.TIE: Outcome.TIE}
_WITH_B_FIRST = {SeatVerdict.FIRST: Outcome.B, SeatVerdict.SECOND: Outcome.A, SeatVerdict.TIE: Outcome.TIE}
