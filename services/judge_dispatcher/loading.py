"""A cache that loads what it lacks, each thing once however many ask for it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, MutableMapping
from contextlib import suppress
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Loaded(Generic[K, V]):
    """Values by key, from `cache` or else from `load`; a failed load is told to all who wait and not kept."""

    def __init__(self, load: Callable[[K], Awaitable[V]], cache: MutableMapping[K, V]) -> None:
        self._load = load
        self._cache = cache
        self._loading: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """The value of a key; raises what `load` raises."""
        with suppress(KeyError):
            return self._cache[key]
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.create_task(self._fetch(key))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard, even by nobody
        return await asyncio.shield(task)

    async def _fetch(self, key: K) -> V:
        try:
            value = await self._load(key)
            if self._is_wanted(key):
                with suppress(ValueError):  # larger than the whole cache
                    self._cache[key] = value
            return value
        finally:
            if self._is_wanted(key):
                del self._loading[key]

    def _is_wanted(self, key: K) -> bool:
        return self._loading.get(key) is asyncio.current_task()

    def forget(self, key: K) -> None:
        """Load the key anew when it is next asked for; what is being loaded now is old already."""
        self._cache.pop(key, None)
        self._loading.pop(key, None)
