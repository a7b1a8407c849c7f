"""The job that makes the indexes of all collections, and ends: `python -m services.indexes`.

In a cluster it runs before the services of a new version do, so that none of them starts to the build of an index
over a large collection, and no two of them at once. Each service still makes its own where they are missing, so
whoever leaves the job out loses nothing but time at a start. Harmless when repeated.

It reads DEARENA_MONGO_URL and DEARENA_MONGO_DATABASE, waits for the store, and needs no bus and no other service.
Exit 0: they stand; 1: they could not be made, with the reason; 2: a setting is wrong.

It is no service, and the only one that may look into each of them: at the list of its indexes.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.gateway.store import INDEXES as GATEWAY
from services.judge_dispatcher.room import INDEXES as JUDGE_DISPATCHER
from services.query_selector.room import INDEXES as QUERY_SELECTOR
from services.ranker.store import INDEXES as RANKER
from services.runtime.indexing import ensure_indexes
from services.runtime.store import Index, Store
from services.scorer.store import INDEXES as SCORER

log = structlog.get_logger(__name__)

ALL: Final[Mapping[str, Mapping[str, Sequence[Index]]]] = {
    "gateway": GATEWAY,
    "query_selector": QUERY_SELECTOR,
    "ranker": RANKER,
    "judge_dispatcher": JUDGE_DISPATCHER,
    "scorer": SCORER,
}
"""By service. A collection has one owner, so no two of them name the same one."""


class IndexSettings(BaseSettings):
    """What the job must know."""

    model_config = SettingsConfigDict(env_prefix="DEARENA_", env_ignore_empty=True, extra="ignore")

    mongo_url: str = "mongodb://127.0.0.1:27017/?replicaSet=rs0"
    mongo_database: str = "dearena"
    # How long the store may be away, or build, before the job gives up. Above the build over the largest collection.
    index_seconds: float = Field(default=600.0, gt=0)


async def make(settings: IndexSettings) -> int:
    """Make the indexes of every service; how many collections have them.

    Raises:
        TimeoutError: the store was away, or not done, for too long.
    """
    store = Store(settings.mongo_url, settings.mongo_database)
    try:
        async with asyncio.timeout(settings.index_seconds):
            for indexes in ALL.values():
                await ensure_indexes(store, indexes, patience_seconds=settings.index_seconds)
    finally:
        await asyncio.to_thread(store.close)
    return sum(map(len, ALL.values()))


def main() -> None:
    """Make them by the settings in the environment."""
    try:
        settings = IndexSettings()
    except ValidationError as error:
        wrong = "; ".join(f"DEARENA_{one['loc'][0]}".upper() + f": {one['msg']}" for one in error.errors())
        sys.stderr.write(f"indexes cannot be made: {wrong}\n")
        sys.exit(2)
    try:
        collections = asyncio.run(make(settings))
    except TimeoutError:
        sys.stderr.write(f"indexes cannot be made: the store was not done within {settings.index_seconds:g} s\n")
        sys.exit(1)
    log.info("indexes stand", collections=collections)


if __name__ == "__main__":
    main()
