"""Votes of a file as columns of numbers, and what is made of them before a fit.

Pure.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Self

import numpy as np

from dearena.scoring.arrays import BoolArray, Codes, FloatArray, IntArray, OutcomeCodes
from dearena.scoring.draws import drawn
from dearena.scoring.seats import UNSAID, SeatCodes, of_one_look
from dearena.scoring.votes import Votes


@dataclass(frozen=True, slots=True, eq=False)
class VoteColumns:
    """Rows of a file, in its order.

    Attributes:
        names: of models and judges, in the order in which they came.
        queries, dimensions: likewise; a row without a dimension is of the dimension "".
        judge, first, second: indices into `names`; `first` is the file's `model_a`.
        query, dimension: indices.
        outcome: codes of `scoring.outcomes.CODES`; A is a preference for `first`.
        weight: of each vote; None: the file has no weights.
        order: who sat in the first seat: 0 `first`, 1 `second`, -1 not told; None: never told.
        attempt: -1 where it is not told; None: never told.
        cell: a hash of the cell's id, 0 where there is none; None: never told.
        draw: chance with which the judge was drawn over the even one, in parts of 65,536; None: never told.
    """

    names: tuple[str, ...]
    queries: tuple[str, ...]
    dimensions: tuple[str, ...]
    judge: Codes
    first: Codes
    second: Codes
    query: Codes
    dimension: Codes
    outcome: OutcomeCodes
    weight: FloatArray | None = None
    order: OutcomeCodes | None = None
    attempt: IntArray | None = None
    cell: IntArray | None = None
    draw: IntArray | None = None

    def __len__(self) -> int:
        return len(self.outcome)

    def where(self, chosen: BoolArray) -> Self:
        """Some of the rows; the names stay as they are."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        return replace(self, **{name: column[chosen] for name, column in columns.items() if column is not None})

    def of_dimension(self, dimension: str) -> Self:
        """The rows of one dimension."""
        if len(self.dimensions) == 1:
            return self
        return self.where(self.dimension == self.dimensions.index(dimension))

    def without_own_votes(self) -> Self:
        """Without the votes of a judge on its own answer."""
        return self.where((self.judge != self.first) & (self.judge != self.second))

    def without_judges(self, judges: Collection[str]) -> Self:
        """Without the votes of some judges."""
        left_out = np.array([name in judges for name in self.names], dtype=bool)
        if not left_out.any():
            return self
        return self.where(~left_out[self.judge])

    def last_attempts(self) -> Self:
        """One row a cell, its last attempt: earlier ones came to nothing, or were recorded twice.

        Rows with the same cell id, judge, pair, question and dimension are of one cell. Where there is no
        cell id but an attempt, the judge, pair, question and dimension are the cell, and all rows of its last
        attempt count. Rows with neither are votes of their own.
        """
        if self.attempt is None and self.cell is None:
            return self
        rows = np.arange(len(self))
        attempt = np.full(len(self), -1) if self.attempt is None else self.attempt
        cell = np.zeros(len(self), dtype=np.int64) if self.cell is None else self.cell
        question = self._question()
        by_cell = np.lexsort((rows, attempt, cell, question))
        same = (np.diff(question[by_cell]) == 0) & (np.diff(cell[by_cell]) == 0)
        ends = np.append(np.flatnonzero(~same), len(self) - 1) if len(self) else rows
        last = np.repeat(ends, np.diff(ends, prepend=-1))
        kept = np.empty(len(self), dtype=bool)
        is_last = rows == last
        equals_last = attempt[by_cell] == attempt[by_cell[last]]
        kept[by_cell] = is_last | ((cell[by_cell] == 0) & (equals_last | (attempt[by_cell] == -1)))
        return self if kept.all() else self.where(kept)

    def doubled(self) -> int:
        """Rows whose judge, pair, question and dimension stood in another row before."""
        # Sorted, which is many times as fast as NumPy's finding of unique numbers by hashes.
        return int(np.count_nonzero(np.diff(np.sort(self._question())) == 0))

    def votes(self) -> Votes:
        """The rows for a fit, in the same order, with the names that stand in them.

        Each counts by its weight times the ratio that its draw asks for, of which the mean is 1 (`scoring.draws`).

        Raises:
            BrokenVote: a row cannot be counted.
        """
        (first, second), models = _compact(self.names, self.first, self.second)
        (judge,), judges = _compact(self.names, self.judge)
        (query,), queries = _compact(self.queries, self.query)
        votes = Votes.of_codes(
            models=models,
            judges=judges,
            queries=queries,
            judge=judge,
            first=first,
            second=second,
            query=query,
            outcome=self.outcome,
            weight=self.weight,
            seats=self._seats(),
        )
        return votes if self.draw is None else drawn(votes, self.draw)

    def _seats(self) -> SeatCodes | None:
        """What was said in the one order that was asked."""
        if self.order is None:
            return None
        seats = of_one_look(self.outcome, np.maximum(self.order, 0))
        seats[self.order < 0] = UNSAID
        return seats

    def _question(self) -> IntArray:
        """A number for each judge, pair whatever its order, question and dimension."""
        low, high = np.minimum(self.first, self.second), np.maximum(self.first, self.second)
        return reduce(_joint, [low, high, self.query, self.dimension], self.judge.astype(np.int64))


_COLUMNS = ("judge", "first", "second", "query", "dimension", "outcome", "weight", "order", "attempt", "cell", "draw")

_LARGEST_KEY = 2**62


def _joint(keys: IntArray, codes: Codes) -> IntArray:
    """One number for two, renumbered when it would not fit."""
    factor = int(codes.max(initial=0)) + 1
    if int(keys.max(initial=0)) >= _LARGEST_KEY // factor:
        keys = np.unique(keys, return_inverse=True)[1]
    return keys * factor + codes


def _compact(names: Sequence[str], *columns: Codes) -> tuple[list[Codes], tuple[str, ...]]:
    """Columns that index only names that stand in one of them."""
    present = np.zeros(len(names), dtype=bool)
    for column in columns:
        present[column] = True
    kept = np.flatnonzero(present)
    place = np.zeros(len(names), dtype=np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    return [place[column] for column in columns], tuple(names[int(index)] for index in kept)
