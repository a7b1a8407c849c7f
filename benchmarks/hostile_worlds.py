"""Planted worlds in which one judge in five means harm: how far does the board move?

Twenty models answer 40 queries and judge one another, never themselves. A model's skill is `N(0, 1)` in log-odds,
its answer to one query is better or worse than that by `N(0, .8)`, and a judge that is better itself tells answers
apart more sharply. A comparison is shown to a judge in both seat orders, each an independent draw; two orders that
disagree are a FLIP. Against judges who always say the first seat that alone is proof: all they say is FLIPs. So
their world has single looks, by everybody, with a random model in the first seat.

The constants are fixed here for every figure. Pure: a seed gives a world, and the same one each time; honest judges
say the same whatever the hostile ones are up to.
"""

from dataclasses import dataclass
from enum import Enum
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from dearena.scoring import Outcome, Votes
from dearena.scoring.outcomes import CODES

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MODELS: Final = 20
QUERIES: Final = 40
HOSTILE: Final = 4
FAMILIES: Final = 4
"""Of five models each."""
ANSWER_DEVIATION: Final = 0.8
SHARPNESS_SCALE: Final = 1.6
SHARPNESS_FLOOR: Final = 0.05
SHARPNESS_MEAN: Final = 0.7
SHARPNESS_PER_SKILL: Final = 0.35
SHARPNESS_DEVIATION: Final = 0.25
PARTIALITY: Final = 6.0
"""Log-odds by which a partial judge favours its own."""
CELLS: Final = QUERIES * (MODELS - 2)
"""Of a pair: each query before each judge that is not of the pair."""


class Kind(Enum):
    """What hostile judges do."""

    NONE = "none"
    """Nothing: they are as honest as all others."""
    INVERTED = "inverted"
    """Say the opposite."""
    FIRST = "first"
    """Always prefer the first seat."""
    FAMILY = "family"
    """Prefer their own family, each its own."""
    ONE_FAMILY = "one family"
    """Likewise, and all are of the same."""
    COLLUSION = "collusion"
    """Prefer one and the same model, which is none of them."""


@dataclass(frozen=True, slots=True)
class HostileWorld:
    """Models that judge one another, and in which order they would turn hostile.

    Attributes:
        skill: of each model, log-odds, `(models,)`.
        answer_effect: of each model's answer to each query, log-odds, `(models, queries)`.
        sharpness: of each model as a judge, `(models,)`.
        family: of each model, `(models,)`.
        order: all models; the first ones are hostile, the next one is whom they collude for.
        seed: what all of them were drawn from.
    """

    skill: FloatArray
    answer_effect: FloatArray
    sharpness: FloatArray
    family: IntArray
    order: IntArray
    seed: int

    def hostile(self, kind: Kind) -> BoolArray:
        """Which judges are hostile; under `NONE`, who would be."""
        order = self.order
        if kind is Kind.ONE_FAMILY:
            order = order[self.family[order] == self.family[order[0]]]
        return np.isin(np.arange(MODELS), order[:HOSTILE])

    def votes(self, kind: Kind, votes_per_pair: int, within: int = MODELS) -> Votes:
        """The same number of outcomes for every pair, FLIPs among them, in cells drawn without repetition.

        Args:
            kind: what the hostile judges do.
            votes_per_pair: at most `CELLS`.
            within: only models so many places from one another, in order of skill, are compared.

        Raises:
            ValueError: a pair has fewer cells than that.
        """
        if votes_per_pair > CELLS:
            raise ValueError(f"{votes_per_pair} votes a pair, but a pair has {CELLS} cells")
        chance = np.random.default_rng([self.seed, votes_per_pair])
        place = np.argsort(np.argsort(-self.skill))
        pairs = np.array(
            [pair for pair in combinations(range(MODELS), 2) if abs(np.subtract(*place[[*pair]])) <= within]
        )
        drawn = chance.permuted(np.tile(np.arange(CELLS), (len(pairs), 1)), axis=1)[:, :votes_per_pair]
        first, second = np.repeat(pairs, votes_per_pair, axis=0).T
        query, judge = drawn.ravel() % QUERIES, drawn.ravel() // QUERIES
        judge = judge + (judge >= first)  # the panel is all but the pair
        judge = judge + (judge >= second)
        odds = self._odds(kind, judge, first, second, query)
        looks = chance.random((2, len(odds))) < expit(odds)
        seat = chance.random(len(odds)) < 1 / 2
        if kind is Kind.FIRST:
            looks[:] = np.where(self.hostile(kind)[judge], seat, looks[0])
        outcome = np.where(looks[0], CODES[Outcome.A], CODES[Outcome.B])
        names = [f"model-{number:02d}" for number in range(MODELS)]
        return Votes.of_codes(
            models=names,
            judges=names,
            queries=[f"query-{number:02d}" for number in range(QUERIES)],
            judge=judge,
            first=first,
            second=second,
            query=query,
            outcome=np.where(looks[0] == looks[1], outcome, CODES[Outcome.FLIP]),
        )

    def _odds(self, kind: Kind, judge: IntArray, first: IntArray, second: IntArray, query: IntArray) -> FloatArray:
        """Log-odds that each vote is for the first model."""
        appeal = self.skill[:, None] + self.answer_effect
        honest = self.sharpness[judge] * (appeal[first, query] - appeal[second, query])
        match kind:
            case Kind.NONE | Kind.FIRST:
                return honest
            case Kind.INVERTED:
                turned = -honest
            case Kind.FAMILY | Kind.ONE_FAMILY:
                own = self.family[judge]
                turned = honest + PARTIALITY * (1.0 * (self.family[first] == own) - (self.family[second] == own))
            case Kind.COLLUSION:
                favourite = self.order[HOSTILE]
                turned = honest + PARTIALITY * (1.0 * (first == favourite) - (second == favourite))
        return np.where(self.hostile(kind)[judge], turned, honest)


def hostile_world(seed: int) -> HostileWorld:
    """Draw a world."""
    chance = np.random.default_rng(seed)
    skill = chance.normal(0, 1, MODELS)
    by_skill = SHARPNESS_MEAN + SHARPNESS_PER_SKILL * skill
    return HostileWorld(
        skill=skill,
        answer_effect=chance.normal(0, ANSWER_DEVIATION, (MODELS, QUERIES)),
        sharpness=SHARPNESS_SCALE
        * np.maximum(SHARPNESS_FLOOR, by_skill + chance.normal(0, SHARPNESS_DEVIATION, MODELS)),
        family=chance.permutation(np.arange(MODELS) % FAMILIES),
        order=chance.permutation(MODELS),
        seed=seed,
    )
