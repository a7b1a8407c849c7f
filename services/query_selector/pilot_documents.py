"""A pilot's dimension and questions as they are written, and the queries of a dimension that are chosen by it.

A pilot's questions are copied under a pool id made of its name; then the dimension is written. Whoever dies between
the two, or does both a second time, leaves the same. A name that somebody else's dimension has is left to it.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from dearena import identity
from dearena.faults import AlreadyExists, Conflict
from dearena.names import DimensionName
from services.query_selector.pool_versions import pool_key, put_in
from services.query_selector.ranking_settings import RankingSettings
from services.runtime.store import (
    BulkWriteFailed,
    Document,
    DuplicateKey,
    Session,
    Store,
    is_duplicate_only,
    now,
    within_store_limit,
)

BATCH: Final = 500
BATCH_BYTES: Final = 4 * 1024 * 1024
"""Of questions that are copied at once: few enough to be written well within the store's time limit."""
SLUG_LENGTH: Final = 63
NOT_COPIED: Final = ("_id", "selecting", "pilot_slug")
"""Of what a dimension's document says."""


def pilot_name(name: DimensionName, number: int) -> DimensionName:
    """Of the n-th pilot of a dimension. Where that would be too long, a part of the name's hash stands for its end."""
    suffix = f"-pilot-{number}"
    slug = name.slug
    if len(slug) + len(suffix) > SLUG_LENGTH:
        mark = identity.digest_of([slug])[:8]
        slug = f"{slug[: SLUG_LENGTH - len(suffix) - len(mark) - 1]}-{mark}"
    return DimensionName(name.project, slug + suffix)


class PilotDocuments:
    """Writes them."""

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._dimensions = store.collection("dimensions")
        self._queries = store.collection("queries")

    async def create_pilot(
        self,
        dimension: Document,
        number: int,
        query_ids: Sequence[str],
        only_models: Sequence[str],
        ranking: RankingSettings,
    ) -> None:
        """Make the n-th pilot of a dimension of these questions of its pool, to be opened. Harmless when repeated.

        Raises:
            AlreadyExists: its name is that of a dimension that is not this one's pilot.
        """
        served = DimensionName(dimension["project"], dimension["slug"])
        name = pilot_name(served, number)
        if await self._is_made(served, name):
            return
        pool_id = f"of {name}"
        hashes = await self._copy(dimension, name, pool_id, sorted(query_ids))
        settings: dict[str, Any] = asdict(ranking)
        document = {key: value for key, value in dimension.items() if key not in NOT_COPIED} | {
            "slug": name.slug,
            "display_name": f"Pilot {number} of {dimension['display_name']}"[:200],
            "version": 1,
            "selection": {"method": "random", "k": len(query_ids), "seed": dimension["selection"]["seed"]},
            "ranking": settings,
            "only_models": list(only_models),
            "pool_id": pool_id,
            "pool_size": len(query_ids),
            "pool_hash": identity.pool_hash(hashes),
            "query_count": len(query_ids),
            "pilot_of": dimension["slug"],
            # Until it is opened it is passed over: its budget has to be there first.
            "selecting": True,
            "announced": False,
            "created_by": self._instance,
            "created_at": now(),
        }
        document["etag"] = identity.digest_of([str(name), list(only_models), sorted(query_ids)])[:16]
        try:
            async with within_store_limit(self._store):
                await self._dimensions.insert_one(document)
        except DuplicateKey:
            try:
                await self._is_made(served, name)  # whoever was first has made it
            except AlreadyExists:  # or another dimension, while the questions were copied
                async with within_store_limit(self._store):
                    await self._queries.delete_many({"pool_id": pool_id})
                raise

    async def open_pilot(self, name: DimensionName) -> None:
        """Let a pilot be taken up. Harmless when repeated."""
        async with within_store_limit(self._store):
            await self._dimensions.update_one(
                {"project": name.project, "slug": name.slug, "pilot_of": {"$ne": None}, "selecting": True},
                {"$set": {"selecting": False}},
            )

    async def _is_made(self, served: DimensionName, name: DimensionName) -> bool:
        """Whether this pilot is there already; raises AlreadyExists where it is something else."""
        async with within_store_limit(self._store):
            found = await self._dimensions.find_one({"project": name.project, "slug": name.slug}, {"pilot_of": 1})
        if found is not None and found.get("pilot_of") != served.slug:
            raise AlreadyExists(f"the pilot of {served} would be called {name}, and there is such a dimension already")
        return found is not None

    async def _copy(
        self, dimension: Document, name: DimensionName, pool_id: str, query_ids: Sequence[str]
    ) -> Sequence[identity.Digest]:
        """Copy questions, given in id order; their hashes in this order."""
        hashes: list[identity.Digest] = []
        while page := await self._page(dimension, query_ids[len(hashes) : len(hashes) + BATCH]):
            copies = [one | {"dimension": name.slug, "pool_id": pool_id, "versions": [1]} for one in page]
            try:
                async with within_store_limit(self._store):
                    await self._queries.insert_many(copies, ordered=False)
            except BulkWriteFailed as error:
                if not is_duplicate_only(error):
                    raise
            hashes += (one["query_hash"] for one in page)
        return hashes

    async def _page(self, dimension: Document, query_ids: Sequence[str]) -> Sequence[Document]:
        """The first of these questions, fewer where they are long."""
        key = pool_key(dimension) | {"query_id": {"$in": list(query_ids)}}
        page: list[Document] = []
        size = 0
        async with within_store_limit(self._store):
            async for one in self._queries.find(key, {"_id": 0}).sort("query_id", 1):
                page.append(one)
                size += sum(len(text.encode()) for text in (*one["turns"], one["reference"]))
                if size > BATCH_BYTES:
                    break
        return page

    async def ready(self, dimension: Document, query_ids: Sequence[str], version: int, session: Session) -> None:
        """These are the queries of a dimension's version, which can be announced.

        Raises:
            Conflict: they were chosen meanwhile.
        """
        await put_in(self._queries, dimension, query_ids, version, session)
        name = {"project": dimension["project"], "slug": dimension["slug"]}
        made = await self._dimensions.update_one(
            name | {"selecting": True, "version": version},
            {
                "$set": {
                    "selecting": False,
                    "announced": False,
                    "query_count": len(query_ids),
                    "etag": identity.digest_of([dimension["etag"], sorted(query_ids)])[:16],
                }
            },
            session=session,
        )
        if not made.matched_count:
            raise Conflict(f"the queries of {dimension['slug']} were chosen meanwhile")
