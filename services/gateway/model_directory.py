"""Models at hand, so that a call need not read its model from the store each time."""

import asyncio
import contextvars
from collections.abc import MutableMapping

from cachetools import TTLCache

from dearena.names import ModelName
from services.gateway.models import RegisteredModel
from services.gateway.store import Models

FRESH_SECONDS = 1.0
"""How long another gateway's change may go unseen."""
MOST_MODELS = 10_000


class ModelDirectory:
    """Reads each model at most once a second, however many calls ask for it."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._known: MutableMapping[ModelName, asyncio.Task[RegisteredModel]] = TTLCache(MOST_MODELS, FRESH_SECONDS)

    async def get(self, name: ModelName) -> RegisteredModel:
        """A model, as it was at most a second ago.

        Raises:
            UnknownModel: there is none of this name.
            StoreUnavailable: it cannot be read.
        """
        task = self._known.get(name)
        if task is None:
            # Of nobody's context: many wait for it.
            task = asyncio.create_task(self._models.get(name), context=contextvars.Context())
            self._known[name] = task
            task.add_done_callback(lambda ended: self._drop_failed(name, ended))
        return await asyncio.shield(task)

    def _drop_failed(self, name: ModelName, task: "asyncio.Task[RegisteredModel]") -> None:
        if (task.cancelled() or task.exception() is not None) and self._known.get(name) is task:
            self.forget(name)

    def forget(self, name: ModelName) -> None:
        """Read it anew next time: it was changed here."""
        self._known.pop(name, None)
