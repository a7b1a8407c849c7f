"""The decision log as data. With the outcomes it is all that a ranking and its boards depend on.

Decisions are numbered from 1 without gaps within a dimension. Their content is plain JSON data without
times, costs or minted ids: two runs that saw the same have the same log, to the byte. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from dearena.identity import Digest
from dearena.ranking.entrants import Change, Entrant, Provenance
from dearena.ranking.frozen import Frozen
from dearena.ranking.health import JudgeRecord
from dearena.ranking.holds import Cause, Hold
from dearena.ranking.insertion import Coarse, Fine, Phase, Settled
from dearena.ranking.judge_policy import JudgePolicy
from dearena.ranking.judge_records import record_content
from dearena.ranking.orders import Order, comparisons_content
from dearena.ranking.pairs import Pair
from dearena.ranking.standing import NANO, Standing
from dearena.ranking.verdict import PairVerdict

Content = Mapping[str, Any]

RULE: Final = "rule"
OPERATOR: Final = "operator"
GATEWAY: Final = "gateway"
"""Who has suspended or reinstated a judge."""

SEED: Final = "seed"
NEWCOMER: Final = "newcomer"


class DecisionKind(StrEnum):
    """As `DecisionKind` in ranker.proto, without its prefix."""

    ADMITTED = "ADMITTED"
    ROUND_OPENED = "ROUND_OPENED"
    ROUND_CLOSED = "ROUND_CLOSED"
    STEPPED = "STEPPED"
    SETTLED = "SETTLED"
    JUDGE_SUSPENDED = "JUDGE_SUSPENDED"
    JUDGE_REINSTATED = "JUDGE_REINSTATED"
    MODEL_RETIRED = "MODEL_RETIRED"
    BUDGET_LIFTED = "BUDGET_LIFTED"
    REFINEMENT_ORDERED = "REFINEMENT_ORDERED"
    PROVENANCE_CHANGED = "PROVENANCE_CHANGED"
    INSERTION_HELD = "INSERTION_HELD"
    INSERTION_RESUMED = "INSERTION_RESUMED"
    COMPARISONS_ORDERED = "COMPARISONS_ORDERED"
    DIMENSION_REVISED = "DIMENSION_REVISED"


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of the log.

    Attributes:
        number: its place in the log, from 1.
        model: the revision it concerns; empty when it concerns several, or the dimension.
        round: 0 when it concerns none.
        content: by kind, as the functions below make it.
    """

    number: int
    kind: DecisionKind
    model: str
    round: int
    content: Content


def admitted(number: int, entrant: Entrant, role: str, ranked: int) -> Decision:
    """A model is admitted, as a seed or as a newcomer among so many ranked models."""
    content = {
        "role": role,
        "ranked": ranked,
        "cohort": entrant.cohort,
        "provider": entrant.provider,
        "family": entrant.family,
        "may_judge": entrant.may_judge,
        "judge_parameters_hash": entrant.judge_parameters_hash,
    }
    return Decision(number, DecisionKind.ADMITTED, entrant.model, 0, content)


def round_opened(
    number: int,
    round_number: int,
    *,
    models: Sequence[str],
    pairs: Iterable[Pair],
    judges: Sequence[str],
    frozen: Frozen,
    cells: int,
    canaries: int,
    refines: bool,
    cells_digest: Digest,
    policy: JudgePolicy,
    order: int = 0,
) -> Decision:
    """A round is opened for these models: its cells, all by which its close will decide, and who may judge what.

    `order` is the number of the one whose comparisons it asks; 0: of none.
    """
    content = {
        "models": list(models),
        "pairs": [list(pair) for pair in pairs],
        "judges": list(judges),
        **frozen.content(),
        "cells": cells,
        "canaries": canaries,
        "refines": refines,
        "cells_digest": cells_digest,
        "policy": policy.content(),
        # Rounds of no order are told as they were before there were orders.
        **({"order": order} if order else {}),
    }
    return Decision(number, DecisionKind.ROUND_OPENED, _single(models), round_number, content)


