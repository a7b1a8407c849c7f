"""One durable pull consumer at work: messages for free workers, leases kept alive, each message settled."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import nats.errors
import nats.js.errors
import structlog
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from opentelemetry import trace

from dearena.v1.events_pb2 import EventEnvelope
from services.runtime import ending, instruments, metrics, semantics, subjects, telemetry
from services.runtime.doorbell import MAX_DELIVERIES, SCHEMA_VERSION, Delivery, Doorbell, Poison, TryAgain
from services.runtime.rpc import fault_in

log = structlog.get_logger(__name__)

NAK_DELAY_SECONDS = (0.2, 5.0)
"""First and longest delay before a message is delivered again; doubles in between, jittered."""
AFTER_FAILED_FETCH_SECONDS = 0.25

POISON = "poison"
DELIVERIES = "deliveries"
"""Why there are dead letters: they can never be taken, or failed too often."""

DeadLetter = Callable[[str, Msg, str, str], Awaitable[None]]
"""Copies a message to the dead letters: durable, message, reason, key."""


class Consumer:
    """Pulls messages for free workers, keeps their leases alive, and settles each by its handler's end."""

    def __init__(
        self,
        dead_letter: DeadLetter,
        doorbell: Doorbell,
        subscription: JetStreamContext.PullSubscription,
        *,
        lease_seconds: float,
        fetch_seconds: float,
    ) -> None:
        self._dead_letter = dead_letter
        self._doorbell = doorbell
        self._subscription = subscription
        self._lease_seconds = lease_seconds
        self._fetch_seconds = fetch_seconds
        self._stopping = False
        self._ended = asyncio.Event()
        self._ended.set()
        self._free = asyncio.Semaphore(doorbell.workers)
        self._at_work: dict[asyncio.Task[None], Msg] = {}

    async def run(self) -> None:
        """Take messages until `stop`."""
        self._ended.clear()
        heart = asyncio.create_task(self._beat(), name=f"{self._doorbell.durable}-heart")
        try:
            while not self._stopping:
                await self._free.acquire()
                self._free.release()
                room = self._doorbell.workers - len(self._at_work)
                for message in await self._fetch(min(room, 64)):
                    if self._stopping:
                        await self._say(message.nak())
                    else:
                        await self._free.acquire()
                        task = asyncio.create_task(self._take(message), name=f"{self._doorbell.durable}-take")
                        self._at_work[task] = message
                        task.add_done_callback(self._left)
        finally:
            heart.cancel()
            self._ended.set()

    def _left(self, task: asyncio.Task[None]) -> None:
        del self._at_work[task]
        self._free.release()

    async def _fetch(self, count: int) -> list[Msg]:
        try:
            return await self._subscription.fetch(max(1, count), timeout=self._fetch_seconds)
        except TimeoutError:
            return []
        except (nats.errors.Error, nats.js.errors.Error, OSError) as error:
            log.info("fetch failed, trying again", durable=self._doorbell.durable, error=repr(error))
            await asyncio.sleep(AFTER_FAILED_FETCH_SECONDS)
            return []

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            for message in list(self._at_work.values()):
                with suppress(nats.errors.Error):
                    await message.in_progress()

    async def stop(self, patience_seconds: float) -> None:
        """Fetch no more, let the handlers end for so long, then cancel them; their messages come again at once.

        Not when their leases end: another replica is there to take them, or the next process of ours is.
        """
        self._stopping = True
        if self._at_work:
            await asyncio.wait(list(self._at_work), timeout=patience_seconds)
        left = dict(self._at_work)
        await ending.cancelled(left)
        await asyncio.gather(*(self._say(message.nak()) for task, message in left.items() if task.cancelled()))
        await self._ended.wait()

    async def depth(self) -> list[metrics.Reading]:
        """How much waits for this consumer, in all processes that share it, and how much they hold; none if unknown."""
        try:
            info = await self._subscription.consumer_info()
        except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
            log.info("queue not looked at", durable=self._doorbell.durable, error=repr(error))
            return []
        attributes = {instruments.STREAM: self._doorbell.stream, instruments.CONSUMER: self._doorbell.durable}
        return [
            metrics.Reading(instruments.QUEUE_PENDING, info.num_pending or 0, attributes),
            metrics.Reading(instruments.QUEUE_IN_FLIGHT, info.num_ack_pending or 0, attributes),
        ]

    async def unsubscribe(self) -> None:
        """Before the connection drains: a pull subscription with unread status messages hangs it."""
        with suppress(nats.errors.Error):
            await self._subscription.unsubscribe()

    async def _take(self, message: Msg) -> None:
        template = subjects.template_of(message.subject)
        deliveries = message.metadata.num_delivered or 1
        attributes: telemetry.Attributes = {
            semantics.MESSAGING_SYSTEM: "nats",
            semantics.MESSAGING_DESTINATION: message.subject,
            semantics.MESSAGING_DESTINATION_TEMPLATE: template,
            semantics.MESSAGING_OPERATION_NAME: "process",
            semantics.MESSAGING_OPERATION_TYPE: "process",
            semantics.MESSAGING_CONSUMER_GROUP: self._doorbell.durable,
            semantics.MESSAGING_DELIVERY_COUNT: deliveries,
        }
        with telemetry.tracer(__name__).start_as_current_span(
            f"process {template}",
            context=telemetry.extract(message.headers),
            kind=trace.SpanKind.CONSUMER,
            attributes=attributes,
        ):
            began = time.perf_counter()
            try:
                event = _read(message.data)
                await self._doorbell.handler(event, Delivery(message.subject, deliveries))
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was decides over the message
                self._record(template, began, {semantics.ERROR_TYPE: _kind_of(error)})
                await self._settle_failed(message, deliveries, error)
            else:
                self._record(template, began, metrics.NONE)
                await self._say(message.ack())

    def _record(self, template: str, began: float, more: metrics.Attributes) -> None:
        attributes = {
            semantics.MESSAGING_DESTINATION_TEMPLATE: template,
            semantics.MESSAGING_CONSUMER_GROUP: self._doorbell.durable,
            **more,
        }
        metrics.record(instruments.PROCESS_DURATION, time.perf_counter() - began, attributes)

    async def _settle_failed(self, message: Msg, deliveries: int, error: Exception) -> None:
        if isinstance(error, TryAgain):
            await self._say(message.nak(delay=error.delay_seconds))
            return
        if _is_passing(error):
            log.info("doorbell not answered, again soon", subject=message.subject, error=repr(error))
            await self._say(message.nak(delay=_delay(deliveries)))
            return
        if isinstance(error, Poison) or deliveries >= MAX_DELIVERIES:
            log.error("message goes to the dead letters", subject=message.subject, error=repr(error))
            key, why = (error.key, POISON) if isinstance(error, Poison) else ("", DELIVERIES)
            try:
                await self._dead_letter(self._doorbell.durable, message, str(error) or repr(error), key)
            except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError):
                await self._say(message.nak(delay=_delay(deliveries)))
            else:
                count_dead_letters(message.subject, why, 1)
                await self._say(message.term())
            return
        log.error("doorbell failed", subject=message.subject, deliveries=deliveries, exc_info=error)
        await self._say(message.nak(delay=_delay(deliveries)))

    async def _say(self, saying: Awaitable[Any]) -> None:
        try:
            await saying
        except (nats.errors.Error, OSError) as error:
            # Unsaid: the message comes again when its lease ends, and the handler bears that.
            log.info("bus did not hear", durable=self._doorbell.durable, error=repr(error))


