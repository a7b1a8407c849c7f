"""Random draws that are the same on every machine and Python. Pure.

Only `randrange` of a generator seeded by an integer is used: its numbers do not change between versions of
Python, which those of `shuffle`, `sample` and `choices` may.
"""

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draws:
    """The draws of one puzzle."""

    def __init__(self, *key: str | int) -> None:
        """Draws that depend on the key only."""
        digest = hashlib.sha256("\0".join(map(str, key)).encode()).digest()
        self._random = random.Random(int.from_bytes(digest, "big"))

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return self._random.randrange(low, high + 1)

    def nonzero(self, low: int, high: int) -> int:
        """A whole number from `low` to `high` that is not 0; `low` must be below 0 and `high` above."""
        drawn = self.between(low, high - 1)
        return drawn if drawn < 0 else drawn + 1

    def chance(self, part: int, whole: int) -> bool:
        """True in `part` of `whole` cases."""
        return self._random.randrange(whole) < part

    def pick(self, things: Sequence[T]) -> T:
        """One of the things."""
        return things[self._random.randrange(len(things))]

    def sample(self, things: Sequence[T], count: int) -> list[T]:
        """So many of the things, in random order, none twice."""
        left = list(things)
        return [left.pop(self._random.randrange(len(left))) for _ in range(count)]

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """The things in random order."""
        return self.sample(things, len(things))
