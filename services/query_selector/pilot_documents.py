"""A pilot's dimension and questions as they are written, and the queries of a dimension that are chosen by it.

A pilot's questions are copied under a pool id made of its name; then the dimension is written. Whoever dies between
the two, or does both a second time, leaves the same.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from dearena import identity
from dearena.names import DimensionName
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
SLUG_LENGTH: Final = 63


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
        """Make the n-th pilot of a dimension of these questions of its pool. Harmless when repeated."""
        name = pilot_name(DimensionName(dimension["project"], dimension["slug"]), number)
        pool_id = f"of {name}"
        for start in range(0, len(query_ids), BATCH):
            await self._copy(dimension, name, pool_id, query_ids[start : start + BATCH])
        settings: dict[str, Any] = asdict(ranking)
        document = {key: value for key, value in dimension.items() if key not in ("_id", "selecting")} | {
            "slug": name.slug,
            "display_name": f"Pilot {number} of {dimension['display_name']}"[:200],
            "version": 1,
            "selection": {"method": "random", "k": len(query_ids), "seed": dimension["selection"]["seed"]},
            "ranking": settings,
            "only_models": list(only_models),
            "pool_id": pool_id,
            "pool_size": len(query_ids),
            "query_count": len(query_ids),
            "pilot_of": dimension["slug"],
            "announced": False,
            "created_by": self._instance,
            "created_at": now(),
        }
        document["etag"] = identity.digest_of([str(name), list(only_models), list(query_ids)])[:16]
        async with within_store_limit(self._store):
            try:
                await self._dimensions.insert_one(document)
            except DuplicateKey:
                return  # whoever was first has made it

    async def _copy(self, dimension: Document, name: DimensionName, pool_id: str, query_ids: Sequence[str]) -> None:
        key = {
            "project": dimension["project"],
            "dimension": dimension["slug"],
            "pool_id": dimension["pool_id"],
            "query_id": {"$in": list(query_ids)},
        }
        async with within_store_limit(self._store):
            found = [one async for one in self._queries.find(key, {"_id": 0})]
            copies = [one | {"dimension": name.slug, "pool_id": pool_id, "versions": [1]} for one in found]
            try:
                await self._queries.insert_many(copies, ordered=False)
            except BulkWriteFailed as error:
                if not is_duplicate_only(error):
                    raise

    async def ready(self, dimension: Document, query_ids: Sequence[str], version: int, session: Session) -> None:
        """These are the queries of a dimension's version, which can be announced."""
        key = {"project": dimension["project"], "dimension": dimension["slug"], "pool_id": dimension["pool_id"]}
        for start in range(0, len(query_ids), BATCH):
            some = {"query_id": {"$in": list(query_ids[start : start + BATCH])}}
            await self._queries.update_many(key | some, {"$addToSet": {"versions": version}}, session=session)
        await self._dimensions.update_one(
            {"project": dimension["project"], "slug": dimension["slug"]},
            {"$set": {"selecting": False, "announced": False, "query_count": len(query_ids)}},
            session=session,
        )
