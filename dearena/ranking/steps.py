"""What follows from a dimension's log and the outcomes: the cells of the next round, and the decisions at its close.

Every step is taken at the close of a round, by the weights frozen at its opening. What needs no vote (a
place without neighbours, a ranking that a model has left) is carried by a round without cells. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dearena.identity import Digest
from dearena.ranking import decisions, seeding
from dearena.ranking.decisions import Decision
from dearena.ranking.eligibility import eligible, judges_of_insertion
from dearena.ranking.evidence import Ballot, Evidence
from dearena.ranking.insertion import Coarse, Fine, Phase, Settled, Wanted, advance
from dearena.ranking.jury import Hearing, Ruling
from dearena.ranking.pairs import Pair, in_order
from dearena.ranking.ranking import RankingState
from dearena.ranking.rules import Rules
from dearena.ranking.settle import sort_by_board
from dearena.ranking.verdict import ONE, PairVerdict


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next round asks.

    Attributes:
        models: insertions it serves.
        wanted: cells by pair, judge and query, in order; may be empty.
    """

    models: tuple[str, ...]
    wanted: tuple[tuple[Pair, Ballot], ...]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Pairs that have cells."""
        return tuple(dict.fromkeys(pair for pair, _ in self.wanted))

    @property
    def judges(self) -> tuple[str, ...]:
        """Judges that are asked, in canonical order."""
        return in_order({ballot.judge for _, ballot in self.wanted})


@dataclass(frozen=True, slots=True)
class NoEligibleJudge:
    """Nobody may judge this pair, and the insertion cannot go on without it."""

    pair: Pair


class JuryStuck(RuntimeError):
    """A jury wants no cells and gives no verdict: a defect of the policy."""


@dataclass(frozen=True, slots=True)
class Court:
    """Hears the pairs of the insertion at hand."""

    state: RankingState
    rules: Rules
    queries: tuple[str, ...]
    weights: Mapping[str, int]
    evidence: Evidence

    def judges_of(self, pair: Pair, phase: Coarse | Fine | None = None) -> tuple[str, ...]:
        """Who may judge a pair: of a newcomer in this phase, or of two seeds."""
        admitted, providers = self.state.admitted, self.rules.allowed_providers
        if phase is None:
            return eligible(self.state.seeds, pair, admitted, providers)
        return judges_of_insertion(phase, self.state.ranking, pair, admitted, providers)

    def hear(self, pair: Pair, judges: tuple[str, ...]) -> Ruling:
        """What the jury says by the evidence so far; raises JuryStuck when it says nothing."""
        ruling = self.rules.policy()(Hearing(pair, judges, self.queries, self.weights, self.evidence.of_pair(pair)))
        if not ruling.wanted and ruling.verdict is None:
            raise JuryStuck(f"jury {self.rules.jury} wants no cells of {pair} and gives no verdict")
        return ruling

    def verdict(self, pair: Pair, phase: Coarse | Fine | None = None) -> PairVerdict | None:
        """The jury's verdict; None while it is out, or while nobody may judge."""
        judges = self.judges_of(pair, phase)
        return self.hear(pair, judges).verdict if judges else None


def plan(
    state: RankingState, rules: Rules, queries: tuple[str, ...], weights: Mapping[str, int], evidence: Evidence
) -> Plan | NoEligibleJudge:
    """The cells of the next round, for whoever is being inserted now; none when nobody is."""
    court = Court(state, rules, queries, weights, evidence)
    phase: Coarse | Fine | None = None
    pairs: tuple[Pair, ...] = ()
    if state.newcomer:
        phase = _phase_of_newcomer(state)
        following, _ = _one_step(court, phase)
        pairs = following.pairs if isinstance(following, Wanted) else ()
    elif state.seeds:
        pairs = seeding.pairs_of(state.seeds)
    wanted: list[tuple[Pair, Ballot]] = []
    for pair in pairs:
        judges = court.judges_of(pair, phase)
        if not judges:
            return NoEligibleJudge(pair)
        wanted += ((pair, ballot) for ballot in court.hear(pair, judges).wanted)
    return Plan(state.active, tuple(wanted))


