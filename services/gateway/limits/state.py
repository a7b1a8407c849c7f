"""All that gateways share about one limit, how news changes it, and what a gateway may take from it. Pure.

A limit is that of a model, or that of a key which several models use. Gateways do not ask for each call: each
takes a share (slots, calls and tokens of the next moment) and tells what it has seen since, once a second or
when its share does not suffice. Both are one step from one state to the next, so that the store need only see to
it that steps follow one another. Times are seconds of the store's clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.gateway.limits.breaker import Breaker, BreakerPolicy
from services.gateway.limits.concurrency import Concurrency
from services.gateway.limits.shares import Seat, living, slots_for
from services.gateway.limits.token_bucket import Bucket


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed; 0 is no limit."""

    concurrency: int = 0
    requests_per_minute: int = 0
    tokens_per_minute: int = 0


UNLIMITED_SLOTS = 1_000_000
"""Slots of a limit without concurrency: more than any gateway has calls."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a gateway has seen of an endpoint, and has not told yet."""

    alive: bool = False
    """It has replied, well or not."""
    failures: int = 0
    """That speak of the endpoint, in a row up to now."""
    successes: int = 0
    refused_sent_at: float | None = None
    """When the newest request was sent that it refused because it had too many."""
    held_until: float = 0.0
    requests: float = 0.0
    """Made beyond the share; negative: given back."""
    tokens: float = 0.0
    probed: bool = False
    """A probe has ended; `probe_alive` says how."""
    probe_alive: bool | None = None
    last_failure: str = ""

    def then(self, later: "Seen") -> "Seen":
        """Both, in order."""
        refused = [sent for sent in (self.refused_sent_at, later.refused_sent_at) if sent is not None]
        return Seen(
            alive=self.alive or later.alive,
            failures=later.failures if later.alive else self.failures + later.failures,
            successes=self.successes + later.successes,
            refused_sent_at=max(refused, default=None),
            held_until=max(self.held_until, later.held_until),
            requests=self.requests + later.requests,
            tokens=self.tokens + later.tokens,
            probed=self.probed or later.probed,
            probe_alive=later.probe_alive if later.probed else self.probe_alive,
            last_failure=later.last_failure or self.last_failure,
        )


@dataclass(frozen=True, slots=True)
class Need:
    """What a gateway has in hand, and what it would like."""

    in_flight: int = 0
    waiting: int = 0
    requests: float = 0.0
    tokens: float = 0.0
    probe_seconds: float = 0.0
    """How long a probe may take; 0: no call waits to be one."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a gateway has got."""

    slots: int = 0
    """In all, those in use included."""
    requests: float = 0.0
    """More than before; so are tokens."""
    tokens: float = 0.0
    probe: bool = False


@dataclass(frozen=True, slots=True)
class LimitState:
    """One limit."""

    seats: Mapping[str, Seat] = field(default_factory=dict)
    """By gateway."""
    requests: Bucket = field(default_factory=Bucket)
    tokens: Bucket = field(default_factory=Bucket)
    concurrency: Concurrency = field(default_factory=Concurrency)
    breaker: Breaker = field(default_factory=Breaker)
    held_until: float = 0.0
    """No call is sent before: the endpoint has asked for patience."""
    last_failure: str = ""
    last_failure_at: float = 0.0

    def slots(self, limits: Limits) -> int:
        """Calls that may be in flight at all gateways together."""
        return self.concurrency.slots(limits.concurrency or UNLIMITED_SLOTS)

    def after(self, seen: Seen, limits: Limits, policy: BreakerPolicy, now: float) -> "LimitState":
        """The state with what a gateway has seen."""
        most = limits.concurrency or UNLIMITED_SLOTS
        concurrency = self.concurrency.after_successes(most, seen.successes)
        if seen.refused_sent_at is not None:
            in_use = sum(seat.in_flight for seat in living(self.seats, now).values())
            concurrency = concurrency.after_overload(limits.concurrency or max(1, in_use), seen.refused_sent_at, now)
        breaker = self.breaker
        if seen.probed:
            breaker = breaker.after_probe(policy, now, alive=seen.probe_alive)
        if seen.alive:
            breaker = breaker.after_life()
        if seen.failures:
            breaker = breaker.after_failures(policy, seen.failures, now)
        return replace(
            self,
            requests=self.requests.at_time(limits.requests_per_minute, now).spend(seen.requests),
            tokens=self.tokens.at_time(limits.tokens_per_minute, now).spend(seen.tokens),
            concurrency=concurrency,
            breaker=breaker,
            held_until=max(self.held_until, seen.held_until),
            last_failure=seen.last_failure or self.last_failure,
            last_failure_at=now if seen.last_failure else self.last_failure_at,
        )

    def share(
        self, gateway: str, need: Need, limits: Limits, *, now: float, seat_seconds: float
    ) -> tuple["LimitState", Grant]:
        """The state after a gateway has taken what it may have of what it needs.

        Args:
            gateway: who takes; its seat is renewed, or given up when it needs nothing.
            need: its calls and wishes.
            limits: that are in force.
            now: seconds.
            seat_seconds: how long its seat holds without being renewed.
        """
        seats = living(self.seats, now)
        before = seats.pop(gateway, Seat())
        seat = Seat(before.holds, need.in_flight, need.waiting, now + seat_seconds)
        holds = slots_for(gateway, seat, seats, self.slots(limits), now)
        requests, tokens = self.requests, self.tokens
        granted_requests, granted_tokens = 0.0, 0.0
        if limits.requests_per_minute:
            requests, granted_requests = requests.take(limits.requests_per_minute, need.requests, now)
        if limits.tokens_per_minute:
            tokens, granted_tokens = tokens.take(limits.tokens_per_minute, need.tokens, now)
        probed = need.probe_seconds > 0 and holds > need.in_flight and self.breaker.may_be_probed(now)
        breaker = self.breaker.probed_by(gateway, need.probe_seconds, now) if probed else self.breaker
        if holds or seat.need:
            seats[gateway] = replace(seat, holds=holds)
        after = replace(self, seats=seats, requests=requests, tokens=tokens, breaker=breaker)
        return after, Grant(holds, granted_requests, granted_tokens, probed)
