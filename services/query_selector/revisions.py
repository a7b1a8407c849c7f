"""Makes next versions of dimensions: what leaves and what comes in is decided first, and written in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from dearena import identity
from dearena.faults import Conflict, EtagMismatch, InvalidField, NotReady
from dearena.names import DimensionName
from dearena.selection import METHODS, PilotVotes, Pool, select
from services.query_selector.job_store import Jobs
from services.query_selector.pilot_peers import PilotPeers
from services.query_selector.pilot_votes import Heard, Question, evidence_of
from services.query_selector.pilots import Pilots
from services.query_selector.pool_versions import pool_key, put_in
from services.query_selector.reports import Reports
from services.query_selector.revision import Versions, Wish, check, suggested
from services.query_selector.selection import BY_PILOT
from services.query_selector.store import Dimensions
from services.runtime.store import Collection, Document, Session, Store, once, within_store_limit

READING_SECONDS: Final = 60.0
"""For ids of a whole pool."""
WRITING_SECONDS: Final = 45.0
"""For the versions of a dimension's queries, of which there may be thousands."""


@dataclass(frozen=True, slots=True)
class Revised:
    """A next version.

    Attributes:
        dimension: its document.
        retired, added: ids of queries, sorted.
    """

    dimension: Document
    retired: tuple[str, ...]
    added: tuple[str, ...]


class Revisions:
    """Plans them, and writes them."""

    def __init__(
        self, store: Store, dimensions: Dimensions, jobs: Jobs, pilots: Pilots, peers: PilotPeers, reports: Reports
    ) -> None:
        self._store = store
        self._dimensions = dimensions
        self._jobs = jobs
        self._pilots = pilots
        self._peers = peers
        self._reports = reports
        self._queries: Collection = store.collection("queries")
        self._documents: Collection = store.collection("dimensions")
        self._results: Collection = store.collection("query_selector_results")

    async def planned(
        self, name: DimensionName, wish: Wish | None, *, method: str, etag: str
    ) -> tuple[Document, Revised]:
        """The dimension as it is, and as it would be.

        Args:
            name: of the dimension.
            wish: what is to change; None: what its health suggests.
            method: by which queries are chosen; empty: that of the dimension.
            etag: as last seen; empty: whatever it is.

        Raises:
            UnknownDimension: there is no such dimension.
            NotReady: its queries are still being chosen; or the method looks at a pilot, and none was made.
            EtagMismatch: it has changed since.
            InvalidField: it is a pilot, the method is none, or the wish cannot be met.
        """
        dimension = await self._dimensions.get(name)
        if dimension.get("pilot_of"):
            raise InvalidField.of("dimension", f"{name} is a pilot, and stays as it is")
        if dimension.get("selecting"):
            raise NotReady(f"the queries of {name} are not chosen yet")
        if etag and etag != dimension["etag"]:
            raise EtagMismatch(f"{name} has changed: its etag is {dimension['etag']}")
        chosen_by = method or dimension["selection"]["method"]
        if chosen_by not in METHODS:
            raise InvalidField.of("method", f"{method!r} is not known; there is: {', '.join(METHODS)}")
        versions = await self._versions(dimension)
        if wish is None:
            found = (await self._reports.health_of(name, ())).found
            wish = suggested(found.retire, found.add, versions)
        check(wish, versions)
        added = await self._chosen(dimension, versions.fresh, wish.add, chosen_by) if wish.add else ()
        retired = tuple(sorted(wish.retire))
        number = dimension["version"] + 1
        tag = identity.digest_of([dimension["etag"], number, list(retired), list(added)])[:16]
        changed = {
            "version": number,
            "query_count": len(versions.current) - len(retired) + len(added),
            "etag": tag,
            "announced": False,
        }
        return dimension, Revised(dimension | changed, retired, added)

    async def _versions(self, dimension: Document) -> Versions:
        used: set[str] = set()
        current: set[str] = set()
        async with within_store_limit(self._store, READING_SECONDS):
            found = self._queries.find(
                pool_key(dimension) | {"versions.0": {"$exists": True}}, {"_id": 0, "query_id": 1, "versions": 1}
            )
            async for one in found:
                used.add(one["query_id"])
                if dimension["version"] in one["versions"]:
                    current.add(one["query_id"])
        choosable = await self._pilots.choosable(dimension)
        return Versions(frozenset(current), tuple(one for one in choosable if one.query_id not in used))

    async def _chosen(self, dimension: Document, fresh: Sequence[Question], add: int, method: str) -> tuple[str, ...]:
        """Ids of the questions that come in, sorted; chosen by what pilots have heard, where the method looks at it."""
        seed = int(dimension["selection"]["seed"])
        if method not in BY_PILOT:
            pool = Pool.of([one.query_id for one in fresh], [one.category for one in fresh])
            return select(PilotVotes.none(pool), method=method, k=add, seed=seed).queries
        name = DimensionName(dimension["project"], dimension["slug"])
        job = await self._jobs.find(name)
        if job is None or not job.pilots:
            raise NotReady(f"{method} looks at a pilot, and none was made for {name}; name the method random")
        heard: list[Heard] = []
        for slug in job.pilots:
            heard += await self._peers.heard(DimensionName(name.project, slug))
        models = sorted({model for one in heard for model in (one.model_a, one.model_b)})

        def choice() -> tuple[str, ...]:
            return select(evidence_of(fresh, models, heard), method=method, k=add, seed=seed).queries

        return await asyncio.to_thread(choice)

    async def write(
        self,
        before: Document,
        revised: Revised,
        request_id: str,
        request_body: bytes,
        result: Callable[[Revised], bytes],
    ) -> bytes:
        """Make it the newest version; the result of this request id, now or then.

        Raises:
            RequestIdReused: the request id was used with another body.
            Conflict: the dimension has changed since it was planned.
        """
        name = {"project": before["project"], "slug": before["slug"]}
        after = revised.dimension
        number = after["version"]

        async def body(session: Session) -> bytes:
            changed = {field: after[field] for field in ("version", "query_count", "etag", "announced")}
            done = await self._documents.update_one(
                name | {"version": before["version"], "etag": before["etag"]}, {"$set": changed}, session=session
            )
            if not done.matched_count:
                raise Conflict(f"{before['slug']} was changed meanwhile; try again")
            stays = pool_key(before) | {"versions": before["version"], "query_id": {"$nin": list(revised.retired)}}
            await self._queries.update_many(stays, {"$addToSet": {"versions": number}}, session=session)
            await put_in(self._queries, before, revised.added, number, session)
            return result(revised)

        async with within_store_limit(self._store, WRITING_SECONDS):
            return await once(self._store, self._results, request_id, request_body, body, limit_seconds=WRITING_SECONDS)

    async def earlier_result(self, request_id: str, request_body: bytes) -> bytes | None:
        """What this request id was answered before; None: nothing.

        Raises:
            RequestIdReused: the request id was used with another body.
        """
        not_yet = Conflict("not done yet")

        async def body(_: Session) -> bytes:
            raise not_yet

        if not request_id:
            return None
        try:
            async with within_store_limit(self._store):
                return await once(self._store, self._results, request_id, request_body, body)
        except Conflict as conflict:
            if conflict is not_yet:
                return None
            raise
