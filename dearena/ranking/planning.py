"""What follows from a dimension's log and the outcomes so far: the cells of the next round. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from dearena.identity import Digest
from dearena.ranking import decisions, seeding
from dearena.ranking.agenda import no_eligible_judge
from dearena.ranking.asks import Ask
from dearena.ranking.court import Case, Court
from dearena.ranking.decisions import Decision
from dearena.ranking.evidence import CANARY
from dearena.ranking.holds import Cause, Hold
from dearena.ranking.insertion import Settled, Step
from dearena.ranking.judge_policy import JudgePolicy
from dearena.ranking.jury import Ruling
from dearena.ranking.ordering import comparisons
from dearena.ranking.pairs import Pair, in_order
from dearena.ranking.ranking import Insertion
from dearena.ranking.refining import refinement
from dearena.ranking.watching import canaries


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next round asks.

    Attributes:
        models: insertions it serves.
        asks: in order; may be none.
        refines: it is one of a refinement.
        lonely: newcomers that it cannot serve, each with a pair that nobody may judge. They are held before it is
            opened.
        order: number of the one whose comparisons it asks; 0: of none.
    """

    models: tuple[str, ...]
    asks: tuple[Ask, ...]
    refines: bool = False
    lonely: tuple[tuple[str, Pair], ...] = ()
    order: int = 0

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Pairs that have cells, without canaries."""
        return tuple(dict.fromkeys(ask.pair for ask in self.asks if ask.kind != CANARY))

    @property
    def contestants(self) -> tuple[str, ...]:
        """Models whose answers are shown, in canonical order."""
        return in_order({model for ask in self.asks for model in ask.pair})

    @property
    def judges(self) -> tuple[str, ...]:
        """Judges that are asked, in canonical order."""
        return in_order({ask.judge for ask in self.asks})

    @property
    def canaries(self) -> int:
        """Number of cells that are no votes."""
        return sum(ask.kind == CANARY for ask in self.asks)


@dataclass(frozen=True, slots=True)
class NoEligibleJudge:
    """Nobody may judge this pair of seeds, and nothing can go on without it."""

    pair: Pair


def plan(case: Case) -> Plan | NoEligibleJudge:
    """The next round: of comparisons that were ordered, else for all that are being inserted, else for the seeds, else
    for a refinement.

    Orders and newcomers take turns where there are both, so that neither waits for the end of the other.
    Whom nobody may judge waits without keeping the others, nor a board that is outdated.
    """
    court = Court(case)
    found: Plan | NoEligibleJudge
    # Before anybody is ranked there is nothing to be compared but seeds.
    may_be_asked = case.state.ranking or not case.state.active
    if case.state.ordered and may_be_asked and not (case.state.after_order and case.state.newcomers):
        first = case.state.ordered[0]
        found = Plan((), comparisons(court, first.comparisons), order=first.order)
    elif case.state.newcomers:
        found = _of_newcomers(court)
    elif case.state.seeds:
        found = _of_seeds(court)
    elif case.state.refinement:
        found = Plan((), refinement(court), refines=True)
    else:
        found = Plan((), ())
    if isinstance(found, NoEligibleJudge):
        return Plan((), ()) if case.state.outdated else found
    asks = _within_order(case, found.asks) if found.refines else found.asks
    return replace(found, asks=(*asks, *canaries(case, asks)))


def holding(case: Case, planned: Plan) -> tuple[Decision, ...]:
    """The decisions that those wait alone whom the next round cannot serve."""
    first = case.state.decisions + 1
    return tuple(
        decisions.held(number, model, without_judge(pair, case.rules.judge_policy))
        for number, (model, pair) in enumerate(planned.lonely, first)
    )


def without_judge(pair: Pair, policy: JudgePolicy) -> Hold:
    """That of a newcomer for which nobody may judge this pair."""
    return Hold(Cause.NO_ELIGIBLE_JUDGE, no_eligible_judge(pair, policy).reason, tuple(pair))


def _within_order(case: Case, asks: tuple[Ask, ...]) -> tuple[Ask, ...]:
    """As many of a refinement's cells as its order pays for, the canaries that go with them included."""
    order = case.state.refinement
    left = order.calls_left // case.rules.calls_a_cell if order else 0
    while (beyond := len(asks) + len(canaries(case, asks)) - left) > 0:
        # A vote takes at most one canary with it.
        asks = asks[: -((beyond + 1) // 2)]
    return asks


def _of_newcomers(court: Court) -> Plan:
    served: list[str] = []
    asks: list[Ask] = []
    lonely: list[tuple[str, Pair]] = []
    for model in court.case.state.newcomers:
        wanted, without = _wanted(court, court.case.state.insertions[model])
        if without is None:
            served.append(model)
            asks += wanted
        else:
            lonely.append((model, without))
    return Plan(tuple(served), tuple(asks), lonely=tuple(lonely))


def _wanted(court: Court, insertion: Insertion) -> tuple[tuple[Ask, ...], Pair | None]:
    """Cells that a newcomer waits for, or a pair that it cannot go on without and nobody may judge.

    Strengths have moved with the last board, so that it may stand elsewhere now; the round asks what it will
    need there, and its close takes the steps.
    """
    *_, (search, _, step) = court.walk(insertion)
    if isinstance(step.after, Settled):
        return (), None
    if lonely := pair_without_judge(step):
        return (), lonely
    left = court.cells_left(insertion.model)
    nearest = sorted(step.rulings, key=lambda pair: _distance(court, pair, search.newcomer, search.standing.strength))
    wanted = list(_in_turns([_asks(step.rulings[pair]) for pair in nearest]))
    return tuple(wanted if left is None else wanted[:left]), None


def pair_without_judge(step: Step) -> Pair | None:
    """The first pair that a step waits for and nobody may judge."""
    return next((pair for pair in step.waits_for if step.rulings[pair] is None), None)


def _distance(court: Court, pair: Pair, newcomer: str, strength: float) -> float:
    return abs(court.case.frozen.known.strength(pair.opponent_of(newcomer)) - strength)


def _asks(ruling: Ruling | None) -> tuple[Ask, ...]:
    return () if ruling is None else ruling.wanted


def _in_turns(wanted: Sequence[tuple[Ask, ...]]) -> Iterator[Ask]:
    """Pair by pair, the nearest first: where a target cuts the round short, each has its share."""
    for row in zip_longest(*wanted):
        yield from (ask for ask in row if ask is not None)


def _of_seeds(court: Court) -> Plan | NoEligibleJudge:
    asks: list[Ask] = []
    for pair in seeding.pairs_of(court.case.state.seeds):
        ruling = court.of_seeds(pair)
        if ruling is None:
            return NoEligibleJudge(pair)
        asks += ruling.wanted
    return Plan(court.case.state.seeds, tuple(asks))


def opening(case: Case, planned: Plan, cells_digest: Digest) -> tuple[Decision, ...]:
    """The decision that opens the next round."""
    state = case.state
    opened = decisions.round_opened(
        state.decisions + 1,
        state.last_closed_round + 1,
        models=planned.models,
        pairs=planned.pairs,
        judges=planned.judges,
        frozen=case.frozen,
        cells=len(planned.asks),
        canaries=planned.canaries,
        refines=planned.refines,
        cells_digest=cells_digest,
        policy=case.rules.judge_policy,
        order=planned.order,
    )
    return (opened,)
