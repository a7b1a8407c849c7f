"""The scorer's collection: `scoreboards`. A board is written once and never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import structlog

from dearena.faults import ArenaFault
from dearena.identity import Digest
from dearena.names import DimensionName
from services.runtime.store import Document, DuplicateKey, Index, Store, now, within_store_limit
from services.scorer.board import Board, PairVotes, Row
from services.scorer.tallies import Outcome

log = structlog.get_logger(__name__)

SCHEMA_VERSION: Final = 1

INDEXES: Final[Mapping[str, Sequence[Index]]] = {
    "scoreboards": [
        Index(("project", "dimension", "board_version"), unique=True),
        Index(("project", "dimension", "settled", "board_version")),
        Index(("announced",), partial={"announced": False}),
    ]
}


class BoardContradiction(ArenaFault):
    """The same rounds gave another board before: the log, the method or the arithmetic has changed."""


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """A board with its place in the life of a dimension.

    Attributes:
        board_version: the last round that counts.
        settled: an insertion or the seeding rested with this board.
    """

    name: DimensionName
    dimension_version: int
    board_version: int
    settled: bool
    board: Board
    board_digest: Digest
    created_at: datetime


class Scoreboards:
    """Boards as they are kept."""

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._boards = store.collection("scoreboards")

    async def find(self, name: DimensionName, version: int) -> Scoreboard | None:
        """A version of a dimension's board."""
        async with within_store_limit(self._store):
            return _read_one(await self._boards.find_one({**_key(name), "board_version": version}))

    async def newest(self, name: DimensionName) -> Scoreboard | None:
        """The board of the greatest version, settled or not."""
        return await self._last({**_key(name)})

    async def newest_settled(self, name: DimensionName) -> Scoreboard | None:
        """What people see."""
        return await self._last({**_key(name), "settled": True})

    async def _last(self, key: Document) -> Scoreboard | None:
        async with within_store_limit(self._store):
            return _read_one(await self._boards.find_one(key, sort=[("board_version", -1)]))

    async def settled_after(self, name: DimensionName, version: int, limit: int) -> Sequence[Scoreboard]:
        """Settled boards of greater versions, in order."""
        key = {**_key(name), "settled": True, "board_version": {"$gt": version}}
        async with within_store_limit(self._store):
            found = self._boards.find(key).sort("board_version", 1).limit(limit)
            return [_read(document) async for document in found]

    async def unannounced(self, limit: int) -> Sequence[Scoreboard]:
        """Boards of which the bus has not been told."""
        async with within_store_limit(self._store):
            return [_read(document) async for document in self._boards.find({"announced": False}).limit(limit)]

    async def mark_announced(self, scoreboard: Scoreboard) -> None:
        """The bus has been told."""
        key = {**_key(scoreboard.name), "board_version": scoreboard.board_version}
        async with within_store_limit(self._store):
            await self._boards.update_one(key, {"$set": {"announced": True}})

    async def newest_versions(self) -> Mapping[DimensionName, int]:
        """Every dimension that has a board, with the greatest version."""
        group = {
            "$group": {
                "_id": {"project": "$project", "dimension": "$dimension"},
                "board_version": {"$max": "$board_version"},
            }
        }
        async with within_store_limit(self._store):
            return {
                DimensionName(found["_id"]["project"], found["_id"]["dimension"]): found["board_version"]
                async for found in self._boards.aggregate([group])
            }

    async def add(
        self, name: DimensionName, dimension_version: int, board_version: int, board: Board, *, settled: bool
    ) -> Scoreboard:
        """Store a board, or find it stored by somebody who made it at the same time.

        Raises:
            BoardContradiction: another board stands under this version. It is left as it is.
        """
        made = Scoreboard(name, dimension_version, board_version, settled, board, board.digest, now())
        try:
            async with within_store_limit(self._store):
                await self._boards.insert_one(_document(made, self._instance))
        except DuplicateKey:
            stored = await self.find(name, board_version)
            if stored is None:
                raise
            _check_same(stored, made)
            return stored
        return made


def _check_same(stored: Scoreboard, made: Scoreboard) -> None:
    mine = (made.board_digest, made.board.settings_hash)
    theirs = (stored.board_digest, stored.board.settings_hash)
    if mine != theirs:
        log.error(
            "board contradicts the stored one",
            dimension=str(made.name),
            board_version=made.board_version,
            made=mine,
            stored=theirs,
        )
        raise BoardContradiction(
            f"board {made.board_version} of {made.name} stands with digest {theirs[0]} and settings {theirs[1]}, "
            f"but the same rounds now give digest {mine[0]} and settings {mine[1]}"
        )


def _key(name: DimensionName) -> Document:
    return {"project": name.project, "dimension": name.slug}


def _document(scoreboard: Scoreboard, instance: str) -> Document:
    board = scoreboard.board
    return {
        **_key(scoreboard.name),
        "dimension_version": scoreboard.dimension_version,
        "board_version": scoreboard.board_version,
        "settled": scoreboard.settled,
        "board_digest": scoreboard.board_digest,
        "settings_hash": board.settings_hash,
        "rows": [asdict(row) for row in board.rows],
        # By column: a list of small documents would be four times as large.
        "pairs": {
            "row": [pair.row for pair in board.pairs],
            "column": [pair.column for pair in board.pairs],
            "votes": [pair.votes for pair in board.pairs],
            "half_wins": [pair.half_wins for pair in board.pairs],
        },
        "connected": board.connected,
        "outcomes": {str(outcome): number for outcome, number in board.outcomes.items()},
        "judge_calls": board.judge_calls,
        "cost_nano_units": dict(board.cost_nano_units),
        "weight_iterations": board.weight_iterations,
        "weight_residual": board.weight_residual,
        "announced": False,
        "schema_version": SCHEMA_VERSION,
        "created_by": instance,
        "created_at": scoreboard.created_at,
    }


def _read_one(document: Document | None) -> Scoreboard | None:
    return None if document is None else _read(document)


def _read(document: Document) -> Scoreboard:
    pairs = document["pairs"]
    return Scoreboard(
        name=DimensionName(document["project"], document["dimension"]),
        dimension_version=document["dimension_version"],
        board_version=document["board_version"],
        settled=document["settled"],
        board=Board(
            rows=tuple(Row(**row) for row in document["rows"]),
            pairs=tuple(
                PairVotes(*columns)
                for columns in zip(pairs["row"], pairs["column"], pairs["votes"], pairs["half_wins"], strict=True)
            ),
            connected=document["connected"],
            outcomes={outcome: document["outcomes"][outcome] for outcome in Outcome},
            judge_calls=document["judge_calls"],
            cost_nano_units=document["cost_nano_units"],
            weight_iterations=document["weight_iterations"],
            weight_residual=document["weight_residual"],
            settings_hash=document["settings_hash"],
        ),
        board_digest=document["board_digest"],
        created_at=document["created_at"],
    )
