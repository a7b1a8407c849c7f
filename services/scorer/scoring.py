"""Makes the board of a round when somebody asks, once, and tells of it.

The truth of a board is the log of outcomes and rounds; what is in memory here is only what was read of it. After
a restart it is read again, in the background, before the next round closes: the ranker waits for a board, and
2,000,000 outcomes take longer to read than a call may last.
"""

import asyncio
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from weakref import WeakValueDictionary

import structlog
from cachetools import LRUCache

from dearena.faults import ArenaFault
from dearena.names import DimensionName
from dearena.scoring.boards.board import Made, make_board
from dearena.scoring.boards.round_votes import BrokenLog
from dearena.scoring.boards.vote_log import Counted, VoteLog
from dearena.v1.events_pb2 import ScoresUpdated
from services.runtime import instruments, metrics, semantics, subjects, telemetry
from services.runtime.bus import Bus, envelope
from services.runtime.rpc import fault_in
from services.scorer.gauges import Standings
from services.scorer.news import News
from services.scorer.records import ClosedRound, Records
from services.scorer.settings import ScorerSettings
from services.scorer.shared_work import SharedWork
from services.scorer.store import Scoreboard, Scoreboards

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

ANNOUNCED_AT_ONCE = 100
"""Boards that one sweep tells the bus of."""


class Scoring:
    """Boards through closed rounds."""

    def __init__(
        self,
        settings: ScorerSettings,
        scoreboards: Scoreboards,
        records: Records,
        bus: Bus,
        news: News,
        shared: SharedWork,
    ) -> None:
        self._settings = settings
        self._scoreboards = scoreboards
        self._records = records
        self._bus = bus
        self._news = news
        # By the first round too: in a revised dimension older boards rest on a log of their own.
        self._logs: LRUCache[tuple[DimensionName, int], VoteLog] = LRUCache(settings.cached_dimensions)
        # A lock is there while somebody holds it or waits for it: anybody may ask for any name.
        self._locks: WeakValueDictionary[DimensionName, asyncio.Lock] = WeakValueDictionary()
        self._shared = shared
        self.standings = Standings()

    async def through(self, name: DimensionName, number: int) -> Scoreboard:
        """The board of the dimension version's rounds through `number`: the stored one, or a new one.

        It is made in a task that outlives its caller, and callers who ask for the same at the same time
        share it: one that gives up does not take the work of the others with it.

        Raises:
            NotReady: the round is not closed.
            BoardContradiction: another replica stored a different board meanwhile.
        """
        if stored := await self._scoreboards.find(name, number):
            self.standings.saw_board(name, number)
            return stored
        return await self._shared.done(("score", str(name), number), lambda: self._make(name, number))

    async def counted(self, name: DimensionName, version: int) -> Counted:
        """What a board that is there rests on, for what is worked out of it on demand; shared likewise."""
        return await self._shared.done(("count", str(name), version), lambda: self._count(name, version))

    async def _make(self, name: DimensionName, number: int) -> Scoreboard:
        async with self._lock_of(name):
            if stored := await self._scoreboards.find(name, number):
                return stored
            closed = await self._records.closed_round(name, number)
            log_of_votes = await self._log_through(name, closed)
            made = await self._fit(name, log_of_votes, closed)
            scoreboard = await self._scoreboards.add(
                name,
                closed.dimension_version,
                closed.number,
                made.board,
                made.pairs,
                settled=closed.settles,
                first_round=closed.first_round,
            )
        self.standings.saw_round(name, number)
        self.standings.saw_board(name, number)
        self._news.spread()
        await self._announce(scoreboard)
        return scoreboard

    async def _count(self, name: DimensionName, version: int) -> Counted:
        async with self._lock_of(name):
            closed = await self._records.closed_round(name, version)
            log_of_votes = await self._log_through(name, closed)
            return await self._at_log(name, closed, log_of_votes.counted, version)

    async def _at_log(
        self, name: DimensionName, at: ClosedRound, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """A step that changes a log in memory. What a fault has left half done is read anew by who comes next."""
        try:
            return await asyncio.to_thread(step, *args, **kwargs)
        except BrokenLog:
            raise  # said before anything was counted; reading the rows again says it again
        except BaseException:
            self._logs.pop((name, at.first_round), None)
            raise

    def _lock_of(self, name: DimensionName) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    async def _log_through(self, name: DimensionName, closed: ClosedRound) -> VoteLog:
        """The log of at least its version's rounds through this one: what is in memory, grown by what is new."""
        kept = self._logs.get((name, closed.first_round))
        if kept is None:
            kept = self._logs[name, closed.first_round] = VoteLog(closed.first_round)
        while kept.through < closed.number:
            number = kept.through + 1
            at = closed if number == closed.number else await self._records.closed_round(name, number)
            votes = await self._records.votes_of(name, at)
            await self._at_log(name, closed, kept.add_round, number, votes)
        return kept

    async def _fit(self, name: DimensionName, log_of_votes: VoteLog, closed: ClosedRound) -> Made:
        settings = self._settings.of_fits(closed.weighting)
        attributes: telemetry.Attributes = {semantics.DIMENSION: str(name), semantics.ROUND: closed.number}
        with telemetry.tracer(__name__).start_as_current_span("fit board", attributes=attributes):
            began = time.perf_counter()
            counted = await self._at_log(name, closed, log_of_votes.counted, closed.number)
            made = await asyncio.to_thread(make_board, counted, closed.entrants, settings)
            metrics.record(instruments.FIT_DURATION, time.perf_counter() - began, metrics.of_dimension(name))
        if made.board.weight_residual > 1:
            log.warning(
                "judge weights did not come to rest",
                dimension=str(name),
                round=closed.number,
                residual=made.board.weight_residual,
            )
        return made

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
            self.standings.saw_board(name, version)
            try:
                newest = await self._records.closed_round(name, 0)
                self.standings.saw_round(name, newest.number)
                if newest.number > version:
                    await self.through(name, newest.number)
            except Exception as error:
                # One dimension's trouble is not another's.
                fault = fault_in(error)
                if fault is None:
                    log.exception("sweep of a dimension failed", dimension=str(name), exc_info=error)
                else:
                    log.info("board put off", dimension=str(name), error=str(fault))

    async def warm_up(self) -> None:
        """Read the logs of the dimensions that were scored last, one after another, and then rest."""
        try:
            versions = await self._scoreboards.newest_versions()
            made_at = [(await self._scoreboards.made_at(name, versions[name]), name) for name in versions]
            newest = sorted(((at, name) for at, name in made_at if at is not None), reverse=True)
        except Exception as error:  # noqa: BLE001 - nothing is lost
            newest = []
            log.info("logs will be read when they are needed", error=str(fault_in(error) or repr(error)))
        for _, name in newest[: self._settings.warm_dimensions]:
            try:
                await self.counted(name, versions[name])
            except Exception as error:  # noqa: BLE001 - whoever needs it is told
                why = str(fault_in(error) or repr(error))
                log.info("log will be read when it is needed", dimension=str(name), error=why)
        await asyncio.Event().wait()
