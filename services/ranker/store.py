"""The ranker's collections: `rankings`, `insertions`, `rounds` with their cells, and the log of `decisions`.

What belongs together is written in one transaction, by whoever has read the newest version of the
dimension's document. Cells, which may be many, are written before it under the digest of their list:
until a round names that digest, they belong to nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from dearena.faults import Conflict
from dearena.names import DimensionName
from dearena.ranking.decisions import Decision
from dearena.ranking.orders import Order
from dearena.ranking.ranking import RankingState
from dearena.ranking.rounds import Cell
from dearena.ranking.rules import Rules
from services.ranker.cell_chunks import cells_in, chunks_of
from services.ranker.commits import ClosedRound, Commit
from services.ranker.documents import (
    decision_document,
    decision_in,
    insertion_fields,
    insertion_record,
    key_of,
    name_in,
    order_document,
    order_in,
    ranking_fields,
    ranking_record,
    round_document,
    round_record,
    rules_document,
    settled_insertion,
    spent_document,
)
from services.ranker.records import InsertionRecord, RankingRecord, RoundRecord, SettledInsertion
from services.runtime.store import (
    BulkWriteFailed,
    Document,
    DuplicateKey,
    Index,
    ReturnDocument,
    Session,
    Store,
    is_duplicate_only,
    now,
    once,
    within_store_limit,
)

SCHEMA_VERSION: Final = 1
RESULTS: Final = "ranker_results"
"""Of operators' orders, by request id."""

INDEXES: Final[Mapping[str, Sequence[Index]]] = {
    "rankings": [Index(("project", "dimension"), unique=True)],
    "insertions": [
        # A model is inserted once in each version of a dimension.
        Index(("project", "dimension", "model"), gone=True),
        Index(("project", "dimension", "model", "dimension_version"), unique=True),
        Index(("project", "dimension", "admitted_by")),
        Index(("announced",), partial={"announced": False}),
    ],
    "rounds": [
        Index(("project", "dimension", "round"), unique=True),
        Index(("announced",), partial={"announced": False}),
    ],
    "round_cells": [Index(("project", "dimension", "round", "cells_digest", "chunk"), unique=True)],
    "decisions": [Index(("project", "dimension", "number"), unique=True)],
    "orders": [Index(("project", "dimension", "number"), unique=True)],
}


