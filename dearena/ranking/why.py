"""Decisions in a person's words. Pure.

Votes of judges that were drawn by their weight count 1 each: "3 : 9". Where all judges are heard, votes are shown by
weight, where an average judge's counts 1: "83.5 : 12.5".
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from dearena.ranking.decisions import GATEWAY, OPERATOR, SEED, Content, Decision, DecisionKind, phase_of, verdict_of
from dearena.ranking.holds import Cause
from dearena.ranking.insertion import Coarse, Fine, Phase, Settled
from dearena.ranking.orders import comparisons_in
from dearena.ranking.patience import SURVEY_VOTES
from dearena.ranking.verdict import ONE, PairVerdict

MOST_NAMED: Final = 3
"""More opponents than these are counted, not named."""

BEATS: Final = "beats"
LOSES: Final = "loses to"
EQUALS: Final = "cannot be told from"


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
            told = _stepped(decision.model, content) if decision.model else _seeds_ordered(content, model)
        case DecisionKind.SETTLED:
            told = _settled(decision.round, content, model)
        case DecisionKind.MODEL_RETIRED:
            told = f"leaves: {content['reason']}"
        case DecisionKind.JUDGE_SUSPENDED | DecisionKind.JUDGE_REINSTATED:
            told = _judging(content, judges=decision.kind is DecisionKind.JUDGE_REINSTATED)
        case DecisionKind.INSERTION_HELD | DecisionKind.INSERTION_RESUMED:
            told = _alone(content, waits=decision.kind is DecisionKind.INSERTION_HELD)
        case _:
            told = _by_people(decision)
    return told


_GOES_ON: Final = {Cause.NO_ELIGIBLE_JUDGE: "it needs no judge now that is not there"}


def _alone(content: Content, *, waits: bool) -> str:
    return f"waits, while others go on: {content['reason']}" if waits else f"goes on: {_GOES_ON[content['cause']]}"


def _by_people(decision: Decision) -> str:
    content = decision.content
    if decision.kind is DecisionKind.REFINEMENT_ORDERED:
        return f"an operator orders {content['calls']:,} more judge calls on the whole board"
    if decision.kind is DecisionKind.COMPARISONS_ORDERED:
        return _comparisons_ordered(content)
    if decision.kind is DecisionKind.BUDGET_LIFTED:
        return f"the budget of {content['budget']} is lifted: round {decision.round} goes on"
    if decision.kind is DecisionKind.DIMENSION_REVISED:
        return f"version {content['version']} of the dimension is ranked from round {content['first_round']} on, anew"
    provider, family = content["provider"], content["family"]
    return (
        f"{f'provider {provider}' if provider else 'no provider'} and {f'family {family}' if family else 'no family'}"
    )


def _comparisons_ordered(content: Content) -> str:
    ordered = comparisons_in(content)
    votes, pairs = sum(one.votes for one in ordered), len(content["comparisons"])
    queries = len({one.query_id for one in ordered})
    return (
        f"order {content['order']}: {counted(votes, 'vote')} {'is' if votes == 1 else 'are'} to be asked "
        f"on {counted(pairs, 'pair')} and {counted(queries, 'query', 'queries')}"
    )


def _admitted(content: Content) -> str:
    if content["role"] == SEED:
        return "is admitted as a seed model"
    ranked = counted(content["ranked"], "model")
    return f"is admitted: it lies {places(0, content['ranked'])}, with {ranked} ranked before it"


def _round_opened(number: int, content: Content, model: str) -> str:
    models: Sequence[str] = content["models"]
    refines, order = bool(content.get("refines")), content.get("order", 0)
    if not content["cells"]:
        return f"round {number} needs no cells: {_without_cells(models, refines=refines, order=order)}"
    judges = len(content["judges"])
    asked = f"{counted(judges, 'judge')} {'is' if judges == 1 else 'are'} asked for {counted(content['cells'], 'cell')}"
    if content.get("canaries"):
        asked += f", {content['canaries']} of them to watch judges"
    opponents = [_other(pair, model) for pair in content["pairs"] if model in pair]
    against = _against(opponents) if opponents else f"on {counted(len(content['pairs']), 'pair')}"
    if order:
        return f"round {number} asks what order {order} says: {asked}, {against}"
    if refines:
        return f"round {number} refines the board: {asked}, {against}"
    if _seeds_meet(content):
        return f"round {number}: {asked}, {len(models)} seed models each against each"
    if len(models) > 1:
        told = f"round {number} for {len(models)} newcomers: {asked}"
        return f"{told}, {model} {against}" if opponents else f"{told}, {_listed(models)}"
    return f"round {number}: {asked}, {against}"


def _without_cells(models: Sequence[str], *, refines: bool, order: int) -> str:
    if order:
        return f"of what order {order} says nothing is left to ask"
    if refines:
        return "there is nothing left to ask, and the refinement ends"
    return "the votes there are decide" if models else "a board is made of the models and judges that count now"


def _seeds_meet(content: Content) -> bool:
    """A newcomer meets ranked models only, and no other whom the round serves."""
    return any(set(pair) <= set(content["models"]) for pair in content["pairs"])


def _round_closed(number: int, content: Content) -> str:
    outcomes = " · ".join(f"{name} {count:,}" for name, count in content["outcomes"].items())
    return f"round {number} is closed: {outcomes or 'it had no cells'}"


def _seeds_ordered(content: Content, model: str) -> str:
    if not model:
        return f"the seed models by pairs won: {', '.join(content['models'])}"
    met = [verdict for one in content["verdicts"] if model in (verdict := verdict_of(one)).pair]
    won = sum(verdict.winner == model for verdict in met)
    told = f"wins {won} of {len(met)} pairs with the other seed models"
    undecided = sum(not verdict.decided for verdict in met)
    return f"{told}, {undecided} of them by the estimate only" if undecided else told


def _stepped(newcomer: str, content: Content) -> str:
    before, after = phase_of(content["before"]), phase_of(content["after"])
    verdicts = [verdict_of(one) for one in content["verdicts"]]
    told = _joined(said_of_all(newcomer, verdicts), _moved(before, after, content, verdicts), verdicts)
    if content.get("provisional"):
        told += "; judges failed or left, and nobody could take their place"
    return told


def _joined(said: str, moved: str, verdicts: Iterable[PairVerdict]) -> str:
    if not said:
        return moved
    if all(verdict.decided for verdict in verdicts):
        return f"{said}, so it {moved}"
    return f"{said}; goes by the estimate: it {moved}"


def _moved(before: Phase, after: Phase, content: Content, verdicts: Sequence[PairVerdict]) -> str:
    match before, after:
        case Coarse() | Fine(), Settled():
            return _rested(before, after, content, heard=bool(verdicts))
        case Coarse(), Coarse():
            return f"lies {places(after.low, after.high)}"
        case Coarse() | Fine(), Fine():
            return _looks_around(before, after)
    raise ValueError(f"no step leads from {content['before']} to {content['after']}")


def _rested(before: Coarse | Fine, after: Settled, content: Content, *, heard: bool) -> str:
    place = f"place {after.place + 1}{_sure(content)}"
    if content.get("ended_early", False):
        return f"is given {place} with the votes there are: {_EARLY}"
    if not heard:
        return f"has no neighbours at place {after.place + 1}"
    if not isinstance(before, Fine) or abs(after.place - before.place) < max(before.width, 1):
        return f"rests at {place}"
    if before.slides:
        # As often as it may, or near enough to where it stands: the log does not say which.
        return f"has slid {counted(before.slides, 'time')} and is given {place}, where it stands by all its votes"
    return f"stands at {place} by all its votes, near enough to its window at place {before.place + 1}, and rests"


def _looks_around(before: Coarse | Fine, after: Fine) -> str:
    wide = f"looks at {counted(after.width, 'neighbour')} on each side"
    match before:
        case Coarse() if after.survey:
            found = f"the binary search ends, and by all votes it stands at place {after.place + 1}"
            return f"{found}: {wide}, {SURVEY_VOTES} votes each"
        case Coarse():
            return f"the binary search ends at place {after.place + 1}: its neighbours come next"
        case Fine(survey=True):
            return f"stands at place {after.place + 1}: its neighbours come next"
        case Fine() if after.slides > before.slides:
            return f"stands at place {after.place + 1} by all its votes, and slides there from {before.place + 1}"
    return f"stands at place {after.place + 1}, and its targets are not met: {wide}"


_EARLY: Final = "its rounds or targets are used up, or its rank is known as well as was asked"


def _sure(content: Content) -> str:
    standing = content.get("standing")
    return f" ({between(standing['low'] + 1, standing['high'] + 1)})" if standing else ""


def said_of_all(model: str, verdicts: Sequence[PairVerdict]) -> str:
    """Verdicts on a model's pairs: each by name, or counted when they are many. Empty when there is none."""
    if len(verdicts) <= MOST_NAMED:
        return " and ".join(said(model, verdict) for verdict in verdicts)
    told = Counter(_relation(model, verdict) for verdict in verdicts)
    relations = [f"{relation} {told[relation]}" for relation in (BEATS, LOSES, EQUALS) if told[relation]]
    ahead = sum(verdict.winner == model for verdict in verdicts)
    return f"of {len(verdicts)} neighbours it {', '.join(relations)}, and is ahead of {ahead}"


