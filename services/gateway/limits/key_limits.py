"""`key_limits`: what is allowed of all models together that use one key.

A key is this installation's, not a project's: whoever names it shares its limits.
"""

import asyncio
import contextvars
import time
from collections.abc import MutableMapping
from typing import Any, Final

from cachetools import TTLCache

from dearena.faults import FieldViolation, InvalidField
from dearena.v1 import gateway_pb2 as pb
from services.gateway.documents import provenance
from services.gateway.key_references import KeyReference, MalformedKeyReference
from services.gateway.limits.state import Limits
from services.gateway.model_checks import MAX_CONCURRENCY
from services.gateway.store import RESULTS
from services.runtime import paging
from services.runtime.request_names import request_id_violations
from services.runtime.store import Document, Session, Store, now, once, within_store_limit

KEY_LIMITS: Final = "key_limits"

FRESH_SECONDS: Final = 1.0
"""How long another gateway's change may go unseen."""
MOST_KEYS: Final = 10_000

_NUMBERS: Final = ("concurrency", "requests_per_minute", "tokens_per_minute")


class KeyLimitBook:
    """Sets limits of keys, and has them at hand."""

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._keys = store.collection(KEY_LIMITS)
        self._results = store.collection(RESULTS)
        self._known: MutableMapping[str, asyncio.Task[Limits | None]] = TTLCache(
            MOST_KEYS, FRESH_SECONDS, timer=time.monotonic
        )

    async def limits_of(self, reference: str) -> Limits | None:
        """What is allowed of a key, as it was at most a second ago; None where nothing was said.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        # One look: what is known may be forgotten between two.
        reading = self._known.get(reference)
        if reading is None:
            # Of nobody's context: many wait for it.
            reading = asyncio.create_task(self._read(reference), context=contextvars.Context())
            self._known[reference] = reading
            reading.add_done_callback(lambda ended: self._drop_failed(reference, ended))
        return await asyncio.shield(reading)

    async def _read(self, reference: str) -> Limits | None:
        async with within_store_limit(self._store):
            document = await self._keys.find_one({"_id": reference})
        return None if document is None else Limits(**{name: document[name] for name in _NUMBERS})

    def _drop_failed(self, reference: str, reading: "asyncio.Task[Limits | None]") -> None:
        if (reading.cancelled() or reading.exception() is not None) and self._known.get(reference) is reading:
            self._known.pop(reference, None)

    async def set(self, request: pb.SetKeyLimitsRequest) -> pb.KeyLimits:
        """Set the limits of a key, or lift them; raises InvalidField with all violations."""
        _check(request)
        limits = request.limits

        async def body(session: Session) -> bytes:
            key = {"_id": limits.key_reference}
            document: Document = {name: getattr(limits, name) for name in _NUMBERS}
            if any(document.values()):
                document |= provenance(self._instance, now())
                await self._keys.replace_one(key, document, upsert=True, session=session)
            else:
                await self._keys.delete_one(key, session=session)
            return limits.SerializeToString(deterministic=True)

        scoped = request.request_id and f"SetKeyLimits/{request.request_id}"
        async with within_store_limit(self._store):
            bytes_asked = request.SerializeToString(deterministic=True)
            result = await once(self._store, self._results, scoped, bytes_asked, body)
        self._known.pop(limits.key_reference, None)
        return pb.KeyLimits.FromString(result)

    async def list(self, request: pb.ListKeyLimitsRequest) -> pb.ListKeyLimitsResponse:
        """In the order of references."""
        scope = ("key_limits",)
        size = paging.size_of(request.page_size)
        after = paging.after_of(scope, request.page_token)
        wanted: Any = {"_id": {"$gt": after}} if after else {}
        async with within_store_limit(self._store):
            found = await self._keys.find(wanted).sort("_id", 1).limit(size + 1).to_list(size + 1)
        more = len(found) > size
        return pb.ListKeyLimitsResponse(
            limits=[
                pb.KeyLimits(key_reference=document["_id"], **{name: document[name] for name in _NUMBERS})
                for document in found[:size]
            ],
            next_page_token=paging.token_of(scope, found[size - 1]["_id"]) if more else "",
        )


def _check(request: pb.SetKeyLimitsRequest) -> None:
    violations: list[FieldViolation] = []
    try:
        KeyReference.parse(request.limits.key_reference)
    except MalformedKeyReference as error:
        violations.append(FieldViolation("limits.key_reference", str(error)))
    if request.limits.concurrency > MAX_CONCURRENCY:
        violations.append(FieldViolation("limits.concurrency", f"must be from 0 to {MAX_CONCURRENCY}"))
    violations += request_id_violations(request.request_id)
    if violations:
        raise InvalidField("; ".join(f"{one.field}: {one.description}" for one in violations), violations)
