"""An endpoint whose every reply takes the same time: `python -m benchmarks.slow_world SECONDS`.

Prints its base URL once it serves, and serves until it is ended. Models, answers and verdicts are those of a planted
world, read and written as sparring models do. It shares the machine with what is measured, so it speaks no more of
HTTP/1.1 than a client needs that sends a body of known length and waits for the reply, and does without a framework.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, cast

import uvloop

from dearena.sparring import chat
from dearena.sparring.calls import Call, Completed, Reply, World
from dearena.sparring.planted import PlantedWorld

PATH: Final = "/v1/chat/completions"
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\ncontent-length:"


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


class Connection(asyncio.Protocol):
    """One client's connection: a request, its reply, the next request."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where replies go."""
        # By its own account uvloop's is none, but has all that one has.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Replies are for nobody any more."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take in the request, and reply in time once it is complete."""
        self._received += data
        if (request := request_of(self._received)) is None:
            return
        self._received.clear()
        path, body = request
        if path != PATH:
            self._say(head(404, 0))
            return
        try:
            call = chat.read_call(body)
        except chat.BadBody:
            self._say(head(400, 0))
            return
        reply = self._world.reply(call)
        if not isinstance(reply, Completed):
            self._say(head(400, 0))
            return
        said = json.dumps(chat.completion(call, reply, created=int(time.time()))).encode()
        self._loop.call_later(reply.delay_seconds, self._say, head(200, len(said)) + said)

    def _say(self, reply: bytes) -> None:
        if self._transport is not None:
            self._transport.write(reply)


def head(status: int, length: int) -> bytes:
    """The start of a reply whose body is JSON."""
    return (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\n"
        f"content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    ).encode()


def request_of(received: bytes | bytearray) -> tuple[str, bytes] | None:
    """Path and body of a request with a content-length or no body; None while it is not complete."""
    end = received.find(_END_OF_HEAD)
    if end < 0:
        return None
    before = bytes(received[:end]).lower()
    place = before.find(_LENGTH)
    length = int(before[place + len(_LENGTH) :].partition(b"\r\n")[0]) if place >= 0 else 0
    body = bytes(received[end + len(_END_OF_HEAD) :])
    if len(body) < length:
        return None
    return before.partition(b" ")[2].partition(b" ")[0].decode(), body


@dataclass(frozen=True, slots=True)
class SlowEndpoint:
    """An endpoint that serves in a process of its own."""

    base_url: str
    pid: int


@asynccontextmanager
async def slow_world(seconds: float) -> AsyncIterator[SlowEndpoint]:
    """An endpoint in a process of its own until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.slow_world", str(seconds), stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode().strip()
        if not line:
            raise RuntimeError("the slow endpoint does not serve")
        yield SlowEndpoint(line, process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _serve(seconds: float) -> None:
    world = Slow(PlantedWorld(seed=0), seconds)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(world), "127.0.0.1", 0, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}/v1", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(float(sys.argv[1])))
