"""Collects the answer of every model in force to every query of every dimension that admits it, once.

Whatever rings (a dimension is ready, a model was registered, the sweep), the collector goes and looks which model
revisions have no standing in which dimension versions yet, and works on each of them in a task of its own, so
that a slow model holds nobody up. What is on record is not asked again; a call in flight at a stop is found by
its request id.
"""

import asyncio
import contextvars
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import structlog

from dearena import identity
from dearena.faults import (
    ArenaFault,
    BudgetExhausted,
    BudgetMisfit,
    DimensionClosed,
    EndpointLeftAlone,
    ModelNotActive,
)
from dearena.judging.conversations import answer_text
from dearena.names import DimensionName
from dearena.v1.events_pb2 import EventEnvelope
from services.gateway.answer_log import AnswerLog, AskedAgain, EntrantKey
from services.gateway.answer_spans import answering, collecting
from services.gateway.asking_again import AskingAgain
from services.gateway.calls import Call, Completion, Purpose
from services.gateway.completions import Completions
from services.gateway.conversation import messages_of, turn_request_id
from services.gateway.dimensions import Dimensions, DimensionVersion, Query
from services.gateway.entrance_book import Entrance, EntranceBook
from services.gateway.entrants import AnswerState, AnswerWorth, is_worth_another_attempt, too_long, worth
from services.gateway.limits.endpoint_states import EndpointStates
from services.gateway.model_directory import ModelDirectory
from services.gateway.models import RegisteredModel, answer_parameters_hash
from services.gateway.permission import why_not
from services.gateway.store import Models
from services.runtime import ending, telemetry
from services.runtime.doorbell import Delivery
from services.runtime.store import Document, now

log = structlog.get_logger(__name__)


