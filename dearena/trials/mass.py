"""Outcomes by the million: what the rivals of a jury ask is too much for a lot by hash each. Pure."""

from typing import Final

import numpy as np
from scipy.special import expit

from dearena.outcomes import Outcome
from dearena.scoring.arrays import IntArray, OutcomeCodes
from dearena.scoring.outcomes import CODES
from dearena.sparring.planted import PARTIALITY, Character
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
        self._quality = np.array([[world.answer_of(m, q).quality for q in world.queries] for m in world.models])
        judges = [world.judge_of(model) for model in world.models]
        self._sharpness = np.array([judge.sharpness for judge in judges])
        self._turn = np.array([-1.0 if judge.character is Character.INVERTED else 1.0 for judge in judges])
        self._always_first = np.array([judge.character is Character.FIRST for judge in judges])
        self._favour = np.zeros((len(judges), len(judges)))
        for place, judge in enumerate(judges):
            if judge.character is Character.FAMILY:
                self._favour[place] = [PARTIALITY * (other.family == judge.family) for other in judges]
            elif judge.character is Character.COLLUSION:
                self._favour[place] = [PARTIALITY * (other.slug == world.planted.favourite) for other in judges]

    def outcomes(self, judge: IntArray, first: IntArray, second: IntArray, query: IntArray) -> OutcomeCodes:
        """One outcome a cell, in both seat orders; the columns are places in `models` and `queries`.

        Returns:
            Codes of `dearena.scoring.outcomes`: A, B or FLIP.
        """
        quality = self._quality[first, query] - self._quality[second, query]
        log_odds = self._turn[judge] * self._sharpness[judge] * quality
        log_odds += self._favour[judge, first] - self._favour[judge, second]
        chance = expit(log_odds)
        one, other = self.lots.random((2, len(judge))) < chance
        flips = (one != other) | self._always_first[judge]
        return np.where(flips, CODES[Outcome.FLIP], np.where(one, CODES[Outcome.A], CODES[Outcome.B])).astype(np.int8)
