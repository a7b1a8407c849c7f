"""How a pair is decided: which cells a jury still wants, and its verdict once it has one.

A policy is one function behind one interface; the insertion does not know which one it has. A new one
is written here, or in a file beside this one, and named in `JURIES`. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from dearena.faults import InvalidField
from dearena.outcomes import Outcome
from dearena.ranking.evidence import Ballot
from dearena.ranking.pairs import Pair
from dearena.ranking.verdict import PairVerdict, weigh


@dataclass(frozen=True, slots=True)
class Hearing:
    """A pair before its judges.

    Attributes:
        judges: those who may be asked about this pair, at least one, in canonical order.
        queries: ids of the dimension's queries, in order.
        weights: of judges, in parts of 65,536, as frozen when the round was opened.
        evidence: outcomes of the pair so far, also of judges who are no longer asked.
    """

    pair: Pair
    judges: tuple[str, ...]
    queries: tuple[str, ...]
    weights: Mapping[str, int]
    evidence: Mapping[Ballot, Outcome]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a jury says: cells that it wants first, or its verdict. One of the two is there."""

    wanted: tuple[Ballot, ...] = ()
    verdict: PairVerdict | None = None


Jury = Callable[[Hearing], Ruling]
"""A policy. The same hearing must give the same ruling: no clock, no lots but by hash of the hearing."""


def exhaustive(hearing: Hearing) -> Ruling:
    """Every judge on every query, as the method's makers do; what has an outcome is not asked again."""
    asked = [Ballot(judge, query) for judge in hearing.judges for query in hearing.queries]
    if wanted := tuple(ballot for ballot in asked if ballot not in hearing.evidence):
        return Ruling(wanted=wanted)
    outcomes = ((ballot.judge, hearing.evidence[ballot]) for ballot in asked)
    return Ruling(verdict=weigh(hearing.pair, outcomes, hearing.weights))


JURIES: Final[Mapping[str, Jury]] = {"exhaustive": exhaustive}


def jury_named(name: str) -> Jury:
    """The policy of this name.

    Raises:
        InvalidField: there is none; says which there are.
    """
    try:
        return JURIES[name]
    except KeyError:
        raise InvalidField.of("ranking.jury", f"{name!r} is none of {', '.join(sorted(JURIES))}") from None
