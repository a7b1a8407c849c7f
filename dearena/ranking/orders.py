"""What an operator may order of a dimension, until the log has taken it up. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from dearena.ranking.pairs import Pair


class Comparison(NamedTuple):
    """A pair to be compared on a query, by so many different judges."""

    pair: Pair
    query_id: str
    votes: int


@dataclass(frozen=True, slots=True)
class Order:
    """An operator's word.

    Attributes:
        number: of the dimension's orders, from 1; they are taken up in this order.
        kind: JUDGE_SUSPENDED, JUDGE_REINSTATED, REFINEMENT_ORDERED or COMPARISONS_ORDERED, as the decision
            that it becomes.
        judge: whom it concerns; empty for a refinement and for comparisons.
        reason: in the operator's words.
        calls: of a refinement.
        comparisons: that are ordered.
    """

    number: int
    kind: str
    judge: str = ""
    reason: str = ""
    calls: int = 0
    comparisons: tuple[Comparison, ...] = ()


def comparisons_content(ordered: Iterable[Comparison]) -> list[list[Any]]:
    """Ordered comparisons as plain data, each pair named once: `[model_a, model_b, [[query, votes], ...]]`."""
    by_pair: dict[Pair, list[list[Any]]] = {}
    for pair, query_id, votes in ordered:
        by_pair.setdefault(pair, []).append([query_id, votes])
    return [[*pair, on] for pair, on in by_pair.items()]


def comparisons_in(content: Mapping[str, Any]) -> tuple[Comparison, ...]:
    """The comparisons that stand in a decision, pair by pair."""
    return tuple(
        Comparison(Pair(model_a, model_b), query_id, int(votes))
        for model_a, model_b, on in content["comparisons"]
        for query_id, votes in on
    )
