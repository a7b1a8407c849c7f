"""Boards as they are sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from dearena.outcomes import Outcome
from dearena.scoring.boards.board import Board, Row, VoteClusters, rating
from dearena.scoring.boards.pair_votes import PairVotes, matrices
from dearena.scoring.first_seat import SeatEffect
from dearena.v1 import common_pb2, scorer_pb2
from services.scorer.pair_report import PairReport
from services.scorer.store import Scoreboard, Summary

_SETTINGS = {field.name for field in scorer_pb2.ScoringSettings.DESCRIPTOR.fields} - {"constants"}


def board_message(scoreboard: Scoreboard) -> scorer_pb2.Board:
    """A board."""
    board = scoreboard.board
    return scorer_pb2.Board(
        dimension=str(scoreboard.name),
        dimension_version=scoreboard.dimension_version,
        first_round=scoreboard.first_round,
        board_version=scoreboard.board_version,
        board_digest=scoreboard.board_digest,
        settings_hash=board.settings_hash,
        settled=scoreboard.settled,
        rows=[_row(row) for row in board.rows],
        connected=board.connected,
        outcomes=counts_message(board.outcomes),
        judge_calls=board.judge_calls,
        judge_cost=_cost(board),
        weight_iterations=board.weight_iterations,
        weight_residual=board.weight_residual,
        create_time=_timestamp(scoreboard.created_at),
        effective_votes=board.effective_votes,
        unbounded=not board.bounded,
        tie_parameter=board.tie_parameter,
        settings=settings_message(board.settings),
        clusters=_clusters(board.clusters),
        seat_effect=_seat_effect(board.first_seat),
    )


def matrices_message(scoreboard: Scoreboard, pairs: PairVotes) -> scorer_pb2.GetMatricesResponse:
    """The matrices of a board."""
    win_rate, comparisons = matrices(pairs, len(scoreboard.board.rows))
    return scorer_pb2.GetMatricesResponse(
        board_version=scoreboard.board_version,
        models=[row.model for row in scoreboard.board.rows],
        win_rate=win_rate,
        comparisons=comparisons,
    )


def pairs_message(version: int, report: PairReport) -> scorer_pb2.GetPairsResponse:
    """What can be said of each pair of a board's models."""
    return scorer_pb2.GetPairsResponse(
        board_version=version,
        models=report.models,
        better=report.better.ravel().tolist(),
        votes_needed=report.needed.ravel().tolist(),
        votes=report.votes,
        groups=report.groups.tolist(),
        critical=report.critical,
    )


def summary_message(summary: Summary) -> scorer_pb2.BoardSummary:
    """A version of a board without its rows."""
    return scorer_pb2.BoardSummary(
        board_version=summary.board_version,
        dimension_version=summary.dimension_version,
        board_digest=summary.board_digest,
        settings_hash=summary.settings_hash,
        settings=settings_message(summary.settings),
        settled=summary.settled,
        models=summary.models,
        votes=summary.votes,
        create_time=_timestamp(summary.created_at),
    )


def settings_message(settings: Mapping[str, Any]) -> scorer_pb2.ScoringSettings | None:
    """Settings by name; what has no field of its own is a constant. None where they were not kept."""
    if not settings:
        return None
    named = {name: value for name, value in settings.items() if name in _SETTINGS}
    constants = {name: float(value) for name, value in settings.items() if name not in _SETTINGS}
    return scorer_pb2.ScoringSettings(**named, constants=constants)


def counts_message(counts: Mapping[Outcome, int]) -> scorer_pb2.OutcomeCounts | None:
    """Outcomes by kind; None where they were not kept."""
    if not counts:
        return None
    return scorer_pb2.OutcomeCounts(**{outcome.lower(): number for outcome, number in counts.items()})


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
        rank_low=row.rank_low,
        rank_high=row.rank_high,
        group=row.group,
        part=row.part,
        undefeated=row.undefeated,
        winless=row.winless,
        contested=counts_message(row.contested),
        judged=counts_message(row.judged),
        suspended=row.suspended,
    )


def _clusters(clusters: VoteClusters | None) -> scorer_pb2.VoteClusters | None:
    if clusters is None:
        return None
    return scorer_pb2.VoteClusters(
        questions=clusters.questions,
        judges=clusters.judges,
        method=clusters.method,
        sampled=clusters.sampled,
        degrees=clusters.degrees,
    )


def _seat_effect(effect: SeatEffect | None) -> scorer_pb2.SeatEffect | None:
    if effect is None:
        return None
    return scorer_pb2.SeatEffect(log_odds=effect.log_odds, low=effect.low, high=effect.high, votes=effect.votes)


def _cost(board: Board) -> common_pb2.Money | None:
    match list(board.cost_nano_units.items()):
        case [(currency, nano_units)]:
            return common_pb2.Money(currency=currency, nano_units=nano_units)
    return None


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
