"""Who may judge a pair: ranked models outside it, and for neighbours of a newcomer, outside its window. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from dearena.ranking.entrants import Admitted
from dearena.ranking.insertion import Coarse, Fine
from dearena.ranking.judge_policy import OPEN, JudgePolicy
from dearena.ranking.pairs import Pair, in_order

FEWEST_OUTSIDE: Final = 3
"""With fewer judges outside a window, all models but the pair judge: two could not outvote one another."""


def eligible(
    candidates: Iterable[str], pair: Iterable[str], admitted: Mapping[str, Admitted], policy: JudgePolicy = OPEN
) -> tuple[str, ...]:
    """The candidates that may judge these answers, in canonical order.

    Args:
        candidates: model revisions.
        pair: whose answers are shown; of a canary, only one model's.
        admitted: what the log knows of each model; whoever is retired or suspended judges nothing.
        policy: of the dimension.
    """
    contestants = [admitted[model] for model in pair]
    return in_order(
        model
        for model in candidates
        if (judge := admitted[model]).judges and policy.objection(judge, contestants) is None
    )


def judges_of_insertion(
    phase: Coarse | Fine,
    ranking: Sequence[str],
    pair: Pair,
    admitted: Mapping[str, Admitted],
    policy: JudgePolicy = OPEN,
) -> tuple[str, ...]:
    """Judges of a newcomer against a ranked model: of a window's pairs those outside the window, if they are enough."""
    if isinstance(phase, Fine):
        window = {ranking[place] for place in phase.window(ranking)}
        outside = eligible((model for model in ranking if model not in window), pair, admitted, policy)
        if len(outside) >= FEWEST_OUTSIDE:
            return outside
    return eligible(ranking, pair, admitted, policy)
