"""How far a jury goes about a pair, by what the pair is for. Pure."""

from typing import Final

from dearena.ranking.insertion import Coarse, Fine, Phase
from dearena.ranking.jury import Patience
from dearena.ranking.rules import Rules

DIRECTION_ERROR: Final = 0.4
"""Of a step of the binary search: a wrong turn costs a few places, which the window makes good."""
DIRECTION_CAP: Final = 12
LEAST_DIRECTION_CAP: Final = 3
DIRECTION_BATCH: Final = 6
SURVEY_VOTES: Final = 6
"""On each neighbour of a window that is wider than usual: enough, taken together, to tell the place."""
WINDOW_BATCH: Final = 10
SHARE_OF_SEARCH: Final = 0.5
"""Part of an insertion's target of calls that the binary search may use."""


def of_seeds(rules: Rules, seeds: int) -> Patience:
    """Of two seed models: with a target of calls, no more than so many for each of them."""
    cap = rules.cap
    if rules.target_calls and seeds > 1:
        cells = rules.target_calls * seeds // rules.calls_a_cell
        cap = min(cap, max(LEAST_DIRECTION_CAP, cells // (seeds * (seeds - 1) // 2)))
    return Patience(rules.error, cap, batch=min(WINDOW_BATCH, cap))


def of_insertion(rules: Rules, phase: Phase, ranked: int) -> Patience:
    """Of a newcomer and a ranked model at this phase."""
    match phase:
        case Coarse():
            cap = _direction_cap(rules, ranked)
            return Patience(rules.error, rules.cap, DIRECTION_ERROR, cap, batch=min(DIRECTION_BATCH, cap))
        case Fine(survey=True):
            return Patience(rules.error, rules.cap, rules.error, SURVEY_VOTES, batch=SURVEY_VOTES)
        case _:
            return Patience(rules.error, rules.cap, batch=WINDOW_BATCH)


def _direction_cap(rules: Rules, ranked: int) -> int:
    if not rules.target_calls:
        return min(DIRECTION_CAP, rules.cap)
    steps = max(ranked.bit_length(), 1)
    cells = SHARE_OF_SEARCH * rules.target_calls / rules.calls_a_cell
    return min(DIRECTION_CAP, rules.cap, max(LEAST_DIRECTION_CAP, int(cells / steps)))
