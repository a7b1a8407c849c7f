"""How the first models of a dimension are ranked: each against each, judged by the others. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import combinations

from dearena.ranking.pairs import Pair, in_order
from dearena.ranking.verdict import PairVerdict


def pairs_of(seeds: Iterable[str]) -> tuple[Pair, ...]:
    """The full round-robin, in canonical order."""
    return tuple(Pair(one, other) for one, other in combinations(in_order(seeds), 2))


def pair_without_judge(seeds: Iterable[str], judges_of: Callable[[Pair], Collection[str]]) -> Pair | None:
    """The first pair that nobody could judge; None when the seeds are enough among themselves."""
    return next((pair for pair in pairs_of(seeds) if not judges_of(pair)), None)


def order_of(seeds: Sequence[str], verdicts: Iterable[PairVerdict]) -> tuple[str, ...]:
    """Seeds by pairs won, best first, equal ones in canonical order: the ranking until the board re-sorts it."""
    wins = Counter(verdict.winner for verdict in verdicts if verdict.winner)
    return tuple(sorted(in_order(seeds), key=lambda seed: -wins[seed]))
