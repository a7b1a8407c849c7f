"""Where a newcomer stands: binary search in the ranking, then a window that slides until it rests.

Pure: no I/O, no clock. A step looks at the verdicts so far and returns either the pairs that must be
decided next or where the newcomer is by them. Source: Decentralized Arena (arXiv 2505.12808), "coarse to fine".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from dearena.ranking.pairs import Pair
from dearena.ranking.verdict import PairVerdict


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
    """The newcomer rests at `place`; its neighbours within `width` are being compared with it."""

    place: int
    width: int
    slides: int

    def window(self, ranking: Sequence[str]) -> range:
        """Places of the neighbours in the ranking, best first."""
        return range(max(0, self.place - self.width), min(len(ranking), self.place + self.width))


@dataclass(frozen=True, slots=True)
class Settled:
    """The newcomer goes in at `place`: before ranking[place]."""

    place: int
    slides: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """These pairs must be decided before the next step can be taken."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the fine search.

    Attributes:
        window: neighbours on each side of the newcomer.
        max_slides: the window slides at most so often; then the newcomer is given the place found.
    """

    window: int
    max_slides: int


Phase = Coarse | Fine | Settled


def advance(
    phase: Coarse | Fine,
    ranking: Sequence[str],
    newcomer: str,
    verdict: Callable[[Pair], PairVerdict | None],
    limits: Limits,
) -> Phase | Wanted:
    """Take one step as far as the verdicts allow. Whom a jury cannot tell apart from the newcomer stays above it.

    Args:
        phase: where the newcomer is.
        ranking: model revisions, best first, without the newcomer.
        newcomer: a model revision.
        verdict: the jury's verdict on a pair, or None while it is still out.
        limits: of the fine search.

    Returns:
        The next phase, or the pairs that `verdict` must decide first.
    """
    match phase:
        case Coarse(low, high) if low == high:
            return Fine(place=low, width=limits.window, slides=0)
        case Coarse(low, high):
            pair = Pair.of(newcomer, ranking[phase.pivot()])
            said = verdict(pair)
            if said is None:
                return Wanted((pair,))
            return Coarse(low, phase.pivot()) if said.winner == newcomer else Coarse(phase.pivot() + 1, high)
        case Fine():
            return _look_around(phase, ranking, newcomer, verdict, limits)
        case _:
            assert_never(phase)


def _look_around(
    phase: Fine,
    ranking: Sequence[str],
    newcomer: str,
    verdict: Callable[[Pair], PairVerdict | None],
    limits: Limits,
) -> Phase | Wanted:
    window = phase.window(ranking)
    said = {pair: verdict(pair) for pair in (Pair.of(newcomer, ranking[place]) for place in window)}
    if undecided := tuple(pair for pair, verdict in said.items() if verdict is None):
        return Wanted(undecided)
    # As many go above it as it does not beat, whichever of the window they are.
    place = window.start + sum(verdict is not None and verdict.winner != newcomer for verdict in said.values())
    if place == phase.place or phase.slides >= limits.max_slides:
        return Settled(place, phase.slides)
    return Fine(place, phase.width, phase.slides + 1)


def without(phase: Coarse | Fine, place: int) -> Coarse | Fine:
    """The same position after ranking[place] has left the ranking."""
    match phase:
        case Coarse(low, high):
            return Coarse(low - (place < low), high - (place < high))
        case Fine():
            return replace(phase, place=phase.place - (place < phase.place))
