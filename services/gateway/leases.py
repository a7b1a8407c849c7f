"""Which gateway processes are alive: each keeps a lease in the store, by the store's clock."""

import asyncio
import time
from collections.abc import Iterable

import structlog

from dearena.faults import StoreUnavailable
from services.gateway.documents import provenance
from services.gateway.store import INSTANCES
from services.runtime.store import Store, now, within_store_limit

log = structlog.get_logger(__name__)

RENEWALS_PER_LEASE = 3


class Leases:
    """The lease of this process, and a look at those of others.

    A process without a lease is dead, so a lease is taken before the first call is recorded, and let go when
    the last one has ended.
    """

    def __init__(self, store: Store, instance: str, *, seconds: float) -> None:
        self.instance = instance
        self._store = store
        self._instances = store.collection(INSTANCES)
        self._seconds = seconds
        self._held_until = 0.0
        self._renewing = asyncio.Lock()
        self.lapses = 0
        """How often this process was without a lease after it had one: others may have taken it for dead."""

    async def hold(self) -> None:
        """Make sure that this process has a lease; costs nothing while it has."""
        if time.monotonic() >= self._held_until:
            async with self._renewing:  # for all that come at once
                if time.monotonic() >= self._held_until:
                    await self._renew()

    async def _renew(self) -> None:
        asked = time.monotonic()
        expires_at = {"$add": ["$$NOW", int(self._seconds * 1000)]}
        async with within_store_limit(self._store):
            await self._instances.update_one(
                {"_id": self.instance},
                [{"$set": {"expires_at": expires_at, **provenance(self.instance, now())}}],
                upsert=True,
            )
        if 0.0 < self._held_until <= time.monotonic():
            self.lapses += 1
        self._held_until = asked + self._seconds

    async def keep(self) -> None:
        """Renew the lease until cancelled."""
        while True:
            try:
                await self._renew()
            except StoreUnavailable as fault:
                log.warning("lease not renewed", error=str(fault))
            await asyncio.sleep(self._seconds / RENEWALS_PER_LEASE)

    async def let_go(self) -> None:
        """Give the lease up: what this process has in flight may be taken over. With the store away, it runs out."""
        self._held_until = 0.0
        try:
            async with within_store_limit(self._store):
                await self._instances.delete_one({"_id": self.instance})
        except StoreUnavailable as fault:
            log.warning("lease not given up, so it runs out", error=str(fault))

    async def dead(self, instances: Iterable[str]) -> set[str]:
        """Those of the processes that have no lease (any more)."""
        asked = set(instances)
        async with within_store_limit(self._store):
            alive = self._instances.find({"_id": {"$in": sorted(asked)}, "$expr": {"$gt": ["$expires_at", "$$NOW"]}})
            return asked - {lease["_id"] async for lease in alive}

    async def forget_dead(self) -> None:
        """Remove leases that have run out; a process that comes back takes a new one."""
        async with within_store_limit(self._store):
            await self._instances.delete_many({"$expr": {"$lte": ["$expires_at", "$$NOW"]}})
