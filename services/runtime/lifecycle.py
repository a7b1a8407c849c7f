"""How a service process starts, runs and leaves: in order, and back in order.

Start: telemetry, store, bus, peers, the room itself, its indexes, the server, its doorbells, its sweeps,
SERVING. Stop: NOT_SERVING, no more fetching, handlers end, calls end, background ends, the room closes,
bus drains, channels and store close, telemetry is flushed.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
import uvloop
from pydantic import ValidationError
from pydantic_settings import SettingsError

from dearena import faults
from services.runtime import ending, metrics, rpc, telemetry
from services.runtime.bus import RECONNECT_SECONDS, Bus
from services.runtime.consumer import Consumer
from services.runtime.doorbell import Doorbell
from services.runtime.indexing import ensure_indexes
from services.runtime.peers import Peers
from services.runtime.settings import ServiceSettings
from services.runtime.store import Index, Store

log = structlog.get_logger(__name__)

STORE_PATIENCE_SECONDS = 60.0
"""How long a starting service waits for the store before it gives up and is started anew."""

GARBAGE_THRESHOLDS = (20_000, 20, 20)
"""Objects more than before, at which the collector of reference cycles looks at the youngest; of how many such looks
one takes in the older ones. Python's own thresholds have it look at every call's objects several times."""

S = TypeVar("S", bound=ServiceSettings)
Work = Callable[[], Awaitable[None]]
Servicer = rpc.Servicer


@dataclass(slots=True)
class Shell(Generic[S]):
    """What a room is given to work with."""

    name: str
    settings: S
    store: Store
    bus: Bus
    peers: Peers

    @property
    def instance(self) -> str:
        """Names this process."""
        return self.settings.instance


@dataclass(slots=True)
class Room:
    """What a service is made of."""

    servicers: Sequence[Servicer]
    doorbells: Sequence[Doorbell] = ()
    sweeps: Sequence[Work] = ()
    """Run at start and every `sweep_seconds`: finds work whose doorbell was lost. Failures are logged."""
    background: Sequence[Work] = ()
    """Run until cancelled at the stop; one that ends or fails by itself ends the process."""
    stocks: Sequence[metrics.Stock] = ()
    """Gauges, read before each export of metrics; not read where none are exported."""
    on_drain: Work | None = None
    """Called when no more messages are fetched, before calls are ended."""
    close: Work | None = None
    indexes: Mapping[str, Sequence[Index]] = field(default_factory=dict)


@dataclass(slots=True)
class Running(Generic[S]):
    """A service that serves."""

    address: str
    shell: Shell[S]
    broken: asyncio.Future[None]
    """Fails when something without which the service is useless has failed."""
    room: Room


Build = Callable[[Shell[S]], Awaitable[Room]]


@asynccontextmanager
async def running(name: str, settings: S, build: Build[S]) -> AsyncIterator[Running[S]]:
    """Run a service inside this event loop, until the end of the block."""
    tracing = telemetry.start(name, settings.instance, settings.otlp_endpoint, settings.trace_ratio, settings.tls)
    exporting = metrics.start(name, settings.instance, settings.otlp_endpoint, settings.tls)
    store = Store(settings.mongo_url, settings.mongo_database, timeout_seconds=settings.store_timeout_seconds)
    bus = Bus(
        settings.nats_url,
        f"{name}/{settings.instance}",
        fetch_seconds=settings.fetch_seconds,
        security=settings.nats_security,
    )
    bus.start()
    peers = Peers(settings)
    shell = Shell(name, settings, store, bus, peers)
    broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    try:
        room = await build(shell)
        await ensure_indexes(store, room.indexes, patience_seconds=STORE_PATIENCE_SECONDS)
        server = rpc.Server(room.servicers, traced=tracing is not None, reflected=settings.reflection, tls=settings.tls)
        address = await server.start(settings.listen, health_listen=settings.health_listen)
        consumers: list[Consumer] = []
        leaving = asyncio.Event()
        tasks = [
            *(asyncio.ensure_future(_ring(bus, doorbell, consumers, leaving)) for doorbell in room.doorbells),
            *(asyncio.ensure_future(_sweep(sweep, settings.sweep_seconds)) for sweep in room.sweeps),
            *(asyncio.ensure_future(work()) for work in room.background),
        ]
        if exporting is not None:
            stocks: list[metrics.Stock] = [partial(_queues, consumers), *room.stocks]
            tasks.append(asyncio.ensure_future(exporting.keep(stocks, settings.metrics_seconds)))

        def ended(task: asyncio.Future[None]) -> None:
            if leaving.is_set() or task.cancelled() or broken.done():
                return
            broken.set_exception(task.exception() or RuntimeError(f"{task} ended by itself"))

        for task in tasks:
            task.add_done_callback(ended)
        await server.serving()
        log.info("serving", service=name, address=address)
        try:
            yield Running(address, shell, broken, room)
        finally:
            leaving.set()
            await _leave(room, server, consumers, tasks, settings.drain_seconds)
    finally:
        broken.cancel()
        await bus.close()
        await peers.close()
        await asyncio.to_thread(store.close)  # says goodbye over the network, and may wait for it
        await asyncio.gather(asyncio.to_thread(_flush, tracing), asyncio.to_thread(_stop, exporting))


async def _leave(
    room: Room, server: rpc.Server, consumers: list[Consumer], tasks: Sequence[asyncio.Future[None]], patience: float
) -> None:
    await server.leaving()
    try:
        await asyncio.gather(*(consumer.stop(patience) for consumer in consumers))
        if room.on_drain is not None:
            await room.on_drain()
        await server.stop(patience)
        await ending.cancelled(tasks)
        if room.close is not None:
            await room.close()
    finally:
        # Whatever failed before: the drain of the bus would hang on what is still subscribed.
        await server.stop(0)
        await ending.cancelled(tasks)
        await asyncio.gather(*(consumer.unsubscribe() for consumer in consumers))


async def _ring(bus: Bus, doorbell: Doorbell, consumers: list[Consumer], leaving: asyncio.Event) -> None:
    await bus.ready()
    while True:
        try:
            consumer = await bus.bind(doorbell)
        except faults.ServiceUnavailable as fault:
            log.info("consumer not bound, trying again", durable=doorbell.durable, error=str(fault))
            await asyncio.sleep(RECONNECT_SECONDS)
        else:
            break
    consumers.append(consumer)
    if not leaving.is_set():  # one that is bound later is stopped by nobody
        await consumer.run()
    await asyncio.Event().wait()  # stopped: stay until cancelled


async def _sweep(sweep: Work, every_seconds: float) -> None:
    while True:
        try:
            await sweep()
        except Exception as error:  # the next sweep looks again
            fault = rpc.fault_in(error)
            if fault is None:
                log.exception("sweep failed", exc_info=error)
            else:
                log.info("sweep put off", error=str(fault))
        await asyncio.sleep(every_seconds)


async def _queues(consumers: Sequence[Consumer]) -> list[metrics.Reading]:
    return [reading for consumer in consumers for reading in await consumer.depth()]


def _flush(tracing: telemetry.Tracing | None) -> None:
    if tracing is not None:
        tracing.flush()


def _stop(exporting: metrics.Exporting | None) -> None:
    if exporting is not None:
        exporting.stop()


def configure_logging(level: str) -> None:
    """One JSON object a line to standard output, with the trace that was current."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    # Libraries log little, and through the standard library; the same stream, a line each.
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")


