"""The query selector's collections: `dimensions` and `queries`, and what it takes to fill them safely.

A pool is too large for one transaction. So its questions are written first, under a fresh pool id that
nobody knows, and an entry in `pool_uploads` tells of them; one transaction then removes that entry and
inserts the dimension, which names the pool id. Before it there is nothing to be seen, after it there is
all. An upload that ends otherwise is discarded, by its own call or by a sweep; the entry decides which of
the two, commit or discard, came first.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from dearena.faults import AlreadyExists, Conflict, UnknownDimension
from dearena.names import DimensionName
from dearena.pools.json_lines import Question
from services.query_selector.dimension import Dimension, etag
from services.query_selector.jobs import Job, job_of
from services.query_selector.pilot_documents import pilot_name
from services.query_selector.pilot_settings import pilot_document
from services.query_selector.pool_versions import pool_key
from services.runtime.request_names import scoped_request_id
from services.runtime.store import (
    Document,
    DuplicateKey,
    Index,
    Session,
    Store,
    now,
    once,
    within_store_limit,
)

SCHEMA_VERSION: Final = 1

INDEXES: Final[Mapping[str, Sequence[Index]]] = {
    "dimensions": [
        Index(("project", "slug"), unique=True),
        Index(("announced",), partial={"announced": False}),
        Index(("project", "pilot_slug"), partial={"pilot_slug": {"$exists": True}}),
    ],
    "queries": [
        Index(("project", "dimension", "pool_id", "query_id"), unique=True),
        Index(("project", "dimension", "pool_id", "versions", "query_id")),
        Index(("pool_id",)),
    ],
    "pool_uploads": [Index(("created_at",))],
    "query_selector_results": [Index(("created_at",))],
}

BATCH_QUESTIONS: Final = 1_000
BATCH_BYTES: Final = 4 * 1024 * 1024
"""Of one insert: small enough to be done well within the store's time limit."""

PAGE_BYTES: Final = 2 * 1024 * 1024
"""With one question more, of at most 1 MiB, below the 4 MiB that a gRPC client takes unless told otherwise."""


