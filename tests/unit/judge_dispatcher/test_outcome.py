"""Seat orders put together: models, never seats; every kind of trouble under its own name."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.outcomes import Outcome, SeatVerdict
from services.judge_dispatcher.outcome import Miss, Ruling, Seat, not_truncated, rule, without_answer

A, B = "alpha@1", "beta@1"
SAID = (SeatVerdict.FIRST, SeatVerdict.SECOND, SeatVerdict.TIE)
OTHER_SEAT = {SeatVerdict.FIRST: SeatVerdict.SECOND, SeatVerdict.SECOND: SeatVerdict.FIRST}
OTHER_MODEL = {Outcome.A: Outcome.B, Outcome.B: Outcome.A}

said = st.sampled_from(SAID).map(lambda verdict: (verdict, None, ""))
unreadable = st.just((SeatVerdict.UNREADABLE, None, "the last line is not a verdict"))
missed = st.sampled_from(Miss).map(lambda miss: (SeatVerdict.NONE, miss, f"because {miss}"))
readings = said | unreadable | missed


def seats(a_first: SeatVerdict, b_first: SeatVerdict) -> tuple[Seat, Seat]:
    return Seat(A, a_first), Seat(B, b_first)


@pytest.mark.parametrize(
    ("a_first", "b_first", "outcome"),
    [
        (SeatVerdict.FIRST, SeatVerdict.SECOND, Outcome.A),
        (SeatVerdict.SECOND, SeatVerdict.FIRST, Outcome.B),
        (SeatVerdict.TIE, SeatVerdict.TIE, Outcome.TIE),
        (SeatVerdict.FIRST, SeatVerdict.FIRST, Outcome.FLIP),
        (SeatVerdict.SECOND, SeatVerdict.SECOND, Outcome.FLIP),
        (SeatVerdict.FIRST, SeatVerdict.TIE, Outcome.FLIP),
        (SeatVerdict.TIE, SeatVerdict.SECOND, Outcome.FLIP),
    ],
)
def test_two_verdicts_make_an_outcome(a_first: SeatVerdict, b_first: SeatVerdict, outcome: Outcome) -> None:
    assert rule(*seats(a_first, b_first)) == Ruling(outcome)


def test_only_two_agreeing_verdicts_prefer_a_model_and_only_two_ties_are_a_tie() -> None:
    outcomes = [rule(*seats(*pair)).outcome for pair in product(SAID, SAID)]
    assert sorted(outcomes) == sorted([Outcome.A, Outcome.B, Outcome.TIE, *[Outcome.FLIP] * 6])


@pytest.mark.parametrize(
    ("verdict", "a_first", "b_first"),
    [
        (SeatVerdict.FIRST, Outcome.A, Outcome.B),
        (SeatVerdict.SECOND, Outcome.B, Outcome.A),
        (SeatVerdict.TIE, Outcome.TIE, Outcome.TIE),
    ],
)
def test_of_single_seats_the_one_verdict_is_the_outcome(
    verdict: SeatVerdict, a_first: Outcome, b_first: Outcome
) -> None:
    assert rule(Seat(A, verdict), None) == Ruling(a_first)
    assert rule(None, Seat(B, verdict)) == Ruling(b_first)


@given(reading=unreadable | missed)
def test_trouble_in_a_single_seat_has_the_name_it_has_in_both(reading: tuple[SeatVerdict, Miss | None, str]) -> None:
    single = rule(None, Seat(B, *reading))
    assert single.outcome is rule(Seat(A, *reading), Seat(B, *reading)).outcome
    assert single.reason == f"with beta@1 first: {reading[2]}"


@given(one=readings, other=readings)
def test_what_a_model_is_called_does_not_matter(
    one: tuple[SeatVerdict, Miss | None, str], other: tuple[SeatVerdict, Miss | None, str]
) -> None:
    # The two models change names, so the two calls change places; the verdicts stay as they were said.
    named = rule(Seat(A, *one), Seat(B, *other))
    renamed = rule(Seat(A, *other), Seat(B, *one))
    assert renamed.outcome == OTHER_MODEL.get(named.outcome, named.outcome)


@given(one=said, other=said)
def test_a_judge_that_prefers_the_opposite_in_both_orders_turns_the_outcome(
    one: tuple[SeatVerdict, Miss | None, str], other: tuple[SeatVerdict, Miss | None, str]
) -> None:
    straight = rule(*seats(one[0], other[0])).outcome
    turned = rule(*seats(OTHER_SEAT.get(one[0], one[0]), OTHER_SEAT.get(other[0], other[0]))).outcome
    assert turned == OTHER_MODEL.get(straight, straight)


@given(one=readings, other=readings)
def test_an_outcome_has_a_reason_exactly_when_it_is_no_vote(
    one: tuple[SeatVerdict, Miss | None, str], other: tuple[SeatVerdict, Miss | None, str]
) -> None:
    ruling = rule(Seat(A, *one), Seat(B, *other))
    is_vote = ruling.outcome in (Outcome.A, Outcome.B, Outcome.TIE, Outcome.FLIP)
    assert is_vote == (one[0] in SAID and other[0] in SAID)
    assert is_vote == (ruling.reason == "")


@given(other=readings)
def test_trouble_in_either_seat_is_never_a_verdict(other: tuple[SeatVerdict, Miss | None, str]) -> None:
    for place in (0, 1):
        pair = [Seat(A, *other), Seat(B, *other)]
        pair[place] = Seat(pair[place].first, SeatVerdict.UNREADABLE, reason="unreadable")
        assert rule(*pair).outcome in (Outcome.INVALID, Outcome.FAILED, Outcome.VOID, Outcome.SKIPPED)


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        (Miss.FAILED, None, Outcome.FAILED),
        (Miss.NO_RECORD, None, Outcome.VOID),
        (Miss.NOT_ACTIVE, None, Outcome.SKIPPED),
        (Miss.FAILED, Miss.NO_RECORD, Outcome.VOID),
        (Miss.FAILED, Miss.NOT_ACTIVE, Outcome.SKIPPED),
        (Miss.NO_RECORD, Miss.NOT_ACTIVE, Outcome.SKIPPED),
    ],
)
def test_what_asking_again_cannot_mend_comes_first(one: Miss, other: Miss | None, outcome: Outcome) -> None:
    second = Seat(B, SeatVerdict.NONE, other, "x") if other else Seat(B, SeatVerdict.UNREADABLE, reason="x")
    assert rule(Seat(A, SeatVerdict.NONE, one, "x"), second).outcome is outcome
    assert rule(second, Seat(A, SeatVerdict.NONE, one, "x")).outcome is outcome


def test_a_reason_says_in_which_seat_order() -> None:
    timeout = Seat(B, SeatVerdict.NONE, Miss.FAILED, "TIMEOUT: 60 s")
    assert rule(Seat(A, SeatVerdict.FIRST), timeout).reason == "with beta@1 first: TIMEOUT: 60 s"
    assert rule(Seat(A, SeatVerdict.NONE, Miss.FAILED, "TIMEOUT: 60 s"), timeout).reason == (
        "in both seat orders: TIMEOUT: 60 s"
    )


def test_a_missing_answer_is_void_and_names_whose() -> None:
    assert without_answer([A]) == Ruling(Outcome.VOID, "no usable answer of alpha@1")
    assert without_answer([A, B]).reason == "no usable answer of alpha@1 and beta@1"
    assert without_answer([A, A]).reason == "no usable answer of alpha@1"
    assert not_truncated(A) == Ruling(Outcome.VOID, "the answer of alpha@1 is too short to be truncated")


def test_no_reply_without_a_miss_is_a_defect_not_an_outcome() -> None:
    with pytest.raises(ValueError, match="NONE"):
        rule(*seats(SeatVerdict.NONE, SeatVerdict.FIRST))
    with pytest.raises(ValueError, match="no seat order"):
        rule(None, None)
