"""The whole way of one model through the decision log: as data, and for a person to read. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dearena.faults import UnknownInsertion
from dearena.ranking.decisions import Content, Decision, DecisionKind, concerned, verdict_of
from dearena.ranking.ranking import Insertion, Seeding, Withdrawn, replay
from dearena.ranking.standing import NANO
from dearena.ranking.verdict import ONE, PairVerdict
from dearena.ranking.why import between, counted, why

MOST_NAMED: Final = 4
"""So many pairs that are not decided are named, the closest first."""


@dataclass(frozen=True, slots=True)
class ExplainedPair:
    """A pair as the jury had heard it at a step, seen by the model that is explained.

    Attributes:
        weight_for, weight_against: of the votes for the model and for its opponent; an average judge's weighs 1.
        votes_for, votes_against: their number.
        others: ties, flips, and what is no vote.
        decided: at the stated error; if not, the pair is ordered by the estimate.
        error: that error; 0 of a jury that hears all.
        queries: number of queries that the votes are on; 0 where that is not told.
    """

    opponent: str
    weight_for: float
    weight_against: float
    votes_for: int
    votes_against: int
    others: int
    decided: bool
    error: float
    queries: int

    @property
    def cells(self) -> int:
        """Outcomes that were heard."""
        return self.votes_for + self.votes_against + self.others

    @property
    def lead(self) -> float:
        """Of either side, as a share of the votes that prefer one."""
        return abs(self.weight_for - self.weight_against) / max(self.weight_for + self.weight_against, 1.0)


@dataclass(frozen=True, slots=True)
class Stood:
    """Where the model stood by all its votes at a step.

    Attributes:
        strength, error: in log-odds.
        place: from 1, among those ranked then.
        low, high: best and worst place at 95 %.
    """

    strength: float
    error: float
    place: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """One decision on the model's way.

    Attributes:
        decision: its number.
        round: 0 when it belongs to none.
        standing: None where the decision tells none.
        interval: best and worst rank at 95 %, from 1; None where the decision tells none.
    """

    decision: int
    kind: DecisionKind
    round: int
    text: str
    pairs: tuple[ExplainedPair, ...] = ()
    standing: Stood | None = None
    interval: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a model came to its place.

    Attributes:
        insertion: how far it has come.
        seed: it is, or was, one of the seed models.
        steps: every decision that concerns it, in order.
        rounds: that served it.
        cells: on its pairs that the verdicts have heard; without those of judges who are suspended.
        rank, ranked: its rank now, and of how many; 0 while it has none, or has it no more.
        left: the model has left.
    """

    insertion: Insertion
    seed: bool
    steps: tuple[ExplainedStep, ...]
    rounds: int
    cells: int
    rank: int
    ranked: int
    left: bool

    @property
    def decisions(self) -> int:
        """Number of the decisions that concern it."""
        return len(self.steps)

    @property
    def last_heard(self) -> Mapping[str, ExplainedPair]:
        """The last verdict on each of its pairs, by opponent."""
        return {pair.opponent: pair for step in self.steps for pair in step.pairs}


def explain(model: str, decisions: Iterable[Decision]) -> Explanation:
    """Follow a model through the log, in the dimension version that is ranked: in each it is inserted anew.

    Args:
        model: its revision.
        decisions: the log from its start.

    Raises:
        UnknownInsertion: it has not been admitted to that version.
        GapInLog: decisions are missing.
    """
    log = list(decisions)
    state = replay(log)
    if model not in state.insertions:
        raise UnknownInsertion(f"{model} has not been admitted")
    insertion = state.insertions[model]
    steps = tuple(_step(model, decision) for decision in of_last_version(log) if concerns(model, decision))
    heard = {pair.opponent: pair for step in steps for pair in step.pairs}
    ranking = state.ranking
    return Explanation(
        insertion=insertion,
        seed=_is_seed(insertion, log),
        steps=steps,
        rounds=len(insertion.rounds),
        cells=sum(pair.cells for pair in heard.values()),
        rank=ranking.index(model) + 1 if model in ranking else 0,
        ranked=len(ranking),
        left=state.admitted[model].retired,
    )


def of_last_version(log: Sequence[Decision]) -> Sequence[Decision]:
    """The decisions since the last revision of the dimension; all of them where there was none."""
    for place in range(len(log) - 1, -1, -1):
        if log[place].kind is DecisionKind.DIMENSION_REVISED:
            return log[place + 1 :]
    return log


def concerns(model: str, decision: Decision) -> bool:
    """Whether a decision is about the model: its insertion, its judging, or votes in a refinement or by an order."""
    if model in concerned(decision):
        return True
    content = decision.content
    if decision.kind is DecisionKind.COMPARISONS_ORDERED:
        return any(model in pair for *pair, _ in content["comparisons"])
    if decision.kind is not DecisionKind.ROUND_OPENED or not (content.get("refines") or content.get("order")):
        return False
    return any(model in pair for pair in content["pairs"])


