"""Leave to call an endpoint: every HTTP request of every call asks for it here.

A call asks for leave of its model's limit, and of its key's where that has one. As long as this gateway's shares
suffice, leave is given at once and without a word to the store. Otherwise calls line up (fair_queue.py), and
this goes and asks for more, waits until time has brought it, or until another call has ended.
"""

import asyncio
import contextvars
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from services.gateway.calls import Call, Purpose
from services.gateway.chat import Reply
from services.gateway.failures import Failure, FailureKind
from services.gateway.limits.breaker import BreakerPolicy
from services.gateway.limits.limit_records import LimitRecords
from services.gateway.limits.news import news_of, tokens_used
from services.gateway.limits.passage import CircuitOpen, Line, Passage
from services.gateway.limits.pool import TELL_SECONDS, Pool
from services.gateway.limits.state import Limits, Seen
from services.gateway.limits.token_estimate import ReplyLengths
from services.gateway.models import ModelSpec

log = structlog.get_logger(__name__)

BREATH_SECONDS = 0.02
"""Between two questions to the store about one limit."""
RENEWALS_PER_SEAT = 3
"""At least; so that one that is late does no harm."""
PROBE_MARGIN_SECONDS = 5.0
"""A probe of which nothing is heard for so long after its time-out is given up."""


MODELS = "models"
"""The names of models' limits begin so."""

KeyLimits = Callable[[str], Awaitable[Limits | None]]
"""What is allowed of a key, by its reference; None where nothing was said."""


@dataclass(slots=True)
class _Asking:
    """Questions to the store about one limit, and for whom they are."""

    pool: Pool
    lines: dict[Sequence[str], Line] = field(default_factory=dict)
    """Whose turn it is comes first."""
    task: asyncio.Task[None] | None = None
    asked_at: float = float("-inf")
    timer: asyncio.TimerHandle | None = None
    looks_at: float = 0.0
    """When the timer ends, by the loop's clock."""


class Load(NamedTuple):
    """Calls of a model, at this gateway."""

    project: str
    slug: str
    in_flight: int
    waiting: int


