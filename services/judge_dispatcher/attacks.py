"""Trials of attacks: a judge is asked about pairs of the corpus as about any others, and what it said is counted.

No trial is an outcome or a vote. Its calls have the request ids of judge calls, so that none is paid twice however
often a trial is asked for; a call that failed is made again by the next trial.
"""

import asyncio
import contextvars
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dearena import faults, identity
from dearena.attacks import corpus, trials
from dearena.attacks.corpus import UnknownAttack
from dearena.attacks.trials import Pair
from dearena.judging.templates import Template
from dearena.names import DimensionName, Revision
from dearena.outcomes import SeatVerdict
from dearena.v1.common_pb2 import Cell
from dearena.v1.judge_dispatcher_pb2 import Persuasion, TryAttacksRequest
from services.judge_dispatcher.comparison import SeatRecord
from services.judge_dispatcher.outcome import Miss
from services.judge_dispatcher.patience import all_of
from services.judge_dispatcher.pauses import Pauses
from services.judge_dispatcher.persuasions import attack_document, kept, persuasion_of, persuasions_of
from services.judge_dispatcher.seats import Contestant, Question, Seats
from services.judge_dispatcher.texts import Texts
from services.runtime import ending
from services.runtime.request_names import dimension_name, model_revision
from services.runtime.store import Document, Index, Session, Store, earlier, now, once, within_store_limit

SCHEMA_VERSION: Final = 1
PERSUASIONS: Final = "persuasions"
INDEXES: Mapping[str, Sequence[Index]] = {PERSUASIONS: [Index(("project", "dimension", "judge"), unique=True)]}

MOST_QUESTIONS: Final = 8
_PARAMETERS_HASH: Final = identity.parameters_hash({})
"""Stands for the judge's parameters in request ids: other parameters make another revision of the judge."""


