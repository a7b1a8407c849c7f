"""Whose call goes next: in turns between judging and answering, and within each between dimensions. Pure.

A dimension with ten thousand calls waiting delays another one's ten by one call each, no more. Every call counts
alike; within a dimension the first to come is the first to go, and a call that is sent again goes before them.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from services.gateway.calls import Purpose

Item = TypeVar("Item")
Lines = OrderedDict[str, deque[Item]]


class FairQueue(Generic[Item]):
    """Calls that wait, by purpose and dimension; the first purpose and dimension of each order is next."""

    def __init__(self) -> None:
        self._purposes: OrderedDict[Purpose, Lines[Item]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Item]:
        """All that wait, line by line."""
        for lines in self._purposes.values():
            for line in lines.values():
                yield from line

    def put(self, item: Item, purpose: Purpose, dimension: str, *, again: bool = False) -> None:
        """Line up; with `again` before all of the same purpose and dimension."""
        line = self._purposes.setdefault(purpose, OrderedDict()).setdefault(dimension, deque())
        if again:
            line.appendleft(item)
        else:
            line.append(item)
        self._size += 1

    def first(self) -> Item:
        """Who is next; raises LookupError when nobody waits."""
        if not self._size:
            raise LookupError("nobody waits")
        return next(iter(next(iter(self._purposes.values())).values()))[0]

    def pop(self) -> Item:
        """Take who is next; its purpose, and its dimension within that, go to the end."""
        item = self.first()
        purpose, lines = next(iter(self._purposes.items()))
        dimension, line = next(iter(lines.items()))
        line.popleft()
        self._size -= 1
        lines.move_to_end(dimension)
        self._purposes.move_to_end(purpose)
        self._tidy(purpose, dimension)
        return item

    def remove(self, item: Item, purpose: Purpose, dimension: str) -> None:
        """Leave the line; nothing when it is not in it."""
        line = self._purposes.get(purpose, OrderedDict[str, deque[Item]]()).get(dimension)
        if line is not None and item in line:
            line.remove(item)
            self._size -= 1
            self._tidy(purpose, dimension)

    def _tidy(self, purpose: Purpose, dimension: str) -> None:
        lines = self._purposes[purpose]
        if not lines[dimension]:
            del lines[dimension]
        if not lines:
            del self._purposes[purpose]
