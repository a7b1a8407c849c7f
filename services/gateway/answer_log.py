"""`answers` and `entrants`: what model revisions answered, and how they stand once all is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dearena.faults import ServiceUnavailable
from dearena.names import DimensionName, ModelName, Revision
from dearena.v1.events_pb2 import AnswersReady
from services.gateway.documents import provenance
from services.gateway.entrants import AnswerState, AnswerWorth, EntrantState, Standing, standing
from services.gateway.group_commit import GroupCommit
from services.gateway.outbox import Outbox
from services.gateway.store import ANSWERS, ENTRANTS, count_up
from services.runtime import subjects
from services.runtime.bus import envelope
from services.runtime.store import (
    BulkWriteFailed,
    Document,
    DuplicateKey,
    ReturnDocument,
    Session,
    Store,
    UpdateOne,
    is_duplicate_only,
    now,
    within_store_limit,
)

_STANDS: Final[Document] = {"asked_anew": {"$ne": True}}
"""Of a record that is not to be replaced."""
_ASK_ANEW: Final[Document] = {"$set": {"asked_anew": True}, "$unset": {"ask_again_at": ""}}
_ENTRANT_FIELDS: Final = ("project", "dimension", "dimension_version", "model")
_ANSWER_KEY: Final = (*_ENTRANT_FIELDS, "query_id")

LARGEST_TEXT_BATCH = 16
"""Answers written together: with the largest replies still below the size of a message to the store."""


class AskedAgain(Exception):
    """How a revision stands is not decided: answers that failed are asked again."""


@dataclass(frozen=True, slots=True)
class EntrantKey:
    """A model revision in a dimension version."""

    dimension: DimensionName
    version: int
    model: Revision

    @property
    def model_name(self) -> ModelName:
        """The model, whatever its revision."""
        return ModelName(self.dimension.project, self.model.slug)

    def document(self) -> Document:
        """As it stands in both collections."""
        return {
            "project": self.dimension.project,
            "dimension": self.dimension.slug,
            "dimension_version": self.version,
            "model": str(self.model),
        }


class AnswerLog:
    """Writes and reads answers and standings."""

    def __init__(self, store: Store, outbox: Outbox, instance: str) -> None:
        self._store = store
        self._outbox = outbox
        self._instance = instance
        self._answers = store.collection(ANSWERS)
        self._entrants = store.collection(ENTRANTS)
        self._writes = GroupCommit(self._write, largest_batch=LARGEST_TEXT_BATCH)

    async def recorded(self, key: EntrantKey) -> set[str]:
        """Ids of the queries whose answer, or failure, is on record."""
        async with within_store_limit(self._store):
            return set(await self._answers.distinct("query_id", key.document() | _STANDS))

    async def ask_failed_anew(
        self, name: ModelName, revision: Revision, session: Session, *, dimension: str = ""
    ) -> int:
        """Let the answers that failed be asked again, as further attempts, wherever the revision is not ready.

        Where it is ready it has been admitted by the answers it has, and they stay what they are. A record that is to
        be replaced stays until then: it says how many attempts there were.

        Args:
            name: the model.
            revision: whose answers.
            session: of the transaction.
            dimension: slug; empty: every one.

        Returns:
            How many answers, those that were not recorded included.
        """
        wanted: Document = {"project": name.project, "model": str(revision)}
        if dimension:
            wanted["dimension"] = dimension
        failed = wanted | {"state": str(AnswerState.FAILED)} | _STANDS
        ready = self._entrants.find(wanted | {"state": str(EntrantState.READY)}, session=session)
        if settled := [{field: one[field] for field in ("dimension", "dimension_version")} async for one in ready]:
            failed["$nor"] = settled
        without = wanted | {"state": str(EntrantState.FAILED)} | _STANDS
        unrecorded = 0
        async for one in self._entrants.find(without, session=session):
            of_it = {field: one[field] for field in _ENTRANT_FIELDS} | _STANDS
            unrecorded += one["queries"] - await self._answers.count_documents(of_it, session=session)
        asked = await self._answers.update_many(failed, _ASK_ANEW, session=session)
        await self._entrants.update_many(without, _ASK_ANEW, session=session)
        return int(asked.modified_count) + unrecorded

    async def ask_due_anew(self, dimension: DimensionName, version: int, models: Sequence[str]) -> None:
        """Let answers be asked again that failed for a reason that may pass, and whose time has come.

        A revision whose endpoint was out of reach has a time of its own, and its answers wait for that.

        Args:
            dimension: of the answers.
            version: of the dimension.
            models: revisions in force.
        """
        moment = now()
        due: Document = {
            "project": dimension.project,
            "dimension": dimension.slug,
            "dimension_version": version,
            "ask_again_at": {"$lte": moment},
        }
        async with within_store_limit(self._store):
            found = set(await self._answers.distinct("model", due))
            unreached: Document = {**due, "model": {"$in": list(models)}, "ask_again_at": {"$exists": True}} | _STANDS
            async for one in self._entrants.find(unreached, projection={"model": 1, "ask_again_at": 1}):
                if one["ask_again_at"] <= moment:
                    found.add(one["model"])
                else:
                    found.discard(one["model"])
        for model in sorted(found & set(models)):
            wanted = {**due, "model": model}
            entrant = {name: value for name, value in wanted.items() if name != "ask_again_at"}

            async def body(session: Session, wanted: Document = wanted, entrant: Document = entrant) -> None:
                ready = entrant | {"state": str(EntrantState.READY)} | _STANDS
                if await self._entrants.find_one(ready, projection={"_id": 1}, session=session) is not None:
                    return
                await self._answers.update_many(wanted, _ASK_ANEW, session=session)
                await self._entrants.update_many(entrant, _ASK_ANEW, session=session)

            async with within_store_limit(self._store):
                await self._store.run_transaction(body)

    async def attempts(self, key: EntrantKey) -> dict[str, int]:
        """Attempts made at the queries that are asked anew, by query id."""
        async with within_store_limit(self._store):
            found = self._answers.find(key.document() | {"asked_anew": True}, projection={"query_id": 1, "attempts": 1})
            return {answer["query_id"]: answer.get("attempts", 1) async for answer in found}

    async def has_usable(self, key: EntrantKey) -> bool:
        """Whether any answer is."""
        usable = key.document() | {"state": str(AnswerState.USABLE)}
        async with within_store_limit(self._store):
            return await self._answers.find_one(usable, projection={"_id": 1}) is not None

    async def times_failed(self, key: EntrantKey) -> int:
        """How often a revision that is asked anew has failed; 0 where it is asked for the first time."""
        async with within_store_limit(self._store):
            found = await self._entrants.find_one(key.document(), projection={"times_anew": 1})
        return 0 if found is None else int(found.get("times_anew", 0)) + 1

    async def record(self, key: EntrantKey, query_id: str, answer: Document) -> None:
        """Record the answer to a query; the first record stands, unless it is asked anew."""
        await self._writes.submit(
            {**key.document(), "query_id": query_id, **answer, **provenance(self._instance, now())}
        )

    async def _write(self, documents: Sequence[Document]) -> Sequence[None]:
        async with within_store_limit(self._store):
            try:
                await self._answers.insert_many(documents, ordered=False)
            except BulkWriteFailed as error:
                if not is_duplicate_only(error):
                    raise
                known = [documents[failed["index"]] for failed in (error.details or {})["writeErrors"]]
                await self._answers.bulk_write(
                    [
                        UpdateOne(
                            {name: document[name] for name in _ANSWER_KEY} | {"asked_anew": True},
                            {
                                "$set": {name: value for name, value in document.items() if name != "_id"},
                                "$unset": {"asked_anew": ""},
                            },
                        )
                        for document in known
                    ],
                    ordered=False,
                )
        return [None] * len(documents)

    async def conclude(
        self,
        key: EntrantKey,
        *,
        queries: int,
        causation_id: str,
        traceparent: str,
        entered: str = "",
        unreached: str = "",
        ask_again_at: datetime | None = None,
    ) -> Standing:
        """Note how the revision stands, and the news of it, once.

        Args:
            key: the revision, and where.
            queries: of the dimension.
            causation_id: of the event.
            traceparent: of the collection.
            entered: of the insertion's trace: that it is ready belongs there, whichever collection made it so.
            unreached: that its endpoint is out of reach, for people: without a usable answer it has failed then,
                however many queries were put.
            ask_again_at: when it is asked again then; None: not by itself.

        Raises:
            ServiceUnavailable: not every query is recorded; whoever collected was interrupted.
            AskedAgain: some answers failed for a reason that may pass, and are asked again when their time comes. A
                revision without any usable answer has failed all the same, until then.
        """
        projection = {"state": 1, "reason": 1, "ask_again_at": 1}
        async with within_store_limit(self._store):
            found = self._answers.find(key.document() | _STANDS, projection=projection).sort("query_id", 1)
            answers, later = [], 0
            async for answer in found:
                answers.append(AnswerWorth(AnswerState(answer["state"]), answer["reason"]))
                later += "ask_again_at" in answer
        result = standing(answers)
        given_up = unreached and result.state is EntrantState.FAILED
        if given_up:
            result = Standing(EntrantState.FAILED, unreached, 0, len(answers))
        elif len(answers) < queries:
            raise ServiceUnavailable(f"{len(answers)} of {queries} answers are recorded")
        if later and result.state is EntrantState.READY:
            raise AskedAgain(f"{later} answers failed, and are asked again")
        moment = now()
        parent = (result.state is EntrantState.READY and entered) or traceparent

        async def body(session: Session) -> None:
            document: Document = {
                **key.document(),
                "state": str(result.state),
                "reason": result.reason,
                "answers_usable": result.answers_usable,
                "answers_recorded": result.answers_recorded,
                "queries": queries,
                **provenance(self._instance, moment),
            }
            if given_up and ask_again_at is not None:
                document["ask_again_at"] = ask_again_at
            again = await self._entrants.find_one_and_update(
                key.document() | {"asked_anew": True},
                {"$set": document, "$unset": {"asked_anew": ""}, "$inc": {"times_anew": 1}},
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if again is None:
                await self._entrants.insert_one(document, session=session)
            await self._announce(key, result, again["times_anew"] if again else 0, causation_id, parent, session)

        try:
            async with within_store_limit(self._store):
                await self._store.run_transaction(body)
        except DuplicateKey:
            if not await self._is_concluded(key):
                raise
            return result  # another gateway collected the same, and was first
        self._outbox.wake()
        return result

    async def _is_concluded(self, key: EntrantKey) -> bool:
        async with within_store_limit(self._store):
            return await self._entrants.find_one(key.document() | _STANDS, projection={"_id": 1}) is not None

    async def _announce(
        self,
        key: EntrantKey,
        result: Standing,
        times_anew: int,
        causation_id: str,
        traceparent: str,
        session: Session,
    ) -> None:
        project, dimension = key.dimension.project, key.dimension.slug
        event = envelope(
            f"answers.ready/{project}/{dimension}/{key.version}/{key.model}" + (f"/{times_anew}" if times_anew else ""),
            project,
            dimension,
            sequence=await count_up(self._store, f"answers.ready/{project}/{dimension}", session),
            causation_id=causation_id,
            answers_ready=AnswersReady(
                model=str(key.model), dimension_version=key.version, usable=result.state is EntrantState.READY
            ),
        )
        await self._outbox.add(session, subjects.answers_ready(project, dimension), event, traceparent=traceparent)

    async def concluded(self, dimension: DimensionName, version: int) -> dict[str, Document]:
        """Standings in a dimension version, by model revision."""
        wanted = {"project": dimension.project, "dimension": dimension.slug, "dimension_version": version, **_STANDS}
        async with within_store_limit(self._store):
            return {entrant["model"]: entrant async for entrant in self._entrants.find(wanted)}

    async def progress(self, dimension: DimensionName, version: int, models: Sequence[str]) -> dict[str, Document]:
        """How many answers are recorded and usable so far, by model revision; none for those without any.

        And how many failed and are asked again in a while, with the reason of one of them.
        """
        if not models:
            return {}
        usable = {"$cond": [{"$eq": ["$state", str(AnswerState.USABLE)]}, 1, 0]}
        later = {"$ne": [{"$type": "$ask_again_at"}, "missing"]}
        stages: list[Document] = [
            {
                "$match": {
                    "project": dimension.project,
                    "dimension": dimension.slug,
                    "dimension_version": version,
                    "model": {"$in": list(models)},
                    **_STANDS,
                }
            },
            {
                "$group": {
                    "_id": "$model",
                    "answers_recorded": {"$sum": 1},
                    "answers_usable": {"$sum": usable},
                    "answers_later": {"$sum": {"$cond": [later, 1, 0]}},
                    "reason_later": {"$max": {"$cond": [later, "$reason", None]}},
                }
            },
        ]
        async with within_store_limit(self._store):
            return {counts["_id"]: counts async for counts in self._answers.aggregate(stages)}

    async def page(
        self, key: EntrantKey, *, after: str, limit: int, largest_bytes: int, with_texts: bool
    ) -> tuple[list[Document], bool]:
        """Answers in query id order after a query id, and whether there are more.

        A page ends early where texts are long, but holds at least one answer.
        """
        wanted: dict[str, Any] = {**key.document(), "query_id": {"$gt": after}}
        projection = None if with_texts else {"text": 0, "replies": 0}
        answers: list[Document] = []
        size = 0
        async with within_store_limit(self._store):
            async for answer in self._answers.find(wanted, projection=projection).sort("query_id", 1).limit(limit + 1):
                size += _bytes_sent(answer)
                if answers and (len(answers) == limit or size > largest_bytes):
                    return answers, True
                answers.append(answer)
        return answers, False


def _bytes_sent(answer: Document) -> int:
    """Of its texts: replies are sent each by itself, and once more as one text."""
    return len(answer.get("text", "").encode()) + 2 * sum(len(reply.encode()) for reply in answer.get("replies", ()))
