"""How a pair is decided: which cells a jury still wants, and its verdict once it has one.

A policy is one function behind this interface; the insertion does not know which one it has. A new one is
written in a file beside this one, and named in `juries.py`. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dearena.ranking.asks import Ask
from dearena.ranking.draws import Askable, Shown, always
from dearena.ranking.evidence import Ballot, Heard
from dearena.ranking.pairs import Pair
from dearena.ranking.verdict import PairVerdict


@dataclass(frozen=True, slots=True)
class Patience:
    """How far a jury goes about a pair at this stage of a search. A jury that hears all does not mind.

    Attributes:
        error: chance that a pair of equals is decided, ever.
        cap: readable outcomes after which the pair stays undecided.
        direction_error, direction_cap: the same of what only says where to look next; where it is given, the
            jury may stop on it. What it says so is no decision of the pair.
        batch: cells of the first batch.
    """

    error: float
    cap: int
    direction_error: float | None = None
    direction_cap: int = 0
    batch: int = 8


@dataclass(frozen=True, slots=True)
class Hearing:
    """A pair before its judges.

    Attributes:
        judges: those who may be asked about this pair, at least one, in canonical order.
        queries: ids of the dimension's queries, in order.
        weights: of judges, in parts of 65,536, as frozen when the round was opened.
        evidence: what came of the pair's cells so far, also of judges who are no longer asked.
        patience: how far to go.
        costs: of a cell of a judge, in nano-units, as frozen likewise.
        silent: judges whose votes count nothing.
        shown: how often answers have been judged; takes note of what is wanted. None where it is not to be asked, but
            only to be known whether the jury wants more.
        salt: other dimensions draw other lots.
        askable: what can be asked at all.
    """

    pair: Pair
    judges: tuple[str, ...]
    queries: tuple[str, ...]
    weights: Mapping[str, int]
    evidence: Mapping[Ballot, Heard]
    patience: Patience
    costs: Mapping[str, int] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    shown: Shown | None = None
    salt: str = ""
    askable: Askable = always


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a jury says.

    Attributes:
        verdict: as the evidence stands.
        waits: the jury wants more before that is its last word.
        wanted: cells of its next batch, if they were to be drawn.
        short: there is nobody left to ask, though the jury would.
    """

    verdict: PairVerdict
    waits: bool = False
    wanted: tuple[Ask, ...] = ()
    short: bool = False


Jury = Callable[[Hearing], Ruling]
"""A policy. The same hearing must give the same ruling: no clock, no lots but by hash of the hearing."""
