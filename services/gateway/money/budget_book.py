"""`budgets`: the most that calls may cost. Sets and lists them, and has them at hand.

One document a budget: its limit, its sums over all gateways, and of those the account of each gateway that has calls
(till.py). Of a template of insertions, documents for single models are made when they are first needed; they are
`derived`, and follow its limit.
"""

import asyncio
import contextvars
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from dearena.v1 import common_pb2
from dearena.v1 import gateway_pb2 as pb
from dearena.v1.events_pb2 import BudgetChanged
from services.gateway.documents import provenance
from services.gateway.messages import message_of_budget
from services.gateway.money.budget_requests import check_currency
from services.gateway.money.budgets import BudgetKey, BudgetScope, BudgetState, KnownBudget
from services.gateway.outbox import Outbox
from services.gateway.store import BUDGETS, RESULTS
from services.runtime import paging, subjects, telemetry
from services.runtime.bus import envelope
from services.runtime.request_names import dimension_slug, project_of_parent
from services.runtime.store import Document, ReturnDocument, Session, Store, now, once, within_store_limit

FRESH_SECONDS: Final = 1.0
"""How long another gateway's change may go unseen."""


class Sums(NamedTuple):
    """How a budget stands, in nano-units."""

    key: BudgetKey
    currency: str
    limit: int
    left: int
    """Neither spent nor reserved; of a template, the least of the budgets that are made of it."""