def opening(
    state: RankingState, planned: Plan, weights: Mapping[str, int], cells: int, cells_digest: Digest
) -> tuple[Decision, ...]:
    """The decision that opens the next round."""
    opened = decisions.round_opened(
        state.decisions + 1,
        state.last_closed_round + 1,
        models=planned.models,
        pairs=planned.pairs,
        judges=planned.judges,
        weights=weights,
        cells=cells,
        cells_digest=cells_digest,
    )
    return (opened,)


def closing(
    state: RankingState, rules: Rules, queries: tuple[str, ...], evidence: Evidence, outcomes: Mapping[str, int]
) -> tuple[Decision, ...]:
    """The decisions at the close of the open round: that it is closed, and every step that its outcomes allow.

    Args:
        state: with a round open.
        rules: of the dimension.
        queries: ids of the dimension's queries, in order.
        evidence: outcomes of all rounds of the insertion, this one too.
        outcomes: number of the round's cells by outcome.

    Raises:
        ValueError: no round is open.
    """
    if state.open_round is None:
        raise ValueError("no round is open")
    opened = state.open_round
    court = Court(state, rules, queries, opened.weights, evidence)
    number = state.decisions + 2
    if state.newcomer:
        steps = _steps_of_newcomer(court, number, opened.number)
        rests = bool(steps) and steps[-1].content["after"]["phase"] == "settled"
    else:
        steps = _step_of_seeds(court, number, opened.number)
        rests = bool(steps) or not state.seeds
    closed = decisions.round_closed(state.decisions + 1, opened.number, opened.models, outcomes, settles=rests)
    return (closed, *steps)


def _steps_of_newcomer(court: Court, number: int, round_number: int) -> tuple[Decision, ...]:
    newcomer = court.state.newcomer
    phase = _phase_of_newcomer(court.state)
    steps: list[Decision] = []
    while True:
        after, heard = _one_step(court, phase)
        if isinstance(after, Wanted):
            return tuple(steps)
        steps.append(
            decisions.stepped(
                number + len(steps), round_number, model=newcomer, before=phase, after=after, verdicts=heard
            )
        )
        if isinstance(after, Settled):
            return tuple(steps)
        phase = after


def _one_step(court: Court, phase: Coarse | Fine) -> tuple[Phase | Wanted, list[PairVerdict]]:
    """Where the newcomer goes from here, and the verdicts that this rests on."""
    heard: list[PairVerdict] = []

    def verdict(pair: Pair) -> PairVerdict | None:
        said = court.verdict(pair, phase)
        heard.extend([] if said is None else [said])
        return said

    return advance(phase, court.state.ranking, court.state.newcomer, verdict, court.rules.limits), heard


def _step_of_seeds(court: Court, number: int, round_number: int) -> tuple[Decision, ...]:
    seeds = court.state.seeds
    verdicts = [court.verdict(pair) for pair in seeding.pairs_of(seeds)]
    decided = [verdict for verdict in verdicts if verdict is not None]
    if not seeds or len(decided) < len(verdicts):
        return ()
    return (decisions.seeds_ordered(number, round_number, seeding.order_of(seeds, decided), decided),)


def settling(state: RankingState, board: Sequence[str], board_digest: Digest) -> tuple[Decision, ...]:
    """The decision that whoever rests has its place, in the order of the last round's board (best first)."""
    models = [model for model in state.resting if not state.insertions[model].is_over]
    ranking = sort_by_board(state.resting or state.ranking, board)
    return (decisions.settled(state.decisions + 1, state.last_closed_round, models, ranking, board_digest),)


def weights_of(state: RankingState, board: Mapping[str, int]) -> dict[str, int]:
    """Weights of all that may judge, in canonical order; `ONE` for those who are on no board yet.

    A board may give a judge the weight 0: it is asked, but not listened to.
    """
    judges: Iterable[str] = (one.model for one in state.admitted.values() if one.may_judge and not one.retired)
    return {judge: board.get(judge, ONE) for judge in in_order(judges)}


def _phase_of_newcomer(state: RankingState) -> Coarse | Fine:
    phase = state.insertions[state.newcomer].phase
    if not isinstance(phase, Coarse | Fine):
        raise TypeError(f"{state.newcomer} is being inserted in phase {phase}")
    return phase
