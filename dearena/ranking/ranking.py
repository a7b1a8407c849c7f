"""A dimension's ranking as the fold of its decision log: the log alone rebuilds it. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from dearena.ranking.decisions import GATEWAY, SEED, Decision, DecisionKind, phase_of
from dearena.ranking.entrants import Admitted
from dearena.ranking.frozen import frozen_in
from dearena.ranking.health import JudgeRecord
from dearena.ranking.holds import Hold, hold_in
from dearena.ranking.insertion import Coarse, Fine, Settled, moved, without
from dearena.ranking.judge_records import added, record_in
from dearena.ranking.orders import comparisons_in
from dearena.ranking.pairs import in_order
from dearena.ranking.settle import put_in
from dearena.ranking.state import (
    EMPTY,
    Insertion,
    InsertionPhase,
    OpenRound,
    OrderedComparisons,
    RankingState,
    Refinement,
    Seeding,
    Withdrawn,
)

__all__ = [
    "EMPTY",
    "GapInLog",
    "Insertion",
    "InsertionPhase",
    "OpenRound",
    "OrderedComparisons",
    "RankingState",
    "Refinement",
    "Seeding",
    "Withdrawn",
    "apply",
    "entrants_of",
    "replay",
]


class GapInLog(ValueError):
    """A decision does not follow the one before it."""


def replay(decisions: Iterable[Decision], state: RankingState = EMPTY) -> RankingState:
    """Fold decisions into the state before them.

    Raises:
        GapInLog: their numbers do not follow one another.
    """
    for decision in decisions:
        state = apply(state, decision)
    return state


def apply(state: RankingState, decision: Decision) -> RankingState:
    """The state after one more decision; raises GapInLog when it is not the next one."""
    if decision.number != state.decisions + 1:
        raise GapInLog(f"decision {decision.number} does not follow decision {state.decisions}")
    return replace(_APPLIED[decision.kind](state, decision), decisions=decision.number)


def _admitted(state: RankingState, decision: Decision) -> RankingState:
    content = decision.content
    model = Admitted(
        model=decision.model,
        provider=content["provider"],
        family=content["family"],
        judge_parameters_hash=content["judge_parameters_hash"],
        may_judge=content["may_judge"],
        cohort=content["cohort"],
        # Whoever was suspended in an earlier version of the dimension is so in this one.
        suspended=decision.model in state.barred,
    )
    is_seed = content["role"] == SEED
    phase: InsertionPhase = Seeding() if is_seed else Coarse(0, len(state.ranking))
    insertion = Insertion(decision.model, decision.number, phase)
    return replace(
        state,
        admitted={**state.admitted, decision.model: model},
        insertions={**state.insertions, decision.model: insertion},
        barred=state.barred - {decision.model},
    )


def _round_opened(state: RankingState, decision: Decision) -> RankingState:
    content = decision.content
    models = tuple(content["models"])
    opened = OpenRound(
        decision.round,
        models,
        frozen_in(content),
        content["cells"],
        content["cells_digest"],
        bool(content.get("refines")),
        content.get("order", 0),
    )
    served = {
        model: replace(state.insertions[model], rounds=(*state.insertions[model].rounds, decision.round))
        for model in models
    }
    return replace(state, open_round=opened, insertions={**state.insertions, **served})


def _round_closed(state: RankingState, decision: Decision) -> RankingState:
    content = decision.content
    health = dict(state.health)
    for judge, record in content.get("judges", {}).items():
        health[judge] = added(health.get(judge, JudgeRecord()), record_in(record))
    refinement = state.refinement
    if refinement is not None and state.open_round is not None and state.open_round.refines:
        # A round that could ask nothing is the last: whatever is left of the order cannot be spent.
        calls = content["calls"] if state.open_round.cells else refinement.calls_left
        left = refinement.calls_left - calls
        refinement = replace(refinement, calls_left=left) if left > 0 else None
    opened = state.open_round
    return replace(
        state,
        open_round=None,
        last_closed_round=decision.round,
        settling=bool(content["settles"]),
        health=health,
        refinement=refinement,
        ordered=tuple(one for one in state.ordered if opened is None or one.order != opened.order),
        after_order=opened is not None and bool(opened.order),
    )


def _stepped(state: RankingState, decision: Decision) -> RankingState:
    content = decision.content
    if not decision.model:
        # Seeds are of no phase but seeding until the board has them in order.
        seeds = {
            model: replace(state.insertions[model], provisional=bool(content.get("provisional")))
            for model in content["models"]
        }
        return replace(state, resting=tuple(content["models"]), insertions={**state.insertions, **seeds})
    phase = phase_of(content["after"])
    standing = content.get("standing")
    known = state.insertions[decision.model]
    insertion = replace(
        known,
        phase=phase,
        interval=(standing["low"] + 1, standing["high"] + 1) if standing else None,
        strength=standing["strength"] if standing else 0,
        error=standing["error"] if standing else 0,
        provisional=known.provisional or bool(content.get("provisional")),
    )
    resting = state.resting
    if isinstance(phase, Settled):
        # In whatever order those who rest at once are put in, the board sorts them.
        resting = put_in(state.resting or state.ranking, decision.model, phase.place)
    return replace(state, resting=resting, insertions={**state.insertions, decision.model: insertion})


def _settled(state: RankingState, decision: Decision) -> RankingState:
    ranking = tuple(decision.content["ranking"])
    served = {}
    for model in decision.content["models"]:
        insertion, place = state.insertions[model], ranking.index(model)
        phase = Settled(place, 0) if isinstance(insertion.phase, Seeding) else insertion.phase
        told = decision.content.get("sure", {}).get(model)
        interval = (told[0], told[1]) if told else insertion.interval
        served[model] = replace(insertion, phase=phase, rank=place + 1, settled_by=decision.round, interval=interval)
    # Who is still being inserted keeps its place between the same models, wherever these are now.
    for model in state.searching:
        position = state.insertions[model].phase
        if isinstance(position, Coarse | Fine):
            served[model] = replace(state.insertions[model], phase=moved(position, state.ranking, ranking))
    return replace(
        state,
        ranking=ranking,
        settling=False,
        resting=(),
        outdated=False,
        insertions={**state.insertions, **served},
    )


def _model_retired(state: RankingState, decision: Decision) -> RankingState:
    model = decision.model
    gone = replace(state.admitted[model], retired=True)
    state = replace(state, admitted={**state.admitted, model: gone}, outdated=state.outdated or state.has_board)
    if not state.insertions[model].is_over:
        return replace(state, insertions=_moved(state, {model: Withdrawn()}))
    if model not in state.ranking:
        return state
    place = state.ranking.index(model)
    shifted: dict[str, InsertionPhase] = {
        newcomer: without(phase, place)
        for newcomer in state.searching
        if isinstance(phase := state.insertions[newcomer].phase, Coarse | Fine)
    }
    ranking = tuple(ranked for ranked in state.ranking if ranked != model)
    return replace(state, insertions=_moved(state, shifted), ranking=ranking)


def _judging(state: RankingState, decision: Decision, *, judges: bool) -> RankingState:
    """A judge is asked no more, or again: by the gateway's word, or by a rule or an operator."""
    orders = max(state.orders, decision.content.get("order", 0))
    known = state.admitted.get(decision.model)
    if known is None:
        # An order about nobody, or about one whom this version of the dimension does not have yet.
        barred = state.barred - {decision.model} if judges else state.barred
        return replace(state, orders=orders, barred=barred)
    if decision.content.get("by", GATEWAY) == GATEWAY:
        judge = replace(known, may_judge=judges)
        return replace(state, admitted={**state.admitted, decision.model: judge})
    # Votes of a suspended judge count nothing, so that the board people see is outdated; its record begins anew.
    health = {judge: record for judge, record in state.health.items() if not judges or judge != decision.model}
    return replace(
        state,
        admitted={**state.admitted, decision.model: replace(known, suspended=not judges)},
        outdated=state.outdated or (known.suspended == judges and state.has_board),
        health=health,
        orders=orders,
    )


