"""The outbox: news that must reach the bus, written in the transaction of the fact it tells of.

A row is relayed with its event's id as message id, as often as it takes; then it waits no more. So a fact and its
news are both there or neither, and a doubled message is dropped by the stream.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from dearena.faults import ArenaFault
from dearena.names import ModelName
from dearena.v1.events_pb2 import EventEnvelope
from services.gateway.documents import provenance
from services.gateway.model_directory import ModelDirectory
from services.gateway.store import OUTBOX, Models
from services.runtime import semantics, telemetry
from services.runtime.bus import Bus
from services.runtime.store import Document, Session, Store, now, within_store_limit

log = structlog.get_logger(__name__)

TRY_AGAIN_SECONDS: Final = 1.0
BATCH: Final = 100


class Outbox:
    """Rows of news, and the loop that relays them."""

    def __init__(self, store: Store, bus: Bus, models: Models, directory: ModelDirectory, instance: str) -> None:
        self._store = store
        self._bus = bus
        self._models = models
        self._directory = directory
        self._instance = instance
        self._rows = store.collection(OUTBOX)
        self._news = asyncio.Event()
        self._expected: dict[str, set[asyncio.Future[None]]] = {}
        bus.on_reconnect.append(self.wake)

    async def add(
        self,
        session: Session,
        subject: str,
        event: EventEnvelope,
        *,
        traceparent: str,
        announces: tuple[ModelName, int] | None = None,
    ) -> None:
        """Add a row to the transaction of the fact; call `wake` after it.

        Args:
            session: of that transaction.
            subject: where the event goes.
            event: with the id of the fact.
            traceparent: of the trace that the event belongs to.
            announces: the model and number of the revision that it makes known.
        """
        row: Document = {
            "_id": event.event_id,
            "subject": subject,
            "event": event.SerializeToString(),
            "traceparent": traceparent,
            "waiting": True,
            **provenance(self._instance, now()),
        }
        if announces is not None:
            name, number = announces
            row["announces"] = {"project": name.project, "slug": name.slug, "revision": number}
        await self._rows.insert_one(row, session=session)

    async def waiting(self) -> int:
        """How many rows wait, of all gateways."""
        async with within_store_limit(self._store):
            return await self._rows.count_documents({"waiting": True})

    def wake(self) -> None:
        """There is news, or the bus is back."""
        self._news.set()

    async def sweep(self) -> None:
        """Look for news again: a row may be of a process that is gone."""
        self.wake()

    async def run(self) -> None:
        """Relay until cancelled."""
        while True:
            self._news.clear()
            try:
                done = await self._relay_waiting()
            except ArenaFault as fault:
                log.info("news not relayed yet", error=str(fault))
                done = False
            except Exception:
                log.exception("relaying news failed")
                done = False
            with suppress(TimeoutError):
                async with asyncio.timeout(None if done else TRY_AGAIN_SECONDS):
                    await self._news.wait()

    async def _relay_waiting(self) -> bool:
        """Relay what waits, oldest first; False when something still waits."""
        if not self._bus.connected:
            return True  # its return rings
        while True:
            async with within_store_limit(self._store):
                rows = await self._rows.find({"waiting": True}).sort("created_at", 1).limit(BATCH).to_list(BATCH)
            for row in rows:
                await self._relay(row)
            if len(rows) < BATCH:
                return True

    async def _relay(self, row: Document) -> None:
        event = EventEnvelope.FromString(row["event"])
        with telemetry.child_of(row["traceparent"], "relay", {semantics.TRACE: semantics.INSERTION}):
            await self._bus.publish(row["subject"], event)
        # The model first: while its row waits, both are done again.
        if announces := row.get("announces"):
            await self._models.announced(**announces)
            self._directory.forget(ModelName(announces["project"], announces["slug"]))
        async with within_store_limit(self._store):
            await self._rows.update_one({"_id": row["_id"]}, {"$set": {"waiting": False, "relayed_at": now()}})
        for expected in self._expected.pop(row["_id"], ()):
            expected.set_result(None)

    async def relayed(self, event_id: str, *, within: timedelta) -> bool:
        """Whether the bus has taken the event, now or soon. Asks once and at once when the bus is away."""
        expected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._expected.setdefault(event_id, set()).add(expected)
        try:
            async with within_store_limit(self._store):
                if not await self._rows.find_one({"_id": event_id, "waiting": True}, projection={"_id": 1}):
                    return True
            if not self._bus.connected:
                return False
            self.wake()
            async with asyncio.timeout(within.total_seconds()):
                await asyncio.shield(expected)
        except TimeoutError:
            return False
        finally:
            if others := self._expected.get(event_id):
                others.discard(expected)
                if not others:
                    del self._expected[event_id]
        return True