class BudgetBook:
    """Budgets of all projects."""

    def __init__(self, store: Store, outbox: Outbox, instance: str) -> None:
        self._store = store
        self._outbox = outbox
        self._instance = instance
        self._budgets = store.collection(BUDGETS)
        self._results = store.collection(RESULTS)
        self._known: dict[str, tuple[float, asyncio.Task[Mapping[BudgetKey, KnownBudget]]]] = {}
        self._making: dict[BudgetKey, asyncio.Task[KnownBudget | None]] = {}
        self._one_at_a_time = asyncio.Lock()
        self.on_change: list[Callable[[str], None]] = []
        """Called with the project whose budgets were changed here."""

    async def of(self, project: str) -> Mapping[BudgetKey, KnownBudget]:
        """A project's budgets by key, as they were at most a second ago.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        known = self._known.get(project)
        if known is None or known[0] < time.monotonic():
            # Of nobody's context: many wait for it.
            task = asyncio.create_task(self._read(project), name="budgets", context=contextvars.Context())
            known = self._known[project] = (time.monotonic() + FRESH_SECONDS, task)
            task.add_done_callback(lambda ended: self._drop_failed(project, ended))
        task = known[1]
        return task.result() if task.done() and not task.cancelled() else await asyncio.shield(task)

    def _drop_failed(self, project: str, task: "asyncio.Task[Mapping[BudgetKey, KnownBudget]]") -> None:
        if (task.cancelled() or task.exception() is not None) and self._known.get(project, (0, None))[1] is task:
            self.forget(project)

    def forget(self, project: str) -> None:
        """Read them anew next time."""
        self._known.pop(project, None)

    async def _read(self, project: str) -> Mapping[BudgetKey, KnownBudget]:
        fields = {"project": 1, "scope": 1, "dimension": 1, "model": 1, "uid": 1, "currency": 1, "state": 1}
        async with within_store_limit(self._store):
            found = [document async for document in self._budgets.find({"project": project}, projection=fields)]
        return {
            key: KnownBudget(
                key, document["uid"], document["currency"], exhausted=document["state"] == BudgetState.EXHAUSTED
            )
            for document in found
            for key in (key_of(document),)
        }

    async def sums(self) -> Sequence[Sums]:
        """Of all budgets that somebody has set, templates too; what is made of those is told by the least of each."""
        fields = dict.fromkeys(("project", "scope", "dimension", "model", "currency", "limit", "spent", "reserved"), 1)
        left = {"$subtract": [{"$subtract": ["$limit", "$spent"]}, "$reserved"]}
        by = {"project": "$project", "scope": "$scope", "dimension": "$dimension"}
        async with within_store_limit(self._store):
            found = [one async for one in self._budgets.find({"derived": {"$ne": True}}, projection=fields)]
            made = self._budgets.aggregate(
                [{"$match": {"derived": True}}, {"$group": {"_id": by, "left": {"$min": left}}}]
            )
            least = {key_of({**one["_id"], "model": ""}): one["left"] async for one in made}
        return [
            Sums(key, one["currency"], one["limit"], least.get(key, one["limit"] - one["spent"] - one["reserved"]))
            for one in found
            for key in (key_of(one),)
        ]

    async def derived(self, key: BudgetKey) -> KnownBudget | None:
        """The budget of an insertion that has none of its own, made from its template; None where that is gone.

        Raises:
            StoreUnavailable: it cannot be made.
        """
        # Many calls want it at once. They share one making of it, and one is made at a time: each writes to the
        # template, and at the same time they would only be in each other's way.
        making = self._making.get(key)
        if making is None:
            making = asyncio.create_task(self._derive(key), name="derive a budget", context=contextvars.Context())
            self._making[key] = making
            making.add_done_callback(lambda ended: self._made(key, ended))
        return await asyncio.shield(making)

    def _made(self, key: BudgetKey, ended: "asyncio.Task[KnownBudget | None]") -> None:
        del self._making[key]
        if not ended.cancelled():
            ended.exception()  # heard, even by nobody

    async def _derive(self, key: BudgetKey) -> KnownBudget | None:
        async with self._one_at_a_time:
            made_meanwhile = (await self.of(key.project)).get(key)
            return made_meanwhile or await self._derive_now(key)

    async def _derive_now(self, key: BudgetKey) -> KnownBudget | None:
        uid = secrets.token_hex(8)

        async def body(session: Session) -> Document | None:
            # A change of the template, so that whoever sets it at the same time begins anew.
            template: Document | None = await self._budgets.find_one_and_update(
                {"_id": str(key.template)}, {"$inc": {"derived_from": 1}}, session=session
            )
            if template is None:
                return None
            fresh = self._fresh(key, uid, template["limit"], template["currency"], derived=True)
            del fresh["_id"]
            found: Document = await self._budgets.find_one_and_update(
                {"_id": str(key)},
                {"$setOnInsert": fresh},
                upsert=True,
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            return found

        async with within_store_limit(self._store):
            document = await self._store.run_transaction(body)
        self.forget(key.project)
        return None if document is None else KnownBudget(key, document["uid"], document["currency"])

    def _fresh(self, key: BudgetKey, uid: str, limit: int, currency: str, *, derived: bool = False) -> Document:
        return {
            "_id": str(key),
            "project": key.project,
            "scope": str(key.scope),
            "dimension": key.dimension,
            "model": key.model,
            "uid": uid,
            "limit": limit,
            "currency": currency,
            "spent": 0,
            "reserved": 0,
            "accounts": {},
            "state": str(BudgetState.OPEN),
            "exhausted_at": None,
            "refused": 0,
            "changes": 1,
            "derived": derived,
            **provenance(self._instance, now()),
        }

    async def set(
        self, key: BudgetKey, limit: common_pb2.Money, request_id: str, asked: bytes, *, generation: int = 0
    ) -> pb.Budget:
        """Set a budget's limit; a higher one than before lifts it where it is exhausted.

        Args:
            key: of the budget.
            limit: the most that its calls may cost.
            request_id: of the caller.
            asked: canonical bytes of the request.
            generation: what was set with a higher one stays as it is; 0: none stays.

        Raises:
            InvalidField: the budget is in another currency.
        """
        uid = secrets.token_hex(8)

        async def body(session: Session) -> bytes:
            if generation and (later := await self._set_later(key, generation, session)):
                return message_of_budget(later).SerializeToString(deterministic=True)
            found = await self._set_one(key, uid, limit.nano_units, limit.currency, session, derived=False)
            if generation:
                await self._budgets.update_one({"_id": str(key)}, {"$set": {"generation": generation}}, session=session)
            if key.is_template:
                wanted = {"project": key.project, "scope": str(key.scope), "dimension": key.dimension, "derived": True}
                for document in await self._budgets.find(wanted, session=session).to_list(None):
                    await self._set_one(key_of(document), uid, limit.nano_units, limit.currency, session, derived=True)
            return message_of_budget(found).SerializeToString(deterministic=True)

        result = await self._change("SetBudget", key, request_id, asked, body)
        return pb.Budget.FromString(result)

    async def _set_later(self, key: BudgetKey, generation: int, session: Session) -> Document | None:
        """A budget that was set by a later request than this one, which comes late."""
        wanted = {"_id": str(key), "generation": {"$gt": generation}}
        found: Document | None = await self._budgets.find_one(wanted, session=session)
        return found

    async def _set_one(
        self, key: BudgetKey, uid: str, limit: int, currency: str, session: Session, *, derived: bool
    ) -> Document:
        found: Document | None = await self._budgets.find_one({"_id": str(key)}, session=session)
        if found is None:
            found = self._fresh(key, uid, limit, currency)
            await self._budgets.insert_one(found, session=session)
        else:
            check_currency(found["currency"], currency, key)
            changes: Document = {"limit": limit, "derived": derived}
            if limit > found["limit"]:
                changes |= {"state": str(BudgetState.OPEN), "exhausted_at": None, "refused": 0}
            found = await self._budgets.find_one_and_update(
                {"_id": str(key)},
                {"$set": changes, "$inc": {"changes": 1}},
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            assert found is not None  # noqa: S101 - read in this transaction
        await self._announce(found, session)
        return found

    async def remove(self, key: BudgetKey, request_id: str, asked: bytes) -> None:
        """Remove a budget; an insertion's falls back to that of the template, if there is one."""

        async def body(session: Session) -> bytes:
            found: Document | None = await self._budgets.find_one({"_id": str(key)}, session=session)
            if found is None:
                return b""
            template: Document | None = None
            if key.scope is BudgetScope.INSERTION and not key.is_template:
                template = await self._budgets.find_one({"_id": str(key.template)}, session=session)
            if template is not None and template["currency"] == found["currency"]:
                await self._set_one(key, found["uid"], template["limit"], template["currency"], session, derived=True)
                return b""
            await self._remove_one(found, session)
            if key.is_template:
                wanted = {"project": key.project, "scope": str(key.scope), "dimension": key.dimension, "derived": True}
                for document in await self._budgets.find(wanted, session=session).to_list(None):
                    await self._remove_one(document, session)
            return b""

        await self._change("RemoveBudget", key, request_id, asked, body)

    async def _remove_one(self, found: Document, session: Session) -> None:
        await self._budgets.delete_one({"_id": found["_id"]}, session=session)
        await self._announce(found | {"state": str(BudgetState.OPEN), "changes": found["changes"] + 1}, session)

    async def _change(self, method: str, key: BudgetKey, request_id: str, asked: bytes, body: Any) -> bytes:
        scoped = request_id and f"{method}/{key.project}/{request_id}"
        async with within_store_limit(self._store):
            result = await once(self._store, self._results, scoped, asked, body)
        self.forget(key.project)
        self._outbox.wake()
        for changed in self.on_change:
            changed(key.project)
        return result

    async def note_refusals(self, key: BudgetKey, uid: str, calls: int) -> None:
        """Record that calls were refused, and tell when the first was."""
        moment = now()

        async def body(session: Session) -> bool:
            wanted: Document = {"_id": str(key), "uid": uid}
            found: Document | None = await self._budgets.find_one_and_update(
                wanted | {"state": str(BudgetState.OPEN)},
                {
                    "$set": {"state": str(BudgetState.EXHAUSTED), "exhausted_at": moment, "refused": calls},
                    "$inc": {"changes": 1},
                },
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if found is None:
                await self._budgets.update_one(wanted, {"$inc": {"refused": calls}}, session=session)
                return False
            await self._announce(found, session)
            return True

        async with within_store_limit(self._store):
            is_news = await self._store.run_transaction(body)
        if is_news:
            self.forget(key.project)
            self._outbox.wake()

    async def _announce(self, budget: Document, session: Session) -> None:
        event = envelope(
            f"budget.changed/{budget['_id']}/{budget['uid']}/{budget['changes']}",
            budget["project"],
            budget["dimension"],
            sequence=budget["changes"],
            budget_changed=BudgetChanged(
                scope=budget["scope"], model=budget["model"], exhausted=budget["state"] == BudgetState.EXHAUSTED
            ),
        )
        subject = subjects.budget_changed(budget["project"], budget["dimension"])
        await self._outbox.add(session, subject, event, traceparent=telemetry.current_traceparent())

    async def list(self, request: pb.ListBudgetsRequest) -> pb.ListBudgetsResponse:
        """In the order of scope, dimension, model."""
        project = project_of_parent("parent", request.parent)
        wanted: Document = {"project": project}
        if request.dimension:
            wanted["dimension"] = dimension_slug(project, request.dimension)
        scope = ("budgets", project, request.dimension)
        size = paging.size_of(request.page_size)
        if after := paging.after_of(scope, request.page_token):
            wanted["_id"] = {"$gt": after}
        async with within_store_limit(self._store):
            found = await self._budgets.find(wanted).sort("_id", 1).limit(size + 1).to_list(size + 1)
        more = len(found) > size
        return pb.ListBudgetsResponse(
            budgets=[message_of_budget(document) for document in found[:size]],
            next_page_token=paging.token_of(scope, found[size - 1]["_id"]) if more else "",
        )


def key_of(document: Mapping[str, Any]) -> BudgetKey:
    """Of a budget as it was stored."""
    return BudgetKey(document["project"], BudgetScope(document["scope"]), document["dimension"], document["model"])
