"""Gauges of the query selector."""

from collections.abc import Iterable

from services.query_selector.selections import Selections
from services.query_selector.store import Dimensions
from services.runtime import instruments
from services.runtime.metrics import Reading


class Gauges:
    """What is so now; see `metrics.Stock`."""

    def __init__(self, dimensions: Dimensions, selections: Selections) -> None:
        self._dimensions = dimensions
        self._selections = selections

    async def dimensions(self) -> Iterable[Reading]:
        """In all projects."""
        counts = await self._dimensions.count_by_state()
        return [Reading(instruments.DIMENSIONS, count, {instruments.STATE: state}) for state, count in counts.items()]

    async def selections(self) -> Iterable[Reading]:
        """That this process brings forward."""
        return [Reading(instruments.SELECTIONS_RUNNING, self._selections.running)]
