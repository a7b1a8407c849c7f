"""The gateway's part of the client that is about money: budgets, and what has been spent of them."""

from abc import ABC
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from dearena import budgets
from dearena.client.channel import Service
from dearena.client.streams import LARGEST_PAGE, paged
from dearena.v1 import gateway_pb2

if TYPE_CHECKING:
    from dearena.v1.gateway_pb2_grpc import GatewayServiceAsyncStub

LEDGER_SECONDS: Final = 300
"""For sums over the record of calls: as long as the gateway gives its store for them."""


class BudgetCalls(ABC):
    """What `ArenaClient` asks the gateway about money."""

    _gateway: Service
    _models: "GatewayServiceAsyncStub"
    _seconds: float
    project: str

    def budgets(self, dimension: str = "") -> AsyncIterator[gateway_pb2.Budget]:
        """Budgets of the project, or of one dimension, in the order of their scope, then dimension, then model."""

        def page(token: str) -> Awaitable[gateway_pb2.ListBudgetsResponse]:
            request = gateway_pb2.ListBudgetsRequest(
                parent=f"projects/{self.project}", dimension=dimension, page_size=LARGEST_PAGE, page_token=token
            )
            return self._gateway.told(self._models.ListBudgets(request, timeout=self._seconds))

        return paged(page, lambda page: page.budgets)

    async def set_budget(self, budget: gateway_pb2.Budget, *, request_id: str = "") -> gateway_pb2.Budget:
        """Hold calls to a budget from now on, or change its limit; a higher one lifts a budget that is exhausted."""
        request = gateway_pb2.SetBudgetRequest(budget=self._of_project(budget), request_id=request_id or uuid4().hex)
        return (await self._gateway.told(self._models.SetBudget(request, timeout=self._seconds))).budget

    async def remove_budget(self, budget: gateway_pb2.Budget, *, request_id: str = "") -> None:
        """Hold nothing to a budget any more; only its scope, dimension and model matter."""
        request = gateway_pb2.RemoveBudgetRequest(budget=self._of_project(budget), request_id=request_id or uuid4().hex)
        await self._gateway.told(self._models.RemoveBudget(request, timeout=self._seconds))

    async def ledger_sums(
        self, dimension: str = "", *, wait_seconds: float = LEDGER_SECONDS
    ) -> list[gateway_pb2.LedgerSum]:
        """What calls of the project, or of one dimension, have cost: by dimension, model, purpose, and for whom.

        The gateway sums over its record of calls, which takes it about half a minute for each million of them.

        Raises:
            NotInTime: the sums were not there after `wait_seconds`.
        """
        request = gateway_pb2.SummarizeLedgerRequest(parent=f"projects/{self.project}", dimension=dimension)
        return list((await self._gateway.told(self._models.SummarizeLedger(request, timeout=wait_seconds))).sums)

    def _of_project(self, budget: gateway_pb2.Budget) -> gateway_pb2.Budget:
        """The budget under this project, unless it names one."""
        if budget.parent:
            return budget
        whole = gateway_pb2.Budget(parent=f"projects/{self.project}")
        whole.MergeFrom(budget)
        return whole


def called(budget: gateway_pb2.Budget) -> str:
    """What people call a budget."""
    scope = gateway_pb2.BudgetScope.Name(budget.scope).removeprefix("BUDGET_SCOPE_")
    return budgets.called(scope, budget.dimension, budget.model)
