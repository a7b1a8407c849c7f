"""Decisions in a person's words. Pure.

Votes of a pair are shown by weight, where an average judge's vote counts 1: "83.5 : 12.5".
"""

from collections.abc import Sequence

from dearena.ranking.decisions import SEED, Content, Decision, DecisionKind, phase_of, verdict_of
from dearena.ranking.insertion import Coarse, Fine, Settled
from dearena.ranking.verdict import ONE, PairVerdict


def why(decision: Decision, model: str = "") -> str:
    """What happened and why, for a reader who follows `model` (any one that the decision concerns)."""
    content = decision.content
    model = model or decision.model
    match decision.kind:
        case DecisionKind.ADMITTED:
            told = _admitted(content)
        case DecisionKind.ROUND_OPENED:
            told = _round_opened(decision.round, content, model)
        case DecisionKind.ROUND_CLOSED:
            told = _round_closed(decision.round, content)
        case DecisionKind.STEPPED:
            told = _stepped(model, content) if decision.model else _seeds_ordered(content, model)
        case DecisionKind.SETTLED:
            told = _settled(decision.round, content, model)
        case DecisionKind.MODEL_RETIRED:
            told = f"leaves: {content['reason']}"
        case DecisionKind.JUDGE_SUSPENDED:
            told = f"judges no more: {content['reason']}"
        case DecisionKind.JUDGE_REINSTATED:
            told = "judges again"
        case DecisionKind.BUDGET_LIFTED:
            told = "its budget is lifted"
    return told


def _admitted(content: Content) -> str:
    if content["role"] == SEED:
        return "is admitted as a seed model"
    return f"is admitted: it lies {places(0, content['ranked'])}, with {content['ranked']} models ranked before it"


def _round_opened(number: int, content: Content, model: str) -> str:
    if not content["cells"]:
        what = "the votes there are decide" if content["models"] else "a board without those that have left"
        return f"round {number} needs no cells: {what}"
    asked = f"round {number}: {len(content['judges'])} judges are asked for {content['cells']:,} cells"
    if content["models"] == [model]:
        return f"{asked}, {' and '.join(f'against {_other(pair, model)}' for pair in content['pairs'])}"
    return f"{asked}, {len(content['models'])} seed models each against each"


def _round_closed(number: int, content: Content) -> str:
    outcomes = " · ".join(f"{name} {count:,}" for name, count in content["outcomes"].items())
    return f"round {number} is closed: {outcomes or 'it had no cells'}"


def _seeds_ordered(content: Content, model: str) -> str:
    order = content["models"]
    verdicts = [verdict_of(one) for one in content["verdicts"]]
    if not model:
        return f"the seed models by pairs won: {', '.join(order)}"
    met = [verdict for verdict in verdicts if model in verdict.pair]
    won = sum(verdict.winner == model for verdict in met)
    return f"wins {won} of {len(met)} pairs with the other seed models"


def _stepped(newcomer: str, content: Content) -> str:
    before, after = phase_of(content["before"]), phase_of(content["after"])
    said = " and ".join(_said(newcomer, verdict_of(one)) for one in content["verdicts"])
    match before, after:
        case Coarse(), Coarse():
            told = f"{said}, so it lies {places(after.low, after.high)}"
        case Coarse(), Fine():
            told = f"the binary search ends at place {after.place + 1}: its neighbours come next"
        case Fine(), Fine():
            told = f"{said}, so it slides from place {before.place + 1} to {after.place + 1}"
        case Fine(), Settled() if not said:
            told = f"has no neighbours at place {after.place + 1}"
        case Fine(), Settled() if before.place == after.place:
            told = f"{said}, so it rests at place {after.place + 1}"
        case Fine(), Settled():
            told = f"{said}, and has slid {before.slides} times: it is given place {after.place + 1}"
        case _:
            raise ValueError(f"no step leads from {content['before']} to {content['after']}")
    return told


def _said(newcomer: str, verdict: PairVerdict) -> str:
    opponent = verdict.pair.opponent_of(newcomer)
    own, other = verdict.weight_a, verdict.weight_b
    if newcomer == verdict.pair.model_b:
        own, other = other, own
    if verdict.winner is None and not verdict.votes_a + verdict.votes_b:
        return f"has no vote for or against it beside {opponent}"
    score = f"{own / ONE:.1f} : {other / ONE:.1f}"
    if verdict.winner is None:
        return f"cannot be told from {opponent} {score}"
    return f"{'beats' if verdict.winner == newcomer else 'loses to'} {opponent} {score}"


def _settled(number: int, content: Content, model: str) -> str:
    ranking: Sequence[str] = content["ranking"]
    if not content["models"]:
        return f"board {number} stands without those that have left"
    if not model:
        return f"on board {number}: {', '.join(ranking)}"
    return f"settles at rank {ranking.index(model) + 1} of {len(ranking)} on board {number}"


def _other(pair: Sequence[str], model: str) -> str:
    return pair[1] if pair[0] == model else pair[0]


def places(low: int, high: int) -> str:
    """Places as people count them, from 1: `at place 3`, `in places 1 to 4`."""
    return f"at place {low + 1}" if low == high else f"in places {low + 1} to {high + 1}"
