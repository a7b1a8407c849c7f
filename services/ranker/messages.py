"""From what the ranker keeps to the messages of its contract."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from dearena.names import DimensionName
from dearena.ranking.agenda import waiting_reason as as_waiting
from dearena.ranking.decisions import Decision
from dearena.ranking.explain import ExplainedPair, Explanation, readable
from dearena.ranking.findings import Progress
from dearena.ranking.insertion import Coarse, Fine, Settled
from dearena.ranking.ranking import InsertionPhase, Seeding, Withdrawn
from dearena.v1 import common_pb2
from dearena.v1 import ranker_pb2 as pb
from services.ranker.records import Costs, InsertionRecord, RankingRecord, RoundRecord, share_of

_PHASES: Final[Mapping[type[InsertionPhase], pb.InsertionPhase.ValueType]] = {
    Seeding: pb.INSERTION_PHASE_SEEDING,
    Coarse: pb.INSERTION_PHASE_COARSE,
    Fine: pb.INSERTION_PHASE_FINE,
    Withdrawn: pb.INSERTION_PHASE_WITHDRAWN,
}


def ranking_message(record: RankingRecord) -> pb.Ranking:
    """A dimension's ranking as it stands."""
    return pb.Ranking(
        dimension=str(record.name),
        dimension_version=record.dimension_version,
        models=record.models,
        newcomer=record.newcomers[0] if record.newcomers else "",
        newcomers=record.newcomers,
        held_newcomers=record.held,
        open_round=record.open_round,
        last_closed_round=record.last_closed_round,
        waiting=record.waiting,
        waiting_reason=record.waiting_reason,
        version=record.version,
        refinement_calls_left=record.refinement_calls_left,
        suspended_judges=record.suspended_judges,
        comparisons_done=record.comparisons_done,
        first_round=record.first_round,
    )


def insertion_message(
    name: DimensionName,
    record: InsertionRecord,
    *,
    open_round: tuple[int, Progress] | None = None,
    served: tuple[str, ...] = (),
    waiting_reason: str = "",
) -> pb.Insertion:
    """An insertion.

    Args:
        name: of the dimension.
        record: as kept, or as it was at a decision.
        open_round: cells of the round that serves it now, and how far they are.
        served: models that this round serves; until it is closed each shows an even share of calls and cost.
        waiting_reason: of the dimension; shown while the insertion is not over, and does not wait for a reason of its
            own.
    """
    insertion = record.insertion
    if insertion.hold:
        waiting_reason = as_waiting(insertion.hold.reason)
    message = pb.Insertion(
        dimension=str(name),
        dimension_version=record.dimension_version,
        model=insertion.model,
        phase=_phase(insertion.phase, insertion.rank),
        slides=insertion.phase.slides if isinstance(insertion.phase, Fine | Settled) else 0,
        rounds=insertion.rounds,
        judge_calls=record.judge_calls,
        rank=insertion.rank,
        waiting_reason="" if insertion.is_over else waiting_reason,
        admit_time=timestamp(record.admitted_at),
        traceparent=record.traceparent,
        provisional=insertion.provisional,
    )
    if insertion.interval is not None:
        message.rank_low, message.rank_high = insertion.interval
    match insertion.phase:
        case Coarse(low, high):
            message.low, message.high = low, high
        case Fine(place=place) | Settled(place=place):
            message.low = message.high = place
    costs = dict(record.costs)
    if open_round is not None:
        cells, progress = open_round
        message.cells_total, message.cells_done = cells, min(progress.outcomes, cells)
        message.judge_calls += share_of(progress.judge_calls, served, insertion.model)
        if progress.cost_nano_units:
            part = share_of(progress.cost_nano_units, served, insertion.model)
            costs[progress.currency] = costs.get(progress.currency, 0) + part
    if costs:
        message.cost.CopyFrom(money(costs))
    if record.settled_at is not None and insertion.rank:
        message.settle_time.CopyFrom(timestamp(record.settled_at))
    return message


def _phase(phase: InsertionPhase, rank: int) -> pb.InsertionPhase.ValueType:
    # Who has found its place has settled only with the board on which it stands.
    if isinstance(phase, Settled):
        return pb.INSERTION_PHASE_SETTLED if rank else pb.INSERTION_PHASE_FINE
    return _PHASES[type(phase)]


def round_message(record: RoundRecord) -> pb.Round:
    """A round."""
    return pb.Round(
        dimension=str(record.name),
        dimension_version=record.dimension_version,
        round=record.number,
        state=pb.ROUND_STATE_CLOSED if record.closed else pb.ROUND_STATE_OPEN,
        cells=record.cells,
        settles=record.settles,
        canaries=record.canaries,
        order=record.order,
        first_round=record.first_round,
        entrants=[pb.RoundEntrant(**entrant._asdict()) for entrant in record.entrants],
        weighting=record.weighting,
        closed_by_decision=record.closed_by_decision,
        traceparent=record.traceparent,
    )


def decision_message(decision: Decision, time: datetime) -> pb.Decision:
    """An entry of the log."""
    content = Struct()
    content.update(dict(decision.content))
    return pb.Decision(
        number=decision.number,
        kind=pb.DecisionKind.Value(f"DECISION_KIND_{decision.kind}"),
        model=decision.model,
        round=decision.round,
        content=content,
        time=timestamp(time),
    )


def explanation_message(
    explanation: Explanation, insertion: pb.Insertion, times: Mapping[int, datetime]
) -> pb.ExplainInsertionResponse:
    """A model's whole way; times are of decisions by number."""
    return pb.ExplainInsertionResponse(
        insertion=insertion,
        steps=[
            pb.ExplainedStep(
                decision=step.decision,
                kind=pb.DecisionKind.Value(f"DECISION_KIND_{step.kind}"),
                round=step.round,
                text=step.text,
                pairs=[_pair(pair) for pair in step.pairs],
                time=timestamp(times[step.decision]),
            )
            for step in explanation.steps
        ],
        text=readable(explanation),
    )


def _pair(pair: ExplainedPair) -> pb.ExplainedPair:
    return pb.ExplainedPair(
        opponent=pair.opponent,
        weight_for=pair.weight_for,
        weight_against=pair.weight_against,
        votes_for=pair.votes_for,
        votes_against=pair.votes_against,
        others=pair.others,
        decided=pair.decided,
        error=pair.error,
        queries=pair.queries,
    )


def money(costs: Costs) -> common_pb2.Money:
    """An amount has one currency: of several, the largest sum is told; the comparisons have them all."""
    currency = max(costs, key=lambda one: (costs[one], one), default="")
    return common_pb2.Money(currency=currency, nano_units=costs.get(currency, 0))


def timestamp(moment: datetime) -> Timestamp:
    """A time on the wire."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
