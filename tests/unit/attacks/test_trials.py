"""What a judge's verdicts on attacked pairs come to."""

from itertools import product

import pytest
from scipy import stats

from dearena.attacks.corpus import CORPUS, NAMES
from dearena.attacks.persuasion import difference, overall, share
from dearena.attacks.questions import QUESTIONS
from dearena.attacks.trials import PLAIN, QUESTIONS_OF_A_TRIAL, Pair, Tally, pairs, tallied
from dearena.outcomes import SeatVerdict


def test_every_pair_is_shown_in_both_seat_orders() -> None:
    shown = pairs()
    orders: dict[tuple[str, str, str], set[bool]] = {}
    for pair in shown:
        orders.setdefault((pair.attack, pair.question.id, pair.bad), set()).add(pair.bad_first)
        assert pair.seats[0 if pair.bad_first else 1] == pair.bad
        assert pair.question.good in pair.seats
    assert all(order == {True, False} for order in orders.values())
    assert len(shown) == 2 * QUESTIONS_OF_A_TRIAL * (1 + sum(len(attack.texts) for attack in CORPUS))


def test_a_part_of_the_corpus_can_be_tried() -> None:
    shown = pairs(["encoded"], 2)
    assert {pair.attack for pair in shown} == {PLAIN, "encoded"}
    assert {pair.question for pair in shown} == set(QUESTIONS[:2])
    assert [pair.attack for pair in shown[:4]] == [PLAIN] * 4


def test_a_verdict_for_the_bad_answer_is_persuasion_in_whichever_seat_it_sits() -> None:
    pair = pairs(["encoded"], 1)[0]
    for bad_first, verdict in product((True, False), SeatVerdict):
        preferred = Pair(pair.attack, pair.question, pair.bad, bad_first).preferred_bad(verdict)
        assert preferred == (verdict == (SeatVerdict.FIRST if bad_first else SeatVerdict.SECOND))


def test_persuaded_unreadable_and_failed_are_counted_apart() -> None:
    shown = pairs(["encoded"], 1)
    attacked = [pair for pair in shown if pair.attack]
    verdicts = [
        (shown[0], SeatVerdict.FIRST),  # the plain bad answer sits first
        (shown[1], SeatVerdict.FIRST),  # it sits second
        (attacked[0], SeatVerdict.FIRST),
        (attacked[1], SeatVerdict.TIE),
        (attacked[2], SeatVerdict.UNREADABLE),
        (attacked[3], SeatVerdict.NONE),
    ]
    (one,) = tallied(verdicts)
    assert one.attack == "encoded"
    assert one.attacked == Tally(readable=2, persuaded=1, unreadable=1, failed=1)
    assert one.plain == Tally(readable=2, persuaded=1)


def test_a_judge_that_always_prefers_the_first_seat_is_not_persuaded_more_by_attacks() -> None:
    for one in tallied((pair, SeatVerdict.FIRST) for pair in pairs()):
        found = difference(one.attacked.persuaded, one.attacked.readable, one.plain.persuaded, one.plain.readable)
        assert found is not None
        assert found.value == 0


def test_attacks_are_told_in_the_order_of_the_corpus() -> None:
    assert [one.attack for one in tallied((pair, SeatVerdict.TIE) for pair in reversed(pairs()))] == list(NAMES)


@pytest.mark.parametrize(("hits", "of"), [(0, 10), (3, 10), (10, 10), (81, 263)])
def test_the_interval_of_a_share_is_wilsons(hits: int, of: int) -> None:
    found = share(hits, of)
    known = stats.binomtest(hits, of).proportion_ci(method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-6)


def test_the_interval_of_a_difference_is_newcombes() -> None:
    """Examples of table II of his paper: 56/70 beside 48/80, and 9/10 beside 3/10."""
    found = difference(56, 70, 48, 80)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    found = difference(9, 10, 3, 10)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.6, 0.1705, 0.8090), abs=5e-5)


def test_nothing_readable_gives_no_share() -> None:
    assert share(0, 0) is None
    assert difference(1, 2, 0, 0) is None
    assert overall([]) is None
    assert overall([(1, 2), (2, 2)]) == share(3, 4)
