"""NATS JetStream: events out with the stream's acknowledgement, doorbells in through durable pull consumers.

A handler may be rung twice, late, or not at all; it goes and looks at the truth. What it returns
decides over the message: see `Doorbell`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import nats
import nats.errors
import nats.js.errors
import structlog
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from opentelemetry import trace

from dearena import faults
from dearena.v1.events_pb2 import EventEnvelope
from services.runtime import semantics, subjects, telemetry
from services.runtime.rpc import fault_in
from services.runtime.store import now

log = structlog.get_logger(__name__)

SCHEMA_VERSION = 1
MAX_DELIVERIES = 5
"""A message whose handler fails for reasons unknown goes to the dead letters after so many."""
NAK_DELAY_SECONDS = (0.2, 5.0)
"""First and longest delay before a message is delivered again; doubles in between, jittered."""
RECONNECT_SECONDS = 0.25


class TryAgain(Exception):
    """Deliver the message again after a delay."""

    def __init__(self, delay_seconds: float) -> None:
        super().__init__(f"again in {delay_seconds:.1f} s")
        self.delay_seconds = delay_seconds


class Poison(Exception):
    """The message can never be taken; it goes to the dead letters with this reason.

    With a key, messages of other ids but the same key make one dead letter, within the stream's duplicate window.
    """

    def __init__(self, reason: str, *, key: str = "") -> None:
        super().__init__(reason)
        self.key = key


class TopologyMissing(RuntimeError):
    """A stream or consumer that this service needs was not provisioned."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a message came."""

    subject: str
    count: int
    """1 for the first time."""


