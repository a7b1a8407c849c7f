"""When a judge is suspended, and how closely it is watched."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binom, halfnorm

from dearena.canaries import Sort
from dearena.outcomes import Outcome
from dearena.ranking.canary_schedule import canaries_due, next_canaries, suspicious
from dearena.ranking.health import (
    COIN,
    LIMIT,
    ONE,
    STRONGEST_SEAT,
    USUAL_TILT,
    JudgeRecord,
    Rule,
    evidence,
    log_ratio_of_gaps,
    log_ratio_of_share,
    suspension,
)

Row = tuple[Sort | None, Outcome, tuple[str, str], float | None]

SEATS = st.sampled_from(["FIRST", "SECOND", "TIE", ""])
ROWS = st.tuples(
    st.sampled_from([None, *Sort]),
    st.sampled_from(Outcome),
    st.tuples(SEATS, SEATS),
    st.none() | st.floats(-5, 5),
)


def folded(rows: Sequence[Row]) -> JudgeRecord:
    record = JudgeRecord()
    for canary, outcome, verdicts, gap in rows:
        if canary is None:
            record = record.with_vote(outcome, verdicts, gap)
        else:
            record = record.with_canary(canary, outcome, verdicts)
    return record


@settings(deadline=None, max_examples=50)
@given(rows=st.lists(ROWS, max_size=30), data=st.data())
def test_a_record_does_not_depend_on_the_order_of_outcomes(rows: list[Row], data: st.DataObject) -> None:
    assert folded(data.draw(st.permutations(rows))) == folded(rows)


@settings(deadline=None, max_examples=50)
@given(rows=st.lists(ROWS, max_size=30))
def test_every_cell_put_to_the_judge_is_counted_once(rows: list[Row]) -> None:
    asked = [row for row in rows if row[1] not in {Outcome.VOID, Outcome.SKIPPED}]
    record = folded(rows)
    assert record == folded(asked)
    assert record.cells == len(asked)
    assert record.votes == sum(canary is None for canary, *_ in asked)
    canaries = record.canaries_passed + record.canaries_open + record.canaries_failed
    assert canaries <= record.canaries <= canaries + record.unreadable + record.failed


def test_a_vote_is_held_against_the_order_of_the_strengths_and_weighed_by_the_gap() -> None:
    seats = ("FIRST", "SECOND")
    record = JudgeRecord().with_vote(Outcome.A, seats, 0.5).with_vote(Outcome.B, seats, 0.25)
    assert (record.agreed, record.disagreed) == (1, 1)
    assert (record.against, record.squares) == (-ONE // 4, ONE**2 // 4 + ONE**2 // 16)
    silent = record.with_vote(Outcome.A, seats).with_vote(Outcome.B, seats, 0.0).with_vote(Outcome.TIE, seats, 1.0)
    assert replace(silent, cells=2, first_seat=2, second_seat=2) == record


def test_a_pair_far_apart_weighs_no_more_than_one_that_is_clear() -> None:
    assert JudgeRecord().with_vote(Outcome.B, (), 40.0) == JudgeRecord().with_vote(Outcome.B, (), 2.0)


def test_only_a_truncation_can_be_passed_or_failed() -> None:
    def after(canary: Sort, outcome: Outcome) -> tuple[int, int, int]:
        record = JudgeRecord().with_canary(canary, outcome, ())
        return record.canaries_passed, record.canaries_open, record.canaries_failed

    assert after(Sort.TRUNCATED, Outcome.A) == (1, 0, 0)
    assert after(Sort.TRUNCATED, Outcome.FLIP) == (0, 1, 0)
    assert after(Sort.TRUNCATED, Outcome.B) == (0, 0, 1)
    assert after(Sort.SAME, Outcome.A) == (0, 1, 0)
    assert after(Sort.SAME, Outcome.INVALID) == (0, 0, 0)


def until_suspended(step: Callable[[JudgeRecord], JudgeRecord], most: int = 300) -> JudgeRecord:
    record = JudgeRecord()
    while suspension(record) is None and record.cells < most:
        record = step(record)
    return record


@pytest.mark.parametrize(
    ("step", "cells", "reason"),
    [
        (
            lambda record: record.with_vote(Outcome.A, ("FIRST", "")),
            range(40, 100),
            "takes the first seat: {n} of {n} verdicts",
        ),
        (
            lambda record: record.with_vote(Outcome.B, ("", "SECOND")).with_vote(Outcome.FLIP, ("SECOND", "SECOND")),
            range(20, 100),
            None,
        ),
        (
            lambda record: record.with_vote(Outcome.INVALID, ("", "")),
            range(10, 30),
            "cannot be read: {n} of {n} replies",
        ),
        (
            lambda record: record.with_canary(Sort.TRUNCATED, Outcome.B, ("SECOND", "FIRST")),
            range(10, 30),
            "prefers an answer's truncation to the answer: {n} of {n} canaries",
        ),
        (
            lambda record: record.with_vote(Outcome.B, ("SECOND", "FIRST"), 1.0),
            range(10, 60),
            "is inverted: {n} of {n} votes against the order of the strengths, truncation preferred in 0 of 0 canaries",
        ),
    ],
    ids=["first seat", "second seat", "unreadable", "truncations", "inverted"],
)
def test_a_bad_judge_is_suspended_soon_but_never_by_a_handful_of_cells(
    step: Callable[[JudgeRecord], JudgeRecord], cells: range, reason: str | None
) -> None:
    record = until_suspended(step)
    assert record.cells in cells
    said = suspension(record)
    assert said is not None
    if reason is not None:
        assert said == reason.format(n=record.cells)
    else:
        assert said.startswith("takes the second seat: ")


def test_fifteen_cells_never_suspend_a_judge_whatever_it_said() -> None:
    lost, last = ("SECOND", "FIRST"), ("FIRST", "FIRST")
    for canaries in range(16):
        rows: list[Row] = [(Sort.TRUNCATED, Outcome.B, lost, None)] * canaries
        assert suspension(folded(rows + [(None, Outcome.B, lost, 2.0)] * (15 - canaries))) is None
        assert suspension(folded(rows + [(None, Outcome.FLIP, last, 2.0)] * (15 - canaries))) is None
        assert suspension(folded(rows + [(None, Outcome.INVALID, ("", ""), 2.0)] * (15 - canaries))) is None
    assert suspension(folded([(Sort.TRUNCATED, Outcome.B, lost, None)] * 16)) is not None


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome.TIE, [("TIE", "TIE")]),
        (Outcome.FLIP, [("TIE", "FIRST"), ("SECOND", "TIE")]),
        (Outcome.FAILED, [("", ""), ("FIRST", ""), ("", "SECOND")]),
    ],
)
def test_ties_and_failures_never_suspend(outcome: Outcome, said: list[tuple[str, str]]) -> None:
    record = JudgeRecord()
    for number in range(2_000):
        record = record.with_vote(outcome, said[number % len(said)], 1.0)
        record = record.with_canary(Sort.TRUNCATED, outcome, ())
    assert suspension(record) is None


def test_flips_without_a_favourite_seat_never_suspend() -> None:
    record = JudgeRecord()
    for number in range(2_000):
        record = record.with_vote(Outcome.FLIP, ("FIRST", "FIRST") if number % 2 else ("SECOND", "SECOND"), 1.0)
    assert suspension(record) is None


def test_a_healthy_judge_may_lean_to_a_seat_as_far_as_the_bound() -> None:
    leaning = JudgeRecord(cells=2_000, first_seat=round(2_000 * STRONGEST_SEAT), second_seat=300)
    assert suspension(leaning) is None
    assert (
        suspension(replace(leaning, first_seat=1_900, second_seat=100)) == "takes the first seat: 1900 of 2000 verdicts"
    )


@settings(deadline=None, max_examples=50)
@given(bad=st.integers(0, 60), good=st.integers(0, 60), bound=st.sampled_from([COIN, STRONGEST_SEAT]))
def test_the_ratio_of_a_share_is_the_mixture_it_says(bad: int, good: int, bound: float) -> None:
    def ratio(share: float) -> float:
        return float((share / bound) ** bad * ((1 - share) / (1 - bound)) ** good)

    mixed = quad(ratio, bound, 1, epsabs=0, epsrel=1e-9)[0] / (1 - bound)
    assert log_ratio_of_share(bad, good, bound) == pytest.approx(math.log(mixed), abs=1e-6)


def test_the_ratio_of_a_share_is_a_martingale_at_the_bound() -> None:
    for bound in (COIN, STRONGEST_SEAT):
        total = sum(
            float(binom.pmf(bad, 50, bound)) * math.exp(log_ratio_of_share(bad, 50 - bad, bound)) for bad in range(51)
        )
        assert total == pytest.approx(1)


def test_a_share_far_below_the_bound_is_no_evidence_however_many_there_are() -> None:
    assert log_ratio_of_share(0, 100_000, COIN) < 0


@settings(deadline=None, max_examples=50)
@given(against=st.floats(-20, 20), squares=st.floats(0, 50))
def test_the_ratio_of_gaps_is_the_mixture_it_says(against: float, squares: float) -> None:
    def weighed(tilt: float) -> float:
        return math.exp(tilt * against - tilt**2 * squares / 2) * float(halfnorm.pdf(tilt, scale=USUAL_TILT))

    mixed = quad(weighed, 0, 12, epsabs=0, epsrel=1e-8, limit=200, points=[max(0.0, against / (squares + 4))])[0]
    assert log_ratio_of_gaps(against, squares) == pytest.approx(math.log(mixed), abs=1e-5)


def test_hardly_any_coin_is_ever_suspended_though_one_looks_after_every_cell() -> None:
    chance, out = Random(7), 0
    for _ in range(80):
        record = JudgeRecord()
        for _ in range(100):
            outcome = chance.choice([Outcome.A, Outcome.B])
            record = record.with_vote(outcome, (chance.choice(["FIRST", "SECOND"]), ""), chance.uniform(-2, 2))
            record = record.with_canary(Sort.TRUNCATED, chance.choice([Outcome.A, Outcome.B]), ())
            if suspension(record):
                out += 1
                break
    assert out <= 1


def test_canaries_speak_for_and_against_a_judge_that_votes_against_the_order() -> None:
    assert suspension(JudgeRecord(cells=12, canaries=12, canaries_failed=12)) is None
    votes = JudgeRecord(cells=60, agreed=3, disagreed=15, against=12 * ONE, squares=18 * ONE**2)
    assert suspension(votes) is None
    assert suspension(replace(votes, canaries_failed=12)) == (
        "is inverted: 15 of 18 votes against the order of the strengths, truncation preferred in 12 of 12 canaries"
    )
    assert evidence(replace(votes, canaries_passed=12))[Rule.INVERTED] < evidence(votes)[Rule.INVERTED] - 1


def test_one_truncation_preferred_is_enough_for_suspicion_and_one_seen_through_lifts_it() -> None:
    once = JudgeRecord(cells=21, canaries=1, canaries_failed=1)
    assert suspicious(once)
    assert not suspicious(replace(once, cells=22, canaries=2, canaries_passed=1))


def test_the_first_canary_comes_with_the_first_vote_and_then_one_every_twenty() -> None:
    assert canaries_due(JudgeRecord(), 0, 20) == 0
    assert canaries_due(JudgeRecord(), 1, 20) == 1
    assert canaries_due(JudgeRecord(cells=2, canaries=1), 18, 20) == 0
    assert canaries_due(JudgeRecord(cells=21, canaries=1), 1, 20) == 1


@settings(deadline=None, max_examples=50)
@given(rounds=st.lists(st.integers(0, 45), max_size=40), every=st.integers(1, 30))
def test_a_judge_above_suspicion_gets_one_canary_every_so_many_votes(rounds: list[int], every: int) -> None:
    record, votes, canaries = JudgeRecord(), 0, 0
    for planned in rounds:
        due = canaries_due(record, planned, every)
        votes, canaries = votes + planned, canaries + due
        record = JudgeRecord(cells=votes + canaries, canaries=canaries, canaries_passed=canaries)
    assert canaries == math.ceil(votes / every)


def test_a_judge_under_suspicion_gets_many_more_all_of_them_truncations() -> None:
    suspect = JudgeRecord(cells=43, canaries=3, canaries_failed=3)
    assert suspicious(suspect)
    assert suspension(suspect) is None
    assert canaries_due(suspect, 10, 20) == 10
    assert set(next_canaries(suspect, 10)) == {Sort.TRUNCATED}


def test_two_truncations_then_one_of_the_same_answer_whatever_the_rounds() -> None:
    truncation, same = Sort.TRUNCATED, Sort.SAME
    assert next_canaries(JudgeRecord(), 7) == (truncation, truncation, same, truncation, truncation, same, truncation)
    assert next_canaries(JudgeRecord(cells=40, canaries=2, canaries_passed=2), 2) == (same, truncation)


def test_a_reinstated_judge_begins_anew() -> None:
    assert not suspicious(JudgeRecord())
    assert max(evidence(JudgeRecord()).values()) == pytest.approx(0)


def test_each_rule_can_reach_its_limit() -> None:
    worst = JudgeRecord(
        cells=400,
        unreadable=300,
        first_seat=100,
        canaries_failed=40,
        disagreed=40,
        against=40 * ONE,
        squares=40 * ONE**2,
    )
    found = evidence(worst)
    assert {rule for rule in Rule if found[rule] >= LIMIT} == set(Rule) - {Rule.SECOND_SEAT}
    assert (suspension(worst) or "").startswith("cannot be read: 300 of 400")
