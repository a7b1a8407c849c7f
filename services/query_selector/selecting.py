"""Brings one selection forward: its models, its pilot, what the pilot is asked, and the choice.

There is one task a job in a process, and there may be several processes. Each looks at the job and at what the others
say, takes the one step that follows and writes the job down by compare-and-set. A step that others carry out has an id
made of the job and the step's number, so that it is done once however often it is asked for, and what an order holds
is written before it is given. So a task may die anywhere, and whoever comes after does the same.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import uuid4

import structlog

from dearena import faults
from dearena.faults import ArenaFault, Conflict
from dearena.names import DimensionName, Revision
from dearena.selection import select
from dearena.selection.allocation import Batch, PilotPlan, next_batch
from dearena.selection.growth import Worth, worth_of
from dearena.selection.pilot import PilotVotes
from dearena.v1 import ranker_pb2
from services.query_selector import pilot_votes
from services.query_selector.announcer import Announcer
from services.query_selector.job_store import Jobs
from services.query_selector.jobs import (
    Job,
    Stage,
    affordable,
    drawn_models,
    failed,
    grown_to,
    least_part,
    manned,
    missing_models,
    noted,
    plan_of,
    too_few_calls,
    without,
)
from services.query_selector.pilot_peers import PilotPeers
from services.query_selector.pilot_steps import Do, Seen, Step, before_pilot, ended, next_step
from services.query_selector.pilot_votes import Heard, Question
from services.query_selector.pilots import Pilots
from services.query_selector.ranking_settings import Money
from services.query_selector.store import Dimensions
from services.runtime import semantics, telemetry
from services.runtime.news import News
from services.runtime.rpc import fault_in
from services.runtime.store import Session, now

log = structlog.get_logger(__name__)

FIRST_TROUBLE_SECONDS: Final = 0.2
LONGEST_TROUBLE_SECONDS: Final = 5.0
FIGURES_SECONDS: Final = 5.0
"""Between looks at what the pilot has heard so far, while it hears."""

PATIENCE: Final = 5
"""Times in a row that a step is refused, after which nothing is expected of another: whoever refuses may know better in
a moment, as a gateway that has not heard of a dimension yet."""

FINAL: Final = (
    faults.InvalidField,
    faults.BrokenPool,
    faults.RequestIdReused,
    faults.AlreadyExists,
    faults.UnknownModel,
    faults.ModelNotActive,
)
"""Faults that no patience mends."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What workers share."""

    jobs: Jobs
    dimensions: Dimensions
    pilots: Pilots
    peers: PilotPeers
    announcer: Announcer
    news: News
    poll_seconds: float
    patience_seconds: float
    """So long a model of a pilot may fail to answer before it is left out."""


