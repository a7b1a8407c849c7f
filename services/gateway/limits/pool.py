"""One gateway's share of one limit: what its calls may do without asking anybody. Pure; times are arguments.

What calls meet changes the gateway's own view of the limit at once, and everybody's when it is told next.
"""

import math
from dataclasses import replace

from services.gateway.limits.breaker import BreakerPolicy, BreakerState
from services.gateway.limits.shares import living, slots_for
from services.gateway.limits.state import Grant, Limits, LimitState, Need, Seen
from services.gateway.limits.token_bucket import capacity

TELL_SECONDS = 1.0
"""How often a share in use is renewed and news is told: how long other gateways may not know of it."""
LOOK_SECONDS = 0.25
"""How often who waits for what others hold looks whether it is free."""
SHARE_SECONDS = 1.0
"""Calls and tokens are taken for so long ahead; what nobody used goes back after twice that."""


class Pool:
    """One limit, as one gateway sees it."""

    def __init__(self, name: str, gateway: str, limits: Limits, policy: BreakerPolicy, *, seat_seconds: float) -> None:
        self.name = name
        self.gateway = gateway
        self.limits = limits
        self.state = LimitState()
        self.in_flight = 0
        self.waiting = 0
        self.probe_failed_elsewhere = False
        """Another gateway's probe has failed while this one was looking."""
        self._policy = policy
        self._seat_seconds = seat_seconds
        self._seen = Seen()
        self._telling = Seen()
        self._slots = 0
        self._requests = 0.0
        self._tokens = 0.0
        self._first_tokens = 0.0
        self._shared_at = float("-inf")
        self._probe_granted = False
        self._probe_seconds = 0.0

    # What calls ask.

    def wait_for(self, tokens: float, now: float) -> float:
        """Seconds until a call should look again; 0: it may go now.

        Infinite where only another call's end, or a new share, can help.
        """
        breaker = self.state.breaker.state(now)
        if breaker is not BreakerState.CLOSED and not self._probe_granted:
            return max(0.0, self.state.breaker.open_until - now) or float("inf")
        if self.state.held_until > now:
            return self.state.held_until - now
        if self.in_flight >= self._usable_slots(now) or self._lacks_rate(tokens):
            return float("inf")
        return 0.0

    def _usable_slots(self, now: float) -> int:
        if now >= self._shared_at + self._seat_seconds:
            return 0  # the seat is void: others may hold its slots by now
        return min(self._slots, self.state.slots(self.limits))

    def _lacks_rate(self, tokens: float) -> bool:
        return self._missing_requests() > 0 or self._missing_tokens(tokens) > 0

    def _missing_requests(self) -> float:
        return max(0.0, 1.0 - self._requests) if self.limits.requests_per_minute else 0.0

    def _missing_tokens(self, tokens: float) -> float:
        """No call waits for more than a full bucket; what it uses beyond is a debt."""
        per_minute = self.limits.tokens_per_minute
        return max(0.0, min(tokens, capacity(per_minute)) - self._tokens) if per_minute else 0.0

    def enter(self, tokens: float, now: float) -> bool:
        """A call goes that may; says whether it is a probe."""
        self.in_flight += 1
        self._requests -= bool(self.limits.requests_per_minute)
        self._tokens -= tokens if self.limits.tokens_per_minute else 0.0
        probe = self._probe_granted and self.state.breaker.state(now) is not BreakerState.CLOSED
        self._probe_granted = False
        return probe

    def leave(self, seen: Seen, now: float, *, tokens: float = 0.0, unsent: bool = False) -> None:
        """A call has ended.

        Args:
            seen: what it met.
            now: seconds.
            tokens: used beyond those it took; negative: fewer.
            unsent: nothing was sent, so that its share goes back.
        """
        self.in_flight -= 1
        if unsent:
            self._requests += bool(self.limits.requests_per_minute)
        self._tokens -= tokens if self.limits.tokens_per_minute else 0.0
        self._note(seen, now)

    def _note(self, seen: Seen, now: float) -> None:
        self._seen = self._seen.then(seen)
        self.state = self.state.after(seen, self.limits, self._policy, now)

    # What the one who asks the store does.

    @property
    def is_in_use(self) -> bool:
        """Whether there is anything to renew, to give back or to tell."""
        return bool(self.in_flight or self.waiting or self._slots or self._probe_granted) or self._seen != Seen()

    def must_tell(self) -> bool:
        """Whether others should know at once: the endpoint has asked for patience, or the breaker has moved."""
        seen = self._seen
        opened = seen.failures > 0 and self.state.breaker.cool_down > 0
        return opened or seen.probed or seen.held_until > 0 or seen.refused_sent_at is not None

    def next_look(self, tokens: float, now: float) -> float:
        """Seconds until asking for a larger share may bring one, for a call that waits.

        Args:
            tokens: that the call is expected to use.
            now: seconds.
        """
        if now >= self._shared_at + self._seat_seconds:
            return 0.0
        breaker = self.state.breaker
        if breaker.state(now) is not BreakerState.CLOSED:
            if now < breaker.open_until:
                return breaker.open_until - now
            if not breaker.may_be_probed(now):
                return LOOK_SECONDS
        wait = 0.0
        if self.in_flight >= self._usable_slots(now) and self._could_hold(now) <= self._slots:
            wait = TELL_SECONDS if self._slots else LOOK_SECONDS
        if missing := self._missing_requests():
            wait = max(
                wait,
                self.state.requests.at_time(self.limits.requests_per_minute, now).seconds_until(
                    self.limits.requests_per_minute, missing
                ),
            )
        if missing := self._missing_tokens(tokens):
            wait = max(
                wait,
                self.state.tokens.at_time(self.limits.tokens_per_minute, now).seconds_until(
                    self.limits.tokens_per_minute, missing
                ),
            )
        return wait

    def _could_hold(self, now: float) -> int:
        others = living(self.state.seats, now)
        seat = others.pop(self.gateway, None)
        if seat is None:
            return self.state.slots(self.limits)
        seat = replace(seat, holds=self._slots, in_flight=self.in_flight, waiting=self.waiting)
        return slots_for(self.gateway, seat, others, self.state.slots(self.limits), now)

    def want_tokens(self, tokens: float) -> None:
        """What the first of the calls that wait is expected to use."""
        self._first_tokens = tokens

    def want_probe(self, seconds: float) -> None:
        """A call waits that may be a probe, and takes so long at most; 0: none does."""
        self._probe_seconds = seconds

    def step(self, state: LimitState, now: float) -> tuple[LimitState, Grant]:
        """What a gateway tells and takes, as one step of the shared state.

        Slots that are given back are out of use from here on, for the step may be taken before we hear of it.
        """
        after = state.after(self._telling, self.limits, self._policy, now)
        shared, grant = after.share(self.gateway, self._need(), self.limits, now=now, seat_seconds=self._seat_seconds)
        self._slots = min(self._slots, grant.slots)
        return shared, grant

    def _need(self) -> Need:
        return Need(
            in_flight=self.in_flight,
            waiting=self.waiting,
            requests=self._wanted(self._requests, 1.0, self.limits.requests_per_minute),
            tokens=self._wanted(self._tokens, self._first_tokens, self.limits.tokens_per_minute),
            probe_seconds=0.0 if self._probe_granted else self._probe_seconds,
        )

    def _wanted(self, has: float, first: float, per_minute: int) -> float:
        """For the first call that waits, and where calls are frequent for those that come soon.

        Not for all that wait: other gateways have calls too.
        """
        if not per_minute or not (self.waiting or self.in_flight):
            return 0.0
        ahead = per_minute * SHARE_SECONDS / 60
        wanted = math.ceil(max(first, ahead)) if self.waiting else math.floor(ahead)
        return float(max(0, wanted - math.floor(max(0.0, has))))

    def begin_telling(self, now: float) -> None:
        """What was seen up to here goes with the next step; what is left of an old share goes back."""
        seen = self._seen
        given_back_requests = self._left_over(self._requests, now)
        given_back_tokens = self._left_over(self._tokens, now)
        self._requests -= given_back_requests
        self._tokens -= given_back_tokens
        self._telling = replace(
            seen, requests=seen.requests - given_back_requests, tokens=seen.tokens - given_back_tokens
        )
        self._seen = Seen()

    def _left_over(self, left: float, now: float) -> float:
        """Debts always; what nobody used when it is old, or nobody needs it."""
        old = now >= self._shared_at + 2 * SHARE_SECONDS or not (self.in_flight or self.waiting)
        return left if left < 0 or (old and not self.waiting) else 0.0

    def told(self, state: LimitState, grant: Grant, *, asked: float, now: float) -> None:
        """The step was taken: this is the state after it, and what was got; asked for at `asked`."""
        self._telling = Seen()
        followed = asked < self._shared_at + 3 * TELL_SECONDS
        self.probe_failed_elsewhere = followed and state.breaker.failed_probes > self.state.breaker.failed_probes
        self.state = state.after(self._seen, self.limits, self._policy, now)
        self._slots = grant.slots
        self._requests += grant.requests
        self._tokens += grant.tokens
        self._probe_granted = self._probe_granted or grant.probe
        self._shared_at = asked

    def not_told(self) -> None:
        """The store did not take the step: the news is for the next one."""
        self._seen = self._telling.then(self._seen)
        self._telling = Seen()

    def give_up_probe(self, now: float) -> None:
        """Nobody is left who would be the probe that was granted."""
        if self._probe_granted:
            self._probe_granted = False
            self._note(Seen(probed=True), now)
