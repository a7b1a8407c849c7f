"""From what a judge said in each seat order to what became of the cell."""

from itertools import product

import pytest

from dearena.outcomes import Outcome, SeatVerdict, outcome_of

FIRST, SECOND, TIE = SeatVerdict.FIRST, SeatVerdict.SECOND, SeatVerdict.TIE


@pytest.mark.parametrize(
    ("a_first", "b_first", "outcome"),
    [
        (FIRST, SECOND, Outcome.A),
        (SECOND, FIRST, Outcome.B),
        (TIE, TIE, Outcome.TIE),
        (FIRST, None, Outcome.A),
        (SECOND, None, Outcome.B),
        (None, FIRST, Outcome.B),
        (None, SECOND, Outcome.A),
        (TIE, None, Outcome.TIE),
        (None, TIE, Outcome.TIE),
    ],
)
def test_a_model_is_preferred_in_every_order_asked_or_not_at_all(
    a_first: SeatVerdict | None, b_first: SeatVerdict | None, outcome: Outcome
) -> None:
    assert outcome_of(a_first, b_first) is outcome


def test_orders_that_disagree_are_a_flip() -> None:
    agreeing = {(FIRST, SECOND), (SECOND, FIRST), (TIE, TIE)}
    for pair in product((FIRST, SECOND, TIE), repeat=2):
        assert (outcome_of(*pair) is Outcome.FLIP) == (pair not in agreeing)


@pytest.mark.parametrize("other", [FIRST, SECOND, TIE, SeatVerdict.UNREADABLE, None])
def test_one_unreadable_reply_makes_a_cell_invalid(other: SeatVerdict | None) -> None:
    assert outcome_of(SeatVerdict.UNREADABLE, other) is Outcome.INVALID
    assert outcome_of(other, SeatVerdict.UNREADABLE) is Outcome.INVALID


def test_without_a_reply_there_is_nothing_to_put_together() -> None:
    with pytest.raises(ValueError, match="NONE"):
        outcome_of(SeatVerdict.NONE, FIRST)
    with pytest.raises(ValueError, match="no seat order"):
        outcome_of(None, None)
