"""The log of outcomes and the judges' replies. Outcomes are only ever added; replies can be erased."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dearena.identity import text_hash
from dearena.names import DimensionName
from dearena.outcomes import Outcome, SeatVerdict
from dearena.seat_order import a_sits_first
from dearena.v1.common_pb2 import CellKind, SeatPolicy
from services.judge_dispatcher.comparison import CellKey, Comparison, SeatRecord, Standing
from services.judge_dispatcher.metering import count_votes
from services.judge_dispatcher.votes import EVEN_DRAW, VOTE, Vote
from services.runtime.store import (
    BulkWriteFailed,
    Collection,
    Document,
    DuplicateKey,
    Index,
    ReturnDocument,
    Store,
    is_duplicate_only,
    now,
)

SCHEMA_VERSION = 1
SINGLE = "SINGLE"
"""Seat policy of a cell that is asked in one order."""

INDEXES: Mapping[str, Sequence[Index]] = {
    "comparisons": [
        Index(("project", "cell_id", "attempt"), unique=True),
        # Serves a round's votes in order, and its progress from the index alone.
        Index(("project", "dimension", "round", "sequence", "judge_calls", "currency", "cost_nano_units")),
        Index(("project", "dimension", "sequence")),
    ],
}

_STANDING = {
    "_id": 0,
    **dict.fromkeys(("project", "dimension", "round", "cell_id", "attempt", "outcome", "sequence"), 1),
}
_VOTE_FIELDS = (
    *("sequence", "round", "cell_id", "attempt", "query_id", "model_a", "model_b", "judge"),
    *("outcome", "judge_calls", "cost_nano_units", "currency", "draw", "kind"),
)
_VOTE_PROJECTION = {"_id": 0, **dict.fromkeys((*_VOTE_FIELDS, "seat_policy"), 1), "seats.verdict": 1}


class OtherSecret(RuntimeError):
    """The installation secret is not the one that the recorded replies were asked with."""


class ComparisonStore:
    """`comparisons`, `transcripts`, `comparison_counters` and `dispatcher_secrets`."""

    def __init__(self, store: Store, created_by: str) -> None:
        self._comparisons = store.collection("comparisons")
        self._transcripts = store.collection("transcripts")
        self._counters = store.collection("comparison_counters")
        self._secrets = store.collection("dispatcher_secrets")
        self._created_by = created_by

    async def append(self, comparisons: Sequence[Comparison]) -> list[Standing]:
        """Write outcomes and return what stands: where one was written before, that one does.

        Safe to repeat after any failure.
        """
        firsts, _ = await asyncio.gather(self._allocate(comparisons), self._keep_transcripts(comparisons))
        documents = []
        for comparison in comparisons:
            documents.append(self._document(comparison, firsts[comparison.dimension]))
            firsts[comparison.dimension] += 1
        try:
            await self._comparisons.insert_many(documents, ordered=False)
        except BulkWriteFailed as error:
            if not is_duplicate_only(error):
                raise
            before = {failed["index"] for failed in (error.details or {})["writeErrors"]}
            count_votes(one for place, one in enumerate(comparisons) if place not in before)
            return await self.standing([comparison.key for comparison in comparisons])
        count_votes(comparisons)
        return [_standing(document) for document in documents]

    async def last_outcomes(self) -> dict[DimensionName, datetime]:
        """When outcomes were last written, by dimension."""
        counters = self._counters.find({"last_outcome_at": {"$exists": True}}, {"last_outcome_at": 1})
        return {DimensionName.parse(one["_id"]): one["last_outcome_at"] async for one in counters}

    async def _allocate(self, comparisons: Sequence[Comparison]) -> dict[DimensionName, int]:
        """The first of a block of sequence numbers, by dimension, as large as needed now.

        No larger: numbers kept in stock would become visible long after greater ones.
        """
        counts = Counter(comparison.dimension for comparison in comparisons)
        lasts = await asyncio.gather(*(self._advance(name, count) for name, count in counts.items()))
        return {name: last - counts[name] + 1 for name, last in zip(counts, lasts, strict=True)}

    async def _advance(self, name: DimensionName, count: int) -> int:
        for _ in range(2):
            try:
                counter = await self._counters.find_one_and_update(
                    {"_id": str(name)},
                    {
                        "$inc": {"sequence": count},
                        "$max": {"last_outcome_at": now()},
                        "$setOnInsert": {
                            "schema_version": SCHEMA_VERSION,
                            "created_at": now(),
                            "created_by": self._created_by,
                        },
                    },
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKey:
                continue  # two first upserts met
            return int(counter["sequence"])
        raise RuntimeError(f"the counter of {name} can be neither made nor found")

    async def _keep_transcripts(self, comparisons: Iterable[Comparison]) -> None:
        documents: dict[str, Document] = {}
        for comparison in comparisons:
            project = comparison.dimension.project
            texts = [
                text for seat in comparison.seats for text in (seat.transcript, seat.reasoning) if text is not None
            ]
            for text in texts:
                transcript_hash = text_hash(text)
                key = _transcript_key(project, transcript_hash)
                documents[key] = {
                    "_id": key,
                    "project": project,
                    "transcript_hash": transcript_hash,
                    "text": text,
                    "schema_version": SCHEMA_VERSION,
                    "created_at": now(),
                    "created_by": self._created_by,
                }
        await _insert_new(self._transcripts, list(documents.values()))

    def _document(self, comparison: Comparison, sequence: int) -> Document:
        cell = comparison.cell
        calls = comparison.calls
        return {
            "schema_version": SCHEMA_VERSION,
            "project": comparison.dimension.project,
            "dimension": comparison.dimension.slug,
            "dimension_version": comparison.dimension_version,
            "round": comparison.round,
            "sequence": sequence,
            "cell_id": cell.cell_id,
            "attempt": cell.attempt,
            "query_id": cell.query_id,
            "query_hash": cell.query_hash,
            "model_a": cell.model_a,
            "model_b": cell.model_b,
            "answer_hash_a": cell.answer_hash_a,
            "answer_hash_b": cell.answer_hash_b,
            "judge": cell.judge,
            "template_hash": cell.template_hash,
            "judge_parameters_hash": cell.judge_parameters_hash,
            "seat_policy": SeatPolicy.Name(cell.seat_policy).removeprefix("SEAT_POLICY_"),
            "kind": CellKind.Name(cell.kind).removeprefix("CELL_KIND_"),
            "draw": cell.draw or EVEN_DRAW,
            "outcome": comparison.ruling.outcome.value,
            "reason": comparison.ruling.reason,
            "seats": [_seat_document(seat) for seat in comparison.seats],
            "judge_calls": len(calls),
            "cost_nano_units": sum(call.cost_nano_units for call in calls),
            "currency": next((call.currency for call in calls if call.currency), ""),
            "trace_id": comparison.trace_id,
            "created_at": now(),
            "created_by": self._created_by,
        }

    async def standing(self, keys: Sequence[CellKey]) -> list[Standing]:
        """The outcomes that these cells have at these attempts."""
        by_project: dict[str, list[str]] = {}
        for project, cell_id, _ in keys:
            by_project.setdefault(project, []).append(cell_id)
        wanted = set(keys)
        found: list[Standing] = []
        for project, cell_ids in by_project.items():
            cursor = self._comparisons.find({"project": project, "cell_id": {"$in": cell_ids}}, _STANDING)
            found += [
                _standing(document)
                for document in await cursor.to_list(length=None)
                if (project, document["cell_id"], document["attempt"]) in wanted
            ]
        return found

    async def votes(
        self,
        dimension: DimensionName,
        *,
        round_number: int,
        after_sequence: int,
        batch_size: int,
        kinds: Sequence[str] = (VOTE,),
        trace_ids: bool = False,
    ) -> AsyncIterator[list[Vote]]:
        """Outcomes of cells of these kinds in sequence order, in lists of up to `batch_size`; round 0 means all."""
        condition: Document = {
            "project": dimension.project,
            "dimension": dimension.slug,
            "sequence": {"$gt": after_sequence},
            "kind": kinds[0] if len(kinds) == 1 else {"$in": list(kinds)},
        }
        if round_number:
            condition["round"] = round_number
        projection = {**_VOTE_PROJECTION, "trace_id": 1} if trace_ids else _VOTE_PROJECTION
        cursor = self._comparisons.find(condition, projection).sort("sequence", 1).batch_size(batch_size)
        while documents := await cursor.to_list(length=batch_size):
            yield [_vote(document) for document in documents]

    async def progress(self, dimension: DimensionName, round_number: int) -> list[Document]:
        """Outcomes, judge calls and cost of a round by currency, as `{_id, outcomes, judge_calls, cost_nano_units}`."""
        cursor = self._comparisons.aggregate(
            [
                {"$match": {"project": dimension.project, "dimension": dimension.slug, "round": round_number}},
                {
                    "$group": {
                        "_id": "$currency",
                        "outcomes": {"$sum": 1},
                        "judge_calls": {"$sum": "$judge_calls"},
                        "cost_nano_units": {"$sum": "$cost_nano_units"},
                    }
                },
            ]
        )
        return await cursor.to_list(length=None)

    async def comparison(self, dimension: DimensionName, cell_id: str, attempt: int) -> Document | None:
        """One comparison's document; attempt 0 means the newest."""
        condition: Document = {"project": dimension.project, "cell_id": cell_id, "dimension": dimension.slug}
        if attempt:
            condition["attempt"] = attempt
        return await self._comparisons.find_one(condition, sort=[("attempt", -1)])

    async def transcripts(self, project: str, hashes: Iterable[str]) -> dict[str, str]:
        """Replies by their hashes, those that have not been erased."""
        keys = [_transcript_key(project, transcript_hash) for transcript_hash in hashes if transcript_hash]
        cursor = self._transcripts.find({"_id": {"$in": keys}})
        return {document["transcript_hash"]: document["text"] for document in await cursor.to_list(length=None)}

    async def claim_secret(self, fingerprint: str) -> None:
        """Bind this database to the secret with this fingerprint, or check that it is.

        Raises:
            OtherSecret: recorded replies carry codes of another secret and could not be read.
        """
        claim = {
            "_id": "installation",
            "fingerprint": fingerprint,
            "schema_version": SCHEMA_VERSION,
            "created_at": now(),
            "created_by": self._created_by,
        }
        try:
            await self._secrets.insert_one(claim)
        except DuplicateKey:
            standing = await self._secrets.find_one({"_id": "installation"})
            if standing is None or standing["fingerprint"] != fingerprint:
                raise OtherSecret(
                    "this database was filled under another installation secret, whose codes its recorded replies "
                    "carry: restore that secret, or start with an empty database"
                ) from None


