"""`completions`: the record of every paid call, written before it is sent and again when it has ended.

Records of many calls are written together (group_commit.py), and the insert that says `started` is also the
look-up: only when the request id is known already is anything read.

A record goes STARTED -> DONE | FAILED. If the process that owns it dies in between, it goes STARTED -> UNKNOWN,
and back to STARTED for whoever asks for the call next, up to MAX_SENDINGS; then it is FAILED. The first end that
is written stands, whoever wrote it: a process taken for dead may still deliver.
"""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from dearena.faults import Conflict, RequestIdReused, StoreUnavailable
from services.gateway.calls import (
    INTERRUPTED,
    MAX_SENDINGS,
    Call,
    Completion,
    CompletionState,
    state_after_interruption,
)
from services.gateway.documents import (
    completion_of,
    document_of_end,
    document_of_failure,
    provenance,
)
from services.gateway.group_commit import GroupCommit
from services.gateway.leases import Leases
from services.gateway.store import COMPLETIONS
from services.runtime.store import (
    BulkWriteFailed,
    Document,
    Store,
    UpdateOne,
    is_duplicate_only,
    now,
    within_store_limit,
)

log = structlog.get_logger(__name__)

WRITE_AGAIN_SECONDS = 0.5
GATHER_SECONDS = 0.01
"""Under load only, and while the call holds its place at the model: little beside what a model takes, and most of what
writing costs is saved."""
GATHER_OUTSIDE_SECONDS = 0.03
"""Likewise before the call has its place, and when it has given it back to the next one: nobody's place waits."""

WITHDRAWN_TOGETHER = 500

_ENDED = (CompletionState.DONE, CompletionState.FAILED)
_OPEN = [str(CompletionState.STARTED), str(CompletionState.UNKNOWN)]


@dataclass(frozen=True, slots=True)
class Ours:
    """The call is recorded as started by this process, which is to send it now."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another process that is alive has the call in flight."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The call was made before."""

    completion: Completion


Claim = Ours | Elsewhere | Ended


End = tuple[str, Completion, Sequence[Document]]
"""Of a record, by its id: how the call ended, and what it counts for in budgets."""

_HAS_HOLDS: Final[Document] = {"$gt": [{"$size": {"$ifNull": ["$holds", []]}}, 0]}
_HOLDS_TO_CHARGES: Final[Document] = {
    "charges": {"$cond": [_HAS_HOLDS, {"$concatArrays": [{"$ifNull": ["$charges", []]}, "$holds"]}, "$charges"]},
    "holds": {"$cond": [_HAS_HOLDS, [], "$holds"]},
}
"""A call that was interrupted may have been billed whatever was reserved for it."""


def _with_charges(update: Document, charges: Sequence[Document]) -> Document:
    if not charges:
        return update
    return {
        "$set": {**update["$set"], "holds": []},
        "$push": {"charges": {"$each": list(charges)}},
    }


def record_id(project: str, request_id: str) -> str:
    """`_id` of a call's record."""
    return f"{project}/{request_id}"


