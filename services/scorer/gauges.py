"""Gauges of the scorer: how far the boards are behind the rounds, as this process has last seen it."""

from collections.abc import Iterable
from dataclasses import dataclass

from dearena.names import DimensionName
from services.runtime import instruments
from services.runtime.metrics import Reading, of_dimension


@dataclass(slots=True)
class _Standing:
    board: int = 0
    closed: int = 0


class Standings:
    """The newest board and the newest closed round of each dimension; both only grow."""

    def __init__(self) -> None:
        self._known: dict[DimensionName, _Standing] = {}

    def saw_board(self, name: DimensionName, version: int) -> None:
        """There is a board of the rounds through this one."""
        known = self._known.setdefault(name, _Standing())
        known.board = max(known.board, version)

    def saw_round(self, name: DimensionName, number: int) -> None:
        """This round is closed."""
        known = self._known.setdefault(name, _Standing())
        known.closed = max(known.closed, number)

    async def boards(self) -> Iterable[Reading]:
        """Of every dimension that was seen."""
        return [
            reading
            for name, known in self._known.items()
            for reading in (
                Reading(instruments.BOARD_VERSION, known.board, of_dimension(name)),
                Reading(instruments.BOARD_LAG, max(0, known.closed - known.board), of_dimension(name)),
            )
        ]
