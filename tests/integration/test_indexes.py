"""The job that makes the indexes of all collections, on a real store."""

import asyncio
import os
import sys

from services import indexes
from services.runtime.store import Index, Store


async def run(mongo_url: str, database: str, **more: str) -> tuple[int | None, str]:
    """Exit code of the job, and what it complained of."""
    job = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.indexes"),
        env={**os.environ, "DEARENA_MONGO_URL": mongo_url, "DEARENA_MONGO_DATABASE": database, **more},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, problem = await job.communicate()
    return job.returncode, problem.decode()


async def standing(store: Store, collection: str) -> set[tuple[str, ...]]:
    """Keys of the indexes of a collection, descending ones with a minus, without that of `_id`."""
    found = await store.collection(collection).index_information()
    keys = {tuple(f"-{key}" if way < 0 else key for key, way in one["key"]) for one in found.values()}
    return keys - {("_id",)}


def wanted(of: dict[str, list[Index]], collection: str) -> set[tuple[str, ...]]:
    return {index.keys for index in of[collection] if not index.gone}


async def test_all_indexes_are_made_and_made_again(mongo_url: str, mongo_database: str) -> None:
    every = {name: list(found) for of in indexes.ALL.values() for name, found in of.items()}
    store = Store(mongo_url, mongo_database)
    try:
        assert await run(mongo_url, mongo_database) == (0, "")
        assert {name: await standing(store, name) for name in every} == {name: wanted(every, name) for name in every}
        (unique,) = [
            one for one in (await store.collection("decisions").index_information()).values() if len(one["key"]) > 1
        ]
        assert unique["unique"]
        assert await run(mongo_url, mongo_database) == (0, "")
    finally:
        store.close()


def test_a_collection_has_one_owner() -> None:
    names = [name for of in indexes.ALL.values() for name in of]
    assert len(names) == len(set(names))
    assert len(indexes.ALL) == 5


async def test_a_store_that_is_away_is_waited_for_and_said() -> None:
    away = "mongodb://127.0.0.1:9/?replicaSet=rs0"
    code, problem = await run(away, "none", DEARENA_INDEX_SECONDS="1")
    assert (code, problem) == (1, "indexes cannot be made: the store was not done within 1 s\n")


async def test_a_wrong_setting_is_said() -> None:
    code, problem = await run("mongodb://127.0.0.1:9", "none", DEARENA_INDEX_SECONDS="soon")
    assert code == 2
    assert "DEARENA_INDEX_SECONDS: " in problem
