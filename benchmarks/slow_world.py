"""A sparring server whose every reply takes the same time: `python -m benchmarks.slow_world SECONDS`.

Prints its base URL once it serves, and serves until it is ended. Models, answers and verdicts are those of a planted
world.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from dearena.sparring.calls import Call, Completed, Reply, World
from dearena.sparring.planted import PlantedWorld
from dearena.sparring.server import serving

NAME: Final = "slow"


@dataclass(frozen=True, slots=True)
class Slow:
    """A world that takes its time."""

    world: World
    seconds: float

    def models(self) -> Sequence[str]:
        """Of the world."""
        return self.world.models()

    def reply(self, call: Call) -> Reply:
        """The world's, after the time."""
        reply = self.world.reply(call)
        return replace(reply, delay_seconds=self.seconds) if isinstance(reply, Completed) else reply


@asynccontextmanager
async def slow_world(seconds: float) -> AsyncIterator[str]:
    """A server in a process of its own until the end of the block; yields the base URL of its models."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.slow_world", str(seconds), stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode().strip()
        if not line:
            raise RuntimeError("the slow endpoint does not serve")
        yield line
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _serve(seconds: float) -> None:
    async with serving({NAME: Slow(PlantedWorld(seed=0), seconds)}) as server:
        print(server.base_url(NAME), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
