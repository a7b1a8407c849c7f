"""NATS JetStream: events go out with the stream's acknowledgement, doorbells are bound to durable pull consumers."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import nats
import nats.errors
import nats.js.errors
import structlog
from google.protobuf.timestamp_pb2 import Timestamp
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from opentelemetry import trace

from dearena import faults
from dearena.v1.events_pb2 import EventEnvelope
from services.runtime import ending, semantics, subjects, telemetry
from services.runtime.bus_security import NOTHING, Admission, BusSecurity
from services.runtime.consumer import DELIVERIES, POISON, Consumer, count_dead_letters
from services.runtime.doorbell import SCHEMA_VERSION, Doorbell
from services.runtime.store import now

log = structlog.get_logger(__name__)

RECONNECT_SECONDS = 0.25
CANCEL_AGAIN_SECONDS = 0.25


class TopologyMissing(RuntimeError):
    """A stream or consumer that this service needs was not provisioned."""


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

    def __init__(self, url: str, name: str, *, fetch_seconds: float = 1.0, security: BusSecurity = NOTHING) -> None:
        """Nothing is connected yet.

        Args:
            url: of the nats-server.
            name: of this connection, as the server shows it.
            fetch_seconds: a fetch without messages ends after this. It is never cancelled, for a cancelled
                fetch can swallow a message; so a stop waits for it.
            security: how we are sure of each other, beyond what the URL says.

        Raises:
            InvalidField: a file of `security` is wrong.
        """
        self._admission = Admission(url, security)
        self._fetch_seconds = fetch_seconds
        self._url = url
        self._name = name
        self._client = self._admission.client()
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
                    disconnected_cb=self._disconnected,
                    error_cb=self._complained,
                    **self._admission.options(),
                    # Nothing is buffered while away: the caller is told, and the truth is in the store.
                    pending_size=2 * 1024 * 1024,
                )
            except asyncio.CancelledError:
                await self._client.close()  # its socket would stay open
                raise
            except (OSError, nats.errors.Error) as error:
                self._admission.renew()
                log.warning("bus not reached, trying again", error=repr(error))
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                await self._reconnected()
                return

    async def _reconnected(self) -> None:
        for notify in self.on_reconnect:
            notify()

    async def _disconnected(self) -> None:
        self._admission.renew()

    async def _complained(self, error: Exception) -> None:
        self._admission.renew()
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

    async def bind(self, doorbell: Doorbell) -> Consumer:
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
                "run `python -m services.runtime.topology` first, with DEARENA_SHARDS as here"
            ) from error
        except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
            raise faults.ServiceUnavailable(f"the bus did not tell of {doorbell.durable}: {error!r}") from error
        for subject in info.config.filter_subjects or [info.config.filter_subject or doorbell.stream]:
            for reason in (POISON, DELIVERIES):
                count_dead_letters(subject, reason, 0)
        return Consumer(
            self.dead_letter,
            doorbell,
            subscription,
            lease_seconds=info.config.ack_wait or 30.0,
            fetch_seconds=self._fetch_seconds,
        )

    async def close(self) -> None:
        """Send what is buffered and disconnect."""
        # A cancellation is swallowed at times within the driver, and the connection then waited for without end.
        if self._connecting is not None:
            await ending.cancelled([self._connecting], again_seconds=CANCEL_AGAIN_SECONDS)
        if self._client.is_connected:
            with suppress(nats.errors.Error):
                await self._client.drain()
        elif self._client.is_reconnecting or self._client.is_connecting:  # the latter in the midst of reconnecting
            await self._client.close()