class AnswerCollector:
    """The collections at work in this process."""

    def __init__(
        self,
        models: Models,
        directory: ModelDirectory,
        dimensions: Dimensions,
        answers: AnswerLog,
        entrances: EntranceBook,
        completions: Completions,
        states: EndpointStates,
        *,
        again: AskingAgain,
    ) -> None:
        self._models = models
        self._directory = directory
        self._dimensions = dimensions
        self._answers = answers
        self._entrances = entrances
        self._completions = completions
        self._states = states
        self._again = again
        self._begun_at: dict[EntrantKey, float] = {}
        """When it was first tried to collect what is not concluded, by the loop's clock."""
        self._at_work: dict[EntrantKey, asyncio.Task[None]] = {}
        self._looking = asyncio.Lock()
        self._wanted: set[str] = set()
        self._news = asyncio.Event()
        self._stopped = False

    async def on_dimension_ready(self, event: EventEnvelope, _delivery: Delivery) -> None:
        """A dimension's queries are chosen, or those of a new version, with a policy of its own."""
        self._dimensions.forget(DimensionName(event.project, event.dimension))
        await self.look(event.project)

    def ring(self, project: str) -> None:
        """A model of the project was registered or revised: look soon."""
        self._wanted.add(project)
        self._news.set()

    async def answer_rings(self) -> None:
        """Look wherever `ring` was called, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._wanted:
                project = self._wanted.pop()
                try:
                    await self.look(project)
                except ArenaFault as fault:
                    log.info("answers are collected later", project=project, error=str(fault))
                except Exception:
                    log.exception("looking for answers to collect failed", project=project)

    async def sweep(self) -> None:
        """Look in every project."""
        for project in await self._models.projects():
            await self.look(project)

    async def look(self, project: str) -> None:
        """Begin what is to be collected and not at work.

        Raises:
            ServiceUnavailable: the query selector cannot be asked.
            StoreUnavailable: the store cannot be read.
        """
        async with self._looking:
            models = await self._models.list(project)
            # Who is asked again while its endpoint is left alone would be collecting, and waited for, without a call.
            cooling = await self._states.cooling_down(project, [model.name.slug for model in models])
            askable = [str(model.revision) for model in models if model.name.slug not in cooling]
            begun: defaultdict[str, dict[EntrantKey, DimensionVersion]] = defaultdict(dict)
            for dimension in await self._dimensions.of_project(project) if models else ():
                await self._answers.ask_due_anew(dimension.name, dimension.version, askable)
                concluded = await self._answers.concluded(dimension.name, dimension.version)
                for model in models:
                    key = EntrantKey(dimension.name, dimension.version, model.revision)
                    if str(model.revision) in concluded or key in self._at_work:
                        continue
                    if dimension.admits(model.name.slug, model.spec.provider):
                        begun[str(model.revision)][key] = dimension
            for model in models:
                if wanted := begun.get(str(model.revision)):
                    await self._begin_all(model, wanted)

    async def _begin_all(self, model: RegisteredModel, wanted: Mapping[EntrantKey, DimensionVersion]) -> None:
        queries = {key: len(dimension.queries) for key, dimension in wanted.items()}
        entrances = await self._entrances.claim(model.revisions[-1].traceparent, queries)
        for key, dimension in wanted.items():
            self._begin(key, model, dimension, entrances[key])

    def _begin(self, key: EntrantKey, model: RegisteredModel, dimension: DimensionVersion, entrance: Entrance) -> None:
        if self._stopped:
            return
        self._begun_at.setdefault(key, asyncio.get_running_loop().time())
        task = asyncio.create_task(
            self._collect(key, model, dimension, entrance),
            name=f"collect {key.model} {dimension.name}",
            context=contextvars.Context(),
        )
        self._at_work[key] = task
        task.add_done_callback(lambda _: self._at_work.pop(key))

    async def stop(self) -> None:
        """Ask no more, whoever rings; calls in flight go on by themselves."""
        self._stopped = True
        await ending.cancelled(self._at_work.values())

    async def _collect(
        self, key: EntrantKey, model: RegisteredModel, dimension: DimensionVersion, entrance: Entrance
    ) -> None:
        with collecting(key, entrance) as in_trace:
            try:
                unreached = await self._collect_missing(key, dimension, model.spec.concurrency, in_trace)
                pause = self._again.pause_unreached(await self._answers.times_failed(key) + 1) if unreached else None
                standing = await self._answers.conclude(
                    key,
                    queries=len(dimension.queries),
                    causation_id=f"model.registered/{model.name.project}/{key.model}",
                    traceparent=telemetry.current_traceparent(),
                    entered=entrance.traceparent,
                    unreached=unreached,
                    ask_again_at=None if pause is None else now() + timedelta(seconds=pause),
                )
                self._begun_at.pop(key, None)
            except* (BudgetExhausted, BudgetMisfit) as faults:
                # The next look comes when a budget or the model is changed, or with the sweep.
                log.info("answers wait for money", **_named(key), reason=str(faults.exceptions[0]))
            except* EndpointLeftAlone as faults:
                # Not asked, so that no attempt was made. The next look comes with the sweep.
                log.info("answers wait for the endpoint", **_named(key), reason=str(faults.exceptions[0]))
            except* AskedAgain as later:
                log.info("answers are asked again", **_named(key), reason=str(later.exceptions[0]))
            except* (ModelNotActive, DimensionClosed) as faults:
                self._begun_at.pop(key, None)
                log.info("answers are collected no more", **_named(key), reason=str(faults.exceptions[0]))
            except* ArenaFault as faults:
                # A fault of ours is nobody's answer: the sweep begins anew with what is missing.
                log.info("answers are collected later", **_named(key), error=str(faults.exceptions[0]))
            except* Exception:
                log.exception("collecting answers failed", **_named(key))
            else:
                log.info(
                    "answers are collected",
                    **_named(key),
                    state=str(standing.state),
                    usable=standing.answers_usable,
                    reason=standing.reason,
                )

    async def _collect_missing(
        self, key: EntrantKey, dimension: DimensionVersion, concurrency: int, in_trace: int
    ) -> str:
        """Put the queries that are not recorded; why its endpoint is given up, where it is."""
        recorded = await self._answers.recorded(key)
        made = await self._answers.attempts(key)
        missing = [query for query in dimension.queries if query.query_id not in recorded]
        # While an endpoint is away each probe fails one of them: by turns, not again and again the same.
        missing.sort(key=lambda query: made.get(query.query_id, 0))
        # Workers share one iterator, so that queries are asked in order, each once.
        queries = enumerate(missing, -in_trace)
        unreached, since = "", self._states.now()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(missing))):
                    group.create_task(self._ask_all(key, queries, made, since))
        except* EndpointLeftAlone:
            unreached = await self._unreached(key, since)
            if not unreached:
                raise
        return unreached

    async def _unreached(self, key: EntrantKey, since: float) -> str:
        """Why a revision without any usable answer is waited for no longer; empty: it is, or has some.

        Only what the endpoint failed by since then counts: calls that failed before are found on record.
        """
        waited = asyncio.get_running_loop().time() - self._begun_at[key]
        if waited < self._again.patience(await self._answers.times_failed(key)):
            return ""
        reason = await self._states.failing_since(key.dimension.project, key.model_name.slug, since)
        return reason if reason and not await self._answers.has_usable(key) else ""

    async def _ask_all(
        self, key: EntrantKey, queries: Iterator[tuple[int, Query]], made: Mapping[str, int], since: float
    ) -> None:
        for beyond, query in queries:
            with answering(key, query.query_id, beyond):
                answer = await self._answer(key, query, made.get(query.query_id, 0))
                await self._answers.record(key, query.query_id, answer)
            # Whoever asks one at a time makes every probe himself, and is never refused unsent.
            if "ask_again_at" in answer and (unreached := await self._unreached(key, since)):
                raise EndpointLeftAlone(unreached)

    async def _answer(self, key: EntrantKey, query: Query, made: int) -> Document:
        """Put a query, turn by turn; the first turn without a usable reply decides over the answer.

        So does the turn with which the answer becomes too long to be kept. Of the attempts made before, those that
        brought a reply are not paid again.
        """
        replies: list[str] = []
        while True:
            completion, attempts = await self._reply_to_turn(key, query, replies, made)
            found = worth(completion)
            if completion.reply is not None:
                replies.append(completion.reply.text)
                if excess := too_long(answer_text(tuple(replies))):
                    return self._document(query, [], completion, excess, attempts)
            if found.state is not AnswerState.USABLE or len(replies) == len(query.turns):
                return self._document(query, replies, completion, found, attempts)

    def _document(
        self, query: Query, replies: Sequence[str], completion: Completion, found: AnswerWorth, attempts: int
    ) -> Document:
        document = _answer_document(query, replies, completion, found, attempts)
        failure = completion.failure
        if failure is not None and (pause := self._again.pause(failure, attempts)) is not None:
            document["ask_again_at"] = now() + timedelta(seconds=pause)
        return document

    async def _reply_to_turn(
        self, key: EntrantKey, query: Query, replies: Sequence[str], made: int
    ) -> tuple[Completion, int]:
        """The last attempt and its number."""
        attempt = 1
        while True:
            completion = await self._completions.complete(await self._call(key, query, replies, attempt))
            if not is_worth_another_attempt(completion, attempt, self._again.attempts, made):
                return completion, attempt
            attempt += 1

    async def _call(self, key: EntrantKey, query: Query, replies: Sequence[str], attempt: int) -> Call:
        # Read anew for each call: price, limits and key may change in place meanwhile.
        model = await self._directory.get(key.model_name)
        # So may its provider, and what the dimension allows.
        refused = await why_not(self._dimensions, model, key.model, Purpose.ANSWER, key.dimension.slug)
        if refused is not None:
            raise refused
        request_id = identity.answer_request_id(
            model=str(key.model),
            parameters_hash=answer_parameters_hash(model.spec),
            query_hash=query.query_hash,
            attempt=attempt,
            project=key.dimension.project,
        )
        return Call(
            project=key.dimension.project,
            model=key.model,
            spec=model.spec,
            messages=messages_of(model.spec.system_prompt, query.turns, replies),
            parameters=model.spec.answer_parameters,
            request_id=turn_request_id(request_id, len(replies), len(query.turns)),
            purpose=Purpose.ANSWER,
            dimension=key.dimension.slug,
            query_id=query.query_id,
            on_behalf_of=(str(key.model),),
        )


def _answer_document(
    query: Query, replies: Sequence[str], completion: Completion, found: AnswerWorth, attempts: int
) -> Document:
    return {
        "query_hash": query.query_hash,
        "state": str(found.state),
        "answer_hash": identity.answer_hash(replies) if found.state is AnswerState.USABLE else "",
        **_texts_document(replies),
        "finish_reason": completion.reply.finish_reason if completion.reply else "",
        "request_id": completion.request_id,
        "reason": found.reason,
        "attempts": attempts,
    }


def _texts_document(replies: Sequence[str]) -> Document:
    """Replies to several turns are kept apart: put together they would not tell where each of them ends."""
    if len(replies) > 1:
        return {"replies": list(replies)}
    return {"text": replies[0] if replies else ""}


def _named(key: EntrantKey) -> dict[str, str]:
    return {"model": str(key.model), "dimension": str(key.dimension)}