async def _insert_new(collection: Collection, documents: list[Document]) -> None:
    """Insert those whose keys are not there yet."""
    if not documents:
        return
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteFailed as error:
        if not is_duplicate_only(error):
            raise


def _transcript_key(project: str, transcript_hash: str) -> str:
    return f"{project}/{transcript_hash}"


def _seat_document(record: SeatRecord) -> Document:
    return {
        "first": record.seat.first,
        "verdict": record.seat.verdict.value,
        "reason": record.seat.reason,
        "request_id": record.request_id,
        "transcript_hash": "" if record.transcript is None else text_hash(record.transcript),
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "tokens_estimated": record.tokens_estimated,
        "cost_nano_units": record.cost_nano_units,
        "currency": record.currency,
        "latency_ms": record.latency_ms,
        "finish_reason": record.finish_reason,
        "structured": record.structured,
        "reasoning_hash": "" if record.reasoning is None else text_hash(record.reasoning),
        "grade": record.grade,
        "form": record.form,
        "prompt_hash": record.prompt_hash,
    }


def _standing(document: Mapping[str, Any]) -> Standing:
    return Standing(
        dimension=DimensionName(document["project"], document["dimension"]),
        round=document["round"],
        cell_id=document["cell_id"],
        attempt=document["attempt"],
        outcome=Outcome(document["outcome"]),
        sequence=document["sequence"],
    )


def _vote(document: Document) -> Vote:
    a_first = b_first = SeatVerdict.NONE
    seats = [SeatVerdict(seat["verdict"]) for seat in document.pop("seats", ())]
    match document.pop("seat_policy"), seats:
        case str(policy), [seat] if policy == SINGLE and a_sits_first(document["cell_id"]):
            a_first = seat
        case str(policy), [seat] if policy == SINGLE:
            b_first = seat
        case _, [seat, other]:
            a_first, b_first = seat, other
    return Vote(**{**document, "outcome": Outcome(document["outcome"])}, a_first=a_first, b_first=b_first)
