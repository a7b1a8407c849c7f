"""A call is made once for its request id, however often and by however many it is asked for.

The call runs in a task of its own: who asked for it may go away, the reply is recorded all the same. Order of
things: the money is reserved (money/cashier.py), leave to send (limits/admission.py), `started` on record, the HTTP
requests, the end on record, the money settled, and only then the answer. A call that waits for money or leave has no
record, and may wait elsewhere as well; nor has one for which there is no money.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable

import structlog
from opentelemetry import context as otel

from dearena.faults import ArenaFault, BudgetExhausted, EndpointLeftAlone, RequestIdReused, ServiceUnavailable
from services.gateway.calls import Call, Completion, completed
from services.gateway.completion_log import CompletionLog, Elsewhere, Ended, Ours
from services.gateway.endpoint_client import EndpointClient
from services.gateway.limits.admission import Admission
from services.gateway.limits.passage import CircuitOpen, Passage
from services.gateway.metering import count_call
from services.gateway.money.cashier import Cashier, HoldLapsed, Reservation
from services.gateway.money.price_file import PriceFile
from services.gateway.permission import Permission, PermittedGate
from services.runtime import ending

log = structlog.get_logger(__name__)

LOOK_AGAIN_SECONDS = 0.25
"""Pause between two looks at a call that another gateway has in flight."""
LOOKS = 240
"""As many as a minute holds; then whoever asks is told to try again, and may reach that other gateway."""
FRESH_SECONDS = 1.0
"""Whoever waited for longer asks once more whether the call may be made."""
WRITE_SECONDS = 1.0
"""For the end of a call to be written after its deadline."""


class Completions:
    """The calls in flight of this process."""

    def __init__(
        self,
        record: CompletionLog,
        endpoints: EndpointClient,
        admission: Admission,
        cashier: Cashier,
        prices: PriceFile,
        permission: Permission | None = None,
    ) -> None:
        self._log = record
        self._endpoints = endpoints
        self._admission = admission
        self._cashier = cashier
        self._prices = prices
        self._permission = permission
        self._leaving = False
        self._under_way: dict[tuple[str, str], float] = {}
        """Calls that may have been sent, and when each has ended at the latest, by the loop's clock."""
        self._in_flight: dict[tuple[str, str], tuple[Call, asyncio.Task[Completion]]] = {}

    async def complete(self, call: Call) -> Completion:
        """Make the call, wait for it where it is in flight, or answer from the record.

        Raises:
            StoreUnavailable: the call could not be recorded and was not sent.
            BudgetExhausted: there is no money for it; it is not on record, and may be asked for again.
            BudgetMisfit: a budget holds it, and what it may cost is not known or in another currency; not on record.
            InvalidField: likewise, by parameters of the caller's.
            EndpointLeftAlone: its endpoint is, and it was not sent; it is not on record either.
            ModelNotActive: the model may not be called for this any more since the call waited; likewise.
            DimensionClosed: nor any, for its dimension; likewise.
            ServiceUnavailable: this gateway stops, and gave the call up; or another one has it in flight for long.
            RequestIdReused: the id is of another call: to another model, or with another body.
        """
        key = (call.project, call.request_id)
        if (known := self._in_flight.get(key)) is None:
            if self._leaving:
                return await self._ended_before(call)
            # In a context of its own: the deadline of who asks is not that of the call.
            task = asyncio.create_task(
                self._make(call, otel.get_current()), name=f"call {call.request_id}", context=contextvars.Context()
            )
            known = self._in_flight[key] = (call, task)
            task.add_done_callback(lambda ended: self._forget(key, ended))
        first, task = known
        if not call.asks_as(first):
            raise RequestIdReused(f"request_id {call.request_id} is of another call, to {first.model}")
        return await _end_of(task)

    async def _ended_before(self, call: Call) -> Completion:
        if (known := await self._known(call)) is not None:
            return known
        raise ServiceUnavailable("the gateway stops; try again")

    def _forget(self, key: tuple[str, str], task: "asyncio.Task[Completion]") -> None:
        del self._in_flight[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            # Who waited is told too; but there may be nobody.
            log.info("call not made", request_id=key[1], error=repr(error))

    async def recorded(self, project: str, request_id: str, refused: ArenaFault) -> Completion:
        """What is known of a call that may not be made any more; raises what it is refused with where nothing is."""
        if known := self._in_flight.get((project, request_id)):
            return await _end_of(known[1])
        if found := await self._log.find_ended(project, request_id):
            return found
        raise refused

    async def _make(self, call: Call, parent: otel.Context) -> Completion:
        call = self._prices.priced(call)
        began = asyncio.get_running_loop().time()
        while True:
            try:
                reserved = await self._cashier.reserve(call, lambda: self._known(call))
            except BudgetExhausted:
                # Another gateway may have had the last of it for this very call.
                if (known := await self._known(call)) is not None:
                    return known
                if not await self._log.is_elsewhere(call.project, call.request_id):
                    raise
                await self._wait_for_other(call)
                continue
            if isinstance(reserved, Completion):
                return reserved
            try:
                made = await self._make_paid(call, parent, reserved, began)
            except HoldLapsed:
                continue
            finally:
                if not reserved.claimed:
                    self._cashier.give_back(reserved)
            if made is not None:
                return made
            await self._wait_for_other(call)

    async def _known(self, call: Call) -> Completion | None:
        """What is on record costs nothing, so it waits for nothing."""
        known = await self._log.find_ended(call.project, call.request_id)
        if known is not None and not known.is_of(call):
            raise RequestIdReused(f"request_id {call.request_id} is of another call, to {known.model}")
        return known

    async def _make_paid(
        self, call: Call, parent: otel.Context, reserved: Reservation, began: float
    ) -> Completion | None:
        passage = await self._admission.passage(call)
        if passage.must_wait() and (known := await self._known(call)) is not None:
            return known
        return await self._pass(call, parent, passage, reserved, began)

    async def _pass(
        self, call: Call, parent: otel.Context, passage: Passage, reserved: Reservation, began: float
    ) -> Completion | None:
        clock = asyncio.get_running_loop().time
        try:
            async with passage:
                if self._permission is not None and clock() > began + FRESH_SECONDS:
                    await self._permission(call)
                return await self._once_claimed(call, reserved, lambda: self._send(call, parent, passage, reserved))
        except CircuitOpen as left_alone:
            # Nothing was sent, so that there is nothing to record: what was made before stands.
            if (known := await self._known(call)) is not None:
                return known
            raise EndpointLeftAlone(left_alone.failure.detail) from None

    async def _once_claimed(
        self, call: Call, reserved: Reservation, make: Callable[[], Awaitable[Completion]]
    ) -> Completion | None:
        """What became of the call before, or becomes of it now; None while another gateway has it in flight."""
        await self._cashier.check(reserved)
        key = (call.project, call.request_id)
        self._under_way[key] = asyncio.get_running_loop().time() + call.spec.call_deadline().total_seconds()
        try:
            match await self._log.claim(call, reserved.documents()):
                case Ended(completion):
                    return completion
                case Ours():
                    reserved.claimed = True
                    return await make()
                case Elsewhere():
                    return None
        finally:
            del self._under_way[key]

    async def _send(self, call: Call, parent: otel.Context, passage: Passage, reserved: Reservation) -> Completion:
        try:
            gate = passage if self._permission is None else PermittedGate(passage, self._permission, call)
            delivery = await self._endpoints.send(call, parent, gate)
            return await self._end(call, completed(call, delivery), reserved)
        except Exception:
            # This process lives on, and so would keep everybody else from a call that nobody makes any more.
            await self._log.release(call)
            self._cashier.keep_as_spent(reserved)
            raise

    async def _end(self, call: Call, completion: Completion, reserved: Reservation) -> Completion:
        standing = await self._log.end(call, completion, reserved.charges(completion))
        if standing == completion:  # or else somebody else was first, and has counted it
            count_call(call, completion)
        self._cashier.settle(reserved, completion)
        return standing

    async def _wait_for_other(self, call: Call) -> None:
        for _ in range(LOOKS):
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            if not await self._log.is_elsewhere(call.project, call.request_id):
                return
        raise ServiceUnavailable(f"another gateway has call {call.request_id} in flight; try again")

    async def drain(self, patience_seconds: float) -> None:
        """Take no calls any more, refuse those that were not sent, and let the others end.

        A call that is given up is paid for, and paid again by whoever takes it over: so this waits until the last of
        them has ended or its deadline has passed.

        Args:
            patience_seconds: at most.
        """
        self._leaving = True
        for key, (_, task) in self._in_flight.items():
            if key not in self._under_way:
                task.cancel()
        if tasks := [task for _, task in self._in_flight.values()]:
            now = asyncio.get_running_loop().time()
            longest = max(self._under_way.values(), default=now) + WRITE_SECONDS - now
            await asyncio.wait(tasks, timeout=max(0.0, min(patience_seconds, longest)))

    async def give_up(self) -> None:
        """End the calls that are still in flight: on record they stay `started`, and may have been billed.

        Those whose end is being written have ended: it is on record when this returns, unless the store is away.
        """
        await ending.cancelled(task for _, task in self._in_flight.values())
        await self._log.flush()


async def _end_of(task: "asyncio.Task[Completion]") -> Completion:
    """Wait for a call without ending it; a call that is given up is no cancellation of who waits for it."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if task.cancelled():
            raise ServiceUnavailable("the gateway stops; try again") from None
        raise
