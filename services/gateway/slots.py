"""How many calls to a model are in flight at once."""

import asyncio

from dearena.names import ModelName


class Slots:
    """One set of slots a model, first come first served.

    When a model's concurrency changes, calls that hold or await a slot keep to the old number; later ones go by
    the new.
    """

    def __init__(self) -> None:
        self._slots: dict[ModelName, tuple[int, asyncio.Semaphore]] = {}

    def of(self, model: ModelName, concurrency: int) -> asyncio.Semaphore:
        """The slots of a model: `async with slots.of(model, concurrency): ...`."""
        known = self._slots.get(model)
        if known is None or known[0] != concurrency:
            known = self._slots[model] = (concurrency, asyncio.Semaphore(concurrency))
        return known[1]
