"""Gauges of the dispatcher."""

from collections.abc import Iterable

from services.judge_dispatcher.dispatcher import Dispatcher
from services.judge_dispatcher.store import ComparisonStore
from services.runtime import instruments
from services.runtime.metrics import Reading, of_dimension


class Gauges:
    """What is so now; see `metrics.Stock`."""

    def __init__(self, dispatcher: Dispatcher, store: ComparisonStore) -> None:
        self._dispatcher = dispatcher
        self._store = store

    async def cells(self) -> Iterable[Reading]:
        """That this process has taken up."""
        return [Reading(instruments.CELLS_IN_FLIGHT, self._dispatcher.cells_in_flight)]

    async def last_votes(self) -> Iterable[Reading]:
        """Of every dimension, whichever process wrote them."""
        return [
            Reading(instruments.LAST_VOTE, moment.timestamp(), of_dimension(name))
            for name, moment in (await self._store.last_outcomes()).items()
        ]