def round_closed(
    number: int,
    round_number: int,
    models: Sequence[str],
    outcomes: Mapping[str, int],
    records: Mapping[str, JudgeRecord],
    calls: int,
    *,
    settles: bool,
) -> Decision:
    """Every cell of the round has an outcome.

    Args:
        models: whom it served.
        outcomes: number of its cells by outcome.
        records: what they say of the judges.
        calls: judge calls that its cells stand for, made or not.
        settles: a board is to be seen: someone whom it served rests by it, or the one before it is outdated.
    """
    content = {
        "models": list(models),
        "outcomes": dict(outcomes),
        "judges": {judge: record_content(record) for judge, record in records.items()},
        "calls": calls,
        "settles": settles,
    }
    return Decision(number, DecisionKind.ROUND_CLOSED, _single(models), round_number, content)


def stepped(
    number: int,
    round_number: int,
    *,
    model: str,
    before: Phase,
    after: Phase,
    verdicts: Iterable[PairVerdict],
    standing: Standing,
    ended_early: bool = False,
    provisional: bool = False,
) -> Decision:
    """A newcomer moves on, by these verdicts, standing there by all its votes.

    Args:
        ended_early: its rounds or targets are used up, or its rank is known as well as was asked.
        provisional: judges failed or left, and nobody could take their place.
    """
    content = {
        "before": phase_content(before),
        "after": phase_content(after),
        "verdicts": [verdict_content(verdict) for verdict in verdicts],
        "standing": standing_content(standing),
        "ended_early": ended_early,
        "provisional": provisional,
    }
    return Decision(number, DecisionKind.STEPPED, model, round_number, content)


def standing_content(standing: Standing) -> dict[str, Any]:
    """Where a newcomer stands, as plain data: billionths of log-odds, and places from 0."""
    return {
        "strength": round(standing.strength * NANO),
        "error": round(standing.error * NANO),
        "place": standing.place,
        "low": standing.low,
        "high": standing.high,
    }


def seeds_ordered(
    number: int,
    round_number: int,
    order: Sequence[str],
    verdicts: Iterable[PairVerdict],
    *,
    provisional: bool = False,
) -> Decision:
    """All pairs of seeds have been heard; `order` is by pairs won, best first. Provisional as of `stepped`."""
    content = {
        "models": list(order),
        "verdicts": [verdict_content(verdict) for verdict in verdicts],
        "provisional": provisional,
    }
    return Decision(number, DecisionKind.STEPPED, "", round_number, content)


def settled(
    number: int,
    round_number: int,
    models: Sequence[str],
    ranking: Sequence[str],
    board_digest: Digest,
    *,
    sure: Mapping[str, tuple[int, int]],
    provisional: Sequence[str] = (),
) -> Decision:
    """These models have their places; the ranking is in the order of the board of this round.

    Args:
        sure: best and worst rank at 95 % of those that were inserted, by their own votes and by those of all that
            settle beside them.
        provisional: those of them whose evidence fell short.
    """
    content = {
        "models": list(models),
        "ranking": list(ranking),
        "board_digest": board_digest,
        "sure": {model: list(interval) for model, interval in sure.items()},
        "provisional": list(provisional),
    }
    return Decision(number, DecisionKind.SETTLED, _single(models), round_number, content)


def suspended(number: int, round_number: int, judge: str, reason: str) -> Decision:
    """A rule has found a judge to be none."""
    return Decision(number, DecisionKind.JUDGE_SUSPENDED, judge, round_number, {"reason": reason, "by": RULE})


def ordered(number: int, order: Order) -> Decision:
    """An operator's word."""
    kind = DecisionKind(order.kind)
    content: dict[str, Any] = {"by": OPERATOR, "order": order.number}
    match kind:
        case DecisionKind.REFINEMENT_ORDERED:
            content["calls"] = order.calls
        case DecisionKind.COMPARISONS_ORDERED:
            content["comparisons"] = comparisons_content(order.comparisons)
        case _:
            content["reason"] = order.reason
    return Decision(number, kind, order.judge, 0, content)


