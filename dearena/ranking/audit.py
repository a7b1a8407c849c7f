"""Proves from a dimension's log that no model judged what it may not have seen. Pure.

A cell is held against the decision that opened its round: the policy that stands there, and the providers and
families that the log had of its models by then. Where it is known what the dimension declares, it is held against that
too, and no round may have been opened by less. Decisions and outcomes are all that is needed, so that anybody who has
them can prove it again; the ledger adds the calls that no outcome tells of, of which not all can be proven.
"""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import NamedTuple

from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.entrants import Admitted
from dearena.ranking.judge_policy import OPEN, JudgePolicy, policy_in
from dearena.ranking.ranking import EMPTY, apply
from dearena.ranking.unheard_calls import LedgerCalls, Unheard, unheard


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


class Finding(StrEnum):
    """What comes of it."""

    PROVEN = "PROVEN"
    """Nobody judged what it may not."""
    IN_PART = "IN_PART"
    """Nothing speaks against it, but of some rounds or calls too little is told."""
    REFUTED = "REFUTED"
    """Somebody judged what it may not, or the log is not that of a dimension with this policy."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What the log proves.

    Attributes:
        votes, canaries: outcomes looked at.
        rounds: in which they were.
        silent_rounds: of these, opened before the log told of a policy: held against none but what is declared.
        hushed_rounds: opened without a word of a policy after the log had told one: no ranker does so.
        looser_rounds: opened by a policy that lets somebody judge whom the declared one keeps from it.
        policies: that rounds were opened by, each with the first round of it.
        declared: what the dimension declares; None: that is not known.
        of_no_family: models that have none by the end of the log, where a policy keeps families apart: they judge
            anybody, and anybody judges them.
        offences: in the order of rounds and cells.
        seen: by provider, in the order of names; the empty one are models of none.
        unheard: judge calls that no outcome tells of, in the order of judges; None: the ledger is not known.
        trials: judge calls about no model's answers.
    """

    votes: int
    canaries: int
    rounds: int
    silent_rounds: tuple[int, ...]
    hushed_rounds: tuple[int, ...]
    looser_rounds: tuple[int, ...]
    policies: tuple[tuple[int, JudgePolicy], ...]
    declared: JudgePolicy | None
    of_no_family: tuple[str, ...]
    offences: tuple[Offence, ...]
    seen: Mapping[str, Seen]
    unheard: tuple[Unheard, ...] | None
    trials: int

    @property
    def finding(self) -> Finding:
        """What comes of it."""
        calls = self.unheard or ()
        if self.offences or self.hushed_rounds or self.looser_rounds or any(one.forbidden for one in calls):
            return Finding.REFUTED
        if self.silent_rounds or calls or self.declared is None or self.unheard is None:
            return Finding.IN_PART
        return Finding.PROVEN

    @property
    def proven(self) -> bool:
        """Whether it is proven, of every round and call, that nobody judged what it may not."""
        return self.finding is Finding.PROVEN


class _Opened(NamedTuple):
    policy: JudgePolicy | None
    admitted: Mapping[str, Admitted]


def audit(
    decisions: Iterable[Decision],
    outcomes: Iterable[Judged],
    declared: JudgePolicy | None = None,
    ledger: Iterable[LedgerCalls] | None = None,
) -> Audit:
    """Hold every outcome against the log.

    Args:
        decisions: all of them, in order.
        outcomes: votes and canaries of all attempts, in any order.
        declared: policy of the dimension; None: it is not known.
        ledger: judge calls of the dimension; None: they are not known.

    Raises:
        GapInLog: decisions are missing.
    """
    rounds: dict[int, _Opened] = {}
    providers: defaultdict[str, set[str]] = defaultdict(set)
    begins: list[int] = []
    state = EMPTY
    for decision in decisions:
        state = apply(state, decision)
        if decision.model in state.admitted:
            providers[decision.model].add(state.admitted[decision.model].provider)
        if decision.kind is DecisionKind.ROUND_OPENED:
            told = decision.content.get("policy")
            rounds[decision.round] = _Opened(None if told is None else policy_in(told), state.admitted)
        if decision.kind is DecisionKind.DIMENSION_REVISED:
            begins.append(state.first_round)
    told_of = sorted(outcomes)
    offences = [
        Offence(one, objection)
        for one in told_of
        if (objection := _objection(one, rounds.get(one.round), declared)) is not None
    ]
    met = sorted({one.round for one in told_of})
    canaries = sum(one.kind != "VOTE" for one in told_of)
    policies = _policies(rounds)
    first_told = policies[0][0] if policies else max(rounds, default=0) + 1
    silent = [number for number in sorted(rounds) if rounds[number].policy is None]
    newest = declared or (policies[-1][1] if policies else OPEN)
    calls, trials = _beside_outcomes(told_of, providers, newest, ledger, begins)
    return Audit(
        votes=len(told_of) - canaries,
        canaries=canaries,
        rounds=len(met),
        silent_rounds=tuple(number for number in silent if number < first_told and number in met),
        hushed_rounds=tuple(number for number in silent if number > first_told),
        looser_rounds=tuple(number for number in sorted(rounds) if _is_looser(rounds[number].policy, declared)),
        policies=policies,
        declared=declared,
        of_no_family=_of_no_family(state.admitted, [*(policy for _, policy in policies), declared or OPEN]),
        offences=tuple(offences),
        seen=_seen(told_of, rounds),
        unheard=calls,
        trials=trials,
    )


def _of_no_family(admitted: Mapping[str, Admitted], policies: Iterable[JudgePolicy]) -> tuple[str, ...]:
    if not any(policy.exclude_family for policy in policies):
        return ()
    return tuple(sorted(model for model, one in admitted.items() if not one.family))


def _is_looser(policy: JudgePolicy | None, declared: JudgePolicy | None) -> bool:
    return policy is not None and declared is not None and policy.is_looser_than(declared)


def _beside_outcomes(
    outcomes: Iterable[Judged],
    providers: Mapping[str, set[str]],
    policy: JudgePolicy,
    ledger: Iterable[LedgerCalls] | None,
    begins: Sequence[int],
) -> tuple[tuple[Unheard, ...] | None, int]:
    if ledger is None:
        return None, 0
    # A cell that was asked in an earlier version of the dimension is answered from the record in a later one: its calls
    # are in the ledger once. Where they were paid again after all, that leaves calls unheard rather than unseen.
    by_version: dict[int, Counter[tuple[str, ...]]] = {}
    for one in outcomes:
        asked = (one.judge, one.kind, one.model_a, one.model_b, one.query_id)
        by_version.setdefault(bisect(begins, one.round), Counter())[asked] += one.judge_calls
    heard = Counter[str]()
    for cell, calls in reduce(or_, by_version.values(), Counter[tuple[str, ...]]()).items():
        heard[cell[0]] += calls
    known = {model: frozenset(whose) for model, whose in providers.items()}
    shown = frozenset(provider for whose in known.values() for provider in whose if policy.shows(provider))
    return unheard(ledger, heard, known, shown)


def _objection(one: Judged, opened: _Opened | None, declared: JudgePolicy | None) -> str | None:
    if opened is None:
        return _UNKNOWN
    models = (one.judge, one.model_a, one.model_b)
    if not all(model in opened.admitted for model in models):
        return _UNKNOWN
    judge, *contestants = (opened.admitted[model] for model in models)
    held_against = (opened.policy or OPEN, declared or OPEN)
    return next((found for policy in held_against if (found := policy.objection(judge, contestants))), None)


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
