"""The dimensions of pilots: what they are called, which questions they hold, and with which settings they rank."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog

from dearena.faults import AlreadyExists
from dearena.judging.choice import choice_of
from dearena.names import DimensionName
from dearena.selection.lots import drawn
from services.query_selector.job_store import Jobs
from services.query_selector.jobs import Job, seeding_cap
from services.query_selector.messages import ranking_of
from services.query_selector.pilot_documents import PilotDocuments, pilot_name
from services.query_selector.pilot_votes import Question
from services.query_selector.ranking_settings import RankingSettings
from services.query_selector.store import Dimensions
from services.runtime.store import Document, Session

log = structlog.get_logger(__name__)

JURY: Final = "sequential"
MOST_TAKEN: Final = 100
"""Names in a row that others have; more are no accident."""


class Pilots:
    """Makes pilots' dimensions, and knows their questions."""

    def __init__(self, dimensions: Dimensions, jobs: Jobs, documents: PilotDocuments) -> None:
        self._dimensions = dimensions
        self._jobs = jobs
        self._documents = documents

    async def create(self, dimension: Document, job: Job) -> DimensionName:
        """Make the dimension of a job's next pilot: the newest part of the pool, in the order of lots.

        Harmless when repeated. Where somebody's dimension has the name, the pilot gets the next number that is free.

        Raises:
            AlreadyExists: a hundred names in a row are taken.
        """
        names = [question.query_id for question in _looked_at(await self.choosable(dimension), job, job.part_begins)]
        settings = settings_of(ranking_of(dimension["ranking"]), job)
        for number in range(job.attempt, job.attempt + MOST_TAKEN):
            name = pilot_name(job.name, number)
            if name.slug in job.pilots:
                continue  # an earlier one that came by a number out of turn
            try:
                await self._documents.create_pilot(dimension, number, names, job.models, settings)
            except AlreadyExists as taken:
                log.info("name of a pilot is taken", dimension=str(job.name), error=str(taken))
            else:
                return name
        raise AlreadyExists(f"the names of {MOST_TAKEN} pilots of {job.name} are all taken by dimensions")

    async def open(self, pilot: DimensionName) -> None:
        """Let a pilot be answered and ranked. Harmless when repeated."""
        await self._documents.open_pilot(pilot)

    async def ready(
        self, dimension: Document, query_ids: Sequence[str], dimension_version: int, session: Session
    ) -> None:
        """These are the queries of a dimension's version, from the end of the transaction on."""
        await self._documents.ready(dimension, query_ids, dimension_version, session)

    async def choosable(self, dimension: Document) -> Sequence[Question]:
        """Questions of the pool that may become queries, in id order."""
        return await self._jobs.questions(
            dimension["project"], dimension["slug"], dimension["pool_id"], referred_only=_needs_reference(dimension)
        )

    async def questions(self, job: Job) -> tuple[Sequence[Question], frozenset[str]]:
        """Questions of all parts of the pool that are looked at, in id order; and the ids of the newest part."""
        choosable = await self.choosable(await self._dimensions.get(job.name))
        every, newest = [await asyncio.to_thread(_looked_at, choosable, job, after) for after in (0, job.part_begins)]
        return every, frozenset(question.query_id for question in newest)


def _looked_at(questions: Sequence[Question], job: Job, after: int = 0) -> Sequence[Question]:
    """Of a pool, in id order; without the first so many by lot."""
    lots = drawn([question.query_id for question in questions], job.seed)[after : job.piloted_queries]
    return [questions[place] for place in sorted(lots.tolist())]


def settings_of(ranking: RankingSettings, job: Job) -> RankingSettings:
    """How a pilot's models are ranked at first: each with each, by as few outcomes as leave cells to be ordered."""
    return replace(
        ranking,
        seed_models=len(job.models),
        jury=JURY,
        cap=seeding_cap(job),
        target_calls=0,
        target_rank_width=0,
        target_cost=None,
    )


def _needs_reference(dimension: Document) -> bool:
    """Whether a question without a reference cannot be judged in this dimension."""
    judging = dimension.get("judging") or {}
    other = judging.get("template_without_reference", "")
    templates = choice_of(dimension["template"], judging.get("template_text", ""), without_reference=other)
    return templates.usual.needs_reference and templates.without_reference is None