def revised(number: int, version: int, first_round: int) -> Decision:
    """From here on this version of the dimension is ranked, and this will be its first round."""
    content = {"version": version, "first_round": first_round}
    return Decision(number, DecisionKind.DIMENSION_REVISED, "", 0, content)


def changed(number: int, change: Change | Provenance) -> Decision:
    """A model has left, judges no more, judges again, or is said to be of another provider or family."""
    if isinstance(change, Provenance):
        content = {"provider": change.provider, "family": change.family}
        return Decision(number, DecisionKind.PROVENANCE_CHANGED, change.model, 0, content)
    if change.retired:
        kind = DecisionKind.MODEL_RETIRED
    else:
        kind = DecisionKind.JUDGE_REINSTATED if change.may_judge else DecisionKind.JUDGE_SUSPENDED
    return Decision(number, kind, change.model, 0, {"reason": change.reason, "by": GATEWAY})


def budgets_lifted(number: int, round_number: int, models: Sequence[str], budgets: Iterable[str]) -> Iterator[Decision]:
    """Budgets that held the round for these models hold it no more: a decision each, numbered from `number`."""
    for place, budget in enumerate(budgets):
        content = {"models": list(models), "budget": budget}
        yield Decision(number + place, DecisionKind.BUDGET_LIFTED, _single(models), round_number, content)


def held(number: int, model: str, hold: Hold) -> Decision:
    """A newcomer waits alone from here on; one that waits already, for something else than before."""
    return Decision(number, DecisionKind.INSERTION_HELD, model, 0, hold.content())


def resumed(number: int, model: str, cause: Cause) -> Decision:
    """A newcomer waits for this no longer: the next round serves it."""
    return Decision(number, DecisionKind.INSERTION_RESUMED, model, 0, {"cause": str(cause)})


def phase_content(phase: Phase) -> dict[str, Any]:
    """A phase of an insertion as plain data."""
    match phase:
        case Coarse(low, high):
            return {"phase": "coarse", "low": low, "high": high}
        case Fine(place, width, slides, survey):
            return {"phase": "fine", "place": place, "width": width, "slides": slides, "survey": survey}
        case Settled(place, slides):
            return {"phase": "settled", "place": place, "slides": slides}


def phase_of(content: Content) -> Phase:
    """The phase that stands in a decision; raises ValueError for one that is not known."""
    match content["phase"]:
        case "coarse":
            return Coarse(content["low"], content["high"])
        case "fine":
            return Fine(content["place"], content["width"], content["slides"], content.get("survey", False))
        case "settled":
            return Settled(content["place"], content["slides"])
        case other:
            raise ValueError(f"{other!r} is no phase of an insertion")


def verdict_content(verdict: PairVerdict) -> dict[str, Any]:
    """A verdict as plain data."""
    return {
        "pair": list(verdict.pair),
        "weights": [verdict.weight_a, verdict.weight_b],
        "votes": [verdict.votes_a, verdict.votes_b],
        "others": verdict.others,
        "decided": verdict.decided,
        "error": verdict.error,
        "queries": verdict.queries,
        "preferred": verdict.preferred,
    }


def verdict_of(content: Content) -> PairVerdict:
    """The verdict that stands in a decision."""
    (weight_a, weight_b), (votes_a, votes_b) = content["weights"], content["votes"]
    return PairVerdict(
        Pair(*content["pair"]),
        weight_a,
        weight_b,
        votes_a,
        votes_b,
        content["others"],
        *(content[name] for name in ("decided", "error", "queries", "preferred") if name in content),
    )


def concerned(decision: Decision) -> tuple[str, ...]:
    """Models whose insertions, or whose judging, a decision is about."""
    return (decision.model,) if decision.model else tuple(decision.content.get("models", ()))


def _single(models: Sequence[str]) -> str:
    return models[0] if len(models) == 1 else ""
