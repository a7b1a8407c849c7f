"""Makes the board of a round when somebody asks, once, and tells of it.

The truth of a board is the log of outcomes and rounds; what is in memory here is only what was read of it.
"""

import asyncio
from weakref import WeakValueDictionary

import structlog
from cachetools import LRUCache

from dearena.faults import ArenaFault
from dearena.names import DimensionName
from dearena.v1.events_pb2 import ScoresUpdated
from services.runtime import deadline, semantics, subjects, telemetry
from services.runtime.bus import Bus, envelope
from services.runtime.rpc import fault_in
from services.scorer.board import Board, Method, score_board
from services.scorer.news import News
from services.scorer.records import ClosedRound, Records
from services.scorer.settings import ScorerSettings
from services.scorer.store import Scoreboard, Scoreboards
from services.scorer.tallies import Tallies

log = structlog.get_logger(__name__)

ANNOUNCED_AT_ONCE = 100
"""Boards that one sweep tells the bus of."""


class Scoring:
    """Boards through closed rounds."""

    def __init__(
        self, settings: ScorerSettings, scoreboards: Scoreboards, records: Records, bus: Bus, news: News
    ) -> None:
        self._settings = settings
        self._scoreboards = scoreboards
        self._records = records
        self._bus = bus
        self._news = news
        self._tallies: LRUCache[DimensionName, Tallies] = LRUCache(settings.cached_dimensions)
        # A lock is there while somebody holds it or waits for it: anybody may ask for any name.
        self._locks: WeakValueDictionary[DimensionName, asyncio.Lock] = WeakValueDictionary()
        self._making: dict[tuple[DimensionName, int], asyncio.Task[Scoreboard]] = {}

    async def through(self, name: DimensionName, number: int) -> Scoreboard:
        """The board of rounds 1 to `number`: the stored one, or a new one.

        It is made in a task that outlives its caller, and callers who ask for the same at the same time
        share it: one that gives up does not take the work of the others with it.

        Raises:
            NotReady: the round is not closed.
            BoardContradiction: another replica stored a different board meanwhile.
        """
        if stored := await self._scoreboards.find(name, number):
            return stored
        key = name, number
        task = self._making.get(key)
        if task is None:
            task = self._making[key] = asyncio.create_task(self._make(name, number), name=f"score {name} {number}")
            task.add_done_callback(lambda ended: self._made(key, ended))
        return await asyncio.shield(task)

    def _made(self, key: tuple[DimensionName, int], task: asyncio.Task[Scoreboard]) -> None:
        del self._making[key]
        if not task.cancelled() and (error := task.exception()):
            # Whoever still waits is told as well; all may have given up.
            log.info("no board was made", dimension=str(key[0]), round=key[1], error=repr(error))

    async def _make(self, name: DimensionName, number: int) -> Scoreboard:
        deadline.begin(None)  # its first caller's would end the work of all; the peers' own hold
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            if stored := await self._scoreboards.find(name, number):
                return stored
            closed = await self._records.closed_round(name, number)
            tallies = await self._tallies_through(name, closed)
            board = await self._fit(name, tallies, closed)
            made = await self._scoreboards.add(
                name, closed.dimension_version, closed.number, board, settled=closed.settles
            )
        self._news.ring()
        await self._announce(made)
        return made

    async def _tallies_through(self, name: DimensionName, closed: ClosedRound) -> Tallies:
        """Tallies of rounds 1 to this one: those in memory grown by what is new, or read from the start."""
        kept = self._tallies.get(name)
        if kept is None:
            kept = self._tallies[name] = Tallies()
        tallies = kept if kept.through <= closed.number else Tallies()
        while tallies.through < closed.number:
            number = tallies.through + 1
            at = closed if number == closed.number else await self._records.closed_round(name, number)
            tallies.add_round(number, await self._records.votes_of(name, at))
        return tallies

    async def _fit(self, name: DimensionName, tallies: Tallies, closed: ClosedRound) -> Board:
        method = Method(closed.weighting, self._settings.prior_deviation)
        attributes: telemetry.Attributes = {semantics.DIMENSION: str(name), semantics.ROUND: closed.number}
        with telemetry.tracer(__name__).start_as_current_span("fit board", attributes=attributes):
            board = await asyncio.to_thread(score_board, tallies, closed.entrants, method)
        if board.weight_residual > 1:
            log.warning(
                "judge weights did not come to rest",
                dimension=str(name),
                round=closed.number,
                residual=board.weight_residual,
            )
        return board

    async def _announce(self, scoreboard: Scoreboard) -> None:
        """Ring `scores.updated`. A bus that is away takes nothing from the board; the sweep rings later."""
        project, slug = scoreboard.name.project, scoreboard.name.slug
        event = envelope(
            f"scores.updated/{project}/{slug}/{scoreboard.board_version}",
            project,
            slug,
            sequence=scoreboard.board_version,
            scores_updated=ScoresUpdated(
                board_version=scoreboard.board_version,
                board_digest=scoreboard.board_digest,
                settled=scoreboard.settled,
            ),
        )
        try:
            await self._bus.publish(subjects.scores_updated(project, slug), event)
            await self._scoreboards.mark_announced(scoreboard)
        except ArenaFault as fault:
            log.info("board waits for the bus", dimension=str(scoreboard.name), error=str(fault))

    async def sweep(self) -> None:
        """Tell of boards nobody was told of, and make those of closed rounds whose doorbell was lost."""
        for scoreboard in await self._scoreboards.unannounced(ANNOUNCED_AT_ONCE):
            await self._announce(scoreboard)
        for name, version in (await self._scoreboards.newest_versions()).items():
            try:
                newest = await self._records.closed_round(name, 0)
                if newest.number > version:
                    await self.through(name, newest.number)
            except Exception as error:
                # One dimension's trouble is not another's.
                fault = fault_in(error)
                if fault is None:
                    log.exception("sweep of a dimension failed", dimension=str(name), exc_info=error)
                else:
                    log.info("board put off", dimension=str(name), error=str(fault))

    async def drain(self) -> None:
        """Let boards in the making be finished, for as long as a stop may take."""
        if self._making:
            await asyncio.wait(list(self._making.values()), timeout=self._settings.drain_seconds)

    async def close(self) -> None:
        """Give up what is still being made: the log has it all."""
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
