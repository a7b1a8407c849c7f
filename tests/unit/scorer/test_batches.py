"""Batches of the log: read as they are, and refused by the row where they cannot be."""

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dearena.scoring import Outcome, seats
from dearena.scoring.boards.board import Entrant, make_board
from dearena.scoring.boards.round_votes import OUTCOMES, BrokenLog, RoundVotes
from dearena.scoring.boards.vote_log import VoteLog
from dearena.scoring.boards.vote_rows import Vote, board_of_rounds, columns_of
from dearena.v1 import common_pb2
from dearena.v1.judge_dispatcher_pb2 import ListVotesResponse
from services.scorer.batches import votes_in
from tests.unit.scoring.voted import MODELS, SCORE, drawn_votes, votes

VERDICTS = (
    common_pb2.SEAT_VERDICT_FIRST,
    common_pb2.SEAT_VERDICT_SECOND,
    common_pb2.SEAT_VERDICT_TIE,
    common_pb2.SEAT_VERDICT_UNREADABLE,
)


def batch_of(rows: Sequence[Vote], names: random.Random | None = None) -> ListVotesResponse:
    """A batch, its tables in an order of its own."""
    models = sorted({model for row in rows for model in (row.model_a, row.model_b, row.judge)})
    queries = sorted({row.query_id for row in rows})
    if names:
        names.shuffle(models)
        names.shuffle(queries)
    return ListVotesResponse(
        models=models,
        query_ids=queries,
        sequence=range(1, len(rows) + 1),
        round=[1] * len(rows),
        cell_id=[row.cell_id for row in rows],
        attempt=[row.attempt for row in rows],
        model_a=[models.index(row.model_a) for row in rows],
        model_b=[models.index(row.model_b) for row in rows],
        judge=[models.index(row.judge) for row in rows],
        query=[queries.index(row.query_id) for row in rows],
        outcome=[common_pb2.Outcome.Value(f"OUTCOME_{row.outcome}") for row in rows],
        judge_calls=[row.judge_calls for row in rows],
        cost_nano_units=[row.cost_nano_units for row in rows],
        currency="USD",
        a_first=[VERDICTS[row.seats[0]] for row in rows],
        b_first=[VERDICTS[row.seats[1]] for row in rows],
        draw=[row.draw for row in rows],
    )


def rows_of(read: RoundVotes) -> list[tuple[object, ...]]:
    return [
        (
            read.cell_id[row],
            int(read.mark[row]),
            int(read.attempt[row]),
            read.models[read.first[row]],
            read.models[read.second[row]],
            read.models[read.judge[row]],
            read.queries[read.query[row]],
            OUTCOMES[read.outcome[row]],
            tuple(read.seats[row].tolist()),
            int(read.judge_calls[row]),
            int(read.cost_nano_units[row]),
            int(read.draw[row]),
        )
        for row in range(len(read))
    ]


seated = votes().flatmap(
    lambda rows: st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=len(rows), max_size=len(rows)).map(
        lambda said: [row._replace(seats=seat, draw=1 + 7 * sum(seat)) for row, seat in zip(rows, said, strict=True)]
    )
)


@given(rows=seated, cut=st.integers(0, 40), names=st.randoms(use_true_random=False))
def test_batches_with_tables_of_their_own_are_the_votes_in_order(
    rows: list[Vote], cut: int, names: random.Random
) -> None:
    batches = [votes_in(batch_of(part, names)) for part in (rows[:cut], rows[cut:])]
    read = RoundVotes.joined(batches)
    assert rows_of(read) == rows_of(columns_of(rows))
    assert read.cells == len(rows)


@given(rounds=st.lists(drawn_votes(max_size=15), min_size=1, max_size=3), cut=st.integers(0, 15), lot=st.randoms())
@settings(max_examples=15)
def test_a_board_of_votes_in_memory_is_the_one_made_of_what_the_wire_brings(
    rounds: list[list[Vote]], cut: int, lot: random.Random
) -> None:
    rounds = [[row._replace(cell_id=f"{n}-{row.cell_id}") for row in rows] for n, rows in enumerate(rounds)]
    entrants = [Entrant(model, retired=model == MODELS[0]) for model in MODELS]
    log = VoteLog()
    for number, rows in enumerate(rounds, start=1):
        log.add_round(number, RoundVotes.joined([votes_in(batch_of(part, lot)) for part in (rows[:cut], rows[cut:])]))
    read = make_board(log.counted(), entrants, SCORE).board
    made = board_of_rounds((lot.sample(rows, len(rows)) for rows in rounds), entrants, SCORE).board
    assert made.digest == read.digest
    assert made == read


def test_of_no_batch_there_are_no_votes() -> None:
    read = RoundVotes.joined([])
    assert (len(read), read.cells) == (0, 0)
    read.check()


ROW = Vote("x", 1, "alpha@1", "beta@1", "gamma@1", "q", Outcome.A)


def test_a_dispatcher_that_tells_of_no_seats_leaves_them_unsaid() -> None:
    batch = batch_of([ROW, ROW._replace(cell_id="y")])
    batch.ClearField("a_first")
    batch.ClearField("b_first")
    assert votes_in(batch).seats.tolist() == [[seats.UNSAID, seats.UNSAID]] * 2


def test_draws_that_are_0_or_not_told_are_even() -> None:
    batch = batch_of([ROW._replace(draw=0), ROW._replace(cell_id="y", draw=13_107)])
    assert votes_in(batch).draw.tolist() == [65_536, 13_107]
    batch.ClearField("draw")
    assert votes_in(batch).draw.tolist() == [65_536, 65_536]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"outcome": [1, 99]}, r"vote 2, cell 'y', attempt 1: 99 is not an outcome"),
        ({"outcome": [0, 1]}, r"vote 1, cell 'x', attempt 1: 0 is not an outcome"),
        ({"outcome": [1, -7]}, r"vote 2, cell 'y', attempt 1: -7 is not an outcome"),
        ({"judge": [2, 3]}, r"vote 2, cell 'y', attempt 1: judge is number 3 of 3 names"),
        ({"query": [0, 1]}, r"vote 2, cell 'y', attempt 1: query is number 1 of 1 names"),
        ({"query": [0]}, r"query of the batch from vote 1 on has 1 of 2"),
        ({"draw": [65_536]}, r"draw of the batch from vote 1 on has 1 of 2"),
    ],
)
def test_a_batch_that_cannot_be_read_is_refused_by_the_row(changes: dict[str, list[Any]], complaint: str) -> None:
    batch = batch_of([ROW, ROW._replace(cell_id="y")])
    for column, numbers in changes.items():
        getattr(batch, column)[:] = numbers
    with pytest.raises(BrokenLog, match=complaint):
        votes_in(batch)
