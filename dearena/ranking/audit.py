"""Proves from a dimension's log that no model judged what it may not have seen. Pure.

A cell is held against the decision that opened its round: the policy that stands there, and the providers and
families that the log had of its models by then. Nothing but decisions and outcomes is needed, so that anybody who
has them can prove it again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.entrants import Admitted
from dearena.ranking.judge_policy import OPEN, JudgePolicy, policy_in
from dearena.ranking.ranking import EMPTY, apply


class Judged(NamedTuple):
    """One outcome: who was shown whose answers.

    Attributes:
        kind: "VOTE" or "CANARY", whose two models are one.
        judge_calls: made for it; without one, nothing was shown to anybody.
    """

    round: int
    cell_id: str
    kind: str
    judge: str
    model_a: str
    model_b: str
    query_id: str
    judge_calls: int


@dataclass(frozen=True, slots=True)
class Offence:
    """An outcome that the log forbids.

    Attributes:
        objection: what forbids it; "UNKNOWN": the log has no such round, or a model that was never admitted.
    """

    judged: Judged
    objection: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What judges of one provider were shown.

    Attributes:
        judges: of that provider that were shown something.
        cells: in which they were, votes and canaries.
        queries: distinct ones.
        answers: distinct ones, a model's to a query each.
        others: of the answers, those of other providers' models.
    """

    judges: tuple[str, ...]
    cells: int
    queries: int
    answers: int
    others: int


@dataclass(frozen=True, slots=True)
class Audit:
    """What the log proves.

    Attributes:
        votes, canaries: outcomes looked at.
        rounds: in which they were.
        silent_rounds: of these, opened before the log told of a policy: held against none but that nobody judges
            itself.
        policies: that rounds were opened by, each with the first round of it.
        offences: in the order of rounds and cells; none: it is proven.
        seen: by provider, in the order of names; the empty one are models of none.
    """

    votes: int
    canaries: int
    rounds: int
    silent_rounds: tuple[int, ...]
    policies: tuple[tuple[int, JudgePolicy], ...]
    offences: tuple[Offence, ...]
    seen: Mapping[str, Seen]

    @property
    def proven(self) -> bool:
        """Whether nobody judged what it may not."""
        return not self.offences


class _Opened(NamedTuple):
    policy: JudgePolicy | None
    admitted: Mapping[str, Admitted]


def audit(decisions: Iterable[Decision], outcomes: Iterable[Judged]) -> Audit:
    """Hold every outcome against the log.

    Args:
        decisions: all of them, in order.
        outcomes: votes and canaries of all attempts, in any order.

    Raises:
        GapInLog: decisions are missing.
    """
    rounds: dict[int, _Opened] = {}
    state = EMPTY
    for decision in decisions:
        state = apply(state, decision)
        if decision.kind is DecisionKind.ROUND_OPENED:
            told = decision.content.get("policy")
            rounds[decision.round] = _Opened(None if told is None else policy_in(told), state.admitted)
    told_of = sorted(outcomes)
    offences = [
        Offence(one, objection) for one in told_of if (objection := _objection(one, rounds.get(one.round))) is not None
    ]
    met = sorted({one.round for one in told_of})
    canaries = sum(one.kind != "VOTE" for one in told_of)
    return Audit(
        votes=len(told_of) - canaries,
        canaries=canaries,
        rounds=len(met),
        silent_rounds=tuple(number for number in met if number in rounds and rounds[number].policy is None),
        policies=_policies(rounds),
        offences=tuple(offences),
        seen=_seen(told_of, rounds),
    )


def _objection(one: Judged, opened: _Opened | None) -> str | None:
    if opened is None:
        return _UNKNOWN
    models = (one.judge, one.model_a, one.model_b)
    if not all(model in opened.admitted for model in models):
        return _UNKNOWN
    judge, *contestants = (opened.admitted[model] for model in models)
    return (opened.policy or OPEN).objection(judge, contestants)


_UNKNOWN = "UNKNOWN"


def _policies(rounds: Mapping[int, _Opened]) -> tuple[tuple[int, JudgePolicy], ...]:
    found: list[tuple[int, JudgePolicy]] = []
    for number in sorted(rounds):
        policy = rounds[number].policy
        if policy is not None and (not found or found[-1][1] != policy):
            found.append((number, policy))
    return tuple(found)


def _seen(outcomes: Iterable[Judged], rounds: Mapping[int, _Opened]) -> dict[str, Seen]:
    by_provider: dict[str, list[Judged]] = defaultdict(list)
    for one in outcomes:
        if one.judge_calls:
            by_provider[_provider(one.judge, rounds.get(one.round))].append(one)
    found = {}
    for provider in sorted(by_provider):
        cells = by_provider[provider]
        shown = {
            (one.query_id, model): _provider(model, rounds.get(one.round))
            for one in cells
            for model in (one.model_a, one.model_b)
        }
        found[provider] = Seen(
            judges=tuple(sorted({one.judge for one in cells})),
            cells=len({one.cell_id for one in cells}),
            queries=len({one.query_id for one in cells}),
            answers=len(shown),
            others=sum(whose != provider for whose in shown.values()),
        )
    return found


def _provider(model: str, opened: _Opened | None) -> str:
    known = opened.admitted.get(model) if opened else None
    return known.provider if known else ""
