"""Small pools whose faults are planted, and strategies for odd ones."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from hypothesis import strategies as st
from scipy.special import expit

from dearena.scoring.arrays import FloatArray, IntArray
from dearena.selection import PilotVotes


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """A pilot in long columns, with the names they index, in any order."""

    queries: list[str]
    models: list[str]
    judges: list[str]
    categories: list[str]
    query: IntArray
    first: IntArray
    second: IntArray
    judge: IntArray
    outcome: FloatArray

    def pilot(self) -> PilotVotes:
        return PilotVotes.of(
            queries=self.queries,
            models=self.models,
            judges=self.judges,
            query=self.query,
            first=self.first,
            second=self.second,
            judge=self.judge,
            outcome=self.outcome,
            categories=self.categories,
        )

    def shuffled(self, seed: int) -> "Planted":
        """The same pilot with names, rows and sides in another order."""
        chance = np.random.default_rng(seed)
        rows = chance.permutation(len(self.outcome))
        queries, models, judges = (chance.permutation(len(names)) for names in (self.queries, self.models, self.judges))
        query, judge = np.argsort(queries)[self.query[rows]], np.argsort(judges)[self.judge[rows]]
        first, second = np.argsort(models)[self.first[rows]], np.argsort(models)[self.second[rows]]
        turned = chance.random(len(rows)) < 0.5
        return Planted(
            [self.queries[place] for place in queries],
            [self.models[place] for place in models],
            [self.judges[place] for place in judges],
            [self.categories[place] for place in queries],
            query,
            np.where(turned, second, first),
            np.where(turned, first, second),
            judge,
            np.where(turned, 1 - self.outcome[rows], self.outcome[rows]),
        )


def planted(
    slopes: FloatArray, *, models: int = 8, votes: int = 6, seed: int = 0, categories: int = 1, noise: float = 0.5
) -> Planted:
    """Every pair so many votes on each query; logistic in slope times the difference of appeals."""
    chance = np.random.default_rng(seed)
    queries = len(slopes)
    skill = np.linspace(-1.5, 1.5, models)
    appeal = slopes * (skill[:, None] + chance.normal(0, noise, (models, queries)))
    pairs = np.array(list(combinations(range(models), 2)))
    query = np.repeat(np.arange(queries), len(pairs) * votes)
    first, second = np.tile(np.repeat(pairs, votes, axis=0), (queries, 1)).T
    judge = np.tile(np.arange(votes), queries * len(pairs))
    wins = expit(2 * (appeal[first, query] - appeal[second, query]))
    return Planted(
        [f"q{number:03}" for number in range(queries)],
        [f"m{number}" for number in range(models)],
        [f"j{number}" for number in range(votes)],
        [f"c{number % categories}" for number in range(queries)],
        query,
        first,
        second,
        judge,
        (chance.random(len(wins)) < wins).astype(np.float64),
    )


@st.composite
def odd_pilots(draw: st.DrawFn) -> Planted:
    """Few queries, few models, few votes or none, ties, lopsided designs."""
    queries, models, judges = (draw(st.integers(1, most)) for most in (9, 5, 3))
    votes = draw(st.integers(0, 40)) if models > 1 else 0
    chance = np.random.default_rng(draw(st.integers(0, 2**16)))
    first = chance.integers(0, models, votes)
    return Planted(
        [f"q{number}" for number in range(queries)],
        [f"m{number}" for number in range(models)],
        [f"j{number}" for number in range(judges)],
        [f"c{number}" for number in chance.integers(0, draw(st.integers(1, 3)), queries)],
        chance.integers(0, queries, votes),
        first,
        (first + chance.integers(1, max(models, 2), votes)) % max(models, 1),
        chance.integers(0, judges, votes),
        chance.choice(draw(st.sampled_from([(0.0, 0.5, 1.0), (0.5,), (1.0,)])), votes),
    )
