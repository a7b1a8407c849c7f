"""Makes a store's indexes, and waits for the store meanwhile."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from dearena.faults import StoreUnavailable
from services.runtime.store import Index, Store

log = structlog.get_logger(__name__)

PAUSE_SECONDS = 0.5


async def ensure_indexes(store: Store, indexes: Mapping[str, Sequence[Index]], *, patience_seconds: float) -> None:
    """Make what is missing, and drop what is gone; harmless when repeated, and cheap where all of it stands.

    A build that takes longer than a call to the store goes on there, and is waited for by the next call.

    Raises:
        TimeoutError: the store was away, or not done, for so long.
    """
    async with asyncio.timeout(patience_seconds):
        while True:
            try:
                await store.ping()
                await store.ensure_indexes(indexes)
            except StoreUnavailable:
                log.warning("the store cannot be reached, waiting")
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return