class Dimensions:
    """Dimensions and their queries, as they are kept."""

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._dimensions = store.collection("dimensions")
        self._queries = store.collection("queries")
        self._uploads = store.collection("pool_uploads")
        self._results = store.collection("query_selector_results")
        self._jobs = store.collection("selections")

    async def find(self, name: DimensionName) -> Document | None:
        """A dimension, or None; `closed` where it is a pilot that its job hears no more."""
        async with within_store_limit(self._store):
            found = await self._dimensions.find_one({"project": name.project, "slug": name.slug})
            return found and (await self._told(name.project, [found]))[0]

    async def _told(self, project: str, found: Sequence[Document]) -> Sequence[Document]:
        """With what is said of pilots by the jobs that made them: so it can never be left behind by a job's stop."""
        served = sorted({document["pilot_of"] for document in found if document.get("pilot_of")})
        if not served:
            return found
        key = {"project": project, "dimension": {"$in": served}}
        # The newest of a dimension comes last, and stays.
        jobs: dict[str, Job] = {
            document["dimension"]: job_of(document)
            async for document in self._jobs.find(key).sort([("dimension", 1), ("dimension_version", 1)])
        }
        return [
            document | {"closed": True}
            if (job := jobs.get(document.get("pilot_of") or "")) is not None and not job.hears(document["slug"])
            else document
            for document in found
        ]

    async def get(self, name: DimensionName) -> Document:
        """A dimension; raises UnknownDimension."""
        if found := await self.find(name):
            return found
        raise UnknownDimension(f"there is no dimension {name}")

    async def check_free(self, dimension: Dimension) -> None:
        """See that a new dimension takes no pilot's name, and that its own pilot's is free.

        Raises:
            AlreadyExists: one of the two is taken.
        """
        name, project = dimension.name, {"project": dimension.name.project}
        async with within_store_limit(self._store):
            if kept := await self._dimensions.find_one(project | {"pilot_slug": name.slug}):
                served = DimensionName(name.project, kept["slug"])
                raise AlreadyExists(f"the name {name} is kept for the pilot of {served}")
            if dimension.selecting:
                pilot = pilot_name(name, 1)
                if await self._dimensions.find_one(project | {"slug": pilot.slug}):
                    raise AlreadyExists(
                        f"the pilot of {name} would be called {pilot}, and there is such a dimension already"
                    )

    async def list(self, project: str, *, after: str, limit: int, pilots: bool) -> Sequence[Document]:
        """Dimensions of a project in slug order, after a slug; pilots among them or not."""
        key: Document = {"project": project, "slug": {"$gt": after}}
        if not pilots:
            key["pilot_of"] = None
        async with within_store_limit(self._store):
            found = self._dimensions.find(key).sort("slug", 1).limit(limit)
            return await self._told(project, [document async for document in found])

    async def queries(
        self, dimension: Document, version: int, *, after: str, limit: int
    ) -> tuple[Sequence[Document], bool]:
        """Queries of a dimension version in id order, after an id; and whether there are more.

        Fewer than `limit` come when they are long: a page must fit a message.
        """
        key = pool_key(dimension) | {"versions": version, "query_id": {"$gt": after}}
        page: list[Document] = []
        size = 0
        async with within_store_limit(self._store):
            async for document in self._queries.find(key).sort("query_id", 1).limit(limit + 1):
                size += _bytes_of(document["turns"], document["reference"])
                if len(page) == limit or (page and size > PAGE_BYTES):
                    return page, True
                page.append(document)
        return page, False

    async def begin_upload(self, pool_id: str) -> None:
        """Tell of questions that are about to be written."""
        async with within_store_limit(self._store):
            await self._uploads.insert_one(
                {
                    "_id": pool_id,
                    "abandoned": False,
                    "schema_version": SCHEMA_VERSION,
                    "created_by": self._instance,
                    "created_at": now(),
                }
            )

    async def write_questions(
        self, pool_id: str, dimension: Dimension, questions: Sequence[Question], chosen: frozenset[str]
    ) -> None:
        """Write the whole pool; `chosen` are ids of the questions that are queries of the version."""
        created_at = now()
        for batch in _batches(questions):
            documents = [
                {
                    "project": dimension.name.project,
                    "dimension": dimension.name.slug,
                    "pool_id": pool_id,
                    "query_id": question.query_id,
                    "query_hash": question.query_hash,
                    "turns": list(question.turns),
                    "reference": question.reference,
                    "category": question.category,
                    "versions": [dimension.version] if question.query_id in chosen else [],
                    "schema_version": SCHEMA_VERSION,
                    "created_by": self._instance,
                    "created_at": created_at,
                }
                for question in batch
            ]
            async with within_store_limit(self._store):
                await self._queries.insert_many(documents, ordered=False)

    async def commit(
        self,
        request_id: str,
        request_body: bytes,
        pool_id: str,
        dimension: Dimension,
        result: Callable[[Document], bytes],
        beside: Callable[[Document, Session], Awaitable[None]],
    ) -> bytes:
        """Make a dimension of an uploaded pool; the result of this request id, now or then.

        Args:
            request_id: of the caller; empty: none.
            request_body: to tell another request under the same id.
            pool_id: of the upload.
            dimension: that is made.
            result: what the caller is told of the document.
            beside: what is written in the same transaction.

        Raises:
            AlreadyExists: the name is taken.
            RequestIdReused: the request id was used with another body.
            Conflict: the upload took so long that it was discarded.
        """
        document = self._document(pool_id, dimension)

        async def body(session: Session) -> bytes:
            ended = await self._uploads.delete_one({"_id": pool_id, "abandoned": False}, session=session)
            if ended.deleted_count == 0:
                raise Conflict("the upload took too long and was discarded; try again")
            await self._dimensions.insert_one(dict(document), session=session)
            await beside(document, session)
            return result(document)

        return await self._once(dimension.name, request_id, request_body, body)

    async def earlier_result(self, name: DimensionName, request_id: str, request_body: bytes) -> bytes:
        """The result of the request that created this dimension, if it was this request.

        Raises:
            AlreadyExists: it was another one.
            RequestIdReused: the request id was used with another body.
        """

        async def body(_: Session) -> bytes:
            raise taken(name, (await self.get(name)).get("pilot_of", ""))

        return await self._once(name, request_id, request_body, body)

    async def _once(
        self,
        name: DimensionName,
        request_id: str,
        request_body: bytes,
        body: Callable[[Session], Coroutine[Any, Any, bytes]],
    ) -> bytes:
        scoped = scoped_request_id(name.project, "CreateDimension", request_id)
        try:
            async with within_store_limit(self._store):
                return await once(self._store, self._results, scoped, request_body, body)
        except DuplicateKey:
            raise taken(name) from None

    def _document(self, pool_id: str, dimension: Dimension) -> Document:
        return {
            "project": dimension.name.project,
            "slug": dimension.name.slug,
            "version": dimension.version,
            "display_name": dimension.display_name,
            "selection": {
                "method": dimension.selection.method,
                "k": dimension.selection.k,
                # As text: a seed has 64 bits without a sign, an integer of the store 63.
                "seed": str(dimension.selection.seed),
                "pilot": pilot_document(dimension.selection.pilot),
            },
            "selecting": dimension.selecting,
            **({"pilot_slug": pilot_name(dimension.name, 1).slug} if dimension.selecting else {}),
            "ranking": asdict(dimension.ranking),
            "template": dimension.template,
            "allowed_providers": list(dimension.allowed_providers),
            "only_models": list(dimension.only_models),
            "judging": asdict(dimension.judging),
            "pool_id": pool_id,
            "pool_size": dimension.pool_size,
            "pool_hash": dimension.pool_hash,
            "query_count": dimension.query_count,
            "etag": etag(dimension),
            "announced": False,
            "schema_version": SCHEMA_VERSION,
            "created_by": self._instance,
            "created_at": now(),
        }

    async def discard_upload(self, pool_id: str) -> None:
        """Remove the questions of an upload, unless it became a dimension. Harmless when repeated."""
        async with within_store_limit(self._store):
            marked = await self._uploads.update_one({"_id": pool_id}, {"$set": {"abandoned": True}})
        if marked.matched_count == 0:
            return
        async with within_store_limit(self._store):
            await self._queries.delete_many({"pool_id": pool_id})
        async with within_store_limit(self._store):
            await self._uploads.delete_one({"_id": pool_id})

    async def uploads_before(self, moment: datetime) -> Sequence[str]:
        """Pool ids of uploads that began before a moment, and of discarded ones with something left."""
        async with within_store_limit(self._store):
            found = self._uploads.find({"$or": [{"created_at": {"$lt": moment}}, {"abandoned": True}]}, {"_id": 1})
            return [document["_id"] async for document in found]

    async def count_by_state(self) -> Mapping[str, int]:
        """How many dimensions there are, in all projects: `pilot`, `selecting`, `waiting_for_bus` and `ready`."""
        is_pilot = {"$ne": [{"$ifNull": ["$pilot_of", ""]}, ""]}
        branches = [
            {"case": is_pilot, "then": "pilot"},
            {"case": {"$eq": ["$selecting", True]}, "then": "selecting"},
            {"case": {"$eq": ["$announced", False]}, "then": "waiting_for_bus"},
        ]
        state = {"$switch": {"branches": branches, "default": "ready"}}
        counted: dict[str, int] = dict.fromkeys(("pilot", "selecting", "waiting_for_bus", "ready"), 0)
        async with within_store_limit(self._store):
            async for one in self._dimensions.aggregate([{"$group": {"_id": state, "count": {"$sum": 1}}}]):
                counted[one["_id"]] = one["count"]
        return counted

    async def unannounced(self) -> Sequence[Document]:
        """Dimensions with queries that the bus has not been told of."""
        async with within_store_limit(self._store):
            found = self._dimensions.find({"announced": False, "selecting": {"$ne": True}})
            return [document async for document in found]

    async def mark_announced(self, dimension: Document) -> None:
        """The bus has been told of this version."""
        key = {"project": dimension["project"], "slug": dimension["slug"], "version": dimension["version"]}
        async with within_store_limit(self._store):
            await self._dimensions.update_one(key, {"$set": {"announced": True}})


def taken(name: DimensionName, served: str = "") -> AlreadyExists:
    """That a name is somebody's; of a pilot, the slug of the dimension that it serves is told."""
    if served:
        return AlreadyExists(f"{name} is the pilot of {DimensionName(name.project, served)}")
    return AlreadyExists(f"there is a dimension {name} already")


def _bytes_of(turns: Sequence[str], reference: str) -> int:
    return sum(len(text.encode()) for text in (*turns, reference))


def _batches(questions: Sequence[Question]) -> Iterator[Sequence[Question]]:
    batch: list[Question] = []
    size = 0
    for question in questions:
        batch.append(question)
        size += _bytes_of(question.turns, question.reference)
        if len(batch) == BATCH_QUESTIONS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
