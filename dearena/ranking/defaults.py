"""What a setting of a ranking means that is left open: said once, for whoever declares, checks and ranks. Pure."""

from typing import Final

DEFAULT_SEED_MODELS: Final = 5
"""Ranked by full pairwise comparison: more give firmer first judges, at a cost that grows as the square."""
DEFAULT_WINDOW: Final = 1
"""One neighbour above and one below, as the method's makers have it."""
DEFAULT_MAX_SLIDES: Final = 8
"""A newcomer that keeps sliding is given its place all the same."""
DEFAULT_JURY: Final = "sequential"
DEFAULT_WEIGHTING: Final = "score"
DEFAULT_TEMPLATE: Final = "pairwise@1"
DEFAULT_ERROR: Final = 0.05
"""Chance that equal models are ever told apart: less asks more of every close pair."""
DEFAULT_CAP: Final = 40
"""Readable outcomes of a pair: what is not decided by then is too close to be worth more."""
DEFAULT_MOST_ROUNDS: Final = 24
"""Of an insertion: a round is waiting time, so an insertion that is not sure by then says how unsure it is."""
DEFAULT_CANARY_EVERY: Final = 20
"""One call in so many is spent on watching a judge rather than on models: fewer find a bad judge later."""
