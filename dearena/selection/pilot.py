"""What a selection looks at: a pool's queries, and what a pilot's judges said of a few models' answers. Pure.

Names stand in canonical order: models and judges by name, queries by name. The columns hold indices into them.
Outcomes are halves, whose sums are exact, so that nothing found in a pilot depends on the order in which its rows,
queries, models or judges were given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from dearena.faults import InvalidField
from dearena.scoring.arrays import BoolArray, FloatArray, IntArray

A: Final = 1.0
B: Final = 0.0
TIE: Final = 0.5
OUTCOMES: Final = (A, B, TIE)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Queries to choose from, in canonical order.

    Attributes:
        queries: ids or hashes, without doubles.
        categories: names, without doubles.
        category: of each query, an index into these.
        cost: what a query costs on a board, in any unit, above 0; None: all the same.
    """

    queries: tuple[str, ...]
    categories: tuple[str, ...]
    category: IntArray
    cost: FloatArray | None = None

    @classmethod
    def of(
        cls,
        queries: Sequence[str],
        categories: Sequence[str] | None = None,
        cost: npt.ArrayLike | None = None,
    ) -> Self:
        """A pool of queries in any order.

        Args:
            categories: name of each query's; None: there is one only.
            cost: of each query.

        Raises:
            InvalidField: no query, a query named twice, a column of another length, or a cost that is not above 0.
        """
        if not len(queries):
            raise InvalidField.of("queries", "there is none to choose from")
        order = sorted(range(len(queries)), key=queries.__getitem__)
        names = tuple(queries[place] for place in order)
        if len(set(names)) < len(names):
            doubled = next(one for one, other in pairwise(names) if one == other)
            raise InvalidField.of("queries", f"{doubled!r} is named twice")
        given = [""] * len(names) if categories is None else list(categories)
        if len(given) != len(names):
            raise InvalidField.of("categories", f"{len(given):,} values for {len(names):,} queries")
        known = tuple(sorted(set(given)))
        place_of = {name: place for place, name in enumerate(known)}
        return cls(
            queries=names,
            categories=known,
            category=np.array([place_of[given[place]] for place in order], dtype=np.int64),
            cost=None if cost is None else _checked_cost(cost, len(names))[order],
        )

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def shares(self) -> FloatArray:
        """Share of the queries that is of each category, shape (categories,)."""
        return np.bincount(self.category, minlength=len(self.categories)) / len(self)


@dataclass(frozen=True, slots=True, eq=False)
class PilotVotes:
    """A pilot's readable votes as columns, one entry a vote, all of one length.

    Attributes:
        pool: what was asked, and what was not.
        models, judges: names in canonical order.
        query, first, second, judge: indices.
        outcome: 1 for the first model, 0 for the second, 1/2 for a tie. Flips and voids are no votes.
    """

    pool: Pool
    models: tuple[str, ...]
    judges: tuple[str, ...]
    query: IntArray
    first: IntArray
    second: IntArray
    judge: IntArray
    outcome: FloatArray

    @classmethod
    def none(cls, pool: Pool) -> Self:
        """No votes at all."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(pool, (), (), nothing, nothing, nothing, nothing, nothing.astype(np.float64))

    @classmethod
    def of(
        cls,
        *,
        queries: Sequence[str],
        models: Sequence[str],
        judges: Sequence[str],
        query: npt.ArrayLike,
        first: npt.ArrayLike,
        second: npt.ArrayLike,
        judge: npt.ArrayLike,
        outcome: npt.ArrayLike,
        categories: Sequence[str] | None = None,
        cost: npt.ArrayLike | None = None,
    ) -> Self:
        """Votes whose columns index the names as these are given, in any order.

        Raises:
            InvalidField: as `Pool.of`; or an index is out of range, a model meets itself, or an outcome is none.
        """
        pool = Pool.of(queries, categories, cost)
        said = np.asarray(outcome, dtype=np.float64)
        if not np.isin(said, OUTCOMES).all():
            raise InvalidField.of("outcome", "is 1 for the first, 0 for the second, or 1/2 for a tie")
        columns = {
            name: _ranked(name, values, names, len(said))
            for name, values, names in (
                ("query", query, queries),
                ("first", first, models),
                ("second", second, models),
                ("judge", judge, judges),
            )
        }
        if np.any(columns["first"] == columns["second"]):
            raise InvalidField.of("second", "a model meets itself")
        return cls(pool, tuple(sorted(models)), tuple(sorted(judges)), outcome=said, **columns)

    def __len__(self) -> int:
        return len(self.outcome)

    def where(self, chosen: BoolArray | IntArray) -> Self:
        """Some of the votes; names stay."""
        columns = ("query", "first", "second", "judge", "outcome")
        return replace(self, **{name: getattr(self, name)[chosen] for name in columns})


def _checked_cost(cost: npt.ArrayLike, length: int) -> FloatArray:
    found = np.asarray(cost, dtype=np.float64)
    if found.shape != (length,):
        raise InvalidField.of("cost", f"{found.shape} values for {length:,} queries")
    if not np.all(np.isfinite(found) & (found > 0)):
        raise InvalidField.of("cost", "of a query is a number above 0")
    return found


def _ranked(column: str, values: npt.ArrayLike, names: Sequence[str], length: int) -> IntArray:
    """The column as indices into the sorted names."""
    codes = np.asarray(values, dtype=np.int64)
    if codes.shape != (length,):
        raise InvalidField.of(column, f"{codes.shape} values, where the outcomes have ({length},)")
    if len(set(names)) < len(names):
        raise InvalidField.of(column, "a name stands twice")
    if length and not (codes.min() >= 0 and codes.max() < len(names)):
        raise InvalidField.of(column, f"an index is not below {len(names):,}")
    rank = np.empty(len(names), dtype=np.int64)
    rank[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return rank[codes]
