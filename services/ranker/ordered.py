"""Comparisons that somebody orders: read, and refused where they cannot be meant. Pure."""

from collections.abc import Collection
from typing import Final

from dearena.faults import InvalidField, NotReady, UnknownModel
from dearena.names import InvalidName, Revision
from dearena.ranking.orders import Comparison
from dearena.ranking.pairs import Pair
from dearena.ranking.ranking import RankingState
from dearena.v1 import ranker_pb2 as pb

MOST_VOTES: Final = 100
"""Of a comparison: there are never so many judges."""
MOST_CELLS: Final = 5_000
"""Of an order, canaries aside: its entry of the log has to fit a message."""


def comparisons_of(
    request: pb.OrderComparisonsRequest, state: RankingState, queries: Collection[str]
) -> tuple[Comparison, ...]:
    """What is ordered, in the order in which it is written.

    Args:
        request: of the caller.
        state: of the ranking.
        queries: ids of those of the version that is ranked.

    Raises:
        InvalidField: a comparison is wrong in itself, or is there twice, or there are too many or none.
        UnknownModel: one was never admitted.
        NotReady: one is not ranked yet.
    """
    if not request.comparisons:
        raise InvalidField.of("comparisons", "there must be at least one")
    if (cells := sum(one.votes for one in request.comparisons)) > MOST_CELLS:
        raise InvalidField.of("comparisons", f"are {cells:,} votes together; must be at most {MOST_CELLS:,}")
    # An order that names no votes is counted by nothing else.
    if len(request.comparisons) > MOST_CELLS:
        raise InvalidField.of("comparisons", f"are {len(request.comparisons):,}; must be at most {MOST_CELLS:,}")
    seen: dict[tuple[Pair, str], int] = {}
    ordered: list[Comparison] = []
    for place, one in enumerate(request.comparisons):
        field = f"comparisons[{place}]"
        pair = _pair(one, field, state)
        if one.query_id not in queries:
            raise InvalidField.of(f"{field}.query_id", f"{one.query_id!r} is no query of the dimension's version")
        if not 1 <= one.votes <= MOST_VOTES:
            raise InvalidField.of(f"{field}.votes", f"is {one.votes:,}; must be 1 to {MOST_VOTES:,}")
        if (earlier := seen.setdefault((pair, one.query_id), place)) != place:
            raise InvalidField.of(field, f"is the same pair on the same query as comparisons[{earlier}]")
        ordered.append(Comparison(pair, one.query_id, one.votes))
    return tuple(ordered)


def _pair(one: pb.OrderedComparison, field: str, state: RankingState) -> Pair:
    for name, model in (("model_a", one.model_a), ("model_b", one.model_b)):
        try:
            Revision.parse(model)
        except InvalidName as error:
            raise InvalidField.of(f"{field}.{name}", str(error)) from error
        if model not in state.admitted:
            raise UnknownModel(f"{field}.{name}: {model} has not been admitted")
        # Who has left since whoever orders has looked is left out, not refused.
        if model not in state.ranking and not state.insertions[model].is_over:
            raise NotReady(f"{field}.{name}: {model} is not ranked yet")
    if one.model_a == one.model_b:
        raise InvalidField.of(field, f"compares {one.model_a} with itself")
    return Pair.of(one.model_a, one.model_b)
