"""The HTTP server that puts worlds behind the OpenAI-compatible API, and keeps a journal of what was asked.

POST   /{world}/v1/chat/completions
GET    /{world}/v1/models
GET    /health
GET    /requests     the journal
DELETE /requests     clears it
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from dearena.sparring import chat
from dearena.sparring.calls import Completed, Garbage, Refused, Reply, Silence, World, bad_request
from dearena.sparring.journal import Journal

_BODY_LIMIT_BYTES = 32 * 2**20
"""Two long answers and a question fit many times over."""
DRAIN_SECONDS = 1.0
"""How long calls in flight may still take when the server stops; hanging ones are then cut."""


@dataclass(frozen=True, slots=True)
class Serving:
    """A sparring server that serves."""

    host: str
    port: int
    journal: Journal

    @property
    def url(self) -> str:
        """The server's root, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def base_url(self, world: str) -> str:
        """What a model of this world is registered with."""
        return f"{self.url}/{world}/v1"


class SparringServer:
    """Request handlers; no rule of any world is here."""

    def __init__(self, worlds: Mapping[str, World], journal: Journal) -> None:
        self._worlds = worlds
        self._journal = journal

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=_BODY_LIMIT_BYTES)
        app.router.add_post("/{world}/v1/chat/completions", self.complete)
        app.router.add_get("/{world}/v1/models", self.list_models)
        app.router.add_get("/health", self.health)
        app.router.add_get("/requests", self.requests)
        app.router.add_delete("/requests", self.clear_requests)
        return app

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Ask a model; counted before anything else, so that a request which fails is not lost."""
        repeats = self._journal.received(request.headers.get("X-Request-Id", ""))
        name = request.match_info["world"]
        if (world := self._worlds.get(name)) is None:
            return self._unknown_world(name)
        try:
            call = chat.read_call(
                await request.read(), authorization=request.headers.get("Authorization", ""), repeats=repeats
            )
        except chat.BadBody as fault:
            return _json_error(bad_request("invalid_body", str(fault)))
        with self._journal.in_flight(f"{name}/{call.model}"):
            reply = world.reply(call)
            await _wait(reply)
        match reply:
            case Completed():
                return web.json_response(chat.completion(call, reply, created=int(time.time())))
            case Refused():
                return _json_error(reply)
            case Garbage():
                return web.Response(status=reply.status, text=reply.body, content_type=reply.content_type)
            case Silence():
                raise AssertionError("silence does not end")

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        """The world's models; where any id is one, those that were asked for."""
        name = request.match_info["world"]
        if (world := self._worlds.get(name)) is None:
            return self._unknown_world(name)
        return web.json_response(chat.model_list(list(world.models()) or self._journal.models(name)))

    async def health(self, _request: web.Request) -> web.StreamResponse:
        """Which worlds there are."""
        return web.json_response({"status": "ok", "worlds": sorted(self._worlds)})

    async def requests(self, _request: web.Request) -> web.StreamResponse:
        """The journal."""
        return web.json_response(self._journal.report())

    async def clear_requests(self, _request: web.Request) -> web.StreamResponse:
        """Start the journal anew."""
        self._journal.clear()
        return web.Response(status=204)

    def _unknown_world(self, name: str) -> web.StreamResponse:
        known = ", ".join(sorted(self._worlds)) or "none"
        return _json_error(Refused(404, "unknown_world", f"there is no world {name!r}; there are: {known}"))


async def _wait(reply: Reply) -> None:
    """Take the time the reply takes; for silence, until the caller leaves or the server stops."""
    match reply:
        case Completed(delay_seconds=delay) | Refused(delay_seconds=delay) if delay > 0:
            await asyncio.sleep(delay)
        case Silence():
            await asyncio.Event().wait()
        case _:
            return


def _json_error(refused: Refused) -> web.StreamResponse:
    return web.Response(
        status=refused.status,
        headers=dict(refused.headers),
        text=json.dumps(chat.error(refused)),
        content_type="application/json",
    )


@asynccontextmanager
async def serving(worlds: Mapping[str, World], *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Serving]:
    """Serve worlds by name until the context ends; port 0 takes a free one.

    Raises:
        OSError: the address cannot be had.
    """
    journal = Journal()
    # A caller that leaves ends its handler: else the hanging ones would pile up.
    runner = web.AppRunner(
        SparringServer(worlds, journal).application(),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=DRAIN_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        yield Serving(host=bound[0], port=bound[1], journal=journal)
    finally:
        await runner.cleanup()