def said(model: str, verdict: PairVerdict) -> str:
    """A verdict as seen by one of its models: `loses to gamma@1 3 : 9 on 12 queries, decided at 5 %`."""
    opponent = verdict.pair.opponent_of(model)
    own, other = verdict.weight_a, verdict.weight_b
    if model == verdict.pair.model_b:
        own, other = other, own
    if verdict.winner is None and not verdict.votes_a + verdict.votes_b:
        return f"has no vote for or against it beside {opponent}"
    told = f"{_relation(model, verdict)} {opponent}"
    if not verdict.error:
        return f"{told} {own / ONE:.1f} : {other / ONE:.1f}"
    told = f"{told} {own / ONE:g} : {other / ONE:g} on {counted(verdict.queries, 'query', 'queries')}"
    return f"{told}, decided at {100 * verdict.error:g} %" if verdict.decided else told


def _relation(model: str, verdict: PairVerdict) -> str:
    if verdict.winner is None or not verdict.decided:
        return EQUALS
    return BEATS if verdict.winner == model else LOSES


def _settled(number: int, content: Content, model: str) -> str:
    ranking: Sequence[str] = content["ranking"]
    if not content["models"]:
        return f"the ranking is sorted anew by board {number}"
    if not model:
        return f"on board {number}: {', '.join(ranking)}"
    told = f"settles at rank {ranking.index(model) + 1} of {len(ranking)}"
    if interval := content.get("sure", {}).get(model):
        told += f", {between(*interval)},"
    told += f" on board {number}"
    if model in content.get("provisional", ()):
        told += "; provisional, since judges failed or left and nobody could take their place"
    return told


