"""A column that grows at its end, with room to spare, so that growing does not copy it every time. Pure."""

from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", bound=np.generic)


class Growing(Generic[Number]):
    """An array of one dimension that values are added to."""

    def __init__(self, kind: type[Number]) -> None:
        self._room: npt.NDArray[Number] = np.zeros(0, dtype=kind)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def values(self) -> npt.NDArray[Number]:
        """All values so far. A view: it does not change when more are added."""
        return self._room[: self._length]

    def extend(self, values: npt.NDArray[Any]) -> None:
        """Add values at the end."""
        after = self._length + len(values)
        if after > len(self._room):
            room = np.zeros(max(2 * self._length, after), dtype=self._room.dtype)
            room[: self._length] = self.values
            self._room = room
        self._room[self._length : after] = values
        self._length = after
