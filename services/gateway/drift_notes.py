"""Notes of endpoints that have changed, in `probe_turns`: made by the first probe that differs, ended by one that does
not any more, taken away by an operator who knows.
"""

from collections.abc import Iterable

import structlog

from dearena.names import ModelName, Revision
from dearena.v1 import gateway_pb2 as pb
from services.gateway.drift import Probe
from services.gateway.messages import timestamp
from services.gateway.models import RegisteredModel
from services.gateway.store import PROBE_TURNS, RESULTS
from services.runtime.request_names import scoped_request_id
from services.runtime.store import Document, Session, Store, now, once, within_store_limit

log = structlog.get_logger(__name__)


def turn_id(name: ModelName, revision: Revision) -> str:
    """`_id` of a revision's turns."""
    return f"{name.project}/{revision}"


class DriftNotes:
    """Writes and reads the notes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turns = store.collection(PROBE_TURNS)
        self._results = store.collection(RESULTS)

    async def differs(self, model: RegisteredModel, seen: Probe) -> None:
        """A probe differs. The time of a note is that of the first one; after an end it is another change."""
        log.warning("an endpoint has changed", model=str(model.revision), detail=seen.drift)
        over = {"$or": [{"drift": None}, {"drift.ended": {"$exists": True}}]}
        await self._update(model, over, {"$set": {"drift": {"time": seen.time, "detail": seen.drift}}})

    async def is_as_before(self, model: RegisteredModel, seen: Probe) -> None:
        """A probe was answered in full, and differs in nothing."""
        going_on = {"drift": {"$ne": None}, "drift.ended": {"$exists": False}}
        if await self._update(model, going_on, {"$set": {"drift.ended": seen.time}}):
            log.info("an endpoint that had changed is as before again", model=str(model.revision))

    async def _update(self, model: RegisteredModel, wanted: Document, changes: Document) -> int:
        async with within_store_limit(self._store):
            found = await self._turns.update_one({"_id": turn_id(model.name, model.revision), **wanted}, changes)
        return found.matched_count

    async def acknowledge(self, model: RegisteredModel, request: pb.AcknowledgeDriftRequest) -> None:
        """Take the note away, and the next probes for what the endpoint is; they come at once. Harmless without one.

        Raises:
            InvalidField: the request id is too long.
        """
        scoped = scoped_request_id(model.name.project, "AcknowledgeDrift", request.request_id)
        wanted = {"_id": turn_id(model.name, model.revision), "drift": {"$ne": None}}
        anew = [{"$set": {"drift": None, "baseline_after": "$number", "next_at": now()}}]

        async def body(session: Session) -> bytes:
            await self._turns.update_one(wanted, anew, session=session)
            return b""

        async with within_store_limit(self._store):
            await once(self._store, self._results, scoped, request.SerializeToString(deterministic=True), body)

    async def tell(self, models: Iterable[pb.Model]) -> None:
        """Write into models as callers see them whether their endpoints have changed."""
        told: dict[str, pb.Model] = {}
        for model in models:
            name = ModelName.parse(model.name)
            told[turn_id(name, Revision(name.slug, model.revision))] = model
        async with within_store_limit(self._store):
            async for turn in self._turns.find({"_id": {"$in": list(told)}, "drift": {"$ne": None}}):
                model, note = told[turn["_id"]], turn["drift"]
                model.drift_time.CopyFrom(timestamp(note["time"]))
                model.drift_detail = note["detail"]
                if "ended" in note:
                    model.drift_end_time.CopyFrom(timestamp(note["ended"]))