Handler = Callable[[EventEnvelope, Delivery], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Doorbell:
    """A durable consumer and what is done when it rings.

    The handler returns: the message is done. It raises TryAgain, a fault of passing nature
    (UNAVAILABLE, ABORTED), or the time runs out: delivered again. It raises Poison: to the dead letters.
    Anything else: delivered again, and to the dead letters after MAX_DELIVERIES. It is cancelled:
    nothing is said, and the message comes again when its lease ends.
    """

    durable: str
    stream: str
    handler: Handler
    workers: int = 1


def envelope(
    event_id: str, project: str, dimension: str = "", *, sequence: int = 0, causation_id: str = "", **payload: Any
) -> EventEnvelope:
    """An event of now. `payload` is one keyword of the envelope's oneof, e.g. `vote_cast=VoteCast(...)`."""
    time = Timestamp()
    time.FromDatetime(now())
    return EventEnvelope(
        event_id=event_id,
        schema_version=SCHEMA_VERSION,
        project=project,
        dimension=dimension,
        sequence=sequence,
        time=time,
        causation_id=causation_id,
        **payload,
    )


class Bus:
    """A connection that comes back by itself. Publishing while it is away fails at once."""

    def __init__(self, url: str, name: str, *, fetch_seconds: float = 1.0) -> None:
        """Nothing is connected yet.

        Args:
            url: of the nats-server.
            name: of this connection, as the server shows it.
            fetch_seconds: a fetch without messages ends after this. It is never cancelled, for a cancelled
                fetch can swallow a message; so a stop waits for it.
        """
        self._fetch_seconds = fetch_seconds
        self._url = url
        self._name = name
        self._client = Client()
        self._stream: JetStreamContext = self._client.jetstream()
        self._connecting: asyncio.Task[None] | None = None
        self.on_reconnect: list[Callable[[], None]] = []

    @property
    def connected(self) -> bool:
        """Whether messages can be sent now."""
        return self._client.is_connected

    def start(self) -> None:
        """Begin to connect, in the background: a service starts without the bus."""
        self._connecting = asyncio.create_task(self._connect(), name="bus-connect")

    async def _connect(self) -> None:
        while True:
            try:
                await self._client.connect(
                    servers=[self._url],
                    name=self._name,
                    connect_timeout=2,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type] # seconds, used as a float
                    reconnected_cb=self._reconnected,
                    error_cb=self._complained,
                    # Nothing is buffered while away: the caller is told, and the truth is in the store.
                    pending_size=2 * 1024 * 1024,
                )
            except (OSError, nats.errors.Error) as error:
                log.warning("bus not reached, trying again", error=repr(error))
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                await self._reconnected()
                return

    async def _reconnected(self) -> None:
        for notify in self.on_reconnect:
            notify()

    async def _complained(self, error: Exception) -> None:
        log.info("bus", error=repr(error))

    async def ready(self) -> None:
        """Wait until the first connection stands."""
        if self._connecting is not None:
            await asyncio.shield(self._connecting)

    async def publish(
        self, subject: str, event: EventEnvelope, *, timeout: float = 2.0, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send an event and wait until its stream has stored it.

        Raises:
            ServiceUnavailable: the bus is away, the stream is full, or did not answer in time. The
                event may have been stored all the same; send it again with the same id.
        """
        if not self.connected:
            raise faults.ServiceUnavailable(f"the bus cannot be reached; {subject} was not sent")
        template = subjects.template_of(subject)
        attributes = {
            semantics.MESSAGING_SYSTEM: "nats",
            semantics.MESSAGING_DESTINATION: subject,
            semantics.MESSAGING_DESTINATION_TEMPLATE: template,
            semantics.MESSAGING_OPERATION_NAME: "send",
            semantics.MESSAGING_OPERATION_TYPE: "send",
            semantics.MESSAGING_MESSAGE_ID: event.event_id,
        }
        with telemetry.tracer(__name__).start_as_current_span(
            f"send {template}", kind=trace.SpanKind.PRODUCER, attributes=attributes
        ):
            # js.publish writes into the headers it is given.
            carrier = {"Nats-Msg-Id": event.event_id, **(headers or {})}
            telemetry.inject(carrier)
            try:
                await self._stream.publish(subject, event.SerializeToString(), timeout=timeout, headers=carrier)
            except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
                raise faults.ServiceUnavailable(f"{subject} was not taken by the bus: {error!r}") from error

    async def dead_letter(self, durable: str, message: Msg, reason: str, key: str = "") -> None:
        """Copy a message that cannot be taken to the dead letters, once for a key; without one, once a message."""
        key = key or f"{message.metadata.stream}/{message.metadata.sequence.stream}"
        headers = {
            "Dearena-Reason": reason.replace("\n", " ")[:500],
            "Dearena-Subject": message.subject,
            "Nats-Msg-Id": f"dead/{durable}/{key}",
        }
        await self._stream.publish(subjects.dead_letter(durable), message.data, headers=headers, timeout=5)

    async def bind(self, doorbell: Doorbell) -> "Consumer":
        """Attach to a provisioned consumer.

        Raises:
            TopologyMissing: it was not provisioned.
            ServiceUnavailable: the bus is away.
        """
        try:
            info = await self._stream.consumer_info(doorbell.stream, doorbell.durable)
            subscription = await self._stream.pull_subscribe_bind(durable=doorbell.durable, stream=doorbell.stream)
        except nats.js.errors.NotFoundError as error:
            raise TopologyMissing(
                f"consumer {doorbell.durable} of stream {doorbell.stream} is missing: "
                "run `python -m services.runtime.topology` first"
            ) from error
        except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
            raise faults.ServiceUnavailable(f"the bus did not tell of {doorbell.durable}: {error!r}") from error
        return Consumer(
            self,
            doorbell,
            subscription,
            lease_seconds=info.config.ack_wait or 30.0,
            fetch_seconds=self._fetch_seconds,
        )

    async def close(self) -> None:
        """Send what is buffered and disconnect."""
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
            with suppress(asyncio.CancelledError):
                await self._connecting
        if self._client.is_connected:
            with suppress(nats.errors.Error):
                await self._client.drain()
        elif self._client.is_reconnecting:
            await self._client.close()


class Consumer:
    """Pulls messages for free workers, keeps their leases alive, and settles each by its handler's end."""

    def __init__(
        self,
        bus: Bus,
        doorbell: Doorbell,
        subscription: JetStreamContext.PullSubscription,
        *,
        lease_seconds: float,
        fetch_seconds: float,
    ) -> None:
        self._bus = bus
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
            await asyncio.sleep(RECONNECT_SECONDS)
            return []

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / 3)
            for message in list(self._at_work.values()):
                with suppress(nats.errors.Error):
                    await message.in_progress()

    async def stop(self, patience_seconds: float) -> None:
        """Fetch no more, let the handlers end for so long, then cancel them; their messages come again."""
        self._stopping = True
        if self._at_work:
            await asyncio.wait(list(self._at_work), timeout=patience_seconds)
        for task in list(self._at_work):
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)
        await self._ended.wait()

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
            try:
                event = _read(message.data)
                await self._doorbell.handler(event, Delivery(message.subject, deliveries))
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it was decides over the message
                await self._settle_failed(message, deliveries, error)
            else:
                await self._say(message.ack())

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
            key = error.key if isinstance(error, Poison) else ""
            try:
                await self._bus.dead_letter(self._doorbell.durable, message, str(error) or repr(error), key)
            except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError):
                await self._say(message.nak(delay=_delay(deliveries)))
            else:
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


def _is_passing(error: Exception) -> bool:
    fault = fault_in(error)
    return fault is not None and fault.status in ("UNAVAILABLE", "ABORTED")


def _delay(deliveries: int) -> float:
    first, longest = NAK_DELAY_SECONDS
    return min(longest, first * 2.0 ** min(deliveries - 1, 10)) * random.uniform(0.5, 1.0)
