"""What a pilot is asked of the other services. Their faults pass through as they are."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Final

from dearena.names import DimensionName, ModelName, Revision
from dearena.outcomes import Outcome
from dearena.v1 import common_pb2, gateway_pb2, judge_dispatcher_pb2, ranker_pb2
from services.query_selector.jobs import Job
from services.query_selector.pilot_votes import Asked, Heard
from services.query_selector.ranking_settings import Money
from services.runtime.peers import Peers
from services.runtime.store import Document

PAGE_SIZE: Final = 1_000
REGISTERED: Final = (gateway_pb2.MODEL_STATE_ACTIVE, gateway_pb2.MODEL_STATE_WAITING_FOR_BUS)
_OUTCOMES: Final = {common_pb2.Outcome.Value(f"OUTCOME_{outcome}"): str(outcome) for outcome in Outcome}

_FAILING: Final = (gateway_pb2.ENTRANT_STATE_FAILED, gateway_pb2.ENTRANT_STATE_COLLECTING)
"""With a reason; who is still being asked has none."""


class PilotPeers:
    """Asks; knows no rule."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def entering(self, dimension: Document) -> Sequence[str]:
        """Slugs of registered models that may enter a dimension, in the order of registration."""
        providers, only = dimension["allowed_providers"], dimension.get("only_models") or ()
        return [
            ModelName.parse(model.name).slug
            async for model in self._models(dimension["project"])
            if model.state in REGISTERED
            and (not providers or model.provider in providers)
            and (not only or ModelName.parse(model.name).slug in only)
        ]

    async def standings(self, pilot: DimensionName) -> tuple[Mapping[str, str], Collection[str]]:
        """Slugs of models whose answers to a pilot fail, and why; and of those that are ready.

        Who has some answers and is asked again for the others, for hours it may be, fails as one that has none.
        """
        found = await self._peers.gateway.ListEntrants(gateway_pb2.ListEntrantsRequest(dimension=str(pilot)))
        named = [(Revision.parse(one.model).slug, one) for one in found.entrants]
        failing = {slug: one.reason for slug, one in named if one.state in _FAILING and one.reason}
        ready = {slug for slug, one in named if one.state == gateway_pb2.ENTRANT_STATE_READY}
        # Of a model that was revised there may be both.
        return {slug: reason for slug, reason in failing.items() if slug not in ready}, ready

    async def _models(self, project: str) -> AsyncIterator[gateway_pb2.Model]:
        token = ""
        while True:
            page = await self._peers.gateway.ListModels(
                gateway_pb2.ListModelsRequest(parent=f"projects/{project}", page_size=PAGE_SIZE, page_token=token)
            )
            for model in page.models:
                yield model
            if not (token := page.next_page_token):
                return

    async def set_budget(self, pilot: DimensionName, limit: Money, request_id: str, generation: int) -> None:
        """Hold a pilot to a budget, unless one of a higher generation was set: who read the job earlier comes late."""
        budget = gateway_pb2.Budget(
            parent=f"projects/{pilot.project}",
            scope=gateway_pb2.BUDGET_SCOPE_DIMENSION,
            dimension=pilot.slug,
            limit=common_pb2.Money(currency=limit.currency, nano_units=limit.nano_units),
        )
        await self._peers.gateway.SetBudget(
            gateway_pb2.SetBudgetRequest(budget=budget, request_id=request_id, generation=generation)
        )

    async def exhausted(self, pilot: DimensionName) -> bool:
        """Whether the pilot's budget may pay no more calls, and none is in flight."""
        return any(
            budget.state == gateway_pb2.BUDGET_STATE_EXHAUSTED and not budget.reserved.nano_units
            for budget in await self._budgets_of(pilot)
        )

    async def is_calling(self, pilot: DimensionName) -> bool:
        """Whether calls that the pilot's budget pays are in flight: what they cost is not in the ledger yet."""
        return any(budget.reserved.nano_units for budget in await self._budgets_of(pilot))

    async def _budgets_of(self, pilot: DimensionName) -> Sequence[gateway_pb2.Budget]:
        request = gateway_pb2.ListBudgetsRequest(
            parent=f"projects/{pilot.project}", dimension=pilot.slug, page_size=PAGE_SIZE
        )
        found = (await self._peers.gateway.ListBudgets(request)).budgets
        return [budget for budget in found if budget.scope == gateway_pb2.BUDGET_SCOPE_DIMENSION]

    async def spent(self, pilot: DimensionName) -> Mapping[str, int]:
        """Nano-units by currency, of answers and judging together."""
        request = gateway_pb2.SummarizeLedgerRequest(parent=f"projects/{pilot.project}", dimension=pilot.slug)
        found: dict[str, int] = {}
        for one in (await self._peers.gateway.SummarizeLedger(request)).sums:
            if one.cost.nano_units:
                found[one.cost.currency] = found.get(one.cost.currency, 0) + one.cost.nano_units
        return found

    async def ranking(self, pilot: DimensionName) -> ranker_pb2.Ranking:
        """How the ranker stands with it."""
        return (await self._peers.ranker.GetRanking(ranker_pb2.GetRankingRequest(dimension=str(pilot)))).ranking

    async def order(self, job: Job, step: int, asked: Sequence[Asked]) -> int:
        """Have comparisons asked; the order's number, the same however often this is done."""
        request = ranker_pb2.OrderComparisonsRequest(
            dimension=str(job.pilot),
            request_id=job.request_id(f"order/{step}"),
            comparisons=[
                ranker_pb2.OrderedComparison(
                    model_a=one.model_a, model_b=one.model_b, query_id=one.query_id, votes=one.votes
                )
                for one in asked
            ],
        )
        return int((await self._peers.ranker.OrderComparisons(request)).order)

    async def heard(self, pilot: DimensionName) -> Sequence[Heard]:
        """What became of all cells so far, canaries aside; each once."""
        found: dict[str, Heard] = {}
        request = judge_dispatcher_pb2.ListVotesRequest(dimension=str(pilot), kinds=[common_pb2.CELL_KIND_VOTE])
        async for batch in self._peers.judge_dispatcher.ListVotes(request):
            models, queries = list(batch.models), list(batch.query_ids)
            for cell_id, number, a, b, judge, query, outcome, calls in zip(
                batch.cell_id,
                batch.round,
                batch.model_a,
                batch.model_b,
                batch.judge,
                batch.query,
                batch.outcome,
                batch.judge_calls,
                strict=True,
            ):
                said = _OUTCOMES.get(outcome)
                if said is not None and said != Outcome.FAILED:
                    found[cell_id] = Heard(number, models[a], models[b], models[judge], queries[query], said, calls)
        return list(found.values())
