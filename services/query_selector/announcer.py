"""The doorbell of the query selector: `dimension.ready`, rung at least once for every dimension."""

import asyncio

import structlog

from dearena.faults import ArenaFault, ServiceUnavailable
from dearena.v1.events_pb2 import DimensionReady
from services.query_selector.store import Dimensions
from services.runtime import subjects
from services.runtime.bus import Bus, envelope
from services.runtime.store import Document

log = structlog.get_logger(__name__)


class Announcer:
    """Tells the bus of dimensions that are ready, sooner or later, at least once."""

    def __init__(self, dimensions: Dimensions, bus: Bus) -> None:
        self._dimensions = dimensions
        self._bus = bus
        self._is_back = asyncio.Event()
        bus.on_reconnect.append(self._is_back.set)

    async def announce(self, dimension: Document, *, again: str = "") -> bool:
        """Ring for a dimension unless that was done; False when the bus is away, and the sweep will.

        Without queries there is nothing to ring for.

        Args:
            dimension: its document.
            again: by which another ring is told from the first; empty: one is enough.
        """
        if dimension.get("selecting"):
            return False
        if dimension["announced"] and not again:
            return True
        project, slug, version = dimension["project"], dimension["slug"], dimension["version"]
        event = envelope(
            f"dimension.ready/{project}/{slug}/{version}{again and f'/{again}'}",
            project,
            slug,
            sequence=version,
            dimension_ready=DimensionReady(dimension_version=version),
        )
        try:
            await self._bus.publish(subjects.dimension_ready(project, slug), event)
        except ServiceUnavailable as fault:
            log.info("dimension waits for the bus", project=project, dimension=slug, error=str(fault))
            return False
        await self._dimensions.mark_announced(dimension)
        return True

    async def sweep(self) -> None:
        """Ring for all that waits."""
        for dimension in await self._dimensions.unannounced():
            await self.announce(dimension)

    async def run(self) -> None:
        """Ring for all that waits whenever the bus is back, without waiting for the sweep; until cancelled."""
        while True:
            await self._is_back.wait()
            self._is_back.clear()
            try:
                await self.sweep()
            except ArenaFault as fault:
                log.info("dimensions are announced later", error=str(fault))
            except Exception:
                log.exception("announcing dimensions failed")
