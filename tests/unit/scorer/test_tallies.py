"""What the log adds up to, whatever the order in which it is read."""

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.tallies import BrokenVote, JudgedPair, Outcome, Preferences, Tallies, Vote
from tests.unit.scorer.worlds import board_of, tallied, vote, votes

A, B, TIE, FLIP, FAILED = Outcome.A, Outcome.B, Outcome.TIE, Outcome.FLIP, Outcome.FAILED


def test_preferences_are_counted_by_judge_and_pair() -> None:
    tallies = tallied(
        [
            vote("alpha@1", "beta@1", A, "delta@1"),
            vote("alpha@1", "beta@1", A, "delta@1"),
            vote("alpha@1", "beta@1", TIE, "delta@1"),
            vote("alpha@1", "beta@1", B, "gamma@1"),
        ]
    )
    assert tallies.preferences == {
        JudgedPair("delta@1", "alpha@1", "beta@1"): Preferences(a=2, tie=1),
        JudgedPair("gamma@1", "alpha@1", "beta@1"): Preferences(b=1),
    }


@pytest.mark.parametrize("outcome", [FLIP, Outcome.INVALID, FAILED, Outcome.VOID, Outcome.SKIPPED])
def test_what_is_no_preference_is_counted_and_enters_no_fit(outcome: Outcome) -> None:
    tallies = tallied([vote("alpha@1", "beta@1", outcome)])
    assert tallies.outcomes == Counter({outcome: 1})
    assert tallies.preferences == {}
    assert tallies.models == {"alpha@1", "beta@1", "judge@1"}


@given(rows=votes(), order=st.randoms(use_true_random=False))
def test_the_order_of_votes_does_not_matter(rows: list[Vote], order: random.Random) -> None:
    shuffled = order.sample(rows, len(rows))
    assert tallied(shuffled) == tallied(rows)


@given(rows=votes(), cuts=st.lists(st.integers(0, 40), max_size=4))
def test_grown_round_by_round_they_equal_those_made_at_once(rows: list[Vote], cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), len(rows)]
    rounds = [rows[low:high] for low, high in pairwise(bounds)]
    grown, at_once = tallied(*rounds), tallied(rows)
    grown.through = at_once.through
    assert grown == at_once
    assert board_of(*rounds).digest == board_of(rows).digest


class TestACellAskedAgain:
    first = vote("alpha@1", "beta@1", FAILED, cell_id="x", judge_calls=1, cost_nano_units=5, currency="USD")
    second = vote("alpha@1", "beta@1", A, cell_id="x", attempt=2, judge_calls=2, cost_nano_units=7, currency="USD")

    @pytest.mark.parametrize(
        "rounds", [[[first, second]], [[second, first]], [[first], [second]], [[first], [], [second]]]
    )
    def test_counts_once_by_its_last_outcome(self, rounds: list[list[Vote]]) -> None:
        tallies = tallied(*rounds)
        assert +tallies.outcomes == Counter({A: 1})
        assert list(tallies.preferences.values()) == [Preferences(a=1)]

    def test_was_paid_for_each_time(self) -> None:
        tallies = tallied([self.first], [self.second])
        assert tallies.judge_calls == 3
        assert tallies.cost_nano_units == Counter({"USD": 12})

    def test_stays_failed_when_it_fails_again(self) -> None:
        again = self.second._replace(outcome=FAILED)
        assert tallied([self.first], [again]).outcomes == Counter({FAILED: 1})

    def test_cannot_overturn_what_was_final(self) -> None:
        with pytest.raises(BrokenVote, match=r"'x', attempt 3: the A of attempt 2 was final"):
            tallied([self.first], [self.second], [self.second._replace(attempt=3, outcome=B)])

    def test_cannot_be_counted_twice(self) -> None:
        with pytest.raises(BrokenVote, match="attempt 1 has been counted already"):
            tallied([self.first], [self.first])

    def test_is_about_the_same_models(self) -> None:
        with pytest.raises(BrokenVote, match="names other models"):
            tallied([self.first], [self.second._replace(model_b="delta@1")])


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"model_a": "beta@1"}, "beta@1 is compared with itself"),
        ({"judge": "beta@1"}, "beta@1 judges its own answer"),
        ({"outcome": "PERHAPS"}, "'PERHAPS' is not an outcome"),
        ({"model_a": "gamma@1"}, "not in canonical order"),
        ({"model_a": "beta@10", "model_b": "beta@9"}, "not in canonical order"),
        ({"model_a": "Alpha"}, "'Alpha' is not a revision"),
        ({"judge": ""}, "'' is not a revision"),
        ({"attempt": 0}, "attempts count up from 1"),
        ({"judge_calls": -1}, "not negative"),
    ],
)
def test_a_broken_row_is_refused_by_name_and_nothing_is_counted(changes: dict[str, object], complaint: str) -> None:
    good = vote("alpha@1", "beta@1", A)
    tallies = Tallies()
    with pytest.raises(BrokenVote, match=complaint) as refused:
        tallies.add_round(1, [good, good._replace(cell_id="the-bad-one", **changes)])  # type: ignore[arg-type]
    assert "the-bad-one" in str(refused.value)
    assert tallies == Tallies()


def test_a_doubled_row_is_refused() -> None:
    row = vote("alpha@1", "beta@1", A)
    with pytest.raises(BrokenVote, match=row.cell_id):
        tallied([row, row])


class TestACellThatWasFinalAtOnce:
    row = vote("alpha@1", "beta@1", A, cell_id="x")

    @pytest.mark.parametrize("attempt", [1, 2])
    @pytest.mark.parametrize("between", [0, 3])
    def test_is_refused_in_a_later_round_and_nothing_of_that_is_counted(self, attempt: int, between: int) -> None:
        others = [[vote("alpha@1", "beta@1", B), vote("alpha@1", "beta@1", FAILED)] for _ in range(between)]
        rounds = [[self.row, vote("alpha@1", "beta@1", TIE)], *others]
        tallies = tallied(*rounds)
        new = vote("alpha@1", "gamma@1", A)
        with pytest.raises(BrokenVote, match=rf"'x', attempt {attempt}: .* counted already"):
            tallies.add_round(len(rounds) + 1, [new, self.row._replace(attempt=attempt, outcome=B)])
        assert tallies == tallied(*rounds)
        tallies.add_round(len(rounds) + 1, [new])

    def test_takes_eight_bytes(self) -> None:
        tallies = tallied(*([vote("alpha@1", "beta@1", A) for _ in range(50)] for _ in range(4)))
        assert len(tallies.settled.tobytes()) == 8 * 200
        assert list(tallies.settled) == sorted(set(tallies.settled))


def test_rounds_are_counted_one_after_another() -> None:
    tallies = tallied([], [])
    for number in (2, 4):
        with pytest.raises(ValueError, match=f"round {number} cannot be counted after round 2"):
            tallies.add_round(number, [])