class SelectionWorker:
    """The one task of one job in this process."""

    def __init__(self, name: DimensionName, dimension_version: int, desk: Desk) -> None:
        self.name = name
        self._version = dimension_version
        self._desk = desk
        self._rung = asyncio.Event()
        self._looked = 0.0
        self._questions: tuple[int, Sequence[Question], frozenset[str]] = (0, (), frozenset())

    def ring(self) -> None:
        """Look soon."""
        self._rung.set()

    async def run(self) -> None:
        """Go on until the job is over."""
        trouble = 0
        while True:
            self._rung.clear()
            try:
                rest = await self._look()
                trouble = 0
            except Exception as error:  # noqa: BLE001 - nobody else in this process moves the job
                trouble += 1
                rest = await self._put_off(error, trouble)
            self._desk.news.spread()
            if rest is None:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._rung.wait()

    async def _put_off(self, error: Exception, trouble: int) -> float:
        """Say what is in the way, and let it be for a while that grows; a fault that stays ends the job."""
        fault = fault_in(error)
        if isinstance(fault, Conflict) and trouble == 1:
            return 0.0
        with suppress(Exception):  # if this cannot be written either, the log has it
            if isinstance(fault, FINAL) and trouble >= PATIENCE:
                job = await self._read()
                if job is not None and not job.is_over:
                    await self._write(job, failed(job, str(fault)))
                return 0.0
            if fault is None:
                log.error("selection put off", dimension=str(self.name), exc_info=error)
                fault = ArenaFault("an internal error; the query selector's log says more")
            else:
                log.info("selection put off", dimension=str(self.name), error=str(fault))
            if trouble > 1 and (job := await self._read()) is not None:
                await self._say(job, str(fault))
        return min(LONGEST_TROUBLE_SECONDS, FIRST_TROUBLE_SECONDS * 2.0 ** min(trouble - 1, 10))

    async def _read(self) -> Job | None:
        return await self._desk.jobs.find(self.name, self._version)

    async def _write(self, read: Job, changed: Job) -> Job:
        after = await self._desk.jobs.write(read, changed)
        if after.stage != read.stage:
            log.info(
                "selection", dimension=str(self.name), stage=after.stage, why=after.failure or after.waiting_reason
            )
        self._desk.news.spread()
        return after

    async def _say(self, job: Job, reason: str) -> Job:
        """Note why nothing moves; empty: something does."""
        if job.is_over or job.waiting_reason == reason:
            return job
        return await self._write(job, replace(job, waiting_reason=reason))

    async def _look(self) -> float | None:
        """Take one step; seconds until the next look (None: it is over)."""
        job = await self._read()
        if job is None or job.is_over:
            return None
        # Most of what it waits for - the ranker's, the gateway's - rings nobody here, so that it looks now and then.
        match job.stage:
            case Stage.WAITING_FOR_MODELS:
                return await self._find_models(job)
            case Stage.CHOOSING:
                if await self._are_calling(job, job.pilots):
                    # Paid for, and heard by nobody if it were chosen now.
                    await self._say(job, "calls of the pilot are still under way")
                    return self._desk.poll_seconds
                with self._span(job, "choose queries"):
                    await self._choose(job)
                return 0.0
            case _:
                return await self._pilot(job)

    def _span(self, job: Job, name: str) -> AbstractContextManager[object]:
        attributes: telemetry.Attributes = {
            semantics.TRACE: semantics.SELECTION,
            semantics.PROJECT: job.project,
            semantics.DIMENSION: job.dimension,
        }
        return telemetry.child_of(job.traceparent, name, attributes)

    # Models

    async def _find_models(self, job: Job) -> float:
        if job.stopping:
            await self._write(job, failed(job, "it was told to stop before there was a pilot"))
            return 0.0
        dimension = await self._desk.dimensions.get(self.name)
        entering = await self._desk.peers.entering(dimension)
        if models := drawn_models(job, entering):
            if reason := too_few_calls(job, models):
                await self._write(job, failed(job, reason))
                return 0.0
            choosable = await self._desk.pilots.choosable(dimension)
            await self._write(job, manned(job, models, len(choosable)))
            return 0.0
        await self._say(job, missing_models(job, entering))
        return self._desk.poll_seconds

    # The pilot

    async def _pilot(self, job: Job) -> float:
        if job.stopping and job.opened < job.attempt:
            why = "it was told to stop before the pilot began"
            await self._end(job, ended(job, why) if job.grown else Step(Do.FAIL, why))
            return 0.0
        if (step := before_pilot(job)) is not None:
            if step.do is Do.SET_BUDGET and await self._are_calling(job, job.pilots[:-1]):
                await self._say(job, "calls of an earlier pilot are still under way, of the same budget")
                return self._desk.poll_seconds
            with self._span(job, step.do):
                await self._prepare(job, step)
            return 0.0
        ranking = await self._desk.peers.ranking(job.pilot)
        job, seen = await self._see(job, ranking)
        if job.stopping or seen.exhausted or time.monotonic() > self._looked + FIGURES_SECONDS:
            job = await self._note(job, await self._heard(job))
        step = next_step(job, seen)
        match step.do:
            case Do.ORDER:
                await self._order(job, seen.ranked, ranking.last_closed_round)
            case Do.GIVE_ORDER:
                with self._span(job, "order comparisons"):
                    asked = (await self._desk.jobs.ordered(job))[len(job.given)].asked
                    number = await self._desk.peers.order(job, len(job.given) + 1, asked)
                await self._write(job, replace(job, given=(*job.given, number), waiting_reason=""))
            case Do.CHOOSE | Do.FAIL:
                await self._end(job, step)
            case Do.GO_ON_WITHOUT:
                log.warning("selection goes on without", dimension=str(self.name), models=step.lost, why=step.reason)
                await self._write(job, without(job, step.lost))
            case _:
                await self._say(job, step.reason)
                return self._desk.poll_seconds
        return 0.0

    async def _end(self, job: Job, step: Step) -> None:
        """Choose by what there is, or fail."""
        if step.do is Do.FAIL:
            await self._write(job, failed(job, step.reason, step.lost))
            return
        log.info("selection", dimension=str(self.name), stage=Stage.CHOOSING, why=step.reason)
        await self._write(job, replace(job, stage=Stage.CHOOSING, waiting_reason=""))

    async def _prepare(self, job: Job, step: Step) -> None:
        number = job.attempt
        if step.do is Do.SET_BUDGET and job.budget is not None:
            limit = await self._left_of(job, job.budget)
            if limit.nano_units <= 0:
                why = "the pilot's budget is spent by earlier pilots"
                await self._end(job, ended(job, why) if job.grown else Step(Do.FAIL, why))
                return
            told = job.request_id(f"budget/{number}/{limit.currency}/{limit.nano_units}/{job.version}")
            await self._desk.peers.set_budget(job.pilot, limit, told, job.version)
            await self._write(job, replace(job, budget_set=job.budget))
            return
        if step.do is Do.CREATE_PILOT:
            dimension = await self._desk.dimensions.get(self.name)
            made = await self._desk.pilots.create(dimension, job)
            await self._write(job, replace(job, pilots=(*job.pilots, made.slug)))
            return
        await self._desk.pilots.open(job.pilot)
        await self._write(job, replace(job, opened=number))
        with suppress(ArenaFault):  # the sweep rings
            await self._desk.announcer.announce(await self._desk.dimensions.get(job.pilot))

    async def _are_calling(self, job: Job, pilots: Sequence[str]) -> bool:
        return any([await self._desk.peers.is_calling(DimensionName(job.project, slug)) for slug in pilots])

    async def _left_of(self, job: Job, budget: Money) -> Money:
        """What earlier pilots have left of a budget, none of which has calls in flight."""
        spent = await self._spent(job, job.pilots[:-1])
        return Money(budget.currency, budget.nano_units - spent[budget.currency])

    async def _see(self, job: Job, ranking: ranker_pb2.Ranking) -> tuple[Job, Seen]:
        gone: Sequence[str] = ()
        failing: Mapping[str, str] = {}
        if job.seeded is None and ranking.waiting_reason:
            entering = await self._desk.peers.entering(await self._desk.dimensions.get(self.name))
            gone = [slug for slug in job.models if slug not in entering]
            failing, ready = await self._desk.peers.standings(job.pilot)
            changed = noted(job, failing, ready, now())
            job = job if changed == job else await self._write(job, changed)
        oldest = now() - timedelta(seconds=self._desk.patience_seconds)
        return job, Seen(
            ranked=tuple(ranking.models),
            waiting_reason=ranking.waiting_reason,
            orders_done=ranking.comparisons_done,
            exhausted=job.budget is not None and await self._desk.peers.exhausted(job.pilot),
            gone=tuple(gone),
            failing=failing,
            given_up=tuple(slug for slug, since in job.failing.items() if slug in failing and since <= oldest),
        )

    async def _note(self, job: Job, heard: Sequence[Heard]) -> Job:
        """Write down what has come of the pilot so far."""
        figures = pilot_votes.figures_of(heard, await self._spent(job, job.pilots), job.figures.open_queries)
        self._looked = time.monotonic()
        return job if figures == job.figures else await self._write(job, replace(job, figures=figures))

    async def _heard(self, job: Job) -> Sequence[Heard]:
        """Of all parts of the pool."""
        rounds = [one.seeded for one in job.grown] + [job.seeded or 0]
        parts = [await self._desk.peers.heard(DimensionName(job.project, slug)) for slug in job.heard_pilots]
        return pilot_votes.as_one(list(zip(parts, rounds, strict=False)))

    async def _spent(self, job: Job, pilots: Sequence[str]) -> Counter[str]:
        """Of these pilots together."""
        found: Counter[str] = Counter()
        for slug in pilots:
            found.update(await self._desk.peers.spent(DimensionName(job.project, slug)))
        return found

    async def _order(self, job: Job, ranked: Sequence[str], last_closed_round: int) -> None:
        """Find the next cells and write them down; or there are none, and the queries are chosen."""
        desk = self._desk
        recorded = await desk.jobs.ordered(job)
        seeded = last_closed_round if job.seeded is None else job.seeded
        if len(recorded) > job.orders:
            # Whoever wrote it down has not come to say so: it counts as asked, so it has to be.
            after = replace(job, seeded=seeded, orders=job.orders + 1, waiting_reason="")
            if (step := recorded[job.orders]).queries:
                # Others may have heard more since this was last noted, and the choice may follow before it is again.
                job = await self._note(job, await self._heard(replace(job, seeded=seeded)))
                still = {Revision.parse(model).slug for model in ranked}
                after = grown_to(job, still, step.queries, seeded, job.figures.cells, step.why, now())
            await self._write(job, after)
            return
        heard = await self._heard(replace(job, seeded=seeded))
        if self._questions[0] != job.piloted_queries:
            self._questions = (job.piloted_queries, *(await desk.pilots.questions(job)))
        _, questions, newest = self._questions
        ordered = [one for step in recorded for one in step.asked]
        evidence = await asyncio.to_thread(pilot_votes.evidence_of, questions, ranked, heard)
        asked = await asyncio.to_thread(pilot_votes.asked_of, evidence, heard, ordered, 0)
        # Cells of models that have left were asked of the same money.
        beside = pilot_votes.beside(evidence, heard)
        plan = plan_of(job, len(ranked), beside)
        closed = pilot_votes.closed_of(evidence, newest)
        batch = await asyncio.to_thread(next_batch, evidence, asked, plan, closed=closed)
        spent = await self._spent(job, job.pilots)
        figures = pilot_votes.figures_of(heard, spent, int(batch.open_queries.sum()))
        going = replace(job, seeded=seeded, figures=figures, waiting_reason="")
        if job.piloted_queries < job.most_queries and asked[~closed].sum(axis=1).all():
            left = min(plan.budget - int(asked.sum()), affordable(job, spent, len(heard)))
            worth = await asyncio.to_thread(_worth, job, evidence, batch, plan, left)
            if worth.grows:
                await desk.jobs.grow(job, job.orders + 1, job.piloted_queries + worth.queries, worth.told)
                # It is taken as it is on record: somebody else may have been first.
                await self._write(job, going)
                return
        if batch.done:
            await self._write(job, replace(going, stage=Stage.CHOOSING))
            return
        cells = pilot_votes.order_of(evidence, batch.query, batch.first, batch.second)
        is_on_record = await desk.jobs.order(job, job.orders + 1, cells)
        # Else somebody was first, and may have gone on to more of the pool: what is on record is taken.
        await self._write(job, replace(going, orders=job.orders + 1) if is_on_record else going)

    # The choice

    async def _choose(self, job: Job) -> None:
        """Choose of the whole pool, keep the reasons, and make the dimension ready in one transaction with the job."""
        desk = self._desk
        dimension = await desk.dimensions.get(self.name)
        heard = await self._heard(job)
        job = await self._note(job, heard)
        questions = await desk.pilots.choosable(dimension)
        models = sorted({model for one in heard for model in (one.model_a, one.model_b)})
        evidence = await asyncio.to_thread(pilot_votes.evidence_of, questions, models, heard)
        chosen = await asyncio.to_thread(select, evidence, method=job.method, k=job.k, seed=job.seed)
        reasons_id = uuid4().hex
        done = replace(job, stage=Stage.DONE, waiting_reason="", failure="", stopping=False, reasons_id=reasons_id)

        async def both(session: Session) -> None:
            await desk.jobs.write(job, done, session)
            await desk.pilots.ready(dimension, chosen.queries, job.dimension_version, session)

        try:
            await desk.jobs.write_reasons(job, reasons_id, (*chosen.taken, *chosen.left))
            await desk.jobs.in_transaction(both)
        except BaseException:
            with suppress(ArenaFault):
                await self._clean(job, reasons_id)
            raise
        log.info("selection", dimension=str(self.name), stage=done.stage, queries=len(chosen.taken))
        self._desk.news.spread()
        await desk.jobs.forget_other_reasons(done)
        with suppress(ArenaFault):  # the sweep rings
            await desk.announcer.announce(await desk.dimensions.get(self.name))

    async def _clean(self, job: Job, reasons_id: str) -> None:
        """Remove reasons that no job names; those of a transaction that was committed after all stay."""
        found = await self._read()
        if found is not None and found.reasons_id != reasons_id:
            await self._desk.jobs.forget_reasons(job, reasons_id)


def _worth(job: Job, evidence: PilotVotes, batch: Batch, plan: PilotPlan, left: int) -> Worth:
    return worth_of(
        evidence,
        batch,
        plan,
        left=left,
        unseen=job.most_queries - job.piloted_queries,
        part=job.grown[0].queries if job.grown else job.piloted_queries,
        least=least_part(len(evidence.models)),
    )
