"""Doorbells on a real nats-server: taken, put off, dead-lettered, kept alive, given back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import nats
import pytest

from dearena import faults
from dearena.v1.events_pb2 import DimensionReady, EventEnvelope
from services.runtime import subjects, topology
from services.runtime.bus import Bus, TopologyMissing, envelope
from services.runtime.doorbell import MAX_DELIVERIES, Delivery, Doorbell, Handler, Poison, TryAgain
from tests.fixtures.bus import NatsServer
from tests.fixtures.waiting import eventually

QUICK = """
streams:
  - {name: EVENTS, subjects: ["dimension.>"], retention: limits, duplicate_window_seconds: 1}
  - {name: DEAD_LETTERS, subjects: ["dead.>"], retention: limits}
consumers:
  - {stream: EVENTS, durable: quick, filter_subjects: ["dimension.ready.>"], ack_wait_seconds: 1}
"""


@pytest.fixture
async def quick_url(nats_url: str, tmp_path: Path) -> str:
    """A server whose leases are short, so that their end can be waited for."""
    client = await nats.connect(nats_url)
    for stream in await client.jetstream().streams_info():
        await client.jetstream().delete_stream(stream.config.name or "")
    await client.close()
    path = tmp_path / "quick.yaml"
    path.write_text(QUICK)
    await topology.provision(nats_url, path)
    return nats_url


@pytest.fixture
async def bus(quick_url: str) -> AsyncIterator[Bus]:
    bus = Bus(quick_url, "test", fetch_seconds=0.2)
    bus.start()
    await bus.ready()
    yield bus
    await bus.close()


def ready(number: int) -> EventEnvelope:
    return envelope(f"dimension.ready/{number}", "default", "algebra", dimension_ready=DimensionReady())


class Taken:
    """A consumer at work, and what it was given."""

    def __init__(self, bus: Bus, handler: Handler) -> None:
        self.deliveries: list[tuple[str, int]] = []
        self._bus = bus
        self._handler = handler

    async def _note(self, event: EventEnvelope, delivery: Delivery) -> None:
        self.deliveries.append((event.event_id, delivery.count))
        await self._handler(event, delivery)

    async def __aenter__(self) -> Self:
        self.consumer = await self._bus.bind(Doorbell("quick", subjects.EVENTS, self._note, workers=4))
        self._task = asyncio.create_task(self.consumer.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.consumer.stop(5)
        await self._task
        await self.consumer.unsubscribe()

    async def unsettled(self) -> int:
        info = await self._bus._stream.consumer_info(subjects.EVENTS, "quick")
        return (info.num_ack_pending or 0) + (info.num_pending or 0)


async def send(bus: Bus, *numbers: int) -> None:
    for number in numbers:
        await bus.publish(subjects.dimension_ready("default", "algebra"), ready(number))


async def dead_letters(url: str) -> int:
    client = await nats.connect(url)
    info = await client.jetstream().stream_info(subjects.DEAD_LETTERS)
    await client.close()
    return info.state.messages


async def test_what_a_handler_takes_is_done(bus: Bus) -> None:
    async def take(_event: EventEnvelope, _delivery: Delivery) -> None: ...

    async with Taken(bus, take) as taken:
        await send(bus, 1, 2, 3)
        await eventually(lambda: len(taken.deliveries) == 3)
        await eventually(taken.unsettled, equals=0)

    assert sorted(taken.deliveries) == [(f"dimension.ready/{number}", 1) for number in (1, 2, 3)]


async def test_an_event_sent_twice_is_stored_once(bus: Bus) -> None:
    await send(bus, 1, 1)

    assert (await bus._stream.stream_info(subjects.EVENTS)).state.messages == 1


@pytest.mark.parametrize("error", [TryAgain(0.05), faults.StoreUnavailable("away"), RuntimeError("a defect")])
async def test_a_failed_handler_is_rung_again(bus: Bus, error: Exception) -> None:
    async def fail_first(_event: EventEnvelope, delivery: Delivery) -> None:
        if delivery.count == 1:
            raise error

    async with Taken(bus, fail_first) as taken:
        await send(bus, 1)
        await eventually(lambda: len(taken.deliveries) == 2)
        await eventually(taken.unsettled, equals=0)

    assert await dead_letters(bus._url) == 0


async def test_poison_goes_to_the_dead_letters_at_once(bus: Bus) -> None:
    async def refuse(_event: EventEnvelope, _delivery: Delivery) -> None:
        raise Poison("of no dimension")

    async with Taken(bus, refuse) as taken:
        await send(bus, 1)
        await eventually(lambda: dead_letters(bus._url), equals=1)
        await eventually(taken.unsettled, equals=0)

    assert taken.deliveries == [("dimension.ready/1", 1)]


async def test_bytes_that_are_no_event_go_to_the_dead_letters(bus: Bus) -> None:
    async def take(_event: EventEnvelope, _delivery: Delivery) -> None: ...

    async with Taken(bus, take) as taken:
        await bus._stream.publish(subjects.dimension_ready("default", "algebra"), b"\xff not an event")
        unknown = ready(1)
        unknown.schema_version = 99
        await bus.publish(subjects.dimension_ready("default", "algebra"), unknown)
        await eventually(lambda: dead_letters(bus._url), equals=2)

    assert taken.deliveries == []


async def test_a_defect_goes_to_the_dead_letters_after_the_last_delivery(bus: Bus) -> None:
    async def fail(_event: EventEnvelope, _delivery: Delivery) -> None:
        raise RuntimeError("a defect")

    async with Taken(bus, fail) as taken:
        await send(bus, 1)
        await eventually(lambda: dead_letters(bus._url), equals=1)

    assert [count for _, count in taken.deliveries] == list(range(1, MAX_DELIVERIES + 1))


async def test_a_handler_longer_than_the_lease_keeps_its_message(bus: Bus) -> None:
    done = asyncio.Event()

    async def work(_event: EventEnvelope, _delivery: Delivery) -> None:
        await done.wait()

    async with Taken(bus, work) as taken:
        await send(bus, 1)
        await eventually(lambda: len(taken.deliveries) == 1)
        asyncio.get_running_loop().call_later(2.5, done.set)
        await done.wait()
        await eventually(taken.unsettled, equals=0)

    assert taken.deliveries == [("dimension.ready/1", 1)]


async def test_a_message_of_a_cancelled_handler_comes_again(bus: Bus) -> None:
    async def hang(_event: EventEnvelope, delivery: Delivery) -> None:
        if delivery.count == 1:
            await asyncio.Event().wait()

    async with Taken(bus, hang) as first:
        await send(bus, 1)
        await eventually(lambda: len(first.deliveries) == 1)
        await first.consumer.stop(0.05)
    async with Taken(bus, hang) as second:
        await eventually(lambda: len(second.deliveries) == 1)

    assert first.deliveries == [("dimension.ready/1", 1)]
    assert second.deliveries[0][1] > 1


async def test_what_a_stop_cuts_off_comes_again_before_its_lease_ends(bus: Bus, tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(QUICK.replace("ack_wait_seconds: 1", "ack_wait_seconds: 600"))
    await topology.provision(bus._url, path)
    await test_a_message_of_a_cancelled_handler_comes_again(bus)


async def test_a_missing_consumer_is_named(bus: Bus) -> None:
    async def take(_event: EventEnvelope, _delivery: Delivery) -> None: ...

    with pytest.raises(TopologyMissing, match="consumer absent of stream EVENTS"):
        await bus.bind(Doorbell("absent", subjects.EVENTS, take))


async def test_a_bus_that_is_away_is_not_taken_for_a_missing_consumer(bus: Bus, nats_server: NatsServer) -> None:
    async def take(_event: EventEnvelope, _delivery: Delivery) -> None: ...

    nats_server.stop()
    with pytest.raises(faults.ServiceUnavailable):
        await bus.bind(Doorbell("gateway-dimensions", subjects.EVENTS, take))


async def test_sending_without_a_bus_fails_at_once() -> None:
    bus = Bus("nats://127.0.0.1:9", "test")
    bus.start()

    with pytest.raises(faults.ServiceUnavailable, match="cannot be reached"):
        await send(bus, 1)
    await bus.close()


async def test_a_bus_closed_while_it_connects_leaves_no_socket_open() -> None:
    connected, closed = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()  # to the end
        closed.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        bus = Bus(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}", "test")
        bus.start()
        await connected.wait()
        await bus.close()
        async with asyncio.timeout(10):
            await closed.wait()


async def test_a_bus_closed_while_it_reconnects_leaves_no_socket_open(tmp_path: Path) -> None:
    """To a server that was replaced by one that takes connections and says nothing."""
    server = NatsServer(tmp_path / "nats")
    await server.start()
    bus = Bus(server.url, "test")
    bus.start()
    await bus.ready()
    server.stop()
    connected, closed = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        closed.set()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", int(server.url.rpartition(":")[2])):
        async with asyncio.timeout(20):
            await connected.wait()
        await bus.close()
        async with asyncio.timeout(10):
            await closed.wait()