def _is_seed(insertion: Insertion, log: Sequence[Decision]) -> bool:
    return isinstance(insertion.phase, Seeding) or log[insertion.admitted_by - 1].content["role"] == "seed"


def _step(model: str, decision: Decision) -> ExplainedStep:
    content = decision.content
    verdicts = [verdict_of(one) for one in content.get("verdicts", ())]
    stood = _stood(content)
    interval = (stood.low, stood.high) if stood else None
    if told := content.get("sure", {}).get(model):
        interval = (told[0], told[1])
    return ExplainedStep(
        decision=decision.number,
        kind=decision.kind,
        round=decision.round,
        text=why(decision, model),
        pairs=tuple(_pair(model, verdict) for verdict in verdicts if model in verdict.pair),
        standing=stood,
        interval=interval,
    )


def _pair(model: str, verdict: PairVerdict) -> ExplainedPair:
    weights, votes = (verdict.weight_a, verdict.weight_b), (verdict.votes_a, verdict.votes_b)
    if model == verdict.pair.model_b:
        weights, votes = weights[::-1], votes[::-1]
    return ExplainedPair(
        verdict.pair.opponent_of(model),
        weights[0] / ONE,
        weights[1] / ONE,
        *votes,
        verdict.others,
        verdict.decided,
        verdict.error,
        verdict.queries,
    )


def _stood(content: Content) -> Stood | None:
    told = content.get("standing")
    if not told:
        return None
    return Stood(told["strength"] / NANO, told["error"] / NANO, told["place"] + 1, told["low"] + 1, told["high"] + 1)


def readable(explanation: Explanation) -> str:
    """The way for a person: a headline, a line a decision, and how sure it is and what would make it surer."""
    lines = [_headline(explanation)]
    lines += [f"{step.decision:>6}  {step.text}" for step in explanation.steps]
    return "\n".join([*lines, _how_sure(explanation)])


def _headline(explanation: Explanation) -> str:
    insertion = explanation.insertion
    kind = "a seed model" if explanation.seed else "a newcomer"
    rounds, cells = counted(explanation.rounds, "round"), counted(explanation.cells, "cell")
    took = f"{rounds}, {cells} heard, {counted(explanation.decisions, 'decision')}"
    return f"{insertion.model}, {kind}, {_now(explanation)}: {took}"


def _now(explanation: Explanation) -> str:
    insertion = explanation.insertion
    if isinstance(insertion.phase, Withdrawn):
        return "left before it had a place"
    if not insertion.rank:
        return "has no place yet" + (", and waits" if insertion.hold else "")
    settled = f"settled at rank {insertion.rank}"
    if explanation.left:
        return f"{settled}, has left"
    return f"{settled}, is at rank {explanation.rank} of {explanation.ranked} now"


def _how_sure(explanation: Explanation) -> str:
    insertion = explanation.insertion
    heard = explanation.last_heard
    if not heard:
        waits = f" It waits: {insertion.hold.reason}." if insertion.hold and not insertion.is_over else ""
        return f"Nothing is known of its rank: no verdict on it has been given.{waits}"
    close = sorted((pair for pair in heard.values() if not pair.decided), key=lambda pair: (pair.lead, pair.opponent))
    decided = len(heard) - len(close)
    # Seeds have no interval of their own: their board is their measure.
    by = "when it settled" if insertion.rank else "by its own votes"
    known = f"Its rank {by}: {between(*insertion.interval)}. " if insertion.interval else ""
    sure = f"{known}Of {counted(len(heard), 'pair')} heard, {decided} decided{_at(heard.values())}."
    if insertion.provisional:
        sure += " It is provisional: judges failed or left, and nobody could take their place; judges would mend that."
    if explanation.left:
        return sure
    return f"{sure} {_what_would_help(explanation, close)}"


def _at(pairs: Iterable[ExplainedPair]) -> str:
    errors = sorted({pair.error for pair in pairs if pair.error})
    return f" at {100 * errors[-1]:g} %" if errors else ""


def _what_would_help(explanation: Explanation, close: Sequence[ExplainedPair]) -> str:
    interval, hold = explanation.insertion.interval, explanation.insertion.hold
    if hold and not explanation.insertion.is_over:
        return f"It waits: {hold.reason}."
    if not explanation.insertion.rank:
        return "It is still being inserted: the rounds to come will tell more."
    if interval and interval[0] == interval[1]:
        return "More votes would hardly move it."
    if not close:
        return "More votes on models near it would make it surer, as a refinement of the board asks for them."
    named = ", ".join(pair.opponent for pair in close[:MOST_NAMED])
    further = f" and {len(close) - MOST_NAMED} more" if len(close) > MOST_NAMED else ""
    return (
        f"It would be surer with more votes against those it cannot be told from ({named}{further}): by a refinement."
    )
