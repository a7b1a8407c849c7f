"""Outcomes by the million: what the rivals of a jury ask is too much for a lot by hash each. Pure."""

from typing import Final

import numpy as np
from scipy.special import expit

from dearena.outcomes import Outcome
from dearena.scoring.arrays import IntArray, OutcomeCodes
from dearena.scoring.outcomes import CODES
from dearena.sparring.planted import PARTIALITY, Character, query_effect, sharpness, skill
from dearena.trials.world import Planted

_LOTS: Final = 1
"""Beside the world's seed: keeps the generator of its lots apart from those of other choices."""


class Mass:
    """Outcomes of a planted world by the million: its odds, but lots from a generator seeded by the world's seed.

    A lot by hash takes microseconds, and a full round-robin of 66 models has five million cells. So these are
    other lots than those of `Planted.judge`, and depend on the order in which they are drawn.
    """

    def __init__(self, world: Planted) -> None:
        self.models, self.queries = tuple(world.models), tuple(world.queries)
        self.lots = np.random.default_rng([world.seed, _LOTS])
        seed, slugs, planted = world.seed, world.slugs, world.planted
        self._quality = np.array(
            [[skill(seed, slug) + query_effect(seed, slug, query) for query in world.queries] for slug in slugs]
        )
        characters = [planted.character(slug) for slug in slugs]
        self._sharpness = np.array([sharpness(seed, slug) for slug in slugs])
        self._turn = np.array([-1.0 if one is Character.INVERTED else 1.0 for one in characters])
        self._always_first = np.array([one is Character.FIRST for one in characters])
        self._unreadable = np.array([one is Character.UNREADABLE for one in characters])
        self._favour = PARTIALITY * np.array([[planted.favours(judge, slug) for slug in slugs] for judge in slugs])

    def outcomes(self, judge: IntArray, first: IntArray, second: IntArray, query: IntArray) -> OutcomeCodes:
        """One outcome a cell, in both seat orders; the columns are places in `models` and `queries`.

        Returns:
            Codes of `dearena.scoring.outcomes`: A, B, FLIP or INVALID.
        """
        quality = self._quality[first, query] - self._quality[second, query]
        log_odds = self._turn[judge] * self._sharpness[judge] * quality
        log_odds += self._favour[judge, first] - self._favour[judge, second]
        chance = expit(log_odds)
        one, other = self.lots.random((2, len(judge))) < chance
        found = np.where(one, CODES[Outcome.A], CODES[Outcome.B])
        found[(one != other) | self._always_first[judge]] = CODES[Outcome.FLIP]
        found[self._unreadable[judge]] = CODES[Outcome.INVALID]
        return found.astype(np.int8)
