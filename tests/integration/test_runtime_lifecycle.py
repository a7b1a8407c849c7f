"""A service as a process: it can be stopped at any time, while it still waits for the store too."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from dearena.v1.events_pb2 import EventEnvelope
from services.runtime import subjects
from services.runtime.bus import Bus
from services.runtime.consumer import Consumer
from services.runtime.doorbell import Delivery, Doorbell
from services.runtime.lifecycle import Room, Shell, running
from services.runtime.settings import ServiceSettings
from tests.conftest import NOWHERE, ArenaSettings
from tests.fixtures.waiting import eventually

SECRET = "a secret of the test's own"


@pytest.mark.parametrize("room", ["gateway", "judge_dispatcher"])
async def test_a_service_that_waits_for_the_store_can_be_stopped(room: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    environment = os.environ | {
        "DEARENA_MONGO_URL": f"mongodb://{NOWHERE}/?directConnection=true",
        "DEARENA_NATS_URL": f"nats://{NOWHERE}",
        "DEARENA_STORE_TIMEOUT_SECONDS": "0.2",
        "DEARENA_INSTALLATION_SECRET": SECRET,
    }
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"services.{room}", stdout=output, stderr=output, env=environment
        )
    try:

        async def waits() -> bool:
            return "waiting" in log.read_text()

        await eventually(waits)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0, log.read_text()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [("DEARENA_LOG_LEVEL", "loud", "'debug', 'info'"), ("DEARENA_SWEEP_SECONDS", "soon", "valid number")],
)
async def test_a_wrong_setting_is_told_in_one_line(variable: str, value: str, said: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.scorer",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {variable: value},
    )
    output, _ = await process.communicate()
    assert process.returncode == 2, output
    [line] = output.decode().splitlines()
    assert line.startswith(f"scorer cannot start: {variable}: ")
    assert said in line
    assert value not in line


async def test_a_doorbell_that_is_bound_while_its_service_leaves_takes_nothing(
    arena_settings: ArenaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    binding, drained, bound = asyncio.Event(), asyncio.Event(), asyncio.Event()
    bind = Bus.bind
    ran: list[Consumer] = []

    async def late(bus: Bus, doorbell: Doorbell) -> Consumer:
        binding.set()
        await drained.wait()
        consumer = await bind(bus, doorbell)
        bound.set()
        return consumer

    async def run(consumer: Consumer) -> None:
        ran.append(consumer)

    async def take(_event: EventEnvelope, _delivery: Delivery) -> None: ...

    async def drain() -> None:
        """Doorbells that were bound are stopped by now."""
        drained.set()
        await bound.wait()

    async def build(_shell: Shell[ServiceSettings]) -> Room:
        return Room(servicers=[], doorbells=[Doorbell("gateway-dimensions", subjects.EVENTS, take)], on_drain=drain)

    monkeypatch.setattr(Bus, "bind", late)
    monkeypatch.setattr(Consumer, "run", run)
    async with running("test", arena_settings(ServiceSettings), build):
        await binding.wait()
    assert bound.is_set()
    assert ran == []
