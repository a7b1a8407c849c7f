"""How many calls, or tokens, a minute has left: a token bucket that may fall into debt. Pure.

Providers count in minutes of their own, so a bucket that holds a whole minute's worth would let two through in
one. This one holds a twelfth, and refills that much slower: no minute, wherever it begins, sees more than was
allowed. What a call truly used is known afterwards only, and may be more than was taken: the bucket is then in
debt and gives nothing until it has refilled.
"""

import math
from dataclasses import dataclass
from typing import Final

BURST_SHARE: Final = 1 / 12
"""Of a minute's worth; what may be taken at once after a rest. More is smoother for bursts, and refills slower."""


def capacity(per_minute: float) -> float:
    """What a full bucket holds: at least one, so that the smallest limit lets a call through."""
    return max(1.0, per_minute * BURST_SHARE)


def refill_per_second(per_minute: float) -> float:
    """So fast that any 60 s, the burst at their beginning included, see at most `per_minute` whole calls."""
    return (per_minute - capacity(per_minute) + 1.0) / 60.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """The level at a moment; a new bucket is full. Times in seconds."""

    level: float = math.inf
    at: float = 0.0

    def at_time(self, per_minute: float, now: float) -> "Bucket":
        """Refilled up to now. A clock that goes back refills nothing."""
        refilled = self.level + max(0.0, now - self.at) * refill_per_second(per_minute)
        return Bucket(min(capacity(per_minute), refilled), max(now, self.at))

    def take(self, per_minute: float, wanted: float, now: float) -> tuple["Bucket", float]:
        """Take whole units, as many of those wanted as there are."""
        full = self.at_time(per_minute, now)
        granted = max(0.0, min(wanted, float(math.floor(full.level))))
        return full.spend(granted), granted

    def spend(self, amount: float) -> "Bucket":
        """Take an amount that was used whatever the level (negative: give back)."""
        return Bucket(self.level - amount, self.at)

    def seconds_until(self, per_minute: float, amount: float) -> float:
        """From its moment until it holds so much, or is full where that is less."""
        missing = min(amount, capacity(per_minute)) - self.level
        return max(0.0, missing / refill_per_second(per_minute))
