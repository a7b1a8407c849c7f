"""`limits`: one document a limit, holding all that gateways share of it; each change is a compare-and-set.

A gateway remembers each document as it left it, so that a step is one write as long as nobody else took one.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from services.gateway.documents import provenance
from services.gateway.limits.breaker import Breaker
from services.gateway.limits.concurrency import Concurrency
from services.gateway.limits.shares import Seat
from services.gateway.limits.state import Grant, LimitState
from services.gateway.limits.token_bucket import Bucket
from services.runtime.store import Document, DuplicateKey, Store, now, within_store_limit

LIMITS: Final = "limits"

Step = Callable[[LimitState, float], tuple[LimitState, Grant]]


class LimitRecords:
    """Reads and writes the documents, and knows the store's clock."""

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._limits = store.collection(LIMITS)
        self._known: dict[str, tuple[int, LimitState]] = {}
        self._ahead = time.time() - time.monotonic()

    def now(self) -> float:
        """The store's clock in seconds, as far as it is known without asking."""
        return time.monotonic() + self._ahead

    async def step(self, limit: str, step: Step) -> tuple[LimitState, Grant]:
        """Change a limit by a step, again on whatever somebody else has made of it meanwhile.

        Raises:
            StoreUnavailable: the step may have been taken or not; its seat runs out by itself.
        """
        async with within_store_limit(self._store):
            known = self._known.pop(limit) if limit in self._known else None
            version, state = known or await self._read(limit)
            while True:
                after, grant = step(state, self.now())
                if await self._write(limit, version, after):
                    self._known[limit] = (version + 1, after)
                    return after, grant
                version, state = await self._read(limit)

    async def _read(self, limit: str) -> tuple[int, LimitState]:
        asked = time.monotonic()
        found = await self._limits.find_one({"_id": limit}, {"state": 1, "version": 1, "now": "$$NOW"})
        if found is None:
            return 0, LimitState()
        self._ahead = found["now"].timestamp() - (asked + time.monotonic()) / 2
        return found["version"], state_of(found["state"])

    async def _write(self, limit: str, version: int, state: LimitState) -> bool:
        document = {"_id": limit, "version": version + 1, "state": document_of_state(state)}
        document |= provenance(self._instance, now())
        if version == 0:
            try:
                await self._limits.insert_one(document)
            except DuplicateKey:
                return False
            return True
        written = await self._limits.replace_one({"_id": limit, "version": version}, document)
        return written.matched_count == 1

    async def states(self, limits: Sequence[str]) -> Mapping[str, LimitState]:
        """Those of the limits that were ever used, as they stand."""
        async with within_store_limit(self._store):
            found = self._limits.find({"_id": {"$in": list(limits)}})
            return {document["_id"]: state_of(document["state"]) async for document in found}


def document_of_state(state: LimitState) -> Document:
    """All that is shared about a limit; seats in a list, for gateways have dots in their names."""
    return {
        "seats": [{"gateway": gateway, **asdict(seat)} for gateway, seat in sorted(state.seats.items())],
        "requests": asdict(state.requests),
        "tokens": asdict(state.tokens),
        "concurrency": asdict(state.concurrency),
        "breaker": asdict(state.breaker),
        "held_until": state.held_until,
        "last_failure": state.last_failure,
        "last_failure_at": state.last_failure_at,
    }


def state_of(document: Mapping[str, Any]) -> LimitState:
    """As it was stored."""
    return LimitState(
        seats={
            seat["gateway"]: Seat(seat["holds"], seat["in_flight"], seat["waiting"], seat["until"])
            for seat in document["seats"]
        },
        requests=Bucket(**document["requests"]),
        tokens=Bucket(**document["tokens"]),
        concurrency=Concurrency(**document["concurrency"]),
        breaker=Breaker(**document["breaker"]),
        held_until=document["held_until"],
        last_failure=document["last_failure"],
        last_failure_at=document["last_failure_at"],
    )