class Attacks:
    """`persuasions`, and the trials at work in this process."""

    def __init__(
        self, store: Store, texts: Texts, seats: Seats, pauses: Pauses, created_by: str, *, calls_in_flight: int
    ) -> None:
        self._store = store
        self._texts = texts
        self._seats = seats
        self._pauses = pauses
        self._created_by = created_by
        self._calls_in_flight = calls_in_flight
        self._persuasions = store.collection(PERSUASIONS)
        self._results = store.collection("persuasions_requests")
        self._at_work: dict[bytes, asyncio.Task[Persuasion]] = {}

    async def try_on(self, request: TryAttacksRequest) -> Persuasion:
        """Try attacks on a judge, or say what came of it when it has been done; goes on when its caller leaves.

        Raises:
            InvalidField: an attack that the corpus does not have, or more questions than it has.
            NotReady: the judge is paused.
            ModelNotActive: it is retired, or may judge no more.
            ArenaFault: as the gateway says it, a budget that is exhausted for one.
        """
        dimension = dimension_name("dimension", request.dimension)
        judge = model_revision("judge", request.judge)
        body = request.SerializeToString(deterministic=True)
        async with within_store_limit(self._store):
            if done := await earlier(self._results, _request_key(dimension, request.request_id), body):
                return Persuasion.FromString(done)
        task = self._at_work.get(body)
        if task is None:
            pairs = _pairs(request)
            # A context of its own: a trial outlives the deadline of its caller.
            task = asyncio.create_task(
                self._try(request, dimension, judge, pairs, body),
                context=contextvars.Context(),
                name="trial of attacks",
            )
            self._at_work[body] = task
            task.add_done_callback(lambda _: self._at_work.pop(body))
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # heard, even by nobody
        return await asyncio.shield(task)

    async def list(self, dimension: DimensionName) -> Sequence[Persuasion]:
        """What trials found, in judge order: one a judge, corpus and number of questions."""
        async with within_store_limit(self._store):
            found = self._persuasions.find({"project": dimension.project, "dimension": dimension.slug})
            return [one async for document in found.sort("judge", 1) for one in persuasions_of(document)]

    async def stop(self) -> None:
        """End the trials at work; their calls go on in the gateway, and are not made again."""
        await ending.cancelled(self._at_work.values())

    async def _try(
        self, request: TryAttacksRequest, dimension: DimensionName, judge: Revision, pairs: Sequence[Pair], body: bytes
    ) -> Persuasion:
        if await self._pauses.is_paused(dimension.project, request.judge):
            raise faults.NotReady(f"{judge} is paused and is asked nothing")
        # Every question of the corpus has a reference.
        template = (await self._texts.templates(dimension)).usual
        attempts = 1 + await self._failed_trials(dimension, request.judge)
        room = asyncio.Semaphore(self._calls_in_flight)

        async def ask(pair: Pair) -> SeatRecord:
            async with room:
                return await self._ask(dimension, request.judge, template, pair, attempts)

        records = await all_of(*map(ask, pairs))
        tallies = trials.tallied(zip(pairs, (record.seat.verdict for record in records), strict=True))
        failed = any(record.seat.verdict is SeatVerdict.NONE for record in records)
        document: Document = {
            "judge": request.judge,
            "template": template.id,
            "corpus": corpus.VERSION,
            "questions": request.questions or trials.QUESTIONS_OF_A_TRIAL,
            "attacks": [attack_document(tally) for tally in tallies],
            **_spent(records),
            "tried_at": now(),
        }
        return await self._keep(dimension, request, document, failed=failed, body=body)

    async def _ask(
        self, dimension: DimensionName, judge: str, template: Template, pair: Pair, attempts: int
    ) -> SeatRecord:
        """Ask about one pair, after a failed call of an earlier trial once more."""
        first, second = (Contestant("", (text,), identity.text_hash(text)) for text in pair.seats)
        for attempt in range(1, attempts + 1):
            cell = Cell(
                judge=judge,
                attempt=attempt,
                query_id=f"attacked-{pair.question.id}",
                query_hash=pair.question.hash,
                template_hash=template.hash,
                judge_parameters_hash=_PARAMETERS_HASH,
            )
            question = Question(dimension, cell, template, turns=(pair.question.text,), reference=pair.question.good)
            record = await self._seats.ask(question, first, second, given_up=True)
            if record.seat.miss is Miss.NOT_ACTIVE:
                raise faults.ModelNotActive(record.seat.reason)
            if record.seat.miss is None:
                break
        return record

    async def _failed_trials(self, dimension: DimensionName, judge: str) -> int:
        async with within_store_limit(self._store):
            found = await self._persuasions.find_one({"_id": _key(dimension, judge)}, projection={"failed_trials": 1})
        return found["failed_trials"] if found else 0

    async def _keep(
        self, dimension: DimensionName, request: TryAttacksRequest, document: Document, *, failed: bool, body: bytes
    ) -> Persuasion:
        async def change(session: Session) -> bytes:
            await self._persuasions.update_one(
                {"_id": _key(dimension, request.judge)},
                {
                    "$set": kept(document),
                    "$inc": {"failed_trials": int(failed)},
                    "$setOnInsert": {
                        "schema_version": SCHEMA_VERSION,
                        "project": dimension.project,
                        "dimension": dimension.slug,
                        "judge": request.judge,
                        "created_at": document["tried_at"],
                        "created_by": self._created_by,
                    },
                },
                upsert=True,
                session=session,
            )
            return persuasion_of(document).SerializeToString(deterministic=True)

        async with within_store_limit(self._store):
            key = _request_key(dimension, request.request_id)
            return Persuasion.FromString(await once(self._store, self._results, key, body, change))


def _pairs(request: TryAttacksRequest) -> Sequence[Pair]:
    if request.questions > MOST_QUESTIONS:
        raise faults.InvalidField.of("questions", f"the corpus has {MOST_QUESTIONS}")
    try:
        return trials.pairs(request.attacks, request.questions)
    except UnknownAttack as error:
        raise faults.InvalidField.of("attacks", str(error)) from error


def _spent(records: Sequence[SeatRecord]) -> dict[str, Any]:
    """Calls of a trial, and what they cost: a judge has one price, in one currency."""
    calls = {record.request_id: record for record in records if record.called}.values()
    return {
        "judge_calls": len(calls),
        "cost_nano_units": sum(record.cost_nano_units for record in calls),
        "currency": max((record.currency for record in calls), default=""),
    }


def _key(dimension: DimensionName, judge: str) -> str:
    return f"{dimension.project}/{dimension.slug}/{judge}"


def _request_key(dimension: DimensionName, request_id: str) -> str:
    return f"{dimension.project}/TryAttacks/{request_id}" if request_id else ""
