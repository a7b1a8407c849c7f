"""A service as a process: it can be stopped at any time, while it still waits for the store too."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.conftest import NOWHERE
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
