"""CPU time of a bare client per call. Run by the benchmark in the environment of the peers, which has both transports.

    python bare_clients.py httpx|httpx-aiohttp URL MODEL CALLS IN_FLIGHT CHARACTERS

Prints one JSON object: seconds of wall and of CPU time of this process.
"""

import asyncio
import json
import sys
import time
from typing import Any

import httpx


async def spend(transport: str, url: str, model: str, calls: int, in_flight: int, characters: int) -> dict[str, float]:
    """Send the calls, as simply as httpx can, and take the time."""
    options: dict[str, Any] = {}
    if transport == "httpx-aiohttp":
        import httpx_aiohttp  # noqa: PLC0415 - of the peers' environment

        options["transport"] = httpx_aiohttp.AiohttpTransport(limits=httpx.Limits(max_connections=None))
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None), **options) as client:

        async def say(number: int) -> None:
            messages = [{"role": "user", "content": f"{number} ".ljust(characters, "x")}]
            reply = await client.post(url, json={"model": model, "messages": messages})
            reply.raise_for_status()
            assert reply.json()["choices"][0]["message"]["content"]

        async def caller(numbers: range) -> None:
            for number in numbers:
                await say(number)

        await asyncio.gather(*(say(-number) for number in range(in_flight)))  # connections are made
        wall, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(caller(range(first, calls, in_flight)) for first in range(in_flight)))
        return {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}


if __name__ == "__main__":
    transport, url, model, calls, in_flight, characters = sys.argv[1:]
    print(json.dumps(asyncio.run(spend(transport, url, model, int(calls), int(in_flight), int(characters)))))