def _add_trace(_logger: object, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    if traceparent := telemetry.current_traceparent():
        event["traceparent"] = traceparent
    return event


def _wrong_settings(error: ValidationError | SettingsError, settings_type: type[ServiceSettings]) -> str:
    """Which variables, and what is wrong; never their values, which may be secrets."""
    if isinstance(error, SettingsError):
        return str(error)
    prefix = settings_type.model_config.get("env_prefix", "")
    return "; ".join(
        ": ".join([*(f"{prefix}{field}".upper() for field in one["loc"][:1]), one["msg"]])
        for one in error.errors(include_input=False, include_url=False)
    )


def _spare_garbage_collector() -> None:
    """What a service is made of stays, so it need not be looked at again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def main(name: str, settings_type: type[S], build: Build[S]) -> None:
    """Run a service until SIGTERM or SIGINT; exit 1 when it breaks, 2 with one line when a setting is wrong."""
    try:
        settings = settings_type()
    except (ValidationError, SettingsError) as error:
        sys.stderr.write(f"{name} cannot start: {_wrong_settings(error, settings_type)}\n")
        sys.exit(2)
    configure_logging(settings.log_level)
    structlog.contextvars.bind_contextvars(service=name)

    async def serve(stop: asyncio.Event, started: asyncio.Event) -> None:
        async with running(name, settings, build) as service:
            started.set()
            _spare_garbage_collector()
            stopped: asyncio.Future[bool] = asyncio.ensure_future(stop.wait())
            waited: list[asyncio.Future[Any]] = [stopped, service.broken]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if service.broken.done():
                service.broken.result()

    async def run() -> None:
        stop, started = asyncio.Event(), asyncio.Event()
        service = asyncio.ensure_future(serve(stop, started))

        def leave() -> None:
            stop.set()
            if not started.is_set():
                service.cancel()  # a start may wait long for the store, and has nothing to drain

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, leave)
        await asyncio.wait([service])
        if not service.cancelled():
            service.result()

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    except Exception:
        log.exception("service broke", service=name)
        sys.exit(1)
