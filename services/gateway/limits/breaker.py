"""When an endpoint is left alone, and how it is tried again: a circuit breaker with one probe at a time. Pure.

Closed, calls go. After so many failures in a row that speak of the endpoint it opens, and calls wait. When the
cool-down is over it is half open: one call goes as a probe. If the endpoint shows life, the breaker closes and
all go on; if not, all that wait are refused unsent, and it opens again for twice as long, up to a bound.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from services.gateway.failures import Failure, FailureKind

_SPEAKS_OF_ENDPOINT = frozenset({FailureKind.UNREACHABLE, FailureKind.TIMEOUT, FailureKind.ENDPOINT_ERROR})


class BreakerState(StrEnum):
    """As `BreakerState` in gateway.proto, without its prefix."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Times in seconds."""

    failures: int = 10
    """In a row, until it opens: above what the retries of two unlucky calls make."""
    cool_down: float = 5.0
    """Of the first opening; doubles with each probe that fails."""
    longest_cool_down: float = 120.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """One endpoint's breaker, shared by all gateways. Times in seconds."""

    failures: int = 0
    """In a row, while closed."""
    cool_down: float = 0.0
    """Of the opening that lasts; 0 while closed."""
    open_until: float = 0.0
    prober: str = ""
    """Who has the probe in flight."""
    probe_until: float = 0.0
    """When a probe of which nothing is heard is given up."""
    failed_probes: int = 0
    """Ever; that it has grown is how other gateways learn that what waits with them fails."""

    def state(self, now: float) -> BreakerState:
        """Closed, open, or half open."""
        if self.cool_down == 0:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.open_until else BreakerState.HALF_OPEN

    def may_be_probed(self, now: float) -> bool:
        """Half open, and nobody is probing."""
        return self.state(now) is BreakerState.HALF_OPEN and (not self.prober or self.probe_until <= now)

    def after_life(self) -> "Breaker":
        """After an ordinary call that the endpoint answered, well or not."""
        return self if self.cool_down else replace(self, failures=0)

    def after_failures(self, policy: BreakerPolicy, count: int, now: float) -> "Breaker":
        """After ordinary calls that failed; those that were still in flight when it opened change nothing."""
        if self.cool_down:
            return self
        if self.failures + count < policy.failures:
            return replace(self, failures=self.failures + count)
        return replace(self, failures=0, cool_down=policy.cool_down, open_until=now + policy.cool_down, prober="")

    def probed_by(self, prober: str, patience: float, now: float) -> "Breaker":
        """A probe begins; the same breaker when none may."""
        return replace(self, prober=prober, probe_until=now + patience) if self.may_be_probed(now) else self

    def after_probe(self, policy: BreakerPolicy, now: float, *, alive: bool | None) -> "Breaker":
        """A probe has ended: with life, without, or (None) without telling, so that another one may go."""
        if self.cool_down == 0:
            return self
        if alive is None:
            return replace(self, prober="")
        if alive:
            return Breaker(failed_probes=self.failed_probes)
        cool_down = min(2 * self.cool_down, policy.longest_cool_down)
        return replace(
            self,
            prober="",
            cool_down=cool_down,
            open_until=now + cool_down,
            failed_probes=self.failed_probes + 1,
        )


def speaks_against_endpoint(failure: Failure, retry_after: float | None) -> bool:
    """Whether a failure counts: no connection, no reply in time, or a 5xx.

    A refusal is a reply, and so is one that cannot be read; who asks for patience by Retry-After is alive.
    """
    return failure.kind in _SPEAKS_OF_ENDPOINT and retry_after is None
