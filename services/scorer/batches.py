"""Batches of the log as they come over the wire, read into columns without an object a vote."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dearena.scoring import seats
from dearena.scoring.arrays import Codes
from dearena.scoring.boards.marks import marks_of
from dearena.scoring.boards.round_votes import BrokenLog, Draws, RoundVotes
from dearena.scoring.draws import EVEN
from dearena.scoring.outcomes import CODES
from dearena.v1 import common_pb2
from dearena.v1.judge_dispatcher_pb2 import ListVotesResponse


def _table(codes: Mapping[int, int], otherwise: int) -> npt.NDArray[np.int8]:
    """Codes by the number on the wire; one more entry stands for all numbers that are not known here."""
    table = np.full(max(codes) + 2, otherwise, dtype=np.int8)
    for number, code in codes.items():
        table[number] = code
    return table


_OUTCOMES: Final = _table(
    {common_pb2.Outcome.Value(f"OUTCOME_{outcome}"): code for outcome, code in CODES.items()}, otherwise=-1
)
_VERDICTS: Final = _table(
    {
        common_pb2.SEAT_VERDICT_FIRST: seats.FIRST,
        common_pb2.SEAT_VERDICT_SECOND: seats.SECOND,
        common_pb2.SEAT_VERDICT_TIE: seats.TIE,
    },
    otherwise=seats.UNSAID,
)
_COLUMNS: Final = (
    *("cell_id", "attempt", "model_a", "model_b", "judge", "query"),
    *("outcome", "judge_calls", "cost_nano_units"),
)


def votes_in(batch: ListVotesResponse) -> RoundVotes:
    """The rows of a batch.

    Raises:
        BrokenLog: columns differ in length, an index points nowhere, or an outcome is none that is known
            here; the message names the row.
    """
    count = len(batch.sequence)
    # A dispatcher may not tell of draws yet.
    for column in (*_COLUMNS, "draw") if batch.draw else _COLUMNS:
        if len(getattr(batch, column)) != count:
            start = batch.sequence[0] if count else 0
            raise BrokenLog(f"{column} of the batch from vote {start} on has {len(getattr(batch, column))} of {count}")
    outcome = _looked_up(_OUTCOMES, batch.outcome)
    if (outcome < 0).any():
        row = int(np.argmax(outcome < 0))
        raise BrokenLog(f"{_named(batch, row)}: {batch.outcome[row]} is not an outcome")
    return RoundVotes(
        models=tuple(batch.models),
        queries=tuple(batch.query_ids),
        currencies=(batch.currency,),
        cell_id=batch.cell_id,
        mark=marks_of(batch.cell_id),
        attempt=_numbers(batch.attempt),
        first=_indices(batch, "model_a", len(batch.models)),
        second=_indices(batch, "model_b", len(batch.models)),
        judge=_indices(batch, "judge", len(batch.models)),
        query=_indices(batch, "query", len(batch.query_ids)),
        outcome=outcome,
        seats=_seats(batch, count),
        judge_calls=_numbers(batch.judge_calls),
        cost_nano_units=np.array(batch.cost_nano_units, dtype=np.int64),
        currency=np.zeros(count, dtype=np.int32),
        draw=_draws(batch, count),
    )


def _seats(batch: ListVotesResponse, count: int) -> seats.SeatCodes:
    """Unsaid where a dispatcher does not tell of seats yet."""
    if len(batch.a_first) != count or len(batch.b_first) != count:
        return seats.unsaid(count)
    return np.column_stack([_looked_up(_VERDICTS, batch.a_first), _looked_up(_VERDICTS, batch.b_first)])


def _draws(batch: ListVotesResponse, count: int) -> Draws:
    """Even where it is 0, or not told."""
    if not batch.draw:
        return np.full(count, EVEN, dtype=np.uint32)
    told = np.array(batch.draw, dtype=np.uint32)
    return np.where(told == 0, np.uint32(EVEN), told)


def _looked_up(table: npt.NDArray[np.int8], numbers: Any) -> npt.NDArray[np.int8]:
    unknown = len(table) - 1
    column = _numbers(numbers)
    return table[np.where((column < 0) | (column > unknown), unknown, column)]


def _numbers(column: Any) -> Codes:
    # A repeated field hands its numbers to NumPy as a whole.
    return np.array(column, dtype=np.int32)


def _indices(batch: ListVotesResponse, column: str, below: int) -> Codes:
    codes = _numbers(getattr(batch, column))
    if len(codes) and not 0 <= codes.min() <= codes.max() < below:
        row = int(np.argmax((codes < 0) | (codes >= below)))
        raise BrokenLog(f"{_named(batch, row)}: {column} is number {codes[row]} of {below} names")
    return codes


def _named(batch: ListVotesResponse, row: int) -> str:
    return f"vote {batch.sequence[row]}, cell {batch.cell_id[row]!r}, attempt {batch.attempt[row]}"