def _provenance_changed(state: RankingState, decision: Decision) -> RankingState:
    """Votes that were asked before stay: they were asked by what was believed then."""
    known, content = state.admitted[decision.model], decision.content
    model = replace(known, provider=content["provider"], family=content["family"])
    return replace(state, admitted={**state.admitted, decision.model: model})


def _insertion_held(state: RankingState, decision: Decision) -> RankingState:
    return _holding(state, decision.model, hold_in(decision.content))


def _insertion_resumed(state: RankingState, decision: Decision) -> RankingState:
    return _holding(state, decision.model, None)


def _holding(state: RankingState, model: str, hold: Hold | None) -> RankingState:
    return replace(state, insertions={**state.insertions, model: replace(state.insertions[model], hold=hold)})


def _refinement_ordered(state: RankingState, decision: Decision) -> RankingState:
    calls = decision.content["calls"]
    left = state.refinement.calls_left if state.refinement else 0
    return replace(state, refinement=Refinement(calls + left, calls + left), orders=decision.content["order"])


def _comparisons_ordered(state: RankingState, decision: Decision) -> RankingState:
    order = decision.content["order"]
    ordered = OrderedComparisons(order, comparisons_in(decision.content))
    return replace(state, ordered=(*state.ordered, ordered), orders=order)