class Admission:
    """All limits, as this gateway takes part in them."""

    def __init__(
        self,
        records: LimitRecords,
        gateway: str,
        key_limits: KeyLimits,
        policy: BreakerPolicy,
        *,
        seat_seconds: float,
        longest_hold: float,
    ) -> None:
        self._records = records
        self._gateway = gateway
        self._key_limits = key_limits
        self._policy = policy
        self._seat_seconds = seat_seconds
        self._longest_hold = longest_hold
        self._asking: dict[str, _Asking] = {}
        self._lines: dict[Sequence[str], Line] = {}
        self._lengths: defaultdict[tuple[str, Purpose], ReplyLengths] = defaultdict(ReplyLengths)

    async def passage(self, call: Call) -> Passage:
        """The way of a call; nothing is taken yet."""
        names = [model_limit(call.project, call.model.slug)]
        pools = [self._pool(names[0], limits_of_model(call.spec))]
        reference = call.spec.endpoint.key_reference
        if reference and (limits := await self._key_limits(reference)) is not None:
            names.append(key_limit(reference))
            pools.append(self._pool(names[1], limits))
        key = tuple(names)
        if (line := self._lines.get(key)) is None:
            line = self._lines[key] = Line(pools)
            for name in names:
                self._asking[name].lines[key] = line
        return Passage(self, call, line, self._lengths[names[0], call.purpose])

    def _pool(self, name: str, limits: Limits) -> Pool:
        if (known := self._asking.get(name)) is None:
            pool = Pool(name, self._gateway, limits, self._policy, seat_seconds=self._seat_seconds)
            known = self._asking[name] = _Asking(pool)
        known.pool.limits = limits
        return known.pool

    def loads(self) -> Sequence[Load]:
        """Of every model that was called here."""
        found = []
        for name, asking in self._asking.items():
            kind, _, rest = name.partition("/")
            if kind == MODELS:
                project, _, slug = rest.partition("/")
                found.append(Load(project, slug, asking.pool.in_flight, asking.pool.waiting))
        return found

    def may_enter(self, passage: Passage) -> bool:
        """Whether a call may go at once."""
        return not passage.line.queue and self._wait_of(passage) == 0

    def _wait_of(self, passage: Passage) -> float:
        now = self._records.now()
        return max(pool.wait_for(passage.tokens, now) for pool in passage.line.pools)

    async def enter(self, passage: Passage, *, again: bool) -> None:
        """Go in, or line up and wait; with `again` before others of its kind."""
        if self.may_enter(passage):
            self._let_in(passage)
            return
        passage.admitted = asyncio.get_running_loop().create_future()
        passage.line.queue.put(passage, passage.call.purpose, passage.call.dimension, again=again)
        for pool in passage.line.pools:
            pool.waiting += 1
        self._pump(passage.line.pools)
        try:
            await passage.admitted
        except asyncio.CancelledError:
            if passage.inside:
                self.unused(passage)
            elif not passage.admitted.done() or passage.admitted.cancelled():
                self._take_out(passage)
                self._pump(passage.line.pools)
            raise
        finally:
            passage.admitted = None

    def _take_out(self, passage: Passage) -> None:
        passage.line.queue.remove(passage, passage.call.purpose, passage.call.dimension)
        for pool in passage.line.pools:
            pool.waiting -= 1
            if not pool.waiting:
                pool.give_up_probe(self._records.now())

    def _let_in(self, passage: Passage) -> None:
        passage.sent_at = self._records.now()
        probes = [pool.enter(passage.tokens, passage.sent_at) for pool in passage.line.pools]
        passage.probe = probes[0]
        passage.failed_probes = passage.line.pools[0].state.breaker.failed_probes
        passage.inside = True

    def _pump(self, pools: Sequence[Pool]) -> None:
        """Let in whoever may go, line by line in turns, and see to it that those who may not are looked at again."""
        for pool in reversed(pools):  # the key's first: its models have turns
            lines = self._asking[pool.name].lines
            while any(self._let_next_in(key, line, lines) for key, line in list(lines.items())):
                pass
            for line in lines.values():
                if line.queue:
                    self._look_again(line)

    def _let_next_in(self, key: Sequence[str], line: Line, lines: dict[Sequence[str], Line]) -> bool:
        if not line.queue or self._wait_of(line.queue.first()) > 0:
            return False
        lines[key] = lines.pop(key)  # behind the others
        passage = line.queue.pop()
        for pool in line.pools:
            pool.waiting -= 1
        self._let_in(passage)
        if passage.admitted is not None and not passage.admitted.done():
            passage.admitted.set_result(None)
        return True

    def _look_again(self, line: Line) -> None:
        passage, now = line.queue.first(), self._records.now()
        for pool in line.pools:
            wait = pool.wait_for(passage.tokens, now)
            if math.isinf(wait):
                self._ask_in(self._asking[pool.name], pool.next_look(passage.tokens, now))
            elif wait > 0:
                if line.timer is not None:
                    line.timer.cancel()
                line.timer = asyncio.get_running_loop().call_later(wait, self._pump, line.pools)

    def ended(self, passage: Passage, result: Reply | Failure, retry_after: float | None) -> None:
        """An HTTP request of a call that had leave has ended."""
        now = self._records.now()
        news = news_of(
            result,
            retry_after,
            sent_at=passage.sent_at,
            now=now,
            longest_hold=self._longest_hold,
            probe=passage.probe,
        )
        if isinstance(result, Reply):
            passage.lengths.learn(result.output_tokens)
        self._leave(passage, news, tokens=tokens_used(result, passage.tokens) - passage.tokens)

    def unused(self, passage: Passage) -> None:
        """A call that had leave was not sent."""
        self._leave(passage, Seen(probed=passage.probe), tokens=-passage.tokens, unsent=True)

    def _leave(self, passage: Passage, news: Seen, *, tokens: float, unsent: bool = False) -> None:
        passage.inside = False
        now = self._records.now()
        model, *keys = passage.line.pools
        failed_probes = model.state.breaker.failed_probes
        model.leave(news, now, tokens=tokens, unsent=unsent)
        for key in keys:
            # What an endpoint bears is told of the model; other models of the key may be elsewhere.
            key.leave(Seen(), now, tokens=tokens, unsent=unsent)
        if model.state.breaker.failed_probes > failed_probes:
            self._refuse(model)
        if model.must_tell():
            self._ask_in(self._asking[model.name], 0.0)
        self._pump(passage.line.pools)

    def _refuse(self, pool: Pool, error: Exception | None = None) -> None:
        """Tell all that wait for a limit that they wait in vain."""
        for line in self._asking[pool.name].lines.values():
            for passage in list(line.queue):
                self._take_out(passage)
                if passage.admitted is not None and not passage.admitted.done():
                    passage.admitted.set_exception(error or CircuitOpen(_circuit_open(pool)))

    def _ask_in(self, asking: _Asking, seconds: float) -> None:
        """Ask the store about a limit when so much time has passed, or sooner where somebody else wants that."""
        if asking.task is not None:
            return  # its end looks who waits
        loop = asyncio.get_running_loop()
        at = max(loop.time() + seconds, asking.asked_at + BREATH_SECONDS)
        if asking.timer is not None:
            if asking.looks_at <= at:
                return
            asking.timer.cancel()
        # A handle need not tell its time: uvloop's does not where the time has come already.
        asking.looks_at = at
        asking.timer = loop.call_at(at, self._begin_asking, asking)

    def _begin_asking(self, asking: _Asking) -> None:
        asking.timer = None
        if asking.task is None:
            # In a context of its own: it serves many, and must not inherit one caller's deadline.
            asking.task = asyncio.create_task(self._ask(asking), name="limits", context=contextvars.Context())

    async def _ask(self, asking: _Asking) -> None:
        pool = asking.pool
        asking.asked_at = asyncio.get_running_loop().time()
        first = [line.queue.first() for line in asking.lines.values() if line.queue]
        pool.want_tokens(max((passage.tokens for passage in first), default=0.0))
        pool.want_probe(max(map(_probe_seconds, first), default=0.0))
        asked = self._records.now()
        pool.begin_telling(asked)
        error: Exception | None = None
        try:
            state, grant = await self._records.step(pool.name, pool.step)
            pool.told(state, grant, asked=asked, now=self._records.now())
        except Exception as caught:  # noqa: BLE001 - whoever waits is told
            error = caught
            pool.not_told()
        finally:
            asking.task = None
        if error is not None:
            log.warning("limits are not renewed", limit=pool.name, error=str(error))
            self._refuse(pool, error)
        elif pool.probe_failed_elsewhere:
            self._refuse(pool)
        if not pool.waiting:
            pool.give_up_probe(self._records.now())
        self._pump([pool])

    async def keep(self) -> None:
        """Renew shares in use, tell news, and give back what is idle, until cancelled."""
        while True:
            await asyncio.sleep(min(TELL_SECONDS, self._seat_seconds / RENEWALS_PER_SEAT))
            for asking in list(self._asking.values()):
                if asking.pool.is_in_use:
                    self._ask_in(asking, 0.0)

    async def close(self) -> None:
        """Give back all shares; the store being away, they run out."""
        await asyncio.gather(*(self._give_back(asking) for asking in list(self._asking.values())))

    async def _give_back(self, asking: _Asking) -> None:
        if asking.task is not None:
            await asyncio.wait([asking.task])
        if asking.pool.is_in_use:
            await self._ask(asking)
        if asking.timer is not None:
            asking.timer.cancel()


async def no_key_limits(_reference: str) -> None:
    """Nothing is said of any key."""


def model_limit(project: str, slug: str) -> str:
    """Names the limit of a model."""
    return f"{MODELS}/{project}/{slug}"


def key_limit(reference: str) -> str:
    """Names the limit of a key."""
    return f"keys/{reference}"


def limits_of_model(spec: ModelSpec) -> Limits:
    """What its owner allows."""
    return Limits(spec.concurrency, spec.requests_per_minute, spec.tokens_per_minute)


def _probe_seconds(passage: Passage) -> float:
    return passage.call.spec.timeout.total_seconds() + PROBE_MARGIN_SECONDS


def _circuit_open(pool: Pool) -> Failure:
    return Failure(
        FailureKind.CIRCUIT_OPEN,
        f"the endpoint is left alone for {pool.state.breaker.cool_down:g} s: it failed several times in a row, and"
        f" then once more ({pool.state.last_failure})",
    )
