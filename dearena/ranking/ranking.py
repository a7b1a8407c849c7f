"""A dimension's ranking as the fold of its decision log: the log alone rebuilds it. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from dearena.identity import Digest
from dearena.ranking.decisions import SEED, Decision, DecisionKind, phase_of
from dearena.ranking.entrants import Admitted
from dearena.ranking.insertion import Coarse, Fine, Settled, without
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
    """

    model: str
    admitted_by: int
    phase: InsertionPhase
    rounds: tuple[int, ...] = ()
    rank: int = 0
    settled_by: int = 0

    @property
    def is_over(self) -> bool:
        """It has its place, or will never have one."""
        return self.rank > 0 or isinstance(self.phase, Withdrawn)


@dataclass(frozen=True, slots=True)
class OpenRound:
    """The round that is being judged.

    Attributes:
        models: the insertions it serves; none for a round that only brings a new board.
        weights: of judges, in parts of 65,536, by which its close decides.
    """

    number: int
    models: tuple[str, ...]
    weights: Mapping[str, int]
    cells: int
    cells_digest: Digest


@dataclass(frozen=True, slots=True)
class RankingState:
    """All that the next decision depends on, besides outcomes, boards and entrants.

    Attributes:
        decisions: number of the last one.
        admitted: every model ever admitted.
        insertions: likewise, in order of admission.
        ranking: model revisions, best first; without whoever is being inserted.
        newcomer: the model being inserted; empty when none is.
        last_closed_round: 0 before the first.
        settling: the last round settles, and its board is awaited.
        resting: the ranking with those who settle, until the board sorts it; empty when nobody does.
        outdated: a model has retired since the board that people see.
    """

    decisions: int = 0
    admitted: Mapping[str, Admitted] = field(default_factory=dict)
    insertions: Mapping[str, Insertion] = field(default_factory=dict)
    ranking: tuple[str, ...] = ()
    newcomer: str = ""
    open_round: OpenRound | None = None
    last_closed_round: int = 0
    settling: bool = False
    resting: tuple[str, ...] = ()
    outdated: bool = False

    @property
    def seeds(self) -> tuple[str, ...]:
        """Seed models that are not ranked yet, in the order of admission."""
        return tuple(one.model for one in self.insertions.values() if isinstance(one.phase, Seeding))

    @property
    def active(self) -> tuple[str, ...]:
        """Models whose insertion the next round serves."""
        return (self.newcomer,) if self.newcomer else self.seeds

    def rounds_of_active(self) -> tuple[int, ...]:
        """Rounds whose outcomes are the evidence of the insertion at hand, in order."""
        return tuple(sorted({number for model in self.active for number in self.insertions[model].rounds}))


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
    )
    is_seed = content["role"] == SEED
    phase: InsertionPhase = Seeding() if is_seed else Coarse(0, len(state.ranking))
    insertion = Insertion(decision.model, decision.number, phase)
    return replace(
        state,
        admitted={**state.admitted, decision.model: model},
        insertions={**state.insertions, decision.model: insertion},
        newcomer=state.newcomer if is_seed else decision.model,
    )


def _round_opened(state: RankingState, decision: Decision) -> RankingState:
    content = decision.content
    models = tuple(content["models"])
    opened = OpenRound(decision.round, models, content["weights"], content["cells"], content["cells_digest"])
    served = {
        model: replace(state.insertions[model], rounds=(*state.insertions[model].rounds, decision.round))
        for model in models
    }
    return replace(state, open_round=opened, insertions={**state.insertions, **served})


def _round_closed(state: RankingState, decision: Decision) -> RankingState:
    return replace(state, open_round=None, last_closed_round=decision.round, settling=bool(decision.content["settles"]))


def _stepped(state: RankingState, decision: Decision) -> RankingState:
    if not decision.model:
        # Seeds are of no phase but seeding until the board has them in order.
        return replace(state, resting=tuple(decision.content["models"]))
    phase = phase_of(decision.content["after"])
    resting = put_in(state.ranking, decision.model, phase.place) if isinstance(phase, Settled) else ()
    return replace(state, resting=resting, insertions=_moved(state, {decision.model: phase}))


def _settled(state: RankingState, decision: Decision) -> RankingState:
    ranking = tuple(decision.content["ranking"])
    served = {}
    for model in decision.content["models"]:
        insertion, place = state.insertions[model], ranking.index(model)
        phase = Settled(place, 0) if isinstance(insertion.phase, Seeding) else insertion.phase
        served[model] = replace(insertion, phase=phase, rank=place + 1, settled_by=decision.round)
    return replace(
        state,
        ranking=ranking,
        newcomer="",
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
        newcomer = "" if state.newcomer == model else state.newcomer
        return replace(state, newcomer=newcomer, insertions=_moved(state, {model: Withdrawn()}))
    if model not in state.ranking:
        return state
    place = state.ranking.index(model)
    insertions = state.insertions
    if state.newcomer:
        phase = state.insertions[state.newcomer].phase
        if isinstance(phase, Coarse | Fine):
            insertions = _moved(state, {state.newcomer: without(phase, place)})
    return replace(state, insertions=insertions, ranking=tuple(ranked for ranked in state.ranking if ranked != model))


def _judging(state: RankingState, decision: Decision, *, may_judge: bool) -> RankingState:
    judge = replace(state.admitted[decision.model], may_judge=may_judge)
    return replace(state, admitted={**state.admitted, decision.model: judge})


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
    DecisionKind.JUDGE_SUSPENDED: lambda state, decision: _judging(state, decision, may_judge=False),
    DecisionKind.JUDGE_REINSTATED: lambda state, decision: _judging(state, decision, may_judge=True),
    # Nothing holds a budget yet; a log that has such an entry can be read all the same.
    DecisionKind.BUDGET_LIFTED: lambda state, _decision: state,
}


def entrants_of(state: RankingState) -> list[dict[str, Any]]:
    """Every model admitted so far, as a round keeps them when it closes, in canonical order."""
    return [{"model": model, "retired": state.admitted[model].retired} for model in in_order(state.admitted)]