class CompletionLog:
    """Writes and reads the records; knows nothing of HTTP."""

    def __init__(self, store: Store, leases: Leases) -> None:
        self._store = store
        self._leases = leases
        self._owner = leases.instance
        self._completions = store.collection(COMPLETIONS)
        self._starts = GroupCommit(self._write_starts, gather_seconds=GATHER_SECONDS)
        self._ends = GroupCommit(self._write_ends, gather_seconds=GATHER_OUTSIDE_SECONDS)
        # Likewise what is read: every call that waits for leave looks whether it has been made before.
        self._looks = GroupCommit(self._read_all, gather_seconds=GATHER_OUTSIDE_SECONDS)
        self._numbers = itertools.count(1)
        self._unsent: dict[str, int] = {}
        """By record id, numbers of starts that the store may or may not have taken: their calls were not sent."""
        self._withdrawal = asyncio.Lock()

    async def claim(self, call: Call, holds: Sequence[Document] = ()) -> Claim:
        """Record that a call starts, or learn what became of it before.

        Args:
            call: of which the record is.
            holds: what is reserved for it in budgets; once it is interrupted, that counts as spent.

        Raises:
            StoreUnavailable: nothing may be sent.
            RequestIdReused: the id is of another call.
        """
        await self._leases.hold()
        identity = record_id(call.project, call.request_id)
        number = await self._number_of(identity)
        try:
            known = await self._starts.submit(self._start_of(call, number, holds))
            return Ours() if known is None else await self._claim_known(call, number, holds, known)
        except Exception:
            self._unsent[identity] = number
            raise

    async def _number_of(self, identity: str) -> int:
        if identity in self._unsent:
            async with self._withdrawal:
                if (known := self._unsent.pop(identity, None)) is not None:
                    return known
        return next(self._numbers)

    async def withdraw_unsent(self) -> None:
        """Take back starts of calls that were not sent and are not asked for again, as far as the store took them."""
        async with self._withdrawal:
            while batch := dict(itertools.islice(self._unsent.items(), WITHDRAWN_TOGETHER)):
                ours: Document = {
                    "_id": {"$in": list(batch)},
                    "state": str(CompletionState.STARTED),
                    "owner": self._owner,
                    "number": {"$in": list(batch.values())},
                }
                async with within_store_limit(self._store):
                    # One that was in flight elsewhere before stays unknown; what was reserved now was given back.
                    before = {"$set": {"state": str(CompletionState.UNKNOWN), "holds": []}}
                    await self._completions.update_many(ours | {"interruptions": {"$gt": 0}}, before)
                    await self._completions.delete_many(ours)
                for identity in batch:
                    self._unsent.pop(identity, None)

    def _start_of(self, call: Call, number: int, holds: Sequence[Document]) -> Document:
        moment = now()
        document: Document = {
            "_id": record_id(call.project, call.request_id),
            "project": call.project,
            "request_id": call.request_id,
            "model": str(call.model),
            "digest": call.digest(),
            "purpose": str(call.purpose),
            "dimension": call.dimension,
            "query_id": call.query_id,
            "on_behalf_of": list(call.on_behalf_of),
            "state": str(CompletionState.STARTED),
            "owner": self._owner,
            "number": number,
            "interruptions": 0,
            "started_at": moment,
            **provenance(self._owner, moment),
        }
        if holds:
            document["holds"] = list(holds)
        return document

    async def _write_starts(self, documents: Sequence[Document]) -> Sequence[Document | None]:
        """Insert; None for each that was new, and the record that was there for the others."""
        async with within_store_limit(self._store):
            try:
                await self._completions.insert_many(documents, ordered=False)
            except BulkWriteFailed as error:
                if not is_duplicate_only(error):
                    raise
                known = [documents[failed["index"]]["_id"] for failed in (error.details or {})["writeErrors"]]
                found = {record["_id"]: record async for record in self._completions.find({"_id": {"$in": known}})}
                return [found.get(document["_id"]) for document in documents]
        return [None] * len(documents)

    async def _claim_known(
        self, call: Call, number: int, holds: Sequence[Document], record: Mapping[str, Any]
    ) -> Claim:
        if not completion_of(record).is_of(call):
            raise RequestIdReused(f"request_id {call.request_id} is of another call, to {record['model']}")
        state = CompletionState(record["state"])
        if state in _ENDED:
            return Ended(completion_of(record))
        if state is CompletionState.STARTED:
            if record["owner"] == self._owner and record["number"] == number:
                # Of an earlier claim that failed, and so was not sent.
                if not holds and not record.get("holds"):
                    return Ours()
                return await self._take_over(record["_id"], state, number, holds)
            # One of this process's own that is not in flight here ended without a record: sent or not, who knows.
            if record["owner"] != self._owner and not await self._leases.dead([record["owner"]]):
                return Elsewhere()
            await self._interrupt({"_id": record["_id"], "owner": record["owner"], "number": record["number"]})
            return await self._claim_interrupted(call, number, holds)
        return await self._take_over(record["_id"], state, number, holds)

    async def _claim_interrupted(self, call: Call, number: int, holds: Sequence[Document]) -> Claim:
        record = await self._read(call.project, call.request_id)
        if record is None:
            raise Conflict("the record of the call went away; try again")
        return await self._claim_known(call, number, holds, record)

    async def _take_over(self, identity: str, state: CompletionState, number: int, holds: Sequence[Document]) -> Claim:
        wanted: Document = {"_id": identity, "state": str(state)}
        if state is CompletionState.STARTED:
            wanted |= {"owner": self._owner, "number": number}
        changes: Document = {"state": str(CompletionState.STARTED), "owner": self._owner, "number": number}
        if holds or state is CompletionState.STARTED:
            # Those of a claim that failed were given back.
            changes["holds"] = list(holds)
        found = await self._update(wanted, {"$set": changes})
        return Ours() if found else Elsewhere()

    async def _update(self, wanted: Document, changes: Document | list[Document]) -> int:
        async with within_store_limit(self._store):
            result = await self._completions.update_many(wanted, changes)
        return result.matched_count

    async def _interrupt(self, wanted: Document) -> int:
        """Mark started calls whose process died. How often it has happened decides what they are now."""
        marked = 0
        for before in range(MAX_SENDINGS):
            state = state_after_interruption(before + 1)
            changes: Document = {"state": str(state), "interruptions": before + 1, **_HOLDS_TO_CHARGES}
            if state is CompletionState.FAILED:
                changes["failure"] = {"$literal": document_of_failure(INTERRUPTED)}
            marked += await self._update(
                {**wanted, "state": str(CompletionState.STARTED), "interruptions": before}, [{"$set": changes}]
            )
        return marked

    async def release(self, call: Call) -> None:
        """Mark a call of this process that ended without a record: sent or not, who knows.

        Without the store it stays `started`, until this process is asked for it again or ends.
        """
        try:
            await self._interrupt({"_id": record_id(call.project, call.request_id), "owner": self._owner})
        except StoreUnavailable as fault:
            log.warning("call not released", request_id=call.request_id, error=str(fault))

    async def is_elsewhere(self, project: str, request_id: str) -> bool:
        """Whether another process that is alive has the call in flight; reads only."""
        record = await self._read(project, request_id)
        return (
            record is not None
            and record["state"] == CompletionState.STARTED
            and record["owner"] != self._owner
            and not await self._leases.dead([record["owner"]])
        )

    async def interrupt_dead(self) -> None:
        """Mark all started calls of processes that are dead."""
        async with within_store_limit(self._store):
            owners = await self._completions.distinct("owner", {"state": str(CompletionState.STARTED)})
        # Leases are read after owners: a process has its lease before it owns anything.
        dead = await self._leases.dead(owner for owner in owners if owner != self._owner)
        if dead and (marked := await self._interrupt({"owner": {"$in": sorted(dead)}})):
            log.warning("calls in flight of a gateway that died are unknown", calls=marked, gateways=sorted(dead))
        await self._leases.forget_dead()

    async def end(self, call: Call, completion: Completion, charges: Sequence[Document] = ()) -> Completion:
        """Record how a call ended; tries until the store takes it, since the reply was paid for.

        Args:
            call: of which the record is.
            completion: how it ended.
            charges: what it counts for in budgets, in place of what was reserved.

        Returns:
            The record that stands: this one, or the one that somebody else wrote first.
        """
        while True:
            try:
                return await self._ends.submit((record_id(call.project, call.request_id), completion, charges))
            except StoreUnavailable as fault:
                log.warning("reply not recorded yet", request_id=call.request_id, error=str(fault))
                await asyncio.sleep(WRITE_AGAIN_SECONDS)

    async def flush(self) -> None:
        """Let ends that are on their way to the store arrive, whoever still waits for them."""
        await self._ends.flush()

    async def _write_ends(self, ends: Sequence[End]) -> Sequence[Completion]:
        moment = now()
        updates = [
            UpdateOne(
                {"_id": identity, "state": {"$in": _OPEN}},
                _with_charges({"$set": {**document_of_end(completion), "ended_at": moment}}, charges),
            )
            for identity, completion, charges in ends
        ]
        async with within_store_limit(self._store):
            result = await self._completions.bulk_write(updates, ordered=False)
            if result.matched_count == len(updates):
                return [completion for _, completion, _ in ends]
            # Also after a write that the driver sent twice: then what stands is ours.
            found = self._completions.find({"_id": {"$in": [identity for identity, _, _ in ends]}})
            standing = {record["_id"]: completion_of(record) async for record in found}
        return [standing[identity] for identity, _, _ in ends]

    async def find_ended(self, project: str, request_id: str) -> Completion | None:
        """The record of a call that has ended."""
        record = await self._read(project, request_id)
        return completion_of(record) if record and CompletionState(record["state"]) in _ENDED else None

    async def _read(self, project: str, request_id: str) -> Mapping[str, Any] | None:
        return await self._looks.submit(record_id(project, request_id))

    async def _read_all(self, identities: Sequence[str]) -> Sequence[Document | None]:
        async with within_store_limit(self._store):
            records = self._completions.find({"_id": {"$in": list(identities)}})
            found = {record["_id"]: record async for record in records}
        return [found.get(identity) for identity in identities]
