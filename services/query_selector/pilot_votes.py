"""What a pilot has heard, as its votes tell it: for the next cells, and for the choice. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from dearena.outcomes import Outcome
from dearena.scoring.arrays import BoolArray, IntArray
from dearena.selection.pilot import TIE, A, B, PilotVotes
from services.query_selector.jobs import Figures, ordered_pairs

SAID: Final[Mapping[str, float]] = {Outcome.A: A, Outcome.B: B, Outcome.TIE: TIE}
"""Readable outcomes, as a pilot counts them."""


class Heard(NamedTuple):
    """What became of a cell of a pilot, canaries aside."""

    round: int
    model_a: str
    model_b: str
    judge: str
    query_id: str
    outcome: str
    judge_calls: int


class Asked(NamedTuple):
    """Cells of an order: a pair on a query, each of another judge."""

    model_a: str
    model_b: str
    query_id: str
    votes: int


class Recorded(NamedTuple):
    """What a step ordered.

    Attributes:
        asked: cells.
        queries: to look at in all from then on, where it went on to more of the pool; else 0.
        why: it did.
    """

    asked: tuple[Asked, ...]
    queries: int = 0
    why: str = ""


class Question(NamedTuple):
    """What a choice has to know of one."""

    query_id: str
    category: str


def evidence_of(questions: Sequence[Question], models: Sequence[str], heard: Sequence[Heard]) -> PilotVotes:
    """Readable votes on pairs of these models, by ids of queries."""
    place = {question.query_id: at for at, question in enumerate(questions)}
    named = {model: at for at, model in enumerate(models)}
    rows = [
        one
        for one in heard
        if one.outcome in SAID and one.query_id in place and one.model_a in named and one.model_b in named
    ]
    judges = sorted({one.judge for one in rows})
    seats = {judge: at for at, judge in enumerate(judges)}
    return PilotVotes.of(
        queries=[question.query_id for question in questions],
        categories=[question.category for question in questions],
        models=models,
        judges=judges,
        query=np.array([place[one.query_id] for one in rows], dtype=np.int64),
        first=np.array([named[one.model_a] for one in rows], dtype=np.int64),
        second=np.array([named[one.model_b] for one in rows], dtype=np.int64),
        judge=np.array([seats[one.judge] for one in rows], dtype=np.int64),
        outcome=np.array([SAID[one.outcome] for one in rows], dtype=np.float64),
    )


def as_one(parts: Sequence[tuple[Sequence[Heard], int]]) -> Sequence[Heard]:
    """What the pilots of several parts have heard, as if it were one, seeded in its round 0.

    Args:
        parts: outcomes, and the round through which nothing was ordered yet.
    """
    return [one._replace(round=int(one.round > seeded)) for heard, seeded in parts for one in heard]


def asked_of(pilot: PilotVotes, heard: Sequence[Heard], ordered: Sequence[Asked], seeded: int) -> IntArray:
    """Cells asked so far, by query of the pilot's pool and pair of its models.

    What was ordered counts, whatever came of it: where no judge was left there is none the next time either. Besides
    there is what the ranker asked by itself, to rank the models at first, and when one came back changed.

    Args:
        pilot: whose pool and models are meant.
        heard: all outcomes.
        ordered: of all orders.
        seeded: round through which nothing was ordered yet.
    """
    pairs = ordered_pairs(pilot.models)
    place = {query: at for at, query in enumerate(pilot.pool.queries)}
    shape = (len(place), len(pairs))
    first, found, wanted = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    for one in heard:
        if at := _cell(one.model_a, one.model_b, one.query_id, pairs, place):
            found[at] += 1
            first[at] += one.round <= seeded
    for order in ordered:
        if at := _cell(order.model_a, order.model_b, order.query_id, pairs, place):
            wanted[at] += order.votes
    counted: IntArray = np.maximum(first + wanted, found)
    return counted


def closed_of(pilot: PilotVotes, open_queries: Collection[str]) -> BoolArray:
    """Which queries cannot be asked any more: all but those of the newest part."""
    return np.array([query not in open_queries for query in pilot.pool.queries], dtype=np.bool_)


def beside(pilot: PilotVotes, heard: Sequence[Heard]) -> int:
    """How many cells were asked of models that are not the pilot's any more."""
    models = set(pilot.models)
    return sum(not {one.model_a, one.model_b} <= models for one in heard)


def _cell(
    model_a: str, model_b: str, query: str, pairs: Mapping[tuple[str, str], int], place: Mapping[str, int]
) -> tuple[int, int] | None:
    pair = pairs.get((model_a, model_b), pairs.get((model_b, model_a)))
    at = place.get(query)
    return None if pair is None or at is None else (at, pair)


def order_of(pilot: PilotVotes, query: IntArray, first: IntArray, second: IntArray) -> tuple[Asked, ...]:
    """Cells to ask, told by names; those of a pair on a query together."""
    rows, times = np.unique(np.stack([query, first, second], axis=1), axis=0, return_counts=True)
    return tuple(
        Asked(pilot.models[a], pilot.models[b], pilot.pool.queries[at], int(count))
        for (at, a, b), count in zip(rows, times, strict=True)
    )


def figures_of(heard: Sequence[Heard], spent: Mapping[str, int], open_queries: int) -> Figures:
    """What has come of the pilot so far."""
    readable = [one for one in heard if one.outcome in SAID]
    return Figures(
        cells=len(heard),
        votes=len(readable),
        heard_queries=len({one.query_id for one in readable}),
        open_queries=open_queries,
        judge_calls=sum(one.judge_calls for one in heard),
        spent=dict(sorted(spent.items())),
    )
