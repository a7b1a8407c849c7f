"""What operators order of a dimension and ask of its judges. An order is kept, and carried out between rounds."""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from dearena.faults import InvalidField, NotReady, UnknownModel
from dearena.names import DimensionName
from dearena.ranking.decisions import GATEWAY, Decision, DecisionKind
from dearena.ranking.health import JudgeRecord
from dearena.ranking.orders import Order
from dearena.ranking.pairs import in_order
from dearena.ranking.ranking import EMPTY, RankingState, apply
from dearena.v1 import ranker_pb2 as pb
from services.ranker.ordered import comparisons_of
from services.ranker.records import RankingRecord
from services.ranker.store import RankerStore
from services.runtime.request_names import scoped_request_id

LONGEST_REASON: Final = 1_000
LEAST_CALLS: Final = 2
"""Of a refinement: one cell in both seat orders."""
MOST_CALLS: Final = 10_000_000
"""More is a slip of the finger."""

Ordering = pb.OrderComparisonsRequest | pb.RefineRankingRequest | pb.SuspendJudgeRequest | pb.ReinstateJudgeRequest


@dataclass(slots=True)
class _Folded:
    """A log as far as it has been read, and why judges were last suspended."""

    state: RankingState = EMPTY
    reasons: dict[str, str] = field(default_factory=dict)

    def add(self, decision: Decision) -> None:
        self.state = apply(self.state, decision)
        if decision.kind is DecisionKind.JUDGE_SUSPENDED and decision.content.get("by", GATEWAY) != GATEWAY:
            self.reasons[decision.model] = decision.content["reason"]


class Operators:
    """Takes orders, and tells of judges."""

    def __init__(self, store: RankerStore) -> None:
        self._store = store
        self._folded: dict[DimensionName, _Folded] = {}

    async def refine(self, name: DimensionName, request: pb.RefineRankingRequest) -> int:
        """Have more calls spent on the whole board; the order's number.

        Raises:
            InvalidField: fewer calls than one cell takes, or more than anybody means.
            NotReady: fewer than two models are ranked.
        """
        if not LEAST_CALLS <= request.calls <= MOST_CALLS:
            raise InvalidField.of("calls", f"is {request.calls:,}; must be {LEAST_CALLS} to {MOST_CALLS:,}")
        if len((await self._read(name)).state.ranking) < LEAST_CALLS:
            raise NotReady(f"{name} has no ranking yet that could be refined")
        return await self._order(name, Order(0, DecisionKind.REFINEMENT_ORDERED, calls=request.calls), request)

    async def compare(
        self, ranking: RankingRecord, request: pb.OrderComparisonsRequest, queries: Collection[str]
    ) -> int:
        """Have exactly these comparisons asked by the next round; the order's number.

        Args:
            ranking: of the dimension.
            request: what is ordered.
            queries: ids of those of the version that is ranked.

        Raises:
            InvalidField: a comparison is wrong in itself, or is there twice, or there are too many or none.
            UnknownModel: one was never admitted.
            NotReady: one is not ranked yet.
            Conflict: another version of the dimension is ranked by now.
        """
        name, version = ranking.name, ranking.dimension_version
        state = (await self._read(name)).state
        ordered = Order(0, DecisionKind.COMPARISONS_ORDERED, comparisons=comparisons_of(request, state, queries))
        return await self._order(name, ordered, request, version=version)

    async def suspend(self, name: DimensionName, request: pb.SuspendJudgeRequest) -> int:
        """Have a judge asked nothing more, and its votes count nothing; the order's number. Raises UnknownModel."""
        return await self._order_judge(name, DecisionKind.JUDGE_SUSPENDED, request)

    async def reinstate(self, name: DimensionName, request: pb.ReinstateJudgeRequest) -> int:
        """Have a judge asked again, with a new record; the order's number.

        Raises:
            UnknownModel: it has not been admitted.
            NotReady: it is not suspended, nor about to be by an order.
        """
        return await self._order_judge(name, DecisionKind.JUDGE_REINSTATED, request)

    async def judges(self, name: DimensionName) -> list[pb.JudgeHealth]:
        """Whoever judges or is suspended, in canonical order."""
        folded = await self._read(name)
        admitted = folded.state.admitted
        judges = [one for one in in_order(admitted) if admitted[one].suspended or admitted[one].judges]
        return [_health(judge, folded) for judge in judges]

    async def _order_judge(
        self, name: DimensionName, kind: DecisionKind, request: pb.SuspendJudgeRequest | pb.ReinstateJudgeRequest
    ) -> int:
        if not request.reason.strip():
            raise InvalidField.of("reason", "must say why")
        if len(request.reason) > LONGEST_REASON:
            raise InvalidField.of("reason", f"must have at most {LONGEST_REASON:,} characters")
        state = (await self._read(name)).state
        if request.judge not in state.admitted and request.judge not in state.suspended:
            raise UnknownModel(f"{request.judge} has not been admitted to {name}")
        return await self._order(name, Order(0, kind, request.judge, request.reason), request)

    async def _check(self, name: DimensionName, order: Order) -> None:
        """Whoever is to be reinstated is suspended once all orders so far are carried out."""
        if order.kind != DecisionKind.JUDGE_REINSTATED:
            return
        state = (await self._read(name)).state
        waiting = [one for one in await self._store.orders(name, after=state.orders) if one.judge == order.judge]
        last = waiting[-1].kind if waiting else None
        if last == DecisionKind.JUDGE_REINSTATED or (last is None and order.judge not in state.suspended):
            raise NotReady(f"{order.judge} is not suspended in {name}")

    async def _order(self, name: DimensionName, order: Order, request: Ordering, *, version: int = 0) -> int:
        scoped = scoped_request_id(name.project, request.DESCRIPTOR.name, request.request_id)
        body = request.SerializeToString(deterministic=True)
        check = partial(self._check, name, order)
        return await self._store.order(name, order, scoped, body, check, version=version)

    async def _read(self, name: DimensionName) -> _Folded:
        """The log as it stands. It only grows; whoever reads at the same time adds an entry once."""
        folded = self._folded.setdefault(name, _Folded())
        record = await self._store.ranking(name)
        if record is not None and record.decisions > folded.state.decisions:
            after = folded.state.decisions
            for decision, _ in await self._store.decisions(name, after=after, through=record.decisions):
                if decision.number == folded.state.decisions + 1:
                    folded.add(decision)
        return folded


def _health(judge: str, folded: _Folded) -> pb.JudgeHealth:
    suspended = folded.state.admitted[judge].suspended
    record = folded.state.health.get(judge, JudgeRecord())
    return pb.JudgeHealth(
        judge=judge,
        suspended=suspended,
        reason=folded.reasons.get(judge, "") if suspended else "",
        cells=record.cells,
        unreadable=record.unreadable,
        failed=record.failed,
        first_seat=record.first_seat,
        second_seat=record.second_seat,
        canaries_passed=record.canaries_passed,
        canaries_open=record.canaries_open,
        canaries_failed=record.canaries_failed,
        agreed=record.agreed,
        disagreed=record.disagreed,
    )
