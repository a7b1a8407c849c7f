"""One call's way through the limits, from its place in line to its last HTTP request."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from dearena.faults import ArenaFault
from services.gateway.calls import Call
from services.gateway.chat import Reply
from services.gateway.failures import Failure
from services.gateway.limits.fair_queue import FairQueue
from services.gateway.limits.pool import Pool
from services.gateway.limits.token_estimate import ReplyLengths, input_tokens


class Doorkeeper(Protocol):
    """Lets calls in, and hears how they end: admission.py."""

    def may_enter(self, passage: "Passage") -> bool:
        """Whether a call may go at once."""

    async def enter(self, passage: "Passage", *, again: bool) -> None:
        """Go in, or line up and wait; with `again` before others of its kind."""

    def ended(self, passage: "Passage", result: Reply | Failure, retry_after: float | None) -> None:
        """An HTTP request of a call that was let in has ended."""

    def unused(self, passage: "Passage") -> None:
        """A call that was let in was not sent."""


class CircuitOpen(Exception):
    """The endpoint was left alone, and a probe has shown that it should be."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class Passage:
    """One call's way through: `async with passage` waits for leave to send, and is then the gate for what is sent.

    Waiting for the first leave is bounded by the patience of whoever waits only; the deadline of the call begins
    with its first HTTP request.
    """

    def __init__(self, doorkeeper: Doorkeeper, call: Call, line: "Line", lengths: ReplyLengths) -> None:
        self.call = call
        self.line = line
        self.lengths = lengths
        self.tokens = input_tokens(call.messages) + lengths.expected(call.parameters)
        self.admitted: asyncio.Future[None] | None = None
        """Resolved when its turn has come; None while it does not wait."""
        self.inside = False
        self.probe = False
        self.sent_at = 0.0
        self.failed_probes = 0
        """Ever of its endpoint, when its last request was sent."""
        self._doorkeeper = doorkeeper
        self._deadline: float | None = None

    def must_wait(self) -> bool:
        """Whether there is no leave at present."""
        return not self._doorkeeper.may_enter(self)

    async def __aenter__(self) -> Self:
        """Wait for leave.

        Raises:
            CircuitOpen: a probe failed while the call waited.
            StoreUnavailable: there is no share of the limits, and none to be had.
        """
        await self._doorkeeper.enter(self, again=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give back what was not used."""
        if self.inside:
            self._doorkeeper.unused(self)

    def remaining(self) -> float:
        """Seconds left of the call's deadline."""
        now = asyncio.get_running_loop().time()
        if self._deadline is None:
            self._deadline = now + self.call.spec.call_deadline().total_seconds()
        return max(0.0, self._deadline - now)

    def ended(self, result: Reply | Failure, retry_after: float | None) -> None:
        """An HTTP request ended so: its slot is free, and what it tells is noted."""
        self._doorkeeper.ended(self, result, retry_after)

    def _is_left_alone(self) -> bool:
        """Whether a probe has failed since the last request of this call, that request included."""
        return self.line.pools[0].state.breaker.failed_probes > self.failed_probes

    async def again(self, pause: float) -> bool:
        """Line up once more after a pause; False when the deadline would pass, or the endpoint is left alone."""
        if pause >= self.remaining() or self._is_left_alone():
            return False
        await asyncio.sleep(pause)
        if self._is_left_alone():
            return False
        try:
            async with asyncio.timeout(self.remaining()):
                await self._doorkeeper.enter(self, again=True)
        except (TimeoutError, CircuitOpen, ArenaFault):  # a store that is away: what the last request brought stands
            return False
        return True


@dataclass(slots=True)
class Line:
    """Calls that wait for the same limits: their model's, and then their key's."""

    pools: Sequence[Pool]
    queue: FairQueue[Passage] = field(default_factory=FairQueue)
    timer: asyncio.TimerHandle | None = None
