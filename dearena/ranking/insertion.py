"""Where a newcomer stands: binary search in the ranking, then a window that slides until it rests.

Pure: no I/O, no clock. A step looks at the verdicts so far and returns either the pairs that must be
heard next or where the newcomer is by them. Source: Decentralized Arena (arXiv 2505.12808), "coarse to fine".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from dearena.ranking.jury import Ruling
from dearena.ranking.pairs import Pair
from dearena.ranking.standing import Standing


@dataclass(frozen=True, slots=True)
class Coarse:
    """The newcomer goes between ranking[low - 1] and ranking[high]; a place is a gap, 0 before the best."""

    low: int
    high: int

    def pivot(self) -> int:
        """The model to compare with next."""
        return (self.low + self.high) // 2


@dataclass(frozen=True, slots=True)
class Fine:
    """The newcomer is taken to be at `place`; its neighbours within `width` are being compared with it.

    Attributes:
        slides: how often the window has moved.
        survey: a first look at more neighbours, a few votes each, since the search has not told the place well.
    """

    place: int
    width: int
    slides: int
    survey: bool = False

    def window(self, ranking: Sequence[str]) -> range:
        """Places of the neighbours in the ranking, best first."""
        return range(max(0, self.place - self.width), min(len(ranking), self.place + self.width))


@dataclass(frozen=True, slots=True)
class Settled:
    """The newcomer goes in at `place`: before ranking[place]."""

    place: int
    slides: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the fine search.

    Attributes:
        window: neighbours on each side of the newcomer.
        max_slides: the window slides at most so often; then the newcomer is given the place found.
        widest: neighbours on each side that a survey may look at.
    """

    window: int
    max_slides: int
    widest: int


Phase = Coarse | Fine | Settled


@dataclass(frozen=True, slots=True)
class Search:
    """A newcomer in search of its place, with all that the next step depends on.

    Attributes:
        ranking: model revisions, best first, without the newcomer.
        hear: the jury's ruling on a pair at this phase; None when nobody may judge it.
        standing: where the newcomer stands by all its votes.
        over: its rounds or its targets are used up, or its rank is known as well as was asked: it settles with
            what there is.
        unmet: it has a target that is not met: once its window is decided, it looks further out.
    """

    newcomer: str
    ranking: Sequence[str]
    limits: Limits
    hear: Callable[[Pair, Phase], Ruling | None]
    standing: Standing
    over: bool = False
    unmet: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A phase that follows, or rulings that are waited for.

    Attributes:
        after: the phase that follows; None while rulings are out.
        rulings: on the pairs of this phase; None where nobody may judge.
    """

    after: Phase | None
    rulings: Mapping[Pair, Ruling | None]

    @property
    def waits_for(self) -> tuple[Pair, ...]:
        """Pairs whose jury wants more."""
        return tuple(pair for pair, ruling in self.rulings.items() if ruling is None or ruling.waits)


def advance(phase: Coarse | Fine, search: Search) -> Step:
    """Take one step as far as the verdicts allow. Whom a jury cannot tell apart from the newcomer stays above it."""
    match phase:
        case Coarse():
            return _halve(phase, search)
        case Fine():
            return _look_around(phase, search)
        case _:
            assert_never(phase)


def _halve(phase: Coarse, search: Search) -> Step:
    if search.over:
        return Step(Settled(search.standing.place, 0), {})
    if phase.low == phase.high:
        return Step(_first_window(phase.low, search), {})
    pivot = phase.pivot()
    pair = Pair.of(search.newcomer, search.ranking[pivot])
    ruling = search.hear(pair, phase)
    if ruling is None or ruling.waits:
        return Step(None, {pair: ruling})
    beats = ruling.verdict.winner == search.newcomer
    return Step(Coarse(phase.low, pivot) if beats else Coarse(pivot + 1, phase.high), {pair: ruling})


def _first_window(place: int, search: Search) -> Fine:
    """Where the search has ended; widened to what lies within one error of where the newcomer stands by its votes."""
    low, high = search.standing.near_low, search.standing.near_high
    wide = min(max((high - low + 1) // 2, search.limits.window), search.limits.widest)
    if wide <= search.limits.window:
        return Fine(place, search.limits.window, slides=0)
    return Fine(search.standing.place, wide, slides=0, survey=True)


def _look_around(phase: Fine, search: Search) -> Step:
    pairs = [Pair.of(search.newcomer, search.ranking[place]) for place in phase.window(search.ranking)]
    rulings = {pair: search.hear(pair, phase) for pair in pairs}
    stands = search.standing.place
    if search.over:
        return Step(Settled(stands, phase.slides), rulings)
    out = any(ruling is None or ruling.waits for ruling in rulings.values())
    slides = phase.slides
    if phase.survey:
        return Step(None if out else Fine(stands, search.limits.window, slides), rulings)
    if not _holds(phase, search) and slides < search.limits.max_slides:
        # Votes in a window that has been left would tell little.
        return Step(Fine(stands, phase.width, slides + 1), rulings)
    if out:
        return Step(None, rulings)
    if search.unmet and len(pairs) < len(search.ranking):
        return Step(Fine(stands, 2 * phase.width, slides), rulings)
    return Step(Settled(stands, slides), rulings)


def _holds(phase: Fine, search: Search) -> bool:
    """Whether the newcomer stands where the window is, as far as can be told.

    Strengths move a little with every vote, and the denser the ranking the more places that is. A move of less than
    half an error is none: neighbours that far apart tell as much of the newcomer as those at its place.
    """
    standing = search.standing
    slack = (standing.near_high - standing.near_low) // 4
    return abs(standing.place - phase.place) <= max(phase.width - 1, slack)


def without(phase: Coarse | Fine, place: int) -> Coarse | Fine:
    """The same position after ranking[place] has left the ranking."""
    match phase:
        case Coarse(low, high):
            return Coarse(low - (place < low), high - (place < high))
        case Fine():
            return replace(phase, place=phase.place - (place < phase.place))


def moved(phase: Coarse | Fine, before: Sequence[str], after: Sequence[str]) -> Coarse | Fine:
    """The same position in a ranking that has been sorted anew, or has models put in.

    The models that a place lay between are looked up; where they have changed sides, it lies between them still, and so
    where both ends of a search have.
    """
    places = {model: place for place, model in enumerate(after)}

    def gap(place: int, *, upper: bool) -> int:
        above = places[before[place - 1]] + 1 if place > 0 else 0
        below = places[before[place]] if place < len(before) else len(after)
        return min(above, below) if upper else max(above, below)

    match phase:
        case Coarse(low, high):
            ends = gap(low, upper=True), gap(high, upper=False)
            return Coarse(min(ends), max(ends))
        case Fine():
            return replace(phase, place=(gap(phase.place, upper=True) + gap(phase.place, upper=False)) // 2)
