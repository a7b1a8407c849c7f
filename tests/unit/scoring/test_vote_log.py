"""What the log adds up to, whatever the order in which it is read."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dearena.scoring import Outcome
from dearena.scoring.boards.board import make_board
from dearena.scoring.boards.round_votes import BrokenLog
from dearena.scoring.boards.vote_log import Counted, VoteLog
from dearena.scoring.boards.vote_rows import Vote, columns_of, log_of
from dearena.scoring.outcomes import CODES
from dearena.scoring.seats import unsaid
from tests.unit.scoring.voted import SCORE, board_of, entrants, vote, votes

A, B, TIE, FLIP, FAILED = Outcome.A, Outcome.B, Outcome.TIE, Outcome.FLIP, Outcome.FAILED

Row = tuple[str, str, str, str, Outcome, tuple[int, ...]]


def rows_of(counted: Counted) -> list[Row]:
    """What counts, a row a cell, in any order of rows."""
    votes, outcomes = counted.votes, list(Outcome)
    seats = unsaid(0) if votes.seats is None else votes.seats
    return sorted(
        (
            votes.models[votes.first[row]],
            votes.models[votes.second[row]],
            votes.judges[votes.judge[row]],
            votes.queries[votes.query[row]],
            outcomes[votes.outcome[row]],
            tuple(seats[row].tolist()),
        )
        for row in range(len(votes))
    )


def in_all(counted: Counted) -> dict[Outcome, int]:
    """Cells by outcome, where there are any."""
    return {
        outcome: number
        for outcome, number in zip(Outcome, counted.outcomes.by_judge.sum(axis=0).tolist(), strict=True)
        if number
    }


def contents(log: VoteLog, version: int | None = None) -> tuple[object, ...]:
    """All that a board can tell of a log."""
    counted = log.counted(version)
    return (
        rows_of(counted),
        counted.votes.models,
        counted.votes.judges,
        counted.votes.queries,
        counted.outcomes.by_model.tolist(),
        counted.outcomes.by_judge.tolist(),
        counted.spent.judge_calls,
        dict(counted.spent.cost_nano_units),
        {currency: paid.tolist() for currency, paid in counted.spent.of_judge.items()},
    )


def test_every_vote_stands_in_a_row_with_its_query_and_seats() -> None:
    counted = log_of(
        [
            vote("alpha@1", "beta@1", A, "delta@1", query_id="q1", seats=(0, 1)),
            vote("alpha@1", "gamma@1", FLIP, "beta@1", query_id="q2", seats=(0, 0)),
        ]
    ).counted()
    assert rows_of(counted) == [
        ("alpha@1", "beta@1", "delta@1", "q1", A, (0, 1)),
        ("alpha@1", "gamma@1", "beta@1", "q2", FLIP, (0, 0)),
    ]
    assert counted.votes.models == ("alpha@1", "beta@1", "delta@1", "gamma@1")
    assert counted.votes.judges == ("beta@1", "delta@1")


def test_outcomes_are_counted_by_contestant_and_by_judge() -> None:
    counted = log_of(
        [vote("alpha@1", "beta@1", A, "gamma@1"), vote("alpha@1", "gamma@1", FLIP, "beta@1")],
        [vote("alpha@1", "beta@1", A, "gamma@1")],
    ).counted()
    by_model = dict(zip(counted.votes.models, counted.outcomes.by_model, strict=True))
    by_judge = dict(zip(counted.votes.judges, counted.outcomes.by_judge, strict=True))
    assert by_model["alpha@1"][CODES[A]] == 2
    assert by_model["alpha@1"][CODES[FLIP]] == 1
    assert by_model["beta@1"].tolist() == [2 * int(outcome is B) for outcome in Outcome]
    assert by_judge["gamma@1"][CODES[A]] == 2
    assert by_judge["beta@1"].tolist() == [int(outcome is FLIP) for outcome in Outcome]
    assert in_all(counted) == {A: 2, FLIP: 1}


@given(rows=votes(), order=st.randoms(use_true_random=False))
def test_the_order_of_votes_does_not_matter(rows: list[Vote], order: random.Random) -> None:
    assert contents(log_of(order.sample(rows, len(rows)))) == contents(log_of(rows))


def cut(rows: Sequence[Vote], cuts: Sequence[int]) -> list[Sequence[Vote]]:
    bounds = [0, *sorted(cuts), len(rows)]
    return [rows[low:high] for low, high in pairwise(bounds)]


@given(rows=votes(), cuts=st.lists(st.integers(0, 40), max_size=4))
@settings(max_examples=40)
def test_grown_round_by_round_it_equals_one_made_at_once(rows: list[Vote], cuts: list[int]) -> None:
    rounds = cut(rows, cuts)
    assert contents(log_of(*rounds)) == contents(log_of(rows))
    assert board_of(*rounds).digest == board_of(rows).digest


@given(rows=votes(), cuts=st.lists(st.integers(0, 40), min_size=1, max_size=3))
@settings(max_examples=30)
def test_a_grown_log_gives_the_board_of_each_round_that_a_rebuild_gives(rows: list[Vote], cuts: list[int]) -> None:
    """Looked at after every round, so that each grows what is there, and once more from its end."""
    rounds = cut(rows, cuts)
    grown = VoteLog()
    for number, of_round in enumerate(rounds, start=1):
        grown.add_round(number, columns_of(of_round))
        counted, anew = grown.counted(), log_of(*rounds[:number])
        assert contents(grown) == contents(anew)
        boards = [make_board(one, entrants(one), SCORE).board for one in (counted, anew.counted())]
        assert boards[0] == boards[1]
    for number in range(len(rounds) + 1):
        assert contents(grown, number) == contents(log_of(*rounds[:number]))


def test_a_round_that_is_not_counted_cannot_be_looked_back_to() -> None:
    with pytest.raises(ValueError, match="rounds 1 to 1 have been counted, not 2"):
        log_of([]).counted(2)


class TestACellAskedAgain:
    first = vote("alpha@1", "beta@1", FAILED, cell_id="x", judge_calls=1, cost_nano_units=5, currency="USD")
    second = vote("alpha@1", "beta@1", A, cell_id="x", attempt=2, judge_calls=2, cost_nano_units=7, currency="USD")

    @pytest.mark.parametrize(
        "rounds", [[[first, second]], [[second, first]], [[first], [second]], [[first], [], [second]]]
    )
    def test_counts_once_by_its_last_outcome(self, rounds: list[list[Vote]]) -> None:
        counted = log_of(*rounds).counted()
        assert in_all(counted) == {A: 1}
        assert counted.votes.outcome.tolist() == [CODES[A]]
        assert counted.outcomes.by_model.sum() == 2

    def test_counts_as_failed_on_boards_before(self) -> None:
        log = log_of([self.first, vote("alpha@1", "beta@1", B)], [self.second])
        assert in_all(log.counted(1)) == {FAILED: 1, B: 1}
        assert contents(log, 1) == contents(log_of([self.first, vote("alpha@1", "beta@1", B)]))
        assert in_all(log.counted(2)) == {A: 1, B: 1}

    def test_was_paid_for_each_time(self) -> None:
        log = log_of([self.first], [self.second])
        spent = log.counted().spent
        assert spent.judge_calls == 3
        assert spent.cost_nano_units == {"USD": 12}
        assert {currency: paid.tolist() for currency, paid in spent.of_judge.items()} == {"USD": [12]}
        assert log.counted(1).spent.cost_nano_units == {"USD": 5}

    def test_stays_failed_when_it_fails_again(self) -> None:
        again = self.second._replace(outcome=FAILED)
        assert in_all(log_of([self.first], [again]).counted()) == {FAILED: 1}

    def test_cannot_overturn_what_was_final(self) -> None:
        with pytest.raises(BrokenLog, match=r"'x', attempt 3: the A of attempt 2 was final"):
            log_of([self.first], [self.second], [self.second._replace(attempt=3, outcome=B)])

    def test_cannot_be_counted_twice(self) -> None:
        with pytest.raises(BrokenLog, match="attempt 1 has been counted already"):
            log_of([self.first], [self.first])

    @pytest.mark.parametrize("changes", [{"model_b": "delta@1"}, {"judge": "delta@1"}, {"query_id": "another"}])
    def test_is_about_the_same_models_and_question(self, changes: dict[str, str]) -> None:
        with pytest.raises(BrokenLog, match="names other models or another question than attempt 1"):
            log_of([self.first], [self.second._replace(**changes)])  # type: ignore[arg-type]
        with pytest.raises(BrokenLog, match="names other models or another question than attempt 1"):
            log_of([self.first, self.second._replace(**changes)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"model_a": "beta@1"}, "beta@1 is compared with itself"),
        ({"judge": "beta@1"}, "beta@1 judges its own answer"),
        ({"model_a": "gamma@1"}, "not in canonical order"),
        ({"model_a": "beta@10", "model_b": "beta@9"}, "not in canonical order"),
        ({"model_a": "Alpha"}, "'Alpha' is not a revision"),
        ({"judge": ""}, "'' is not a revision"),
        ({"attempt": 0}, "attempts count up from 1"),
        ({"judge_calls": -1}, "not negative"),
        ({"cost_nano_units": -1}, "not negative"),
    ],
)
def test_a_broken_row_is_refused_by_name_and_nothing_is_counted(changes: dict[str, object], complaint: str) -> None:
    good = vote("alpha@1", "beta@1", A)
    log = VoteLog()
    with pytest.raises(BrokenLog, match=complaint) as refused:
        log.add_round(1, columns_of([good, good._replace(cell_id="the-bad-one", **changes)]))  # type: ignore[arg-type]
    assert "the-bad-one" in str(refused.value)
    assert contents(log) == contents(VoteLog())
    log.add_round(1, columns_of([good]))
    assert contents(log) == contents(log_of([good]))


def test_a_doubled_row_is_refused() -> None:
    row = vote("alpha@1", "beta@1", A)
    with pytest.raises(BrokenLog, match=row.cell_id):
        log_of([row, row])


class TestACellThatWasFinalAtOnce:
    row = vote("alpha@1", "beta@1", A, cell_id="x")

    @pytest.mark.parametrize("attempt", [1, 2])
    @pytest.mark.parametrize("between", [0, 3])
    def test_is_refused_in_a_later_round_and_nothing_of_that_is_counted(self, attempt: int, between: int) -> None:
        others = [[vote("alpha@1", "beta@1", B), vote("alpha@1", "beta@1", FAILED)] for _ in range(between)]
        rounds = [[self.row, vote("alpha@1", "beta@1", TIE)], *others]
        log = log_of(*rounds)
        new = vote("alpha@1", "gamma@1", A)
        with pytest.raises(BrokenLog, match=rf"'x', attempt {attempt}: .* counted already"):
            log.add_round(len(rounds) + 1, columns_of([new, self.row._replace(attempt=attempt, outcome=B)]))
        assert contents(log) == contents(log_of(*rounds))
        log.add_round(len(rounds) + 1, columns_of([new]))
        assert contents(log) == contents(log_of(*rounds, [new]))


def test_rounds_are_counted_one_after_another() -> None:
    log = log_of([], [])
    for number in (2, 4):
        with pytest.raises(ValueError, match=f"round {number} cannot be counted after round 2"):
            log.add_round(number, columns_of([]))


def test_costs_are_added_up_by_judge_and_currency() -> None:
    def paid(judge: str, cost: int, currency: str) -> Vote:
        return vote("alpha@1", "beta@1", A, judge, cost_nano_units=cost, currency=currency)

    spent = log_of(
        [paid("gamma@1", 1, "USD"), paid("delta@1", 2, "USD"), paid("gamma@1", 4, "EUR")],
        [paid("epsilon@1", 0, ""), paid("gamma@1", 8, "USD"), vote("beta@1", "delta@1", A, "alpha@1")],
    ).counted()
    assert spent.votes.judges == ("alpha@1", "delta@1", "epsilon@1", "gamma@1")
    assert {currency: costs.tolist() for currency, costs in spent.spent.of_judge.items()} == {
        "USD": [0, 2, 0, 9],
        "EUR": [0, 0, 0, 4],
    }
    assert Counter(spent.spent.cost_nano_units) == Counter({"USD": 11, "EUR": 4})


def test_what_was_looked_at_before_does_not_change_when_rounds_are_added() -> None:
    log = log_of([vote("delta@1", "zeta@1", A)])
    before = log.counted()
    rows, models = rows_of(before), before.votes.models
    log.add_round(2, columns_of([vote("alpha@1", "beta@1", B, query_id="a")]))
    log.counted()
    assert (rows_of(before), before.votes.models) == (rows, models)
    assert before.outcomes.by_model.sum() == 2
