"""What follows from a round's outcomes: every decision at its close, and the settle on its board.

Every step is taken by what was frozen when the round was opened. What needs no vote (a place without neighbours,
a ranking that a model has left) is carried by a round without cells. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dearena.canaries import Sort
from dearena.identity import Digest
from dearena.ranking import decisions, seeding
from dearena.ranking.court import Case, Court
from dearena.ranking.decisions import Decision
from dearena.ranking.evidence import READABLE, Vote, counted
from dearena.ranking.insertion import Coarse, Fine, Settled, Step
from dearena.ranking.mates import among_mates
from dearena.ranking.ranking import Insertion, OpenRound, RankingState
from dearena.ranking.settle import sort_by_board
from dearena.ranking.verdict import PairVerdict
from dearena.ranking.watching import records_of, suspensions


@dataclass(frozen=True, slots=True)
class Closed:
    """The outcomes of the round that is closing.

    Attributes:
        votes: all of them, canaries too.
        sorts: of its canaries, by cell id.
    """

    votes: Sequence[Vote] = ()
    sorts: Mapping[str, Sort] = field(default_factory=dict)


def closing(case: Case, closed: Closed) -> tuple[Decision, ...]:
    """The decisions at the close of the open round: that it is closed, whom its outcomes suspend, every step.

    Args:
        case: with a round open, and its outcomes among the evidence.
        closed: the outcomes themselves.

    Raises:
        ValueError: no round is open.
    """
    opened = case.state.open_round
    if opened is None:
        raise ValueError("no round is open")
    case = replace(case, frozen=opened.frozen)
    first, at = case.state.decisions + 1, opened.number
    records = records_of(closed.votes, closed.sorts, opened.frozen.known)
    suspended = tuple(
        decisions.suspended(place, at, one.judge, one.reason)
        for place, one in enumerate(suspensions(case.state, records), first + 1)
    )
    number = first + 1 + len(suspended)
    # Whoever is suspended by these outcomes has no say in the steps that they allow.
    court = Court(replace(case, state=without_judges(case.state, [one.model for one in suspended])), draws=False)
    if set(opened.models) & set(case.state.searching):
        steps = _steps_of_newcomers(court, opened, number)
        rests = any(step.content["after"]["phase"] == "settled" for step in steps)
    elif case.state.seeds and not opened.order:
        steps = _step_of_seeds(court, opened.number, number)
        rests = bool(steps)
    else:
        steps, rests = (), True
    outcomes = counted(closed.votes)
    rests = rests or case.state.outdated or bool(suspended)
    calls = opened.cells * case.rules.calls_a_cell
    closed_by = decisions.round_closed(first, at, opened.models, outcomes, records, calls, settles=rests)
    return (closed_by, *suspended, *steps)


def without_judges(state: RankingState, judges: Iterable[str]) -> RankingState:
    """The state with these suspended."""
    admitted = dict(state.admitted)
    for judge in judges:
        admitted[judge] = replace(admitted[judge], suspended=True)
    return replace(state, admitted=admitted)


def _steps_of_newcomers(court: Court, opened: OpenRound, number: int) -> tuple[Decision, ...]:
    steps: list[Decision] = []
    for model in opened.models:
        insertion = court.case.state.insertions[model]
        if isinstance(insertion.phase, Coarse | Fine):
            steps += _steps_of(court, insertion, opened.number, number + len(steps))
    return tuple(steps)


def _steps_of(court: Court, insertion: Insertion, at: int, number: int) -> list[Decision]:
    """Every step that the outcomes allow one newcomer."""
    steps: list[Decision] = []
    for search, before, step in court.walk(insertion):
        if step.after is None:
            break
        rulings = [ruling for ruling in step.rulings.values() if ruling is not None]
        steps.append(
            decisions.stepped(
                number + len(steps),
                at,
                model=insertion.model,
                before=before,
                after=step.after,
                verdicts=[ruling.verdict for ruling in rulings],
                standing=search.standing,
                ended_early=search.over,
                provisional=any(ruling.short for ruling in rulings) or _cut_short(court, step),
            )
        )
    return steps


def _cut_short(court: Court, step: Step) -> bool:
    """Whether it settles though juries want more, and cells of theirs have come to nothing."""
    return isinstance(step.after, Settled) and any(
        heard.outcome not in READABLE for pair in step.waits_for for heard in court.case.evidence.of_pair(pair).values()
    )


def _step_of_seeds(court: Court, at: int, number: int) -> tuple[Decision, ...]:
    state = court.case.state
    decided: list[PairVerdict] = []
    short = False
    for pair in seeding.pairs_of(state.seeds):
        ruling = court.of_seeds(pair)
        if ruling is None or ruling.waits:
            return ()
        decided.append(ruling.verdict)
        short = short or ruling.short
    order = seeding.order_of(state.seeds, decided)
    return (decisions.seeds_ordered(number, at, order, decided, provisional=short),)


def settling(state: RankingState, board: Sequence[str], board_digest: Digest) -> tuple[Decision, ...]:
    """The decision that whoever rests has its place, in the order of the last round's board (best first)."""
    resting = state.resting or state.ranking
    models = [model for model in resting if not state.insertions[model].is_over and model not in state.newcomers]
    ranking = sort_by_board(resting, board)
    placed = [state.insertions[model] for model in models]
    sure = {
        one.model: among_mates(one, placed, ranking.index(one.model) + 1) for one in placed if one.interval is not None
    }
    provisional = [model for model in models if state.insertions[model].provisional]
    return (
        decisions.settled(
            state.decisions + 1,
            state.last_closed_round,
            models,
            ranking,
            board_digest,
            sure=sure,
            provisional=provisional,
        ),
    )
