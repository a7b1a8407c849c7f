"""Who may judge a pair: ranked models outside it, and for neighbours of a newcomer, outside its window. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from dearena.ranking.entrants import Admitted
from dearena.ranking.insertion import Coarse, Fine
from dearena.ranking.pairs import Pair, in_order

FEWEST_OUTSIDE: Final = 3
"""With fewer judges outside a window, all models but the pair judge: two could not outvote one another."""

FamilyPolicy = Callable[[Admitted, Sequence[Admitted]], bool]
"""Whether a judge may judge these contestants, as far as families go."""


def any_family(judge: Admitted, contestants: Sequence[Admitted]) -> bool:  # noqa: ARG001 - the interface's
    """Families are of no account."""
    return True


def eligible(
    candidates: Iterable[str],
    pair: Pair,
    admitted: Mapping[str, Admitted],
    allowed_providers: frozenset[str] = frozenset(),
    family_policy: FamilyPolicy = any_family,
) -> tuple[str, ...]:
    """The candidates that may judge the pair, in canonical order.

    Args:
        candidates: model revisions.
        pair: contestants never judge themselves.
        admitted: what the log knows of each model; whoever is retired or suspended judges nothing.
        allowed_providers: those that may see the dimension; empty: all.
        family_policy: may keep a judge from contestants of its own family.
    """
    contestants = [admitted[model] for model in pair]

    def may(judge: Admitted) -> bool:
        return (
            judge.judges
            and judge.model not in pair
            and (not allowed_providers or judge.provider in allowed_providers)
            and family_policy(judge, contestants)
        )

    return in_order(model for model in candidates if may(admitted[model]))


def judges_of_insertion(
    phase: Coarse | Fine,
    ranking: Sequence[str],
    pair: Pair,
    admitted: Mapping[str, Admitted],
    allowed_providers: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """Judges of a newcomer against a ranked model: of a window's pairs those outside the window, if they are enough."""
    if isinstance(phase, Fine):
        window = {ranking[place] for place in phase.window(ranking)}
        outside = eligible((model for model in ranking if model not in window), pair, admitted, allowed_providers)
        if len(outside) >= FEWEST_OUTSIDE:
            return outside
    return eligible(ranking, pair, admitted, allowed_providers)
