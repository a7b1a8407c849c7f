"""Rounds that wait for money: which budgets refused calls of theirs, and are exhausted still."""

from collections.abc import Mapping, Sequence

import structlog

from dearena import budgets
from dearena.names import DimensionName
from dearena.v1 import gateway_pb2 as gateway
from services.runtime.peers import Peers
from services.runtime.rpc import fault_in
from services.runtime.store import DuplicateKey, Index, Store, now, within_store_limit

log = structlog.get_logger(__name__)

SCHEMA_VERSION = 1
PAGE_SIZE = 1_000

INDEXES: Mapping[str, Sequence[Index]] = {"starved_rounds": [Index(("project", "dimension", "budget"), unique=True)]}


class StarvedRounds:
    """`starved_rounds`: of each dimension and budget, the newest round of which a call was refused for it."""

    def __init__(self, store: Store, peers: Peers, created_by: str) -> None:
        self._store = store
        self._rounds = store.collection("starved_rounds")
        self._peers = peers
        self._created_by = created_by

    async def note(self, dimension: DimensionName, round_number: int, budget: str) -> None:
        """A cell of this round was refused for this budget, and is let go."""
        key = {"project": dimension.project, "dimension": dimension.slug, "budget": budget}
        made = {"schema_version": SCHEMA_VERSION, "created_at": now(), "created_by": self._created_by}
        # A dimension has one open round: the newest is the one that waits.
        change = {"$max": {"round": round_number}, "$setOnInsert": made}
        try:
            await self._rounds.update_one(key, change, upsert=True)
        except DuplicateKey:  # two first ones met
            await self._rounds.update_one(key, change, upsert=True)

    async def waiting_for(self, dimension: DimensionName, round_number: int) -> list[str]:
        """Budgets that keep cells of this round waiting, in the order of their names.

        What the gateway does not hold exhausted any more is forgotten here: whoever saw it among these before sees
        that it was lifted, and asks again. While the gateway cannot be asked, they stand as they were noted.
        """
        key = {"project": dimension.project, "dimension": dimension.slug, "round": round_number}
        async with within_store_limit(self._store):
            noted = [one["budget"] async for one in self._rounds.find(key, {"budget": 1}).sort("budget", 1)]
        if not noted:
            return []
        try:
            exhausted = await self._exhausted(dimension.project)
        except Exception as error:
            if (fault := fault_in(error)) is None:
                raise
            log.info("budgets stand as they were noted", dimension=str(dimension), error=str(fault))
            return noted
        if lifted := [budget for budget in noted if budget not in exhausted]:
            async with within_store_limit(self._store):
                await self._rounds.delete_many({**key, "budget": {"$in": lifted}})
        return [budget for budget in noted if budget in exhausted]

    async def _exhausted(self, project: str) -> set[str]:
        """Names of all budgets of the project that are exhausted now."""
        found: set[str] = set()
        token = ""
        while True:
            request = gateway.ListBudgetsRequest(parent=f"projects/{project}", page_size=PAGE_SIZE, page_token=token)
            page = await self._peers.gateway.ListBudgets(request)
            found |= {_name(one) for one in page.budgets if one.state == gateway.BUDGET_STATE_EXHAUSTED}
            if not (token := page.next_page_token):
                return found


def _name(budget: gateway.Budget) -> str:
    scope = gateway.BudgetScope.Name(budget.scope).removeprefix("BUDGET_SCOPE_")
    return budgets.called(scope, budget.dimension, budget.model)
