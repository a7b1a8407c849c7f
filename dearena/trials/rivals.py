"""What a clever jury has to beat: spending without an insertion. Pure.

- `random`: pairs, judges and queries uniform.
- `near`: pairs of models that are near in current rank, judges and queries uniform.
- `full`: every judge outside every pair on every query.

The makers' rule stands in `makers`. No cell is asked twice. Outcomes are those of `Mass`: the planted odds, by
lots of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Final

import numpy as np

from dearena.faults import InvalidField
from dearena.scoring import FitSettings
from dearena.scoring.arrays import IntArray
from dearena.trials.boards import Cells, Strengths, strengths_of
from dearena.trials.mass import Mass

CALLS_A_CELL: Final = 2
"""One a seat order."""
NEAR: Final = 4
"""Ranks between two models of a near pair, at most."""
REFITS: Final = 40
"""How often `near` looks at its board; its first batch is random."""
MOST_CELLS: Final = 40_000_000
"""Of `full`: they stand in memory at once, about 100 bytes each while they are fitted."""


@dataclass(frozen=True, slots=True, eq=False)
class Spent:
    """What a rival asked, and the board that came of it.

    Attributes:
        cells: all that were asked.
        board: of all of them.
        placed: ranks at settle, best first, of whoever was inserted, with the ranking at that time; empty where
            nobody is.
    """

    cells: Cells
    board: Strengths
    placed: tuple["Placed", ...] = ()

    @property
    def judge_calls(self) -> int:
        """Two a cell."""
        return CALLS_A_CELL * len(self.cells)


@dataclass(frozen=True, slots=True)
class Placed:
    """A model was given its place.

    Attributes:
        model: its place among the world's models.
        ranking: likewise, best first, itself included.
        rounds: that its insertion took.
        cells: likewise.
    """

    model: int
    ranking: tuple[int, ...]
    rounds: int
    cells: int


def most_calls(models: int, queries: int) -> int:
    """Judge calls of the full round-robin: every judge outside every pair, on every query."""
    return CALLS_A_CELL * (models * (models - 1) // 2) * (models - 2) * queries


def random(mass: Mass, calls: int, settings: FitSettings, lots: np.random.Generator) -> Spent:
    """Spend so many calls (one less if odd) on cells drawn uniformly."""
    asked = Asked(mass)
    asked.draw(calls // CALLS_A_CELL, lots, partial(_any_pairs, len(mass.models), lots), calls)
    return Spent(asked.cells, asked.board(settings))


def near(mass: Mass, calls: int, settings: FitSettings, lots: np.random.Generator) -> Spent:
    """Spend so many calls on models that stand within `NEAR` ranks on the board so far, fitted `REFITS` times."""
    asked, models = Asked(mass), len(mass.models)
    ends = np.linspace(0, calls // CALLS_A_CELL, REFITS + 1).astype(int)
    for number, size in enumerate(np.diff(ends).tolist()):
        if number == 0 or not len(asked):
            asked.draw(size, lots, partial(_any_pairs, models, lots), calls)
        else:
            order = asked.board(settings).best_first(np.arange(models))
            asked.draw(size, lots, partial(_near_pairs, order, lots), calls)
    return Spent(asked.cells, asked.board(settings))


def full(mass: Mass, settings: FitSettings) -> Spent:
    """Ask everything."""
    models, queries = len(mass.models), len(mass.queries)
    if (cells := most_calls(models, queries) // CALLS_A_CELL) > MOST_CELLS:
        raise InvalidField.of(
            "jury", f"full asks {cells:,} cells here, more than the {MOST_CELLS:,} that fit in memory"
        )
    asked = Asked(mass)
    asked.everything(np.arange(models))
    return Spent(asked.cells, asked.board(settings))


class Asked:
    """Cells of a world that have been asked so far."""

    def __init__(self, mass: Mass) -> None:
        self._mass = mass
        self._parts: list[Cells] = []
        self._keys = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    @property
    def cells(self) -> Cells:
        """All of them, in the order in which they were asked."""
        if len(self._parts) != 1:
            nothing = np.zeros(0, dtype=np.int32)
            empty = Cells(nothing, nothing, nothing, nothing, nothing.astype(np.int8))
            self._parts = [Cells.joined([empty, *self._parts])]
        return self._parts[0]

    def board(self, settings: FitSettings) -> Strengths:
        """Of all of them."""
        return strengths_of(self.cells, self._mass.models, self._mass.queries, settings)

    def everything(self, models: IntArray) -> None:
        """Ask each pair of these of all others among them, on all queries."""
        queries = np.arange(len(self._mass.queries))
        for first, second in combinations(np.sort(models).tolist(), 2):
            judges = models[(models != first) & (models != second)]
            judge, query = np.repeat(judges, len(queries)), np.tile(queries, len(judges))
            self.ask(judge, np.full(len(judge), first), np.full(len(judge), second), query)

    def ask(self, judge: IntArray, first: IntArray, second: IntArray, query: IntArray) -> Cells:
        """Ask cells that were not asked before; `first` stands before `second` in each."""
        outcome = self._mass.outcomes(judge, first, second, query)
        new = Cells(
            judge.astype(np.int32), first.astype(np.int32), second.astype(np.int32), query.astype(np.int32), outcome
        )
        self._parts.append(new)
        return new

    def draw(
        self,
        count: int,
        lots: np.random.Generator,
        pairs: Callable[[int], tuple[IntArray, IntArray]],
        calls: int,
    ) -> None:
        """Ask `count` cells of pairs so drawn, judges and queries uniform; they are some of what `calls` in all ask.

        Raises:
            InvalidField: there are not so many cells, or hardly any new ones among such pairs.
        """
        models, queries = len(self._mass.models), len(self._mass.queries)
        if calls // CALLS_A_CELL > most_calls(models, queries) // CALLS_A_CELL:
            raise InvalidField.of("calls", f"there are not as many cells as {calls:,} calls ask")
        left, vain = count, 0
        while left:
            first, second = pairs(left)
            judge, query = lots.integers(0, models, left), lots.integers(0, queries, left)
            keys = ((first * models + second) * models + judge) * queries + query
            chosen = np.flatnonzero((judge != first) & (judge != second))
            chosen = chosen[np.sort(np.unique(keys[chosen], return_index=True)[1])]
            chosen = chosen[~np.isin(keys[chosen], self._keys)]
            if len(chosen):
                self.ask(judge[chosen], first[chosen], second[chosen], query[chosen])
                self._keys = np.concatenate([self._keys, keys[chosen]])
            vain = 0 if len(chosen) else vain + 1
            if vain > _MOST_IN_VAIN:
                raise InvalidField.of("calls", f"there are hardly as many cells as {calls:,} calls ask")
            left -= len(chosen)


_MOST_IN_VAIN: Final = 100
"""Draws in a row that bring nothing new, before it is given up."""


def _any_pairs(models: int, lots: np.random.Generator, count: int) -> tuple[IntArray, IntArray]:
    one = lots.integers(0, models, count)
    other = (one + lots.integers(1, models, count)) % models
    return np.minimum(one, other), np.maximum(one, other)


def _near_pairs(order: IntArray, lots: np.random.Generator, count: int) -> tuple[IntArray, IntArray]:
    """A model uniform, its partner uniform among those within `NEAR` ranks."""
    models = len(order)
    place = lots.integers(0, models, count)
    low, high = np.maximum(place - NEAR, 0), np.minimum(place + NEAR, models - 1)
    partner = low + lots.integers(0, high - low)
    partner += partner >= place
    one, other = order[place], order[partner]
    return np.minimum(one, other), np.maximum(one, other)