class RankerStore:
    """Reads and writes of this service."""

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._rankings = store.collection("rankings")
        self._insertions = store.collection("insertions")
        self._rounds = store.collection("rounds")
        self._cells = store.collection("round_cells")
        self._decisions = store.collection("decisions")
        self._orders = store.collection("orders")
        self._results = store.collection(RESULTS)

    # Dimensions

    async def ranking(self, name: DimensionName) -> RankingRecord | None:
        """A dimension; None when the ranker has not taken it up."""
        async with within_store_limit(self._store):
            document = await self._rankings.find_one(key_of(name))
        return ranking_record(document) if document else None

    async def names(self) -> Sequence[DimensionName]:
        """Every dimension that the ranker has taken up."""
        async with within_store_limit(self._store):
            found = self._rankings.find({}, projection={"project": 1, "dimension": 1})
            return sorted([name_in(document) async for document in found])

    async def take_up(self, name: DimensionName, dimension_version: int, rules: Rules) -> None:
        """Begin to rank a dimension; harmless when repeated."""
        document = {
            **key_of(name),
            "dimension_version": dimension_version,
            "rules": rules_document(rules),
            "version": 0,
            **ranking_fields(RankingState()),
            "waiting": [],
            "waiting_reason": "",
            **self._provenance(now()),
        }
        try:
            async with within_store_limit(self._store):
                await self._rankings.insert_one(document)
        except DuplicateKey:
            return  # somebody else has

    async def say(self, read: RankingRecord, reason: str, waiting: Sequence[str]) -> int:
        """Note who waits and why nothing moves; the new version.

        Raises:
            Conflict: somebody has written since.
        """
        return await self._note(read, {"waiting_reason": reason, "waiting": list(waiting)})

    async def hold(self, read: RankingRecord, budgets: Sequence[str]) -> int:
        """Note for which budgets the open round waits; the new version.

        Raises:
            Conflict: somebody has written since.
        """
        return await self._note(read, {"exhausted_budgets": list(budgets)})

    async def _note(self, read: RankingRecord, fields: Document) -> int:
        change = {"$set": fields, "$inc": {"version": 1}}
        async with within_store_limit(self._store):
            written = await self._rankings.update_one({**key_of(read.name), "version": read.version}, change)
        if not written.matched_count:
            raise Conflict(f"somebody else has written to {read.name}")
        return read.version + 1

    # The log

    async def decisions(
        self, name: DimensionName, *, after: int = 0, through: int | None = None, limit: int = 0
    ) -> Sequence[tuple[Decision, datetime]]:
        """Entries of the log with their times, in order: those after a number, up to one, at most so many."""
        number: Document = {"$gt": after} if through is None else {"$gt": after, "$lte": through}
        async with within_store_limit(self._store):
            found = self._decisions.find({**key_of(name), "number": number}).sort("number", 1).limit(limit)
            return [(decision_in(document), document["created_at"]) async for document in found]

    async def commit(self, commit: Commit) -> int:
        """Write decisions and what follows from them, all or nothing; the new version.

        Raises:
            Conflict: somebody has written since. Any other failure leaves open whether it was written.
        """
        moment = now()
        read = commit.read

        async def body(session: Session) -> None:
            await self._advance(commit, session)
            await self._decisions.insert_many(
                [
                    {**key_of(read.name), **decision_document(decision), **self._provenance(moment)}
                    for decision in commit.decisions
                ],
                session=session,
            )
            if commit.opened is not None:
                opened = {**round_document(commit.opened), **self._provenance(moment)}
                await self._rounds.insert_one(opened, session=session)
            if commit.closed is not None:
                await self._close(read.name, commit.closed, commit.decisions[0].number, moment, session)
            await self._write_insertions(commit, moment, session)

        await self._store.run_transaction(body)
        return read.version + 1

    async def _advance(self, commit: Commit, session: Session) -> None:
        change: Document = {
            "$set": {
                **ranking_fields(commit.after),
                "waiting_reason": "",
                "exhausted_budgets": list(commit.exhausted_budgets),
            },
            "$inc": {"version": 1},
        }
        if commit.waiting is not None:
            change["$set"]["waiting"] = list(commit.waiting)
        key = {**key_of(commit.read.name), "version": commit.read.version}
        if not (await self._rankings.update_one(key, change, session=session)).matched_count:
            raise Conflict(f"somebody else has written to {commit.read.name}")

    async def _close(
        self, name: DimensionName, closed: ClosedRound, by_decision: int, moment: datetime, session: Session
    ) -> None:
        await self._rounds.update_one(
            {**key_of(name), "round": closed.number},
            {
                "$set": {
                    "closed": True,
                    "settles": closed.settles,
                    "entrants": list(closed.entrants),
                    "closed_by_decision": by_decision,
                    "judge_calls": closed.total.judge_calls,
                    "costs": dict(closed.total.costs),
                    "spent": spent_document(closed.spent),
                    "closed_at": moment,
                    "announced": False,
                }
            },
            session=session,
        )

    async def _write_insertions(self, commit: Commit, moment: datetime, session: Session) -> None:
        name, before = commit.read.name, commit.before.insertions
        spent = commit.closed.spent if commit.closed else {}
        for model, insertion in commit.after.insertions.items():
            known = before.get(model)
            if known is None:
                document = {
                    **key_of(name),
                    "dimension_version": commit.read.dimension_version,
                    **insertion_fields(insertion),
                    "judge_calls": 0,
                    "costs": {},
                    "traceparent": commit.traceparents.get(model, ""),
                    "settled_at": None,
                    **self._provenance(moment),
                }
                await self._insertions.insert_one(document, session=session)
                continue
            change: Document = {}
            if insertion != known:
                change["$set"] = insertion_fields(insertion)
                if insertion.rank and not known.rank:
                    change["$set"] |= {"settled_at": moment, "announced": False}
            if model in spent:
                change["$inc"] = {"judge_calls": spent[model].judge_calls} | {
                    f"costs.{currency}": part for currency, part in spent[model].costs.items()
                }
            if change:
                key = _insertion_key(name, commit.read.dimension_version, model)
                await self._insertions.update_one(key, change, session=session)

    # Operators' orders

    async def order(
        self,
        name: DimensionName,
        asked: Order,
        request_id: str,
        request_body: bytes,
        check: Callable[[], Awaitable[None]],
        *,
        version: int = 0,
    ) -> int:
        """Keep an order until the log takes it up, under the next number; once for a request id. The number.

        Args:
            name: of a dimension that has been taken up.
            asked: the order; whatever its number is.
            request_id: scoped by the method; empty: without this guard.
            request_body: tells one request from another.
            check: raises where there is nothing to be ordered; not asked of a request that was granted before.
            version: of the dimension, where the order means nothing in another.

        Raises:
            Conflict: another version is ranked by now.
            RequestIdReused: the id was used with another body.
        """

        async def body(session: Session) -> bytes:
            # The dimension's document hands out the numbers, so that none is given twice or left out.
            read = await self._rankings.find_one_and_update(
                key_of(name), {"$inc": {"orders": 1}}, session=session, return_document=ReturnDocument.AFTER
            )
            if read is None:
                raise RuntimeError(f"{name} was never taken up")
            # From here on no other order can come between, nor a revision of the dimension.
            if version and read["dimension_version"] != version:
                raise Conflict(f"{name} is ranked in version {read['dimension_version']} by now, not in {version}")
            await check()
            document = order_document(replace(asked, number=read["orders"]))
            await self._orders.insert_one({**key_of(name), **document, **self._provenance(now())}, session=session)
            return str(read["orders"]).encode()

        async with within_store_limit(self._store):
            # One that an earlier version has kept told no number.
            return int(await once(self._store, self._results, request_id, request_body, body) or 0)

    async def orders(self, name: DimensionName, *, after: int) -> Sequence[Order]:
        """Orders of greater numbers, in order."""
        async with within_store_limit(self._store):
            found = self._orders.find({**key_of(name), "number": {"$gt": after}}).sort("number", 1)
            return [order_in(document) async for document in found]

    # Rounds

    async def write_cells(self, name: DimensionName, number: int, digest: str, cells: Sequence[Cell]) -> None:
        """Write the cells of a round that is about to be opened; harmless when repeated."""
        key = {**key_of(name), "round": number, "cells_digest": digest}
        for place, chunk in enumerate(chunks_of(cells)):
            document = {**key, "chunk": place, **chunk, **self._provenance(now())}
            try:
                async with within_store_limit(self._store):
                    await self._cells.insert_many([document])
            except BulkWriteFailed as error:
                if not is_duplicate_only(error):
                    raise

    async def forget_other_cells(self, name: DimensionName, number: int, digest: str) -> None:
        """Delete cells that were written for a round which was then opened with others, or by others."""
        key = {**key_of(name), "round": number, "cells_digest": {"$ne": digest}}
        async with within_store_limit(self._store):
            await self._cells.delete_many(key)

    async def cells(self, name: DimensionName, number: int, digest: str) -> tuple[Cell, ...]:
        """The cells of a round, in order."""
        key = {**key_of(name), "round": number, "cells_digest": digest}
        async with within_store_limit(self._store):
            chunks = self._cells.find(key).sort("chunk", 1)
            return tuple([cell async for chunk in chunks for cell in cells_in(chunk)])

    async def round(self, name: DimensionName, number: int) -> RoundRecord | None:
        """A round by number; 0: the newest closed one."""
        key: Document = {**key_of(name), "round": number} if number else {**key_of(name), "closed": True}
        async with within_store_limit(self._store):
            document = await self._rounds.find_one(key, sort=[("round", -1)])
        return round_record(document) if document else None

    async def rounds(self, name: DimensionName, *, after: int) -> Sequence[RoundRecord]:
        """Rounds of greater numbers, in order."""
        async with within_store_limit(self._store):
            found = self._rounds.find({**key_of(name), "round": {"$gt": after}}, projection={"entrants": 0})
            return [round_record(document) async for document in found.sort("round", 1)]

    async def mark_asked(self, name: DimensionName, number: int) -> None:
        """Every cell of the round has been sent to its judge."""
        async with within_store_limit(self._store):
            await self._rounds.update_one({**key_of(name), "round": number}, {"$set": {"asked": True}})

    # Insertions

    async def insertion(self, name: DimensionName, version: int, model: str) -> InsertionRecord | None:
        """One insertion in a version of the dimension; None when the model was never admitted to that."""
        async with within_store_limit(self._store):
            document = await self._insertions.find_one(_insertion_key(name, version, model))
        return insertion_record(document) if document else None

    async def insertions(
        self, name: DimensionName, *, version: int = 0, after: int = 0, limit: int = 0
    ) -> Sequence[InsertionRecord]:
        """Insertions in the order of admission: those admitted by later decisions, at most so many (0: all).

        Of one version of the dimension; 0: of all, so that a model may be there several times.
        """
        key: Document = {**key_of(name), "admitted_by": {"$gt": after}}
        if version:
            key["dimension_version"] = version
        async with within_store_limit(self._store):
            found = self._insertions.find(key)
            return [insertion_record(document) async for document in found.sort("admitted_by", 1).limit(limit)]

    # News that the bus has not been told

    async def unannounced_rounds(self, limit: int) -> Sequence[RoundRecord]:
        """Closed rounds."""
        async with within_store_limit(self._store):
            return [round_record(document) async for document in self._rounds.find({"announced": False}).limit(limit)]

    async def unannounced_settles(self, limit: int) -> Sequence[SettledInsertion]:
        """Settled insertions."""
        async with within_store_limit(self._store):
            found = self._insertions.find({"announced": False}).limit(limit)
            return [settled_insertion(document) async for document in found]

    async def mark_round_announced(self, name: DimensionName, number: int) -> None:
        """The bus has been told."""
        async with within_store_limit(self._store):
            await self._rounds.update_one({**key_of(name), "round": number}, {"$set": {"announced": True}})

    async def mark_settle_announced(self, name: DimensionName, version: int, model: str) -> None:
        """The bus has been told."""
        key = _insertion_key(name, version, model)
        async with within_store_limit(self._store):
            await self._insertions.update_one(key, {"$set": {"announced": True}})

    def _provenance(self, moment: datetime) -> Document:
        return {"schema_version": SCHEMA_VERSION, "created_by": self._instance, "created_at": moment}


def _insertion_key(name: DimensionName, version: int, model: str) -> Document:
    return {**key_of(name), "model": model, "dimension_version": version}
