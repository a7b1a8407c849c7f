"""The scorer's collection: `scoreboards`. A board is written once and never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

import structlog

from dearena.faults import ArenaFault, NotReady
from dearena.identity import Digest
from dearena.names import DimensionName
from dearena.scoring import FitSettings
from dearena.scoring.boards.board import Board
from dearena.scoring.boards.pair_votes import PairVotes
from dearena.scoring.first_seat import LEAVE
from services.runtime.store import Document, DuplicateKey, Index, Store, now, within_store_limit
from services.scorer.documents import SCHEMA_VERSION, board_document, board_of, pairs_document, pairs_of

log = structlog.get_logger(__name__)

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
        first_round: that counts: of the dimension version.
    """

    name: DimensionName
    dimension_version: int
    board_version: int
    settled: bool
    board: Board
    board_digest: Digest
    created_at: datetime
    first_round: int = 1


def settings_of(scoreboard: Scoreboard) -> FitSettings:
    """How a board was fitted, so that it can be fitted again.

    Raises:
        NotReady: it was made in a way that is no longer at hand; the next board can be asked about.
    """
    names = [field.name for field in fields(FitSettings)]
    kept = {"first_seat": LEAVE, **scoreboard.board.settings}
    settings = FitSettings(**{name: kept[name] for name in names if name in kept})
    if settings.digest != scoreboard.board.settings_hash:
        raise NotReady(f"board {scoreboard.board_version} of {scoreboard.name} was made by an earlier method")
    return settings


@dataclass(frozen=True, slots=True)
class Summary:
    """A version of a board without its rows.

    Attributes:
        settings: empty on a board made before they were kept.
        models: number of rows.
        votes: preferences and ties.
    """

    board_version: int
    dimension_version: int
    board_digest: Digest
    settings: Mapping[str, Any]
    settings_hash: Digest
    settled: bool
    models: int
    votes: int
    created_at: datetime


WITHOUT_PAIRS: Final = {"pairs": 0}
"""There are up to half a million pairs on a board, and only its matrices need them."""

_SUMMARY: Final = {
    **dict.fromkeys(
        ("board_version", "dimension_version", "board_digest", "settings", "settings_hash", "settled", "created_at"), 1
    ),
    "_id": 0,
    "models": {"$size": "$rows"},
    "votes": {"$sum": ["$outcomes.A", "$outcomes.B", "$outcomes.TIE"]},
}


