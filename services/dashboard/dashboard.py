"""The dashboard's routes: each asks the services one thing and says it as JSON.

GET /                                      the page
GET /health
GET /api/dimensions
GET /api/dimensions/{slug}/board           the last settled board
GET /api/dimensions/{slug}/matrices        win rates and comparison counts, null where two never met
GET /api/dimensions/{slug}/judges          how each judge votes, what it weighs, how far attacks persuade it
GET /api/dimensions/{slug}/pairs           how surely each model is better than each other
GET /api/dimensions/{slug}/ranking         the ranking, its newcomer, who waits and why
GET /api/dimensions/{slug}/insertions
GET /api/dimensions/{slug}/watch           server-sent events: every step of every insertion
GET /api/correlations                      Spearman between the boards of all dimensions

Messages of the contract keep their names: see `dearena.plain`. Faults are `{"fault": {status, reason, message}}`.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Final

from aiohttp import web

from dearena.client import ArenaClient
from dearena.client.persuasion import with_persuasion
from dearena.faults import NotReady, ServiceUnavailable
from dearena.names import check_slug
from dearena.plain import plain
from dearena.v1 import ranker_pb2
from dearena.v1.judge_dispatcher_pb2 import Persuasion
from services.dashboard import page
from services.dashboard.correlation import Strengths, correlations
from services.dashboard.events import cursor_of, event, send_events
from services.dashboard.replies import HEADERS, faults_as_json, json_reply
from services.dashboard.settings import DashboardSettings

BOARDS_AT_ONCE: Final = 8
"""Boards asked for at the same time, for correlations."""


class Dashboard:
    """Request handlers. They only read, and hold nothing but the number of browsers that watch."""

    def __init__(self, arena: ArenaClient, settings: DashboardSettings) -> None:
        self._arena = arena
        self._settings = settings
        # No longer than for a call: a browser asks again.
        self._report_seconds = settings.call_seconds
        self._page = page.load()
        self._watchers = 0
        self._stopping = asyncio.Event()

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(middlewares=[faults_as_json])
        app.on_response_prepare.append(_add_headers)
        app.on_shutdown.append(self._stop)
        of_dimension = "/api/dimensions/{slug}"
        app.router.add_get("/", self.show_page)
        app.router.add_get("/health", self.health)
        app.router.add_get("/api/dimensions", self.dimensions)
        app.router.add_get(f"{of_dimension}/board", self.board)
        app.router.add_get(f"{of_dimension}/matrices", self.matrices)
        app.router.add_get(f"{of_dimension}/judges", self.judges)
        app.router.add_get(f"{of_dimension}/pairs", self.pairs)
        app.router.add_get(f"{of_dimension}/ranking", self.ranking)
        app.router.add_get(f"{of_dimension}/insertions", self.insertions)
        app.router.add_get(f"{of_dimension}/watch", self.watch, allow_head=False)
        app.router.add_get("/api/correlations", self.correlations)
        return app

    async def _stop(self, _app: web.Application) -> None:
        self._stopping.set()

    async def show_page(self, _request: web.Request) -> web.StreamResponse:
        """The page itself."""
        reply = web.Response(text=self._page.html, content_type="text/html")
        reply.headers["Content-Security-Policy"] = self._page.policy
        reply.enable_compression()
        return reply

    async def health(self, _request: web.Request) -> web.StreamResponse:
        """That the dashboard serves. The services have health checks of their own, and may be away."""
        return json_reply({"status": "ok", "watchers": self._watchers})

    async def dimensions(self, _request: web.Request) -> web.StreamResponse:
        """Dimensions in slug order, each with its slug."""
        found = [
            {"slug": dimension.name.rpartition("/")[2], **plain(dimension)}
            async for dimension in self._arena.dimensions()
        ]
        return json_reply({"dimensions": found})

    async def board(self, request: web.Request) -> web.StreamResponse:
        """The last settled board; NOT_READY while there is none."""
        return json_reply(plain(await self._arena.leaderboard(_slug(request))))

    async def matrices(self, request: web.Request) -> web.StreamResponse:
        """Both matrices of the last settled board, row-major."""
        return json_reply(plain(await self._arena.matrices(_slug(request))))

    async def judges(self, request: web.Request) -> web.StreamResponse:
        """The judge report of the last settled board, unavailable while it is worked out; with trials of attacks.

        Without these while the judge dispatcher is away, for the report is not its.
        """
        slug = _slug(request)
        report = await self._arena.judge_report(slug, wait_seconds=self._report_seconds)
        tried: Sequence[Persuasion] = ()
        with suppress(ServiceUnavailable):
            tried = await self._arena.persuasions(slug)
        return json_reply(with_persuasion(report, tried))

    async def pairs(self, request: web.Request) -> web.StreamResponse:
        """Confidence and votes needed between the models of the last settled board; unavailable likewise."""
        return json_reply(plain(await self._arena.pairs(_slug(request), wait_seconds=self._report_seconds)))

    async def ranking(self, request: web.Request) -> web.StreamResponse:
        """The ranking as it stands, with newcomer and waiting."""
        return json_reply(plain(await self._arena.ranking(_slug(request))))

    async def insertions(self, request: web.Request) -> web.StreamResponse:
        """Insertions in the order of admission."""
        return json_reply({"insertions": [plain(one) async for one in self._arena.insertions(_slug(request))]})

    async def watch(self, request: web.Request) -> web.StreamResponse:
        """Every step, from the first one or after Last-Event-ID, without end."""
        steps = self._arena.watch_insertion(_slug(request), cursor=cursor_of(request.headers))
        if self._watchers >= self._settings.watchers:
            raise ServiceUnavailable(f"{self._watchers} browsers watch already; no more are let in")
        self._watchers += 1
        try:
            return await send_events(
                request,
                (event(_step(step), cursor=step.cursor) async for step in steps),
                stopping=self._stopping,
                heartbeat_seconds=self._settings.heartbeat_seconds,
            )
        finally:
            self._watchers -= 1

    async def correlations(self, _request: web.Request) -> web.StreamResponse:
        """How alike the dimensions rank, as far as they have a board."""
        slugs = [dimension.name.rpartition("/")[2] async for dimension in self._arena.dimensions()]
        at_once = asyncio.Semaphore(BOARDS_AT_ONCE)

        async def strengths(slug: str) -> Strengths:
            async with at_once:
                try:
                    board = await self._arena.leaderboard(slug)
                except NotReady:
                    return {}
            return {row.model: row.strength for row in board.rows if row.votes and not row.retired}

        boards = dict(zip(slugs, await asyncio.gather(*map(strengths, slugs)), strict=True))
        return json_reply(asdict(correlations({slug: board for slug, board in boards.items() if board})))


def _slug(request: web.Request) -> str:
    return check_slug(request.match_info["slug"])


def _step(step: ranker_pb2.WatchInsertionResponse) -> dict[str, object]:
    """What the page shows of a step. The decision's content is left out: a round's is as long as its cells."""
    return {
        "cursor": step.cursor,
        "why": step.why,
        "insertion": plain(step.insertion),
    }


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


@asynccontextmanager
async def serving(settings: DashboardSettings, arena: ArenaClient | None = None) -> AsyncIterator[str]:
    """Serve the dashboard until the context ends; yields its URL, without a slash at the end.

    Args:
        settings: where and how.
        arena: the client to read through; by default one for the addresses in force here. Closed in the end.

    Raises:
        OSError: the address cannot be had.
        InvalidField: the addresses of the services cannot be read.
    """
    async with arena or ArenaClient(project=settings.project, call_seconds=settings.call_seconds) as client:
        # A browser that leaves ends its handler: else its gRPC stream would be kept for nobody.
        runner = web.AppRunner(
            Dashboard(client, settings).application(),
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=settings.drain_seconds,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, *settings.address).start()
            host, port = runner.addresses[0][:2]
            yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        finally:
            await runner.cleanup()
