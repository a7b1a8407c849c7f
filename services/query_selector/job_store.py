"""The query selector's collections of selections: the jobs, what they ordered, and why queries were taken or left.

Every write of a job is a compare-and-set on its version. An order is written down before the ranker hears of it, so
that whoever repeats the step orders the same. Reasons are written under an id that nobody knows; the transaction that
makes the dimension ready names it, and reasons under other ids are removed.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from dearena.faults import Conflict, UnknownDimension
from dearena.names import DimensionName
from dearena.selection.choice import Reason
from services.query_selector.jobs import Job, document_of, first_job, job_of
from services.query_selector.pilot_votes import Asked, Question, Recorded
from services.runtime.store import Document, DuplicateKey, Index, Session, Store, now, once, within_store_limit
from services.runtime.telemetry import current_traceparent

INDEXES: Final[Mapping[str, Sequence[Index]]] = {
    "selections": [
        Index(("project", "dimension", "dimension_version"), unique=True),
        Index(("open",), partial={"open": True}),
    ],
    "selection_orders": [Index(("project", "dimension", "dimension_version", "step"), unique=True)],
    "selection_reasons": [
        Index(("reasons_id", "place"), unique=True),
        Index(("project", "dimension", "dimension_version")),
    ],
}

BATCH: Final = 1_000
"""Reasons of one insert."""
READING_SECONDS: Final = 60.0
"""For a whole pool, without its texts."""


class Jobs:
    """Selections, as they are kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs = store.collection("selections")
        self._orders = store.collection("selection_orders")
        self._reasons = store.collection("selection_reasons")
        self._queries = store.collection("queries")
        self._results = store.collection("query_selector_results")

    async def find(self, name: DimensionName, dimension_version: int = 0) -> Job | None:
        """The job of a dimension's version (0: the newest that had one), or None."""
        key: Document = {"project": name.project, "dimension": name.slug}
        if dimension_version:
            key["dimension_version"] = dimension_version
        async with within_store_limit(self._store):
            async for found in self._jobs.find(key).sort("dimension_version", -1).limit(1):
                return job_of(found)
        return None

    async def begin(self, dimension: Document, session: Session) -> None:
        """The job that chooses the queries of a dimension, in the transaction that makes it."""
        await self._jobs.insert_one(first_job(dimension) | {"traceparent": current_traceparent()}, session=session)

    async def unfinished(self) -> Sequence[Job]:
        """All jobs that go on by themselves."""
        async with within_store_limit(self._store):
            return [job_of(document) async for document in self._jobs.find({"open": True})]

    async def write(self, read: Job, changed: Job, session: Session | None = None) -> Job:
        """Put a job in place of the one that was read; with its new version.

        Raises:
            Conflict: somebody else has changed it.
        """
        after = replace(changed, version=read.version + 1, updated_at=now())
        key = _key(read) | {"version": read.version}
        if session is not None:
            # A transaction is limited, and tried again, as a whole: by the driver's own errors.
            done = await self._jobs.replace_one(key, document_of(after), session=session)
        else:
            async with within_store_limit(self._store):
                done = await self._jobs.replace_one(key, document_of(after))
        if not done.matched_count:
            raise Conflict(f"the selection of {read.name} was changed meanwhile")
        return after

    async def change_once(
        self, name: DimensionName, request_id: str, request_body: bytes, change: Callable[[Job], Job]
    ) -> None:
        """Change a job by somebody's wish, once for a request id (scoped by the caller; empty: each time).

        Raises:
            UnknownDimension: no selection of it is on record.
            RequestIdReused: the request id was used with another body.
        """

        async def body(session: Session) -> bytes:
            key = {"project": name.project, "dimension": name.slug}
            found = await self._jobs.find(key, session=session).sort("dimension_version", -1).limit(1).to_list(1)
            if not found:
                raise UnknownDimension(f"no pilot was made for {name}")
            read = job_of(found[0])
            changed = change(read)
            if changed != read:
                await self.write(read, changed, session)
            return b""

        async with within_store_limit(self._store):
            await once(self._store, self._results, request_id, request_body, body)

    async def order(self, job: Job, step: int, asked: Sequence[Asked]) -> bool:
        """Write down what a step orders, unless something was; whether it is these."""
        return await self._record(job, step, {"comparisons": [list(one) for one in asked]})

    async def grow(self, job: Job, step: int, queries: int, why: str) -> bool:
        """Write down that a step orders nothing and goes on to so many queries in all, unless something was."""
        return await self._record(job, step, {"comparisons": [], "queries": queries, "why": why})

    async def _record(self, job: Job, step: int, what: Document) -> bool:
        document = _key(job) | {"step": step, "pilot": job.pilots[-1], "schema_version": 1, "created_at": now()} | what
        async with within_store_limit(self._store):
            try:
                await self._orders.insert_one(document)
            except DuplicateKey:
                return False  # whoever was first has it
        return True

    async def ordered(self, job: Job) -> Sequence[Recorded]:
        """What was ordered of the pilots, a step each, in their order."""
        async with within_store_limit(self._store, READING_SECONDS):
            found = self._orders.find(_key(job)).sort("step", 1)
            return [
                Recorded(
                    tuple(Asked(*one) for one in document["comparisons"]),
                    document.get("queries", 0),
                    document.get("why", ""),
                )
                async for document in found
            ]

    async def questions(
        self, project: str, dimension: str, pool_id: str, *, referred_only: bool = False
    ) -> Sequence[Question]:
        """Ids and categories of a pool in id order; if need be only of those with a reference."""
        key: Document = {"project": project, "dimension": dimension, "pool_id": pool_id}
        if referred_only:
            key["reference"] = {"$regex": r"\S"}
        shown = {"_id": 0, "query_id": 1, "category": 1}
        async with within_store_limit(self._store, READING_SECONDS):
            found = self._queries.find(key, shown).sort("query_id", 1)
            return [Question(one["query_id"], one["category"]) async for one in found]

    async def write_reasons(self, job: Job, reasons_id: str, reasons: Sequence[Reason]) -> None:
        """Keep the reasons in this order, for whoever is told the id."""
        for start in range(0, len(reasons), BATCH):
            documents = [
                _key(job) | {"reasons_id": reasons_id, "place": place} | _reason_document(reason)
                for place, reason in enumerate(reasons[start : start + BATCH], start + 1)
            ]
            async with within_store_limit(self._store):
                await self._reasons.insert_many(documents, ordered=False)

    async def forget_reasons(self, job: Job, reasons_id: str) -> None:
        """Remove what came to nothing."""
        async with within_store_limit(self._store, READING_SECONDS):
            await self._reasons.delete_many({"reasons_id": reasons_id})

    async def forget_other_reasons(self, job: Job) -> None:
        """Remove what others wrote who were late, or died."""
        async with within_store_limit(self._store, READING_SECONDS):
            await self._reasons.delete_many(_key(job) | {"reasons_id": {"$ne": job.reasons_id}})

    async def reasons(self, job: Job, *, taken_only: bool, after: int, limit: int) -> Sequence[Document]:
        """Reasons in their order, after a place."""
        key: Document = {"reasons_id": job.reasons_id, "place": {"$gt": after}}
        if taken_only:
            key["rank"] = {"$gt": 0}
        async with within_store_limit(self._store):
            return [one async for one in self._reasons.find(key).sort("place", 1).limit(limit)]

    async def in_transaction(self, body: Callable[[Session], Awaitable[Any]]) -> None:
        """Both or nothing."""

        async def whole(session: Session) -> None:
            await body(session)

        async with within_store_limit(self._store, READING_SECONDS):
            await self._store.run_transaction(whole, limit_seconds=READING_SECONDS)


def _key(job: Job) -> Document:
    return {"project": job.project, "dimension": job.dimension, "dimension_version": job.dimension_version}


def _reason_document(reason: Reason) -> Document:
    return {name: getattr(reason, name) for name in Reason.__dataclass_fields__} | {"why": str(reason.why)}
