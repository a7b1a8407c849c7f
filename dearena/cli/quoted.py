"""What a quote rests on: a running arena's own records, what is assumed instead, and simulated insertions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from dearena.cli import words
from dearena.cli.quoted_usage import AS_GIVEN, Assumed, Costing, Ledger, tokens_as_given
from dearena.cli.revisions import revision_of
from dearena.client import ArenaClient
from dearena.faults import InvalidField, NotReady, UnknownModel
from dearena.ranking.pairs import in_order
from dearena.ranking.rules import Rules
from dearena.ranking_rules import rules_of
from dearena.trials.newcomers import FEWEST_MODELS, NEWCOMERS, Setting, Taken, newcomers
from dearena.trials.quote import (
    UNKNOWN,
    CallPace,
    Pace,
    Quote,
    RoundPace,
    like_the_next,
    quote,
)
from dearena.v1 import gateway_pb2, query_selector_pb2, ranker_pb2

DEFAULT_CONCURRENCY: Final = 8
"""Calls that a model takes at once, where it does not say: as the gateway has it."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote, of what, and what each figure rests on.

    Attributes:
        models: that are ranked now.
        rests_on: by figure.
    """

    models: int
    queries: int
    jury: str
    quote: Quote
    rests_on: Mapping[str, str]


def offline(models: int, queries: int, assumed: Assumed) -> Quoted:
    """A quote by simulated insertions and assumptions alone, in an arena of the usual rules.

    Raises:
        InvalidField: a number is none that an arena can have.
    """
    if assumed.has_price and assumed.judging is None:
        raise InvalidField.of("--price-in", "tells nothing without --input-tokens and --output-tokens")
    setting = Setting(models, queries, Rules())
    taken = newcomers(setting)
    rests_on = {"calls": _simulated(setting, taken)}
    judging, answering, pace = assumed.judging or UNKNOWN, assumed.answering or UNKNOWN, _assumed_pace(assumed)
    if judging is not UNKNOWN:
        rests_on["tokens"] = tokens_as_given(assumed)
        if assumed.has_price:
            judging, answering = assumed.priced(judging), assumed.priced(answering)
            rests_on["cost"] = AS_GIVEN
    if pace is not None:
        rests_on["time"] = _assumed_time(pace)
    found = quote(taken, queries, judging=judging, answering=answering, pace=pace)
    return Quoted(models, queries, setting.rules.jury, found, rests_on)


async def of_dimension(client: ArenaClient, dimension: str, model: str, assumed: Assumed) -> Quoted:
    """A quote for a model, or for any (empty), that is still to be inserted.

    Raises:
        NotReady: too few models are ranked, or none of them judges.
        InvalidField: the model has its place already.
        UnknownModel: there is none of this revision.
    """
    found = await client.get_dimension(dimension)
    ranking = await client.ranking(dimension)
    revision = await revision_of(client, model) if model else ""
    if revision in ranking.models:
        raise InvalidField.of("--model", f"{revision} has its place in {dimension} already")
    if len(ranking.models) < FEWEST_MODELS:
        raise NotReady(
            f"{dimension} ranks {len(ranking.models)} models, too few for a quote; `dearena quote --offline` needs none"
        )
    judges = _judges(await client.judges(dimension), ranking)
    if not judges:
        raise NotReady(f"no model judges in {dimension}")
    models = {f"{words.slug(one.name)}@{one.revision}": one async for one in client.models()}
    if model and revision not in models:
        raise UnknownModel(f"there is no model {revision} that is not retired or replaced")
    ledger = await Ledger.read(client, dimension)
    usage = Costing(
        assumed, ledger, judges, models, await _weights(client, dimension), models.get(revision), rests_on={}
    )
    judging = usage.judging()
    answering = usage.answering()
    setting = Setting(
        len(ranking.models),
        found.query_count,
        # Planted judges are of no provider of the dimension's.
        replace(rules_of(found), allowed_providers=frozenset(), judge_providers=frozenset()),
        judges=len(judges),
        call_nano_units=round(judging.nano_units.get(found.ranking.target_cost.currency, 0)),
    )
    observed = _observed([one async for one in client.insertions(dimension)])
    alike = like_the_next(observed, setting.models)
    pace, time_rests_on = _pace(
        assumed, alike or [one for _, one in observed], [models[judge] for judge in judges if judge in models]
    )
    answers = await _answers_left(client, dimension, revision, found)
    # How busy each judge is in a round is known of simulated insertions only.
    simulated = newcomers(setting) if not alike or assumed.seconds is not None else []
    made = quote(alike or simulated, answers, judging=judging, answering=answering)
    if pace is not None and simulated:
        made = _with_time(made, quote(simulated, answers, pace=pace))
    rests_on = {"calls": _as_observed(alike) if alike else _simulated(setting, simulated, len(observed))}
    rests_on |= {figure: why for figure, why in usage.rests_on.items() if figure != "cost" or made.cost}
    if made.seconds is not None:
        rests_on["time"] = time_rests_on
    return Quoted(setting.models, setting.queries, setting.rules.jury, made, rests_on)


def _judges(found: Sequence[ranker_pb2.JudgeHealth], ranking: ranker_pb2.Ranking) -> tuple[str, ...]:
    ranked = set(ranking.models)
    return in_order(one.judge for one in found if not one.suspended and one.judge in ranked)


async def _weights(client: ArenaClient, dimension: str) -> Mapping[str, int]:
    return {row.model: row.judge_weight for row in (await client.leaderboard(dimension)).rows}


async def _answers_left(client: ArenaClient, dimension: str, revision: str, found: query_selector_pb2.Dimension) -> int:
    """Queries that the newcomer has not been asked yet."""
    if not revision:
        return found.query_count
    entrants = await client.entrants(dimension, found.version)
    recorded = next((one.answers_recorded for one in entrants if one.model == revision), 0)
    return max(0, found.query_count - recorded)


def _observed(insertions: Sequence[ranker_pb2.Insertion]) -> list[tuple[int, Taken]]:
    """Insertions that have settled, with the number of models that had done so before they were admitted.

    Seeds are none: when they came, nobody was ranked.
    """
    settled = [one for one in insertions if one.phase == ranker_pb2.INSERTION_PHASE_SETTLED and one.rounds]
    found = []
    for one in settled:
        admitted = one.admit_time.ToNanoseconds()
        ranked = sum(other.settle_time.ToNanoseconds() <= admitted for other in settled if other is not one)
        if ranked:
            seconds = (one.settle_time.ToNanoseconds() - admitted) / words.NANO
            found.append((ranked, Taken(one.judge_calls, len(one.rounds), seconds=seconds)))
    return found


def _pace(assumed: Assumed, observed: Sequence[Taken], judges: Sequence[gateway_pb2.Model]) -> tuple[Pace, str]:
    """How fast it goes, and what that rests on."""
    if assumed.seconds is not None:
        least = min((judge.concurrency or DEFAULT_CONCURRENCY for judge in judges), default=DEFAULT_CONCURRENCY)
        pace = CallPace(assumed.seconds, assumed.concurrency or least)
        return pace, _assumed_time(pace)
    if not observed:
        return None, ""
    told = f"from admission to place, as {len(observed)} insertions here took; answers beforehand come on top"
    return RoundPace(median((one.seconds or 0) / one.rounds for one in observed)), told


def _with_time(made: Quote, timed: Quote) -> Quote:
    return Quote(
        made.judge_calls, made.rounds, made.answers, made.input_tokens, made.output_tokens, made.cost, timed.seconds
    )


def _simulated(setting: Setting, taken: Sequence[Taken], observed: int = 0) -> str:
    worlds = -(-len(taken) // NEWCOMERS)
    told = (
        f"{len(taken)} insertions simulated in {worlds} planted worlds of {setting.models} ranked models and "
        f"{setting.queries} queries"
    )
    return f"{told}; the {observed} insertions here are too few, or were into shorter rankings" if observed else told


def _as_observed(alike: Sequence[Taken]) -> str:
    return f"{len(alike)} insertions here, into rankings at least half as long as it is now"


def _assumed_pace(assumed: Assumed) -> CallPace | None:
    return None if assumed.seconds is None else CallPace(assumed.seconds, assumed.concurrency or DEFAULT_CONCURRENCY)


def _assumed_time(pace: Pace) -> str:
    if not isinstance(pace, CallPace):
        return ""
    return f"{pace.seconds:g} s a call, {pace.concurrency} at once, and a round as long as its busiest judge needs"
