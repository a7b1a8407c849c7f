"""Which queries of a pool become a dimension's: named methods behind one interface. Pure.

A new method is one function and one line in METHODS.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from dearena.faults import InvalidField
from dearena.selection.at_random import at_random
from dearena.selection.choice import Selection
from dearena.selection.consistent import consistent
from dearena.selection.pilot import PilotVotes
from dearena.selection.telling import telling

Method = Callable[[PilotVotes, int, int], Selection]
"""Chooses k queries by a pilot and a seed, 1 <= k <= size of the pool. The same arguments give the same choice."""

METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {"random": at_random, "consistent": consistent, "telling": telling}
)


def select(pilot: PilotVotes, *, method: str, k: int, seed: int) -> Selection:
    """K queries of the pilot's pool, and why.

    Raises:
        InvalidField: no such method, or k is not within 1 .. the pool's size.
    """
    if method not in METHODS:
        raise InvalidField.of("method", f"{method!r} is not known; there is: {', '.join(sorted(METHODS))}")
    if k < 1:
        raise InvalidField.of("k", "must be at least 1")
    if k > len(pilot.pool):
        raise InvalidField.of("k", f"is {k:,}, but the pool holds {len(pilot.pool):,}")
    return METHODS[method](pilot, k, seed)
