"""Votes with known causes: strengths, query effects, ties; drawn by a seed.

Pairs, judges and queries are random and none is chosen by what was seen before, so that the order of the
votes helps and hinders nobody. Pure but for saving and loading.
"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

A: Final = 0
B: Final = 1
TIE: Final = 2
WINNERS: Final = ("a", "b", "tie")
"""Outcomes by code, as votes are exported."""

SKILL_DEVIATION: Final = 1.0
QUERY_EFFECT_DEVIATION: Final = 0.8
"""Standard deviation of what a query adds to a model, in log-odds, as that of the skills."""
TIES: Final = 0.1
"""Share of the votes that are ties, whatever the strengths."""

NEW_VOTES: Final = 1_000
"""Votes that come in before a refit."""

Indices = NDArray[np.int32]


@dataclass(frozen=True)
class PlantedVotes:
    """Votes as index columns, row by row; names are made of the indices and sort as these do."""

    models: int
    judges: int
    queries: int
    judge: Indices
    first: Indices
    second: Indices
    query: Indices
    outcome: NDArray[np.int8]

    @property
    def model_names(self) -> tuple[str, ...]:
        """Of the models, in the order of their indices; so are the others."""
        return _names("model", self.models)

    @property
    def judge_names(self) -> tuple[str, ...]:
        """Of the judges."""
        return _names("judge", self.judges)

    @property
    def query_names(self) -> tuple[str, ...]:
        """Of the queries."""
        return _names("query", self.queries)

    def __len__(self) -> int:
        return len(self.outcome)

    def rows(self, low: int, high: int) -> Self:
        """The votes from row `low` up to `high`, among the same models, judges and queries."""
        columns = ("judge", "first", "second", "query", "outcome")
        return replace(self, **{name: getattr(self, name)[low:high] for name in columns})

    def save(self, path: Path) -> None:
        """Keep them in a file, for `load` in another process."""
        path.write_bytes(pickle.dumps(self))

    @staticmethod
    def load(path: Path) -> "PlantedVotes":
        """What `save` kept."""
        found: PlantedVotes = pickle.loads(path.read_bytes())
        return found


def plant(*, models: int, judges: int, queries: int, votes: int, seed: int) -> PlantedVotes:
    """Draw votes: P(first wins) = logistic of the difference in skill and query effect, then ties among them."""
    chance = np.random.default_rng(seed)
    skill = chance.normal(0, SKILL_DEVIATION, models)
    effect = chance.normal(0, QUERY_EFFECT_DEVIATION, (models, queries))
    judge = chance.integers(judges, size=votes, dtype=np.int32)
    query = chance.integers(queries, size=votes, dtype=np.int32)
    first = chance.integers(models, size=votes, dtype=np.int32)
    second = (first + chance.integers(1, models, size=votes, dtype=np.int32)) % np.int32(models)
    log_odds = skill[first] + effect[first, query] - skill[second] - effect[second, query]
    first_wins = chance.random(votes) * (1 + np.exp(-log_odds)) < 1
    outcome = np.where(first_wins, A, B).astype(np.int8)
    outcome[chance.random(votes) < TIES] = TIE
    return PlantedVotes(models, judges, queries, judge, first, second, query, outcome)


def strings(names: Sequence[str], indices: NDArray[Any]) -> list[str]:
    """The names at `indices`, each an object of its own, as readers of files make them.

    Where equal strings are one object they compare by address and hash once; no file gives such a column.
    """
    texts: list[str] = np.array(names)[indices].tolist()
    return texts


def _names(kind: str, count: int) -> tuple[str, ...]:
    width = len(str(count - 1))
    return tuple(f"{kind}-{number:0{width}}" for number in range(count))
