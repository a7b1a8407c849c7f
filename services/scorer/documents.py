"""Boards as they stand in the store. Pure.

A document of schema version 1 has no rank intervals, parts, outcomes by row, settings or clusters, and its
pairs are lists; it is read with these left open.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from dearena.outcomes import Outcome
from dearena.scoring.arrays import Codes
from dearena.scoring.boards.board import Board, Counts, Row, VoteClusters
from dearena.scoring.boards.pair_votes import PairVotes
from dearena.scoring.first_seat import SeatEffect

SCHEMA_VERSION: Final = 2

Document = dict[str, Any]

_LATER_FIELDS: Final = {
    **dict.fromkeys(("rank_low", "rank_high", "group", "part"), 0),
    **dict.fromkeys(("undefeated", "winless", "suspended"), False),
}
_NUMBER: Final = np.dtype("<i4")
_PAIR_COLUMNS: Final = ("row", "column", "votes", "half_wins")


def board_document(board: Board) -> Document:
    """A board's own fields."""
    return {
        "settings": dict(board.settings),
        "settings_hash": board.settings_hash,
        "rows": [_row_document(row) for row in board.rows],
        "connected": board.connected,
        "bounded": board.bounded,
        "outcomes": {str(outcome): number for outcome, number in board.outcomes.items()},
        "judge_calls": board.judge_calls,
        "cost_nano_units": dict(board.cost_nano_units),
        "weight_iterations": board.weight_iterations,
        "weight_residual": board.weight_residual,
        "effective_votes": board.effective_votes,
        "tie_parameter": board.tie_parameter,
        "clusters": None if board.clusters is None else asdict(board.clusters),
        "first_seat": None if board.first_seat is None else asdict(board.first_seat),
    }


def board_of(document: Mapping[str, Any]) -> Board:
    """The board in a document; its pairs may have been left out."""
    clusters, first_seat = document.get("clusters"), document.get("first_seat")
    return Board(
        rows=tuple(_row_of(row) for row in document["rows"]),
        connected=document["connected"],
        bounded=document.get("bounded", True),
        outcomes={outcome: document["outcomes"][outcome] for outcome in Outcome},
        judge_calls=document["judge_calls"],
        cost_nano_units=document["cost_nano_units"],
        weight_iterations=document["weight_iterations"],
        weight_residual=document["weight_residual"],
        effective_votes=document.get("effective_votes", 0.0),
        tie_parameter=document.get("tie_parameter"),
        settings=document.get("settings", {}),
        settings_hash=document["settings_hash"],
        clusters=None if clusters is None else VoteClusters(**clusters),
        first_seat=None if first_seat is None else SeatEffect(**first_seat),
    )


def pairs_document(pairs: PairVotes) -> Document:
    """Pairs by column, as compressed bytes: half a million of them fit into one document."""
    columns = {column: getattr(pairs, column).astype(_NUMBER).tobytes() for column in _PAIR_COLUMNS}
    return {column: zlib.compress(numbers, level=1) for column, numbers in columns.items()}


def pairs_of(document: Mapping[str, bytes | Sequence[int]]) -> PairVotes:
    """Pairs in a document."""
    return PairVotes(*(_column(document[column]) for column in _PAIR_COLUMNS))


def _column(stored: bytes | Sequence[int]) -> Codes:
    if isinstance(stored, bytes):
        return np.frombuffer(zlib.decompress(stored), dtype=_NUMBER).astype(np.int32)
    return np.array(stored, dtype=np.int32)


def _row_document(row: Row) -> Document:
    return {**asdict(row), "contested": _numbers(row.contested), "judged": _numbers(row.judged)}


def _row_of(document: Mapping[str, Any]) -> Row:
    counts = {field: _counts(document.get(field, ())) for field in ("contested", "judged")}
    return Row(**{**_LATER_FIELDS, **document, **counts})


def _numbers(counts: Counts) -> list[int]:
    """By the order of `Outcome`; nothing where they were not kept."""
    return [counts[outcome] for outcome in Outcome] if counts else []


def _counts(numbers: Sequence[int]) -> Counts:
    return dict(zip(Outcome, numbers, strict=True)) if numbers else {}
