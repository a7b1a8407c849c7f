"""What follows from a dimension's log and the outcomes so far: the cells of the next round. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from dearena.identity import Digest
from dearena.ranking import decisions, seeding
from dearena.ranking.asks import Ask
from dearena.ranking.court import Case, Court
from dearena.ranking.decisions import Decision
from dearena.ranking.evidence import CANARY
from dearena.ranking.insertion import Settled
from dearena.ranking.jury import Ruling
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
    """

    models: tuple[str, ...]
    asks: tuple[Ask, ...]
    refines: bool = False

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
    """Nobody may judge this pair, and nothing can go on without it."""

    pair: Pair


def plan(case: Case) -> Plan | NoEligibleJudge:
    """The next round: for all that are being inserted, else for the seeds, else for a refinement.

    Whom nobody may judge waits without keeping the others, nor a board that is outdated.
    """
    court = Court(case)
    if case.state.newcomers:
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
    return Plan(found.models, (*asks, *canaries(case, asks)), found.refines)


def _within_order(case: Case, asks: tuple[Ask, ...]) -> tuple[Ask, ...]:
    """As many of a refinement's cells as its order pays for, the canaries that go with them included."""
    order = case.state.refinement
    left = order.calls_left // case.rules.calls_a_cell if order else 0
    while (beyond := len(asks) + len(canaries(case, asks)) - left) > 0:
        # A vote takes at most one canary with it.
        asks = asks[: -((beyond + 1) // 2)]
    return asks


def _of_newcomers(court: Court) -> Plan | NoEligibleJudge:
    served: list[str] = []
    asks: list[Ask] = []
    lonely: list[Pair] = []
    for model in court.case.state.newcomers:
        wanted, without = _wanted(court, court.case.state.insertions[model])
        lonely += without
        if wanted or not without:
            served.append(model)
            asks += wanted
    if not served:
        return NoEligibleJudge(lonely[0])
    return Plan(tuple(served), tuple(asks))


def _wanted(court: Court, insertion: Insertion) -> tuple[tuple[Ask, ...], tuple[Pair, ...]]:
    """Cells that a newcomer waits for, and pairs that it cannot go on without and nobody may judge.

    Strengths have moved with the last board, so that it may stand elsewhere now; the round asks what it will
    need there, and its close takes the steps.
    """
    *_, (search, _, step) = court.walk(insertion)
    if isinstance(step.after, Settled):
        return (), ()
    lonely = tuple(pair for pair in step.waits_for if step.rulings[pair] is None)
    if lonely:
        return (), lonely
    left = court.cells_left(insertion.model)
    nearest = sorted(step.rulings, key=lambda pair: _distance(court, pair, search.newcomer, search.standing.strength))
    wanted = list(_in_turns([_asks(step.rulings[pair]) for pair in nearest]))
    return tuple(wanted if left is None else wanted[:left]), ()


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
    )
    return (opened,)
