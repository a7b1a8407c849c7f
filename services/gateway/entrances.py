"""Which trace the work of an entrant goes to, so that no trace grows with the number of dimensions or queries. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

DIMENSIONS_A_TRACE: Final = 8
"""So many entrants of a revision are in the trace of its registration; each later one is in a trace of its own."""

ANSWERS_A_TRACE: Final = 64
"""So many queries are answered in a trace; each further one in a trace of its own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entrant's work goes."""

    apart: bool
    """In a trace of its own, not in that of the registration."""
    answers: int
    """Of the first collection: the first so many are in the same trace."""


def places(before: Iterable[Place], queries: Sequence[int]) -> list[Place]:
    """Where further entrants of a revision go.

    Args:
        before: the places of those that entered earlier.
        queries: how many there are, of each that enters now, in order.
    """
    together = [place for place in before if not place.apart]
    count, answers = len(together), sum(place.answers for place in together)
    found = []
    for number in queries:
        apart = count >= DIMENSIONS_A_TRACE
        place = Place(apart, min(number, ANSWERS_A_TRACE if apart else max(0, ANSWERS_A_TRACE - answers)))
        if not apart:
            count, answers = count + 1, answers + place.answers
        found.append(place)
    return found