def _dimension_revised(state: RankingState, decision: Decision) -> RankingState:
    """As if nothing had been decided yet, but for what counts on; what was ordered and is not done is dropped.

    A suspension is about the judge, not about the queries that it was asked on: it stays.
    """
    content = decision.content
    return RankingState(
        last_closed_round=state.last_closed_round,
        orders=state.orders,
        version=content["version"],
        first_round=content["first_round"],
        barred=state.suspended,
    )


def _moved(state: RankingState, phases: Mapping[str, InsertionPhase]) -> dict[str, Insertion]:
    moved = {model: replace(state.insertions[model], phase=phase) for model, phase in phases.items()}
    return {**state.insertions, **moved}


_APPLIED: Final[Mapping[DecisionKind, Callable[[RankingState, Decision], RankingState]]] = {
    DecisionKind.ADMITTED: _admitted,
    DecisionKind.ROUND_OPENED: _round_opened,
    DecisionKind.ROUND_CLOSED: _round_closed,
    DecisionKind.STEPPED: _stepped,
    DecisionKind.SETTLED: _settled,
    DecisionKind.MODEL_RETIRED: _model_retired,
    DecisionKind.JUDGE_SUSPENDED: lambda state, decision: _judging(state, decision, judges=False),
    DecisionKind.JUDGE_REINSTATED: lambda state, decision: _judging(state, decision, judges=True),
    DecisionKind.REFINEMENT_ORDERED: _refinement_ordered,
    DecisionKind.COMPARISONS_ORDERED: _comparisons_ordered,
    DecisionKind.DIMENSION_REVISED: _dimension_revised,
    DecisionKind.PROVENANCE_CHANGED: _provenance_changed,
    DecisionKind.INSERTION_HELD: _insertion_held,
    DecisionKind.INSERTION_RESUMED: _insertion_resumed,
    # It says when the round went on, and by whose word; what is decided depends on outcomes alone.
    DecisionKind.BUDGET_LIFTED: lambda state, _decision: state,
}


def entrants_of(state: RankingState) -> list[dict[str, Any]]:
    """Every model admitted so far, as a round keeps them when it closes, in canonical order."""
    return [
        {
            "model": model,
            "retired": state.admitted[model].retired,
            "suspended": state.admitted[model].suspended,
        }
        for model in in_order(state.admitted)
    ]
