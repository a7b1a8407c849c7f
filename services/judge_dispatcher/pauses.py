"""Judges that are asked nothing for the time being, and where their cells wait."""

from collections.abc import Mapping, Sequence

from cachetools import TTLCache

from dearena.names import DimensionName, ModelName, Revision
from services.judge_dispatcher.loading import Loaded
from services.runtime.store import Document, Index, Session, Store, now, once

SCHEMA_VERSION = 1
FRESH_SECONDS = 1.0
"""After so long a pause made by another replica is heeded here."""

INDEXES: Mapping[str, Sequence[Index]] = {"paused_judges": [Index(("project", "slug"), unique=True)]}


class Pauses:
    """`paused_judges`, and the results of the calls that change it."""

    def __init__(self, store: Store, created_by: str) -> None:
        self._store = store
        self._paused = store.collection("paused_judges")
        self._results = store.collection("paused_judges_requests")
        self._created_by = created_by
        self._loaded: Loaded[str, dict[str, Document]] = Loaded(self._load, TTLCache(maxsize=1, ttl=FRESH_SECONDS))

    async def _load(self, _key: str) -> dict[str, Document]:
        return {document["_id"]: document for document in await self._paused.find({}).to_list(length=None)}

    async def is_paused(self, project: str, judge: str) -> bool:
        """Whether this judge, a revision, is to be asked nothing."""
        return _key(project, Revision.parse(judge).slug) in await self._loaded.get("")

    async def pause(self, judge: ModelName, reason: str, *, request_id: str, body: bytes) -> None:
        """Pause a judge; harmless when it is paused already."""

        async def change(session: Session) -> bytes:
            await self._paused.update_one(
                {"_id": _key(judge.project, judge.slug)},
                {
                    "$set": {"reason": reason},
                    "$setOnInsert": {
                        "schema_version": SCHEMA_VERSION,
                        "project": judge.project,
                        "slug": judge.slug,
                        "waiting": {},
                        "created_at": now(),
                        "created_by": self._created_by,
                    },
                },
                upsert=True,
                session=session,
            )
            return b""

        await once(self._store, self._results, _request_key("PauseJudge", judge, request_id), body, change)
        self._loaded.forget("")

    async def resume(self, judge: ModelName, *, request_id: str, body: bytes) -> None:
        """Ask a judge again; harmless when it is not paused."""

        async def change(session: Session) -> bytes:
            await self._paused.delete_one({"_id": _key(judge.project, judge.slug)}, session=session)
            return b""

        await once(self._store, self._results, _request_key("ResumeJudge", judge, request_id), body, change)
        self._loaded.forget("")

    async def note_waiting(self, dimension: DimensionName, round_number: int, judge: str) -> None:
        """Remember that cells of this round wait for a paused judge."""
        key = _key(dimension.project, Revision.parse(judge).slug)
        known = (await self._loaded.get("")).get(key, {}).get("waiting", {})
        if known.get(dimension.slug, {}).get(judge, 0) < round_number:
            # A dimension has one open round: the newest is the one that waits.
            await self._paused.update_one({"_id": key}, {"$max": {f"waiting.{dimension.slug}.{judge}": round_number}})

    async def waiting_in(self, dimension: DimensionName, round_number: int) -> list[str]:
        """Revisions of paused judges for whom cells of this round wait."""
        cursor = self._paused.find({"project": dimension.project}, {"waiting": 1}).sort("slug", 1)
        return [
            judge
            for document in await cursor.to_list(length=None)
            for judge, waiting in document["waiting"].get(dimension.slug, {}).items()
            if waiting == round_number
        ]


def _key(project: str, slug: str) -> str:
    return f"{project}/{slug}"


def _request_key(method: str, judge: ModelName, request_id: str) -> str:
    return f"{judge.project}/{method}/{request_id}" if request_id else ""
