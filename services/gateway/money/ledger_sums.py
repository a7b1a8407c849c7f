"""The ledger, summed up: who was called, for what and for whom, and at what cost."""

from typing import Any, Final

from dearena.v1 import common_pb2
from dearena.v1 import gateway_pb2 as pb
from services.gateway.calls import CompletionState
from services.gateway.store import COMPLETIONS, SUM_SECONDS
from services.runtime.request_names import dimension_slug, project_of_parent
from services.runtime.store import Document, Store, within_store_limit

_BY: Final = ("dimension", "model", "purpose", "on_behalf_of")


def _tokens(name: str, billed: str) -> Document:
    """Of the reply, or of one that was no use and is billed all the same."""
    return {"$sum": {"$ifNull": [f"$reply.{name}", f"$failure.usage.{billed}", 0]}}


def _count(condition: Document) -> Document:
    return {"$sum": {"$cond": [condition, 1, 0]}}


_SUMS: Final[Document] = {
    "_id": {
        "dimension": "$dimension",
        "model": "$model",
        "purpose": "$purpose",
        "on_behalf_of": {"$ifNull": ["$on_behalf_of", []]},
        # Only where a price was said in another currency since.
        "currency": {"$ifNull": ["$cost.currency", ""]},
    },
    "calls": {"$sum": 1},
    "failed": _count({"$eq": ["$state", str(CompletionState.FAILED)]}),
    "interrupted": _count({"$gt": ["$interruptions", 0]}),
    "input_tokens": _tokens("input_tokens", "input_tokens"),
    "output_tokens": _tokens("output_tokens", "output_tokens"),
    "reasoning_tokens": _tokens("reasoning_tokens", "reasoning_tokens"),
    "estimated": {"$max": {"$ifNull": ["$reply.usage_estimated", "$failure.usage.estimated", False]}},
    "cost": {"$sum": {"$ifNull": ["$cost.nano_units", 0]}},
}


class LedgerSums:
    """Reads only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._completions = store.collection(COMPLETIONS)

    async def of(self, request: pb.SummarizeLedgerRequest) -> pb.SummarizeLedgerResponse:
        """In the order of dimension, model, purpose, for whom; of several currencies, one sum each."""
        project = project_of_parent("parent", request.parent)
        wanted: Document = {"project": project}
        if request.dimension:
            wanted["dimension"] = dimension_slug(project, request.dimension)
        stages: list[Any] = [{"$match": wanted}, {"$group": _SUMS}]
        async with within_store_limit(self._store, SUM_SECONDS):
            found = [one async for one in self._completions.aggregate(stages)]
        # Calls without a cost stand with those that have one: failures cost nothing, in whatever currency.
        merged: dict[tuple[Any, ...], list[Document]] = {}
        for one in found:
            key = tuple(tuple(part) if isinstance(part := one["_id"][name], list) else part for name in _BY)
            merged.setdefault(key, []).append(one)
        return pb.SummarizeLedgerResponse(
            sums=[_message(each) for key in sorted(merged) for each in _by_currency(merged[key])]
        )


def _by_currency(sums: list[Document]) -> list[list[Document]]:
    """Those without a currency go with the first that has one."""
    ordered = sorted(sums, key=lambda one: str(one["_id"]["currency"]))
    if len(ordered) > 1 and not ordered[0]["_id"]["currency"]:
        return [ordered[1::-1], *([one] for one in ordered[2:])]
    return [[one] for one in ordered]


def _message(sums: list[Document]) -> pb.LedgerSum:
    by = sums[0]["_id"]

    def total(name: str) -> int:
        return sum(int(one[name]) for one in sums)

    return pb.LedgerSum(
        dimension=by["dimension"],
        model=by["model"],
        purpose=pb.Purpose.Value(f"PURPOSE_{by['purpose']}"),
        on_behalf_of=by["on_behalf_of"],
        calls=total("calls"),
        failed=total("failed"),
        interrupted=total("interrupted"),
        usage=common_pb2.TokenUsage(
            input_tokens=total("input_tokens"),
            output_tokens=total("output_tokens"),
            reasoning_tokens=total("reasoning_tokens"),
            estimated=any(one["estimated"] for one in sums),
        ),
        cost=common_pb2.Money(currency=by["currency"], nano_units=total("cost")) if by["currency"] else None,
    )
