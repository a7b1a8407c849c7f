"""Rounds that wait for money: which budgets refused calls of theirs, and would still.

A budget refuses what it is too small for until it is raised, and what does not fit it until that is mended.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import structlog

from dearena import budgets
from dearena.faults import BudgetExhausted, BudgetMisfit
from dearena.names import DimensionName
from dearena.v1 import gateway_pb2 as gateway
from services.runtime.peers import Peers
from services.runtime.rpc import fault_in
from services.runtime.store import DuplicateKey, Index, Store, now, within_store_limit

log = structlog.get_logger(__name__)

SCHEMA_VERSION = 1
PAGE_SIZE = 1_000

INDEXES: Mapping[str, Sequence[Index]] = {
    "starved_rounds": [Index(("project", "dimension", "budget"), unique=True)],
    "misfit_rounds": [Index(("project", "dimension", "budget", "judge", "problem"), unique=True)],
}


class Misfit(NamedTuple):
    """A budget, the judge whose calls do not fit it, and what does not."""

    budget: str
    judge: str
    problem: str


class Wants(NamedTuple):
    """What keeps cells of a round waiting, in the order of names."""

    exhausted: Sequence[str] = ()
    """Budgets."""
    misfits: Sequence[Misfit] = ()


class StarvedRounds:
    """`starved_rounds`: of each dimension and budget, the newest round of which a call was refused for it.

    `misfit_rounds`: likewise of each judge's calls that do not fit a budget, and of why.
    """

    def __init__(self, store: Store, peers: Peers, created_by: str) -> None:
        self._store = store
        self._rounds = store.collection("starved_rounds")
        self._misfits = store.collection("misfit_rounds")
        self._peers = peers
        self._created_by = created_by

    async def note(
        self, dimension: DimensionName, round_number: int, judge: str, fault: BudgetExhausted | BudgetMisfit
    ) -> None:
        """A cell of this round was refused by a budget, and is let go."""
        rounds = self._rounds
        key = {"project": dimension.project, "dimension": dimension.slug, "budget": fault.budget}
        if isinstance(fault, BudgetMisfit):
            rounds = self._misfits
            key |= {"judge": judge, "problem": fault.problem}
        made = {"schema_version": SCHEMA_VERSION, "created_at": now(), "created_by": self._created_by}
        # A dimension has one open round: the newest is the one that waits.
        change = {"$max": {"round": round_number}, "$setOnInsert": made}
        try:
            await rounds.update_one(key, change, upsert=True)
        except DuplicateKey:  # two first ones met
            await rounds.update_one(key, change, upsert=True)

    async def waiting_for(self, dimension: DimensionName, round_number: int) -> Wants:
        """What keeps cells of this round waiting.

        What the gateway does not hold exhausted or unfit any more is forgotten here: whoever saw it among these before
        sees that it was mended, and asks again. While the gateway cannot be asked, they stand as they were noted.
        """
        key = {"project": dimension.project, "dimension": dimension.slug, "round": round_number}
        async with within_store_limit(self._store):
            starved = [one["budget"] async for one in self._rounds.find(key, {"budget": 1}).sort("budget", 1)]
            fields = dict.fromkeys(Misfit._fields, 1)
            found = self._misfits.find(key, fields).sort([(field, 1) for field in fields])
            misfits = [Misfit(*(one[field] for field in fields)) async for one in found]
        if not starved and not misfits:
            return Wants()
        try:
            exhausted, unfit = await self._refusing(dimension.project)
        except Exception as error:
            if (fault := fault_in(error)) is None:
                raise
            log.info("budgets stand as they were noted", dimension=str(dimension), error=str(fault))
            return Wants(starved, misfits)
        async with within_store_limit(self._store):
            if lifted := [budget for budget in starved if budget not in exhausted]:
                await self._rounds.delete_many({**key, "budget": {"$in": lifted}})
            for mended in (one for one in misfits if (one.budget, one.problem) not in unfit):
                await self._misfits.delete_many(key | mended._asdict())
        return Wants(
            [budget for budget in starved if budget in exhausted],
            [one for one in misfits if (one.budget, one.problem) in unfit],
        )

    async def _refusing(self, project: str) -> tuple[set[str], set[tuple[str, str]]]:
        """Names of the budgets of the project that are exhausted now, and what does not fit which of them."""
        exhausted: set[str] = set()
        unfit: set[tuple[str, str]] = set()
        token = ""
        while True:
            request = gateway.ListBudgetsRequest(parent=f"projects/{project}", page_size=PAGE_SIZE, page_token=token)
            page = await self._peers.gateway.ListBudgets(request)
            exhausted |= {_name(one) for one in page.budgets if one.state == gateway.BUDGET_STATE_EXHAUSTED}
            unfit |= {(_name(one), problem) for one in page.budgets for problem in one.misfits}
            if not (token := page.next_page_token):
                return exhausted, unfit


def _name(budget: gateway.Budget) -> str:
    scope = gateway.BudgetScope.Name(budget.scope).removeprefix("BUDGET_SCOPE_")
    return budgets.called(scope, budget.dimension, budget.model)