class Scoreboards:
    """Boards as they are kept."""

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._boards = store.collection("scoreboards")

    async def find(self, name: DimensionName, version: int) -> Scoreboard | None:
        """A version of a dimension's board."""
        async with within_store_limit(self._store):
            return _read_one(await self._boards.find_one({**_key(name), "board_version": version}, WITHOUT_PAIRS))

    async def pairs(self, name: DimensionName, version: int) -> PairVotes:
        """What the rows of a board that is there met in one another."""
        key = {**_key(name), "board_version": version}
        async with within_store_limit(self._store):
            document = await self._boards.find_one(key, {"_id": 0, "pairs": 1})
        if document is None:
            raise KeyError(f"{name} has no board {version}")
        return pairs_of(document["pairs"])

    async def summaries(self, name: DimensionName, before: int, limit: int) -> Sequence[Summary]:
        """Versions below `before` (0: all), newest first."""
        key = {**_key(name), **({"board_version": {"$lt": before}} if before else {})}
        pipeline: list[Document] = [
            {"$match": key},
            {"$sort": {"board_version": -1}},
            {"$limit": limit},
            {"$project": _SUMMARY},
        ]
        async with within_store_limit(self._store):
            return [Summary(**{"settings": {}, **found}) async for found in self._boards.aggregate(pipeline)]

    async def newest_settled_version(self, name: DimensionName) -> int | None:
        """Which version people see: answered from an index."""
        key = {**_key(name), "settled": True}
        async with within_store_limit(self._store):
            found = await self._boards.find_one(key, {"_id": 0, "board_version": 1}, sort=[("board_version", -1)])
        return None if found is None else int(found["board_version"])

    async def newest(self, name: DimensionName) -> Scoreboard | None:
        """The board of the greatest version, settled or not."""
        return await self._last({**_key(name)})

    async def newest_settled(self, name: DimensionName) -> Scoreboard | None:
        """What people see."""
        return await self._last({**_key(name), "settled": True})

    async def _last(self, key: Document) -> Scoreboard | None:
        async with within_store_limit(self._store):
            return _read_one(await self._boards.find_one(key, WITHOUT_PAIRS, sort=[("board_version", -1)]))

    async def settled_after(self, name: DimensionName, version: int, limit: int) -> Sequence[Scoreboard]:
        """Settled boards of greater versions, in order."""
        key = {**_key(name), "settled": True, "board_version": {"$gt": version}}
        async with within_store_limit(self._store):
            found = self._boards.find(key, WITHOUT_PAIRS).sort("board_version", 1).limit(limit)
            return [_read(document) async for document in found]

    async def unannounced(self, limit: int) -> Sequence[Scoreboard]:
        """Boards of which the bus has not been told."""
        async with within_store_limit(self._store):
            found = self._boards.find({"announced": False}, WITHOUT_PAIRS).limit(limit)
            return [_read(document) async for document in found]

    async def mark_announced(self, scoreboard: Scoreboard) -> None:
        """The bus has been told."""
        key = {**_key(scoreboard.name), "board_version": scoreboard.board_version}
        async with within_store_limit(self._store):
            await self._boards.update_one(key, {"$set": {"announced": True}})

    async def newest_versions(self) -> Mapping[DimensionName, int]:
        """Every dimension that has a board, with the greatest version."""
        # Sorted by an index that holds all that is asked for: no board is read.
        by_index = {"$sort": {"project": 1, "dimension": 1, "board_version": 1}}
        newest = {
            "$group": {
                "_id": {"project": "$project", "dimension": "$dimension"},
                "board_version": {"$max": "$board_version"},
            }
        }
        async with within_store_limit(self._store):
            return {
                DimensionName(found["_id"]["project"], found["_id"]["dimension"]): found["board_version"]
                async for found in self._boards.aggregate([by_index, newest])
            }

    async def made_at(self, name: DimensionName, version: int) -> datetime | None:
        """When a version was made."""
        key = {**_key(name), "board_version": version}
        async with within_store_limit(self._store):
            found = await self._boards.find_one(key, {"_id": 0, "created_at": 1})
        return None if found is None else found["created_at"]

    async def add(
        self,
        name: DimensionName,
        dimension_version: int,
        board_version: int,
        board: Board,
        pairs: PairVotes,
        *,
        settled: bool,
        first_round: int = 1,
    ) -> Scoreboard:
        """Store a board, or find it stored by somebody who made it at the same time.

        Raises:
            BoardContradiction: another board stands under this version. It is left as it is.
        """
        made = Scoreboard(name, dimension_version, board_version, settled, board, board.digest, now(), first_round)
        try:
            async with within_store_limit(self._store):
                await self._boards.insert_one(_document(made, pairs, self._instance))
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


def _document(scoreboard: Scoreboard, pairs: PairVotes, instance: str) -> Document:
    return {
        **_key(scoreboard.name),
        "dimension_version": scoreboard.dimension_version,
        "first_round": scoreboard.first_round,
        "board_version": scoreboard.board_version,
        "settled": scoreboard.settled,
        "board_digest": scoreboard.board_digest,
        **board_document(scoreboard.board),
        "pairs": pairs_document(pairs),
        "announced": False,
        "schema_version": SCHEMA_VERSION,
        "created_by": instance,
        "created_at": scoreboard.created_at,
    }


def _read_one(document: Document | None) -> Scoreboard | None:
    return None if document is None else _read(document)


def _read(document: Document) -> Scoreboard:
    return Scoreboard(
        name=DimensionName(document["project"], document["dimension"]),
        dimension_version=document["dimension_version"],
        board_version=document["board_version"],
        settled=document["settled"],
        board=board_of(document),
        board_digest=document["board_digest"],
        created_at=document["created_at"],
        first_round=document.get("first_round", 1),
    )