def _read(data: bytes) -> EventEnvelope:
    try:
        event = EventEnvelope.FromString(data)
    except DecodeError as error:
        raise Poison(f"not an event: {error}") from error
    if event.schema_version != SCHEMA_VERSION:
        raise Poison(f"schema version {event.schema_version} is not known here")
    if event.WhichOneof("payload") is None:
        raise Poison("an event of a kind not known here")
    return event


def count_dead_letters(subject: str, reason: str, letters: int) -> None:
    """Count dead letters of a subject; none make their series begin, so that the first one is seen as a growth."""
    attributes = {semantics.MESSAGING_DESTINATION_TEMPLATE: subjects.template_of(subject), instruments.REASON: reason}
    metrics.record(instruments.DEAD_LETTERS, letters, attributes)


def _kind_of(error: Exception) -> str:
    """By few words, whatever an error says."""
    if isinstance(error, Poison):
        return POISON
    if isinstance(error, TryAgain):
        return "again"
    fault = fault_in(error)
    return "internal" if fault is None else fault.status.lower()


def _is_passing(error: Exception) -> bool:
    fault = fault_in(error)
    return fault is not None and fault.status in ("UNAVAILABLE", "ABORTED")


def _delay(deliveries: int) -> float:
    first, longest = NAK_DELAY_SECONDS
    return min(longest, first * 2.0 ** min(deliveries - 1, 10)) * random.uniform(0.5, 1.0)
