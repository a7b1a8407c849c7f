"""A dimension's ranking as the fold of its decision log: the log alone rebuilds it. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dearena.identity import Digest
from dearena.ranking.decisions import GATEWAY, SEED, Decision, DecisionKind, phase_of
from dearena.ranking.entrants import Admitted
from dearena.ranking.frozen import Frozen, frozen_in
from dearena.ranking.health import JudgeRecord
from dearena.ranking.holds import Hold, hold_in
from dearena.ranking.insertion import Coarse, Fine, Settled, moved, without
from dearena.ranking.judge_records import added, record_in
from dearena.ranking.orders import Comparison, comparisons_in
from dearena.ranking.pairs import in_order
from dearena.ranking.settle import put_in


class GapInLog(ValueError):
    """A decision does not follow the one before it."""


@dataclass(frozen=True, slots=True)
class Seeding:
    """One of the seed models, before they are ranked."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The model left before it had its place."""


InsertionPhase = Seeding | Coarse | Fine | Settled | Withdrawn


@dataclass(frozen=True, slots=True)
class Insertion:
    """How far a model has come.

    Attributes:
        admitted_by: number of the decision.
        rounds: numbers of the rounds that served it, an open one too.
        rank: after its settle, 1 is best; 0 before.
        settled_by: number of the round on whose board it settled; 0 before.
        interval: best and worst rank at 95 %, by its own votes at its last step, and at its settle among those that
            settled beside it too; None before that.
        strength, error: at its last step, in billionths of log-odds.
        provisional: judges failed or left and nobody could take their place, so that its evidence fell short.
        hold: why it waits alone, with its position kept; None while it does not.
    """

    model: str
    admitted_by: int
    phase: InsertionPhase
    rounds: tuple[int, ...] = ()
    rank: int = 0
    settled_by: int = 0
    interval: tuple[int, int] | None = None
    strength: int = 0
    error: int = 0
    provisional: bool = False
    hold: Hold | None = None

    @property
    def is_over(self) -> bool:
        """It has its place, or will never have one."""
        return self.rank > 0 or isinstance(self.phase, Withdrawn)


@dataclass(frozen=True, slots=True)
class OpenRound:
    """The round that is being judged.

    Attributes:
        models: the insertions it serves; none for a round that only brings a new board.
        frozen: what its close decides by.
        refines: it is one of a refinement.
        order: number of the one whose comparisons it asks; 0 when it asks those of none.
    """

    number: int
    models: tuple[str, ...]
    frozen: Frozen
    cells: int
    cells_digest: Digest
    refines: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True)
class Refinement:
    """What an operator has ordered for the whole board.

    Attributes:
        calls: judge calls in all.
        calls_left: that are still to be made.
    """

    calls: int
    calls_left: int


@dataclass(frozen=True, slots=True)
class OrderedComparisons:
    """Comparisons that were ordered, until the round that asks them is closed.

    Attributes:
        order: its number.
    """

    order: int
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class RankingState:
    """All that the next decision depends on, besides outcomes, boards and entrants.

    Attributes:
        decisions: number of the last one.
        admitted: every model ever admitted.
        insertions: likewise, in order of admission.
        ranking: model revisions, best first; without whoever is being inserted.
        last_closed_round: 0 before the first.
        settling: the last round settles, and its board is awaited.
        resting: the ranking with those who settle, until the board sorts it; empty when nobody does.
        outdated: a model has retired, or a judge been suspended or reinstated, since the board that people see.
        refinement: under way; None when there is none.
        health: record of each judge since its admission or last reinstatement.
        orders: number of the last operator's order that was taken up.
        ordered: comparisons that were ordered and are not all asked and answered, the next first.
    """

    decisions: int = 0
    admitted: Mapping[str, Admitted] = field(default_factory=dict)
    insertions: Mapping[str, Insertion] = field(default_factory=dict)
    ranking: tuple[str, ...] = ()
    open_round: OpenRound | None = None
    last_closed_round: int = 0
    settling: bool = False
    resting: tuple[str, ...] = ()
    outdated: bool = False
    refinement: Refinement | None = None
    health: Mapping[str, JudgeRecord] = field(default_factory=dict)
    orders: int = 0
    ordered: tuple[OrderedComparisons, ...] = ()

    @property
    def comparisons_done(self) -> int:
        """Number up to which orders are taken up, and what they ordered to be compared is heard."""
        return self.ordered[0].order - 1 if self.ordered else self.orders

    @property
    def searching(self) -> tuple[str, ...]:
        """Models that have a position and no place yet, in the order of admission."""
        return tuple(one.model for one in self.insertions.values() if isinstance(one.phase, Coarse | Fine))

    @property
    def newcomers(self) -> tuple[str, ...]:
        """Of these, the ones that are being inserted."""
        return tuple(model for model in self.searching if self.insertions[model].hold is None)

    @property
    def held(self) -> tuple[str, ...]:
        """Of these, the ones that wait alone: no round serves them."""
        return tuple(model for model in self.searching if self.insertions[model].hold is not None)

    @property
    def suspended(self) -> frozenset[str]:
        """Judges whose votes count nothing."""
        return frozenset(model for model, one in self.admitted.items() if one.suspended)

    @property
    def seeds(self) -> tuple[str, ...]:
        """Seed models that are not ranked yet, in the order of admission."""
        return tuple(one.model for one in self.insertions.values() if isinstance(one.phase, Seeding))

    @property
    def active(self) -> tuple[str, ...]:
        """Models whose insertion the next round serves."""
        return self.newcomers or self.seeds


EMPTY: Final = RankingState()


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
    )
    is_seed = content["role"] == SEED
    phase: InsertionPhase = Seeding() if is_seed else Coarse(0, len(state.ranking))
    insertion = Insertion(decision.model, decision.number, phase)
    return replace(
        state,
        admitted={**state.admitted, decision.model: model},
        insertions={**state.insertions, decision.model: insertion},
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
    state = replace(
        state, admitted={**state.admitted, model: gone}, outdated=state.outdated or state.last_closed_round > 0
    )
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
        return replace(state, orders=orders)  # an order about nobody
    if decision.content.get("by", GATEWAY) == GATEWAY:
        judge = replace(known, may_judge=judges)
        return replace(state, admitted={**state.admitted, decision.model: judge})
    # Votes of a suspended judge count nothing, so that the board people see is outdated; its record begins anew.
    health = {judge: record for judge, record in state.health.items() if not judges or judge != decision.model}
    return replace(
        state,
        admitted={**state.admitted, decision.model: replace(known, suspended=not judges)},
        outdated=state.outdated or (known.suspended == judges and state.last_closed_round > 0),
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
