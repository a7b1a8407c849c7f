"""What is worked out of a board's votes when somebody asks: pairs, judges, boards that might have been, changes.

A version's votes never change, so an answer is kept. Work is done one report at a time, in a thread: boards
that are to be made do not wait behind reports for more than a processor.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Hashable, Mapping
from typing import Any, Final, TypeVar

from cachetools import LRUCache
from google.protobuf.message import Message

from dearena.faults import InvalidField, NotReady
from dearena.names import DimensionName
from dearena.scoring import FitSettings, fit
from dearena.scoring.boards.vote_log import Counted
from dearena.scoring.reports.changes import VersionInputs, changes
from dearena.scoring.reports.counterfactuals import DEFAULT_KINDS, Kind, counterfactuals
from dearena.scoring.reports.judges import judge_report, suspended_judges
from dearena.scoring.reports.outcome_counts import outcome_bounds
from dearena.v1 import scorer_pb2 as pb
from services.scorer import report_messages
from services.scorer.answer_style import answer_style
from services.scorer.messages import pairs_message, settings_message
from services.scorer.pair_report import pair_report
from services.scorer.records import Records
from services.scorer.scoring import Scoring
from services.scorer.shared_work import SharedWork
from services.scorer.store import Scoreboard, Scoreboards, settings_of

KEPT: Final = 32
"""Reports in memory: for a thousand models one may hold some megabytes."""

Report = TypeVar("Report", bound=Message)


class Reports:
    """Reports on boards that are there."""

    def __init__(self, scoreboards: Scoreboards, records: Records, scoring: Scoring, shared: SharedWork) -> None:
        self._scoreboards = scoreboards
        self._records = records
        self._scoring = scoring
        self._shared = shared
        self._kept: LRUCache[Hashable, Message] = LRUCache(KEPT)
        self._one_at_a_time = asyncio.Semaphore(1)

    async def pairs(self, name: DimensionName, version: int) -> pb.GetPairsResponse:
        """What can be said of each pair of models.

        Raises:
            NotReady: there is no such board, or it was made by an earlier method; so do all reports.
        """

        async def made() -> pb.GetPairsResponse:
            scoreboard, settings, counted = await self._board(name, version)
            models = tuple(row.model for row in scoreboard.board.rows if not row.retired)
            return await self._alone(lambda: pairs_message(version, pair_report(fit(counted.votes, settings), models)))

        return await self._answer(("pairs", str(name), version), made)

    async def judges(self, name: DimensionName, version: int, *, with_worth: bool) -> pb.GetJudgeReportResponse:
        """Report on every judge."""
        families = await self._records.families(name.project)

        async def made() -> pb.GetJudgeReportResponse:
            scoreboard, settings, heard = await self._board(name, version)
            counted = await self._scoring.counted(name, version)
            suspended = _suspended(scoreboard)

            def report() -> pb.GetJudgeReportResponse:
                currency, costs = _main_currency(counted)
                found = fit(heard.votes, settings)
                rows = judge_report(
                    heard.votes,
                    found,
                    families=families,
                    costs=costs if with_worth else None,
                    costs_currency=currency,
                )
                set_aside = suspended_judges(counted.votes_by(suspended), found)
                return report_messages.judges_message(version, (*rows, *set_aside), counted, currency, costs)

            return await self._alone(report)

        return await self._answer(("judges", str(name), version, with_worth, frozenset(families.items())), made)

    async def counterfactuals(
        self, name: DimensionName, version: int, which: Collection[Kind]
    ) -> pb.GetCounterfactualsResponse:
        """Boards that might have been, of the kinds named; of none: all that need no more than the votes."""
        families = await self._records.families(name.project)
        kinds = frozenset(which) or DEFAULT_KINDS - {Kind.STYLE}

        async def made() -> pb.GetCounterfactualsResponse:
            scoreboard, settings, counted = await self._board(name, version)
            style = None
            if Kind.STYLE in kinds:
                style = await answer_style(self._records, name, scoreboard.dimension_version, counted.votes.models)
            may_judge = [row.model for row in scoreboard.board.rows if row.judge_weight]
            of_model = _by_revision(families, (*counted.votes.models, *counted.votes.judges))

            def report() -> pb.GetCounterfactualsResponse:
                found = counterfactuals(
                    counted.votes, settings, families=of_model, style=style, which=kinds, may_judge=may_judge
                )
                bounds = outcome_bounds(counted.votes, settings)
                return report_messages.counterfactuals_message(version, found, bounds)

            return await self._alone(report)

        key = "counterfactuals", str(name), version, kinds, frozenset(families.items())
        return await self._answer(key, made)

    async def changes(self, name: DimensionName, before: int, after: int) -> pb.DiffBoardsResponse:
        """Why ranks on one version are others than on an earlier one.

        Raises:
            InvalidField: the versions are not in order, or are boards of different dimension versions.
        """
        if before >= after:
            raise InvalidField.of("from_version", f"is {before}; must be below to_version, which is {after}")

        async def made() -> pb.DiffBoardsResponse:
            first, of_first = await self._inputs(name, before)
            last, of_last = await self._inputs(name, after)
            if first.dimension_version != last.dimension_version:
                raise InvalidField.of(
                    "from_version",
                    f"is {before}, a board of version {first.dimension_version} of the dimension; board {after} is of "
                    f"version {last.dimension_version}, which has other queries and was ranked anew",
                )

            def report() -> pb.DiffBoardsResponse:
                return report_messages.changes_message(
                    changes(of_first, of_last),
                    from_version=before,
                    to_version=after,
                    from_settings=settings_message(first.board.settings),
                    to_settings=settings_message(last.board.settings),
                )

            return await self._alone(report)

        return await self._answer(("changes", str(name), before, after), made)

    async def _inputs(self, name: DimensionName, version: int) -> tuple[Scoreboard, VersionInputs]:
        scoreboard, settings, counted = await self._board(name, version)
        retired = frozenset(row.model for row in scoreboard.board.rows if row.retired)
        return scoreboard, VersionInputs(counted.votes, settings, retired=retired)

    async def _board(self, name: DimensionName, version: int) -> tuple[Scoreboard, FitSettings, Counted]:
        """A board, how it was fitted, and what counts on it: nothing that a suspended judge gave."""
        scoreboard = await self._scoreboards.find(name, version)
        if scoreboard is None:
            await self._records.check_dimension(name)
            raise NotReady(f"{name} has no board {version} yet")
        settings = settings_of(scoreboard)
        counted = await self._scoring.counted(name, version)
        return scoreboard, settings, counted.without_judges(_suspended(scoreboard))

    async def _answer(self, key: Hashable, made: Callable[[], Coroutine[Any, Any, Report]]) -> Report:
        async def kept_when_made() -> Report:
            # Here, and not where it is waited for: all may have given up by now, and will ask again.
            report = self._kept[key] = await made()
            return report

        # What is kept under a key is of the kind that the key says.
        kept: Any = self._kept.get(key)
        report: Report = await self._shared.done(key, kept_when_made) if kept is None else kept
        return report

    async def _alone(self, work: Callable[[], Report]) -> Report:
        async with self._one_at_a_time:
            return await asyncio.to_thread(work)


def _suspended(scoreboard: Scoreboard) -> frozenset[str]:
    return frozenset(row.model for row in scoreboard.board.rows if row.suspended)


def _main_currency(counted: Counted) -> tuple[str, dict[str, int]]:
    """The currency in which most was paid, and the cost of each judge's calls in it."""
    paid = counted.spent.cost_nano_units
    if not paid:
        return "", dict.fromkeys(counted.votes.judges, 0)
    currency = max(paid, key=lambda one: (paid[one], one))
    of_judge = counted.spent.of_judge[currency].tolist()
    return currency, dict(zip(counted.votes.judges, of_judge, strict=True))


def _by_revision(families: Mapping[str, str], revisions: Collection[str]) -> dict[str, str]:
    """The family of each revision; those without one are left out."""
    of_revision = {revision: families.get(revision.rpartition("@")[0], "") for revision in revisions}
    return {revision: family for revision, family in of_revision.items() if family}
