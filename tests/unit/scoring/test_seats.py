import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.scoring import BrokenVote, Evidence, Votes
from dearena.scoring.seats import FIRST, SECOND, TIE, UNSAID


def looked_once(winners: list[str], first: list[str] | None, judge: str = "judge") -> Votes:
    count = len(winners)
    return Votes.of_columns(
        judge=[judge] * count,
        model_a=["zebra"] * count,
        model_b=["ant"] * count,
        query=["q"] * count,
        winner=winners,
        first=first,
    )


def test_a_verdict_of_one_look_names_the_seat_of_the_winner() -> None:
    votes = looked_once(["a", "b", "a", "b", "tie", "INVALID"], ["a", "a", "b", "b", "b", "a"])
    assert votes.seats is not None
    assert votes.seats.tolist() == [
        [FIRST, UNSAID],
        [SECOND, UNSAID],
        [UNSAID, SECOND],
        [UNSAID, FIRST],
        [UNSAID, TIE],
        [UNSAID, UNSAID],
    ]


def test_seats_are_unknown_unless_told() -> None:
    assert looked_once(["a", "b"], None).seats is None


def test_seats_follow_their_rows() -> None:
    votes = looked_once(["a", "b", "tie"], ["a", "a", "b"]).where(np.array([2, 0]))
    assert votes.seats is not None
    assert votes.seats.tolist() == [[UNSAID, TIE], [FIRST, UNSAID]]


def test_an_unknown_seat_is_refused_by_its_row() -> None:
    with pytest.raises(BrokenVote, match="row 1: first 'left'"):
        looked_once(["a", "b"], ["a", "left"])
    with pytest.raises(BrokenVote, match="first: 1 values"):
        looked_once(["a", "b"], ["a"])


@pytest.mark.parametrize(
    ("seats", "message"),
    [([[0, 0], [0, 4]], "row 1"), ([[0, 0]], r"ask for \(2, 2\)"), ([[0.5, 0], [0, 0]], "whole numbers")],
)
def test_broken_seats_are_refused(seats: list[list[float]], message: str) -> None:
    with pytest.raises(BrokenVote, match=message):
        Votes.of_codes(
            models=["a", "b"],
            judges=["j"],
            queries=["q"],
            judge=[0, 0],
            first=[0, 0],
            second=[1, 1],
            query=[0, 0],
            outcome=[0, 1],
            seats=seats,
        )


@given(told=st.lists(st.booleans(), min_size=1, max_size=6))
def test_evidence_grows_with_and_without_seats(told: list[bool]) -> None:
    evidence, expected = Evidence(), []
    for number, is_told in enumerate(told):
        # Judges come in falling order, so that every one finds its place before the others.
        evidence.add(looked_once(["a", "b"], ["a", "b"] if is_told else None, judge=f"judge-{9 - number}"))
        expected += [[FIRST, UNSAID], [UNSAID, FIRST]] if is_told else [[UNSAID, UNSAID]] * 2
    seats = evidence.votes.seats
    assert (None if seats is None else seats.tolist()) == (expected if any(told) else None)
