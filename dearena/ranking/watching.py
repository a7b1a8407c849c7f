"""Watches judges' health: canaries among the cells of a round, records from its outcomes, suspensions by rule. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dearena.canaries import Sort
from dearena.ranking.asks import Ask, canary
from dearena.ranking.canary_schedule import canaries_due, next_canaries
from dearena.ranking.court import Case
from dearena.ranking.eligibility import eligible
from dearena.ranking.evidence import CANARY, Vote, newest
from dearena.ranking.health import JudgeRecord, suspension
from dearena.ranking.judge_records import added
from dearena.ranking.lots import lot
from dearena.ranking.pairs import in_order
from dearena.ranking.ranking import RankingState
from dearena.ranking.standing import Field


@dataclass(frozen=True, slots=True)
class Suspension:
    """A judge that is to be suspended, and why."""

    judge: str
    reason: str


def canaries(case: Case, asks: Iterable[Ask]) -> tuple[Ask, ...]:
    """Canaries that go out with these cells: on answers shown in the round, of models that the judge may judge.

    No judge is asked about the same answer twice.
    """
    if not case.rules.canary_every:
        return ()
    given, policy = list(asks), case.rules.judge_policy
    planned = Counter(ask.judge for ask in given)
    shown = sorted({(model, ask.query_id) for ask in given for model in ask.pair})
    models = {model for model, _ in shown}
    asked = Counter(judge for judge, _, _ in case.evidence.canaries)
    found: list[Ask] = []
    for judge in in_order(planned):
        record = case.state.health.get(judge, JudgeRecord())
        due = canaries_due(record, planned[judge], case.rules.canary_every)
        # Sorts take turns by what was asked, not by what came of it: an answer too short to be cut comes to nothing.
        sorts = next_canaries(replace(record, canaries=asked[judge]), due)
        judgeable = {model for model in models if eligible((judge,), (model,), case.state.admitted, policy)}
        lots = sorted(
            (lot(case.salt, judge, str(record.canaries), *one), one)
            for one in shown
            if one[0] in judgeable and (judge, *one) not in case.evidence.canaries
        )
        for sort, (_, (model, query_id)) in zip(sorts, lots, strict=False):
            found.append(canary(model, judge, query_id, truncated=sort is Sort.TRUNCATED))
    return tuple(found)


def records_of(votes: Iterable[Vote], sorts: Mapping[str, Sort], known: Field) -> dict[str, JudgeRecord]:
    """What a round's outcomes say of its judges, in canonical order.

    Args:
        votes: all outcomes of the round.
        sorts: of its canaries, by cell id.
        known: strengths that it was opened on.
    """
    records: dict[str, JudgeRecord] = {}
    for vote in newest(votes).values():
        record = records.get(vote.judge, JudgeRecord())
        verdicts = (vote.a_first, vote.b_first)
        if vote.kind == CANARY:
            records[vote.judge] = record.with_canary(sorts[vote.cell_id], vote.outcome, verdicts)
        else:
            records[vote.judge] = record.with_vote(vote.outcome, verdicts, _gap(vote, known))
    return {judge: records[judge] for judge in in_order(records)}


def _gap(vote: Vote, known: Field) -> float | None:
    if not all(model in known.strengths for model in vote.pair):
        return None
    return known.strength(vote.pair.model_a) - known.strength(vote.pair.model_b)


def suspensions(state: RankingState, records: Mapping[str, JudgeRecord]) -> tuple[Suspension, ...]:
    """Judges whom a rule suspends once these records are added to what is known of them."""
    found = []
    for judge in in_order(records):
        known = state.admitted[judge]
        reason = suspension(added(state.health.get(judge, JudgeRecord()), records[judge]))
        if reason is not None and not known.suspended and not known.retired:
            found.append(Suspension(judge, reason))
    return tuple(found)
