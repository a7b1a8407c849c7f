"""Pools with planted faults: where it is known which queries tell, which are dead and which are mislabelled.

500 queries in 8 categories are answered by 30 models. Model a's answer to query q has the appeal
`theta_a + leaning_ac + eps_aq`: skill N(0, 1), leaning to the query's category N(0, .3), and what is particular to the
answer N(0, .8), all standard deviations. A query's discrimination is log-normal (0, .6); 5 % of the queries are
mislabelled (its sign is turned) and 10 % are dead (it is 0). A vote is one cell: two seat orders, each an independent
draw that prefers the first model with the chance

    logistic(sharpness_j * discrimination_q * (appeal_aq - appeal_bq))

equal draws give that verdict, unequal ones a FLIP, which is no vote. Two things are open in such a world and are read
so. Discrimination multiplies the whole difference, what is particular to the answers included (`Reading.WHOLE`; under
`Reading.SKILL` it multiplies skill and leaning only, so that a dead query shows differences which have nothing to do
with skill). The truth is the order of skill with the mean of the leanings over the pool's queries: what a board of the
dimension is to tell. No choice of queries could tell theta from that mean; the order of theta alone is kept beside it.

Judges are 12 from outside, of skills drawn as the models', sharp as the economy world's: 12 cells a pair and query, and
as many votes at most. Where fewer cells are asked, each pair and query has judges of its own, by lot.

10 models are the pilot's, the other 20 are tested: three ways of it, since each third of the models may pilot. Pure: a
seed gives a world, and the same one each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import combinations
from typing import Final

import numpy as np
from scipy.special import expit

from benchmarks.worlds import ANSWER_DEVIATION, SKILL_DEVIATION, BoolArray, FloatArray
from dearena.outcomes import Outcome
from dearena.scoring import Votes
from dearena.scoring.arrays import IntArray
from dearena.scoring.outcomes import CODES
from dearena.selection import PilotVotes
from dearena.sparring.planted import (
    SHARPNESS_BY_SKILL,
    SHARPNESS_FLOOR,
    SHARPNESS_MEAN,
    SHARPNESS_SCALE,
    SHARPNESS_SD,
)

MODELS: Final = 30
PILOT_MODELS: Final = 10
QUERIES: Final = 500
CATEGORIES: Final = 8
JUDGES: Final = 12
LOG_DISCRIMINATION_DEVIATION: Final = 0.6
LEANING_DEVIATION: Final = 0.3
MISLABELLED: Final = 0.05
DEAD: Final = 0.10


class Reading(Enum):
    """What discrimination multiplies."""

    WHOLE = "whole"
    SKILL = "skill"


@dataclass(frozen=True, slots=True, eq=False)
class PoolWorld:
    """One world.

    Attributes:
        skill: theta, shape (models,).
        truth: skill and mean leaning over the pool, shape (models,).
        discrimination: shape (queries,); below 0 where mislabelled, 0 where dead.
        category: of each query.
        difference_of: what a judge looks at, before its sharpness: a model's part, shape (models, queries).
        sharpness: of each judge.
    """

    seed: int
    skill: FloatArray
    truth: FloatArray
    discrimination: FloatArray
    category: IntArray
    difference_of: FloatArray
    sharpness: FloatArray

    @property
    def queries(self) -> tuple[str, ...]:
        """Names."""
        return tuple(f"q{number:04}" for number in range(len(self.discrimination)))

    def cells(self, models: Sequence[int], queries: IntArray, judges: int, stream: int) -> "Heard":
        """Every pair of the models, on each of the queries, before so many judges.

        Args:
            stream: of lots; draws of other streams are independent.
        """
        chance = np.random.default_rng([self.seed, stream])
        pairs = np.array(list(combinations(models, 2)))
        query = np.repeat(queries, len(pairs) * judges)
        pair = np.tile(np.repeat(np.arange(len(pairs)), judges), len(queries))
        bench = np.tile(np.arange(JUDGES), (len(queries) * len(pairs), 1))
        judge = (bench if judges == JUDGES else chance.permuted(bench, axis=1)[:, :judges]).ravel()
        first, second = pairs[pair].T
        quality = self.difference_of[first, query] - self.difference_of[second, query]
        wins = expit(self.sharpness[judge] * quality)
        one, other = chance.random((2, len(wins))) < wins
        heard = one == other
        return Heard(query[heard], first[heard], second[heard], judge[heard], one[heard], len(wins))

    def pilot(self, third: int = 0, judges: int = JUDGES) -> PilotVotes:
        """All cells of one third of the models on the whole pool."""
        heard = self.cells(pilots_of(third), np.arange(len(self.queries)), judges, stream=1)
        return PilotVotes.of(
            queries=self.queries,
            models=[_models()[model] for model in pilots_of(third)],
            judges=_judges(),
            query=heard.query,
            first=heard.first - pilots_of(third)[0],
            second=heard.second - pilots_of(third)[0],
            judge=heard.judge,
            outcome=heard.first_won.astype(np.float64),
            categories=[f"c{category}" for category in self.category],
        )

    def test(self, queries: IntArray, judges: int, third: int = 0) -> Votes:
        """All cells of the models that were not in the pilot on some queries, as the scorer takes votes."""
        tested = tested_of(third)
        heard = self.cells(tested, queries, judges, stream=2)
        code = np.zeros(MODELS, dtype=np.int64)
        code[tested] = np.arange(len(tested))
        return Votes.of_codes(
            models=[_models()[model] for model in tested],
            judges=_judges(),
            queries=self.queries,
            judge=heard.judge,
            first=code[heard.first],
            second=code[heard.second],
            query=heard.query,
            outcome=np.where(heard.first_won, CODES[Outcome.A], CODES[Outcome.B]),
        )


def pilots_of(third: int) -> range:
    """Models of the pilot, third 0, 1 or 2."""
    return range(third * PILOT_MODELS, (third + 1) * PILOT_MODELS)


def tested_of(third: int) -> list[int]:
    """All others, ascending."""
    return [model for model in range(MODELS) if model not in pilots_of(third)]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Readable votes as columns, and how many cells were asked."""

    query: IntArray
    first: IntArray
    second: IntArray
    judge: IntArray
    first_won: BoolArray
    asked: int


