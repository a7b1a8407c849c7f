"""Between the contracts' messages and the scorer's own words."""

from collections.abc import Iterator
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from dearena.v1 import common_pb2, judge_dispatcher_pb2, scorer_pb2
from services.scorer.board import Board, Row, matrices, rating
from services.scorer.store import Scoreboard
from services.scorer.tallies import BrokenVote, Outcome, Vote

_OUTCOMES = {common_pb2.Outcome.Value(f"OUTCOME_{outcome}"): outcome for outcome in Outcome}


def votes_of(batch: judge_dispatcher_pb2.ListVotesResponse) -> Iterator[Vote]:
    """The rows of a columnar batch.

    Raises:
        BrokenVote: an outcome is none that is known here; the message names the row.
    """
    for sequence, cell_id, attempt, a, b, judge, outcome, judge_calls, cost in zip(
        batch.sequence,
        batch.cell_id,
        batch.attempt,
        batch.model_a,
        batch.model_b,
        batch.judge,
        batch.outcome,
        batch.judge_calls,
        batch.cost_nano_units,
        strict=True,
    ):
        if outcome not in _OUTCOMES:
            raise BrokenVote(f"vote {sequence}, cell {cell_id!r}, attempt {attempt}: {outcome} is not an outcome")
        yield Vote(
            cell_id=cell_id,
            attempt=attempt,
            model_a=batch.models[a],
            model_b=batch.models[b],
            judge=batch.models[judge],
            outcome=_OUTCOMES[outcome],
            judge_calls=judge_calls,
            cost_nano_units=cost,
            currency=batch.currency,
        )


def board_message(scoreboard: Scoreboard) -> scorer_pb2.Board:
    """A board as it is sent."""
    board = scoreboard.board
    return scorer_pb2.Board(
        dimension=str(scoreboard.name),
        dimension_version=scoreboard.dimension_version,
        board_version=scoreboard.board_version,
        board_digest=scoreboard.board_digest,
        settings_hash=board.settings_hash,
        settled=scoreboard.settled,
        rows=[_row(row) for row in board.rows],
        connected=board.connected,
        outcomes=scorer_pb2.OutcomeCounts(**{outcome.lower(): number for outcome, number in board.outcomes.items()}),
        judge_calls=board.judge_calls,
        judge_cost=_cost(board),
        weight_iterations=board.weight_iterations,
        weight_residual=board.weight_residual,
        create_time=_timestamp(scoreboard.created_at),
    )


def matrices_message(scoreboard: Scoreboard) -> scorer_pb2.GetMatricesResponse:
    """The matrices of a board as they are sent."""
    win_rate, comparisons = matrices(scoreboard.board)
    return scorer_pb2.GetMatricesResponse(
        board_version=scoreboard.board_version,
        models=[row.model for row in scoreboard.board.rows],
        win_rate=win_rate,
        comparisons=comparisons,
    )


def _row(row: Row) -> scorer_pb2.BoardRow:
    return scorer_pb2.BoardRow(
        model=row.model,
        rank=row.rank,
        strength=row.strength,
        strength_low=row.low,
        strength_high=row.high,
        rating=rating(row.strength),
        rating_low=rating(row.low),
        rating_high=rating(row.high),
        score=row.score,
        votes=row.votes,
        wins=row.half_wins / 2,
        judge_weight=row.judge_weight,
        retired=row.retired,
    )


def _cost(board: Board) -> common_pb2.Money | None:
    match list(board.cost_nano_units.items()):
        case [(currency, nano_units)]:
            return common_pb2.Money(currency=currency, nano_units=nano_units)
    return None


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