def _judging(content: Content, *, judges: bool) -> str:
    by, reason = content.get("by", GATEWAY), content.get("reason", "")
    if by == GATEWAY:
        told = "judges again" if judges else "judges no more"
    else:
        who = "an operator" if by == OPERATOR else "a rule"
        told = f"is {'reinstated' if judges else 'suspended'} as a judge by {who}"
    return f"{told}: {reason}" if reason else told


def _against(opponents: Sequence[str]) -> str:
    if len(opponents) > MOST_NAMED:
        return f"against {len(opponents)} models"
    return " and ".join(f"against {opponent}" for opponent in opponents)


def _listed(models: Sequence[str]) -> str:
    return ", ".join(models)


def _other(pair: Sequence[str], model: str) -> str:
    return pair[1] if pair[0] == model else pair[0]


def places(low: int, high: int) -> str:
    """Places as people count them, from 1: `at place 3`, `in places 1 to 4`."""
    return f"at place {low + 1}" if low == high else f"in places {low + 1} to {high + 1}"


def between(low: int, high: int) -> str:
    """How surely a rank is known: `95 % between 6 and 9`; `95 % at 6` where there is one rank only."""
    return f"95 % at {low}" if low == high else f"95 % between {low} and {high}"


def counted(number: int, one: str, several: str = "") -> str:
    """`1 cell`, `1,200 cells`."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