def pool_world(seed: int, reading: Reading = Reading.WHOLE, queries: int = QUERIES) -> PoolWorld:
    """Draw a world; both readings of one seed have the same models, queries and judges."""
    chance = np.random.default_rng(seed)
    skill = chance.normal(0, SKILL_DEVIATION, MODELS)
    discrimination = np.exp(chance.normal(0, LOG_DISCRIMINATION_DEVIATION, queries))
    faults = chance.permutation(queries)
    wrong, dead = round(MISLABELLED * queries), round(DEAD * queries)
    discrimination[faults[:wrong]] *= -1
    discrimination[faults[wrong : wrong + dead]] = 0
    category = chance.integers(0, CATEGORIES, queries)
    leaning = chance.normal(0, LEANING_DEVIATION, (MODELS, CATEGORIES))[:, category]
    particular = chance.normal(0, ANSWER_DEVIATION, (MODELS, queries))
    by_skill = SHARPNESS_MEAN + SHARPNESS_BY_SKILL * chance.normal(0, SKILL_DEVIATION, JUDGES)
    sharpness = SHARPNESS_SCALE * np.maximum(SHARPNESS_FLOOR, by_skill + chance.normal(0, SHARPNESS_SD, JUDGES))
    if reading is Reading.WHOLE:
        seen = discrimination * (skill[:, None] + leaning + particular)
    else:
        seen = discrimination * (skill[:, None] + leaning) + particular
    return PoolWorld(seed, skill, skill + leaning.mean(axis=1), discrimination, category, seen, sharpness)


def _models() -> tuple[str, ...]:
    return tuple(f"model-{number:03}" for number in range(MODELS))


def _judges() -> tuple[str, ...]:
    return tuple(f"judge-{number:02}" for number in range(JUDGES))
