"""Which dimensions a ranker brings forward. Pure.

Dimensions are spread over shards by their names alone, so that every ranker, and whoever looks at the bus, says the
same without asking. With another number of shards most dimensions are of another one; while rankers that know the
old number and the new one run side by side, two of them may have one dimension, or for a moment none, and neither
does harm: whoever commits names the version that it has read.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from dearena.names import DimensionName

MOST_SHARDS: Final = 1_000
"""More is a slip of the finger: every ranker hears every doorbell."""
ALL: Final = "all"
HOSTNAME: Final = "hostname"
DURABLE: Final = "ranker-doorbell"
LONGEST_NUMBER: Final = 9
"""Digits."""


class InvalidShard(ValueError):
    """A setting names no shard that there is; says why."""


def shard_of(name: DimensionName, shards: int) -> int:
    """The shard of a dimension, from 0; never another one while there are so many."""
    return int.from_bytes(hashlib.sha256(str(name).encode()).digest()[:8]) % shards


@dataclass(frozen=True, slots=True)
class Shards:
    """The shards that one ranker has: one of `count`, or all."""

    count: int = 1
    own: int | None = None

    @classmethod
    def of(cls, count: int, shard: str, hostname: str) -> "Shards":
        """As the settings say.

        Args:
            count: of shards.
            shard: an ordinal, `all`, or `hostname`: then it is the number at the end of that, as a StatefulSet
                gives its pods.
            hostname: of this machine.

        Raises:
            InvalidShard: there is no such shard.
        """
        if shard == ALL:
            return cls(count)
        found = shard
        if shard == HOSTNAME:
            _, dash, found = hostname.rpartition("-")
            if not dash or not _is_number(found):
                raise InvalidShard(f"is {HOSTNAME!r}, and {hostname!r} does not end in a dash and a number")
        elif not _is_number(found):
            raise InvalidShard(f"is {shard!r}; must be a number, {ALL!r} or {HOSTNAME!r}")
        if int(found) >= count:
            of = f" by the host name {hostname!r}" if shard == HOSTNAME else ""
            there_are = f"there {'is' if count == 1 else 'are'} {count}, counted from 0"
            raise InvalidShard(f"is {int(found)}{of}, and {there_are} (DEARENA_SHARDS)")
        return cls(count, int(found))

    def has(self, name: DimensionName) -> bool:
        """Whether a dimension is of these shards."""
        return self.own is None or self.of_dimension(name) == self.own

    def of_dimension(self, name: DimensionName) -> int:
        """The shard of a dimension, whoever has it."""
        return shard_of(name, self.count)

    @property
    def durable(self) -> str:
        """The consumer of doorbells, shared by those who have the same shards.

        Each shard's hears of all dimensions, and so does not depend on how many shards there are.
        """
        return DURABLE if self.own is None else f"{DURABLE}-{self.own}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
