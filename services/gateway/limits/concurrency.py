"""How many calls an endpoint bears at once: down by half when it says too many, up by one a round of successes.

Pure. Additive increase, multiplicative decrease, as TCP does (Chiu and Jain 1989): calls that share an endpoint
come to share what it bears. Many refusals of one moment are one piece of news, not many.
"""

import math
from dataclasses import dataclass
from typing import Final

FALL: Final = 0.5
DEAF_SECONDS: Final = 1.0
"""After a fall: refusals of requests sent before this has passed speak of how it was before."""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """What is allowed of a model's own concurrency; infinite before the first refusal."""

    allowed: float = math.inf
    fell_at: float = -math.inf

    def slots(self, limit: int) -> int:
        """Whole calls that may be in flight: from 1 to `limit`."""
        return max(1, math.floor(min(float(limit), self.allowed)))

    def after_overload(self, limit: int, sent_at: float, now: float) -> "Concurrency":
        """After a 429 or 503 for a request that was sent at `sent_at`."""
        if sent_at < self.fell_at + DEAF_SECONDS:
            return self
        return Concurrency(max(1.0, min(self.allowed, float(limit)) * FALL), now)

    def after_successes(self, limit: int, successes: int) -> "Concurrency":
        """After so many successes; at the limit nothing is left to be recovered."""
        if self.allowed >= limit or successes == 0:
            return self
        grown = self.allowed + successes / self.allowed
        return Concurrency(math.inf if grown >= limit else grown, self.fell_at)
