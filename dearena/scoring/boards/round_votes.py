"""The outcomes of one round as columns, as they are read from the log, and whether they can be counted. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from dearena.faults import ArenaFault
from dearena.names import InvalidName, Revision
from dearena.outcomes import Outcome
from dearena.scoring.arrays import BoolArray, Codes, IntArray, OutcomeCodes
from dearena.scoring.boards.marks import Marks
from dearena.scoring.seats import SeatCodes

Draws = npt.NDArray[np.uint32]

OUTCOMES: Final = tuple(Outcome)
"""By the codes that stand in columns."""


_revision = lru_cache(maxsize=65_536)(Revision.parse)


class BrokenLog(ArenaFault):
    """A row of the log that cannot be counted; the message names it."""


@dataclass(frozen=True, slots=True, eq=False)
class RoundVotes:
    """Columns of equal length; row v of each belongs together. `first` comes before `second` in canonical order.

    Attributes:
        models, queries, currencies: names, each once; the columns hold indices into them.
        cell_id: of each row, and `mark` for it in 64 bits.
        attempt: counts up from 1 for each cell.
        outcome, seats: codes of `dearena.scoring`.
        judge_calls, cost_nano_units, currency: what the attempt took.
        draw: chance with which the judge was drawn over the even one, in parts of 65,536, uint32.
    """

    models: tuple[str, ...]
    queries: tuple[str, ...]
    currencies: tuple[str, ...]
    cell_id: Sequence[str]
    mark: Marks
    attempt: Codes
    first: Codes
    second: Codes
    judge: Codes
    query: Codes
    outcome: OutcomeCodes
    seats: SeatCodes
    judge_calls: Codes
    cost_nano_units: IntArray
    currency: Codes
    draw: Draws

    def __len__(self) -> int:
        return len(self.outcome)

    @classmethod
    def joined(cls, batches: Sequence[Self]) -> Self:
        """The rows of all batches, in their order, over one table of each kind of names."""
        models, of_models = _one_table([batch.models for batch in batches])
        queries, of_queries = _one_table([batch.queries for batch in batches])
        currencies, of_currencies = _one_table([batch.currencies for batch in batches])

        def renamed(places: Sequence[Codes], column: Callable[[Self], Codes]) -> Codes:
            parts = [place[column(batch)] for place, batch in zip(places, batches, strict=True)]
            return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)

        def together(name: str, kind: type[np.generic] = np.int32) -> Any:
            parts = [getattr(batch, name) for batch in batches]
            return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)

        return cls(
            models=models,
            queries=queries,
            currencies=currencies,
            cell_id=[cell_id for batch in batches for cell_id in batch.cell_id],
            first=renamed(of_models, lambda batch: batch.first),
            second=renamed(of_models, lambda batch: batch.second),
            judge=renamed(of_models, lambda batch: batch.judge),
            query=renamed(of_queries, lambda batch: batch.query),
            currency=renamed(of_currencies, lambda batch: batch.currency),
            mark=together("mark", np.uint64),
            attempt=together("attempt"),
            outcome=together("outcome", np.int8),
            seats=together("seats", np.int8).reshape(-1, 2),
            judge_calls=together("judge_calls"),
            cost_nano_units=together("cost_nano_units", np.int64),
            draw=together("draw", np.uint32),
        )

    @property
    def cells(self) -> int:
        """How many cells have an outcome."""
        marks = np.sort(self.mark)
        return int(np.count_nonzero(marks[1:] != marks[:-1])) + min(len(marks), 1)

    def named(self, row: int) -> str:
        """A row, for a message."""
        return f"cell {self.cell_id[row]!r}, attempt {self.attempt[row]}"

    def check(self) -> None:
        """Look at every row by itself.

        Raises:
            BrokenLog: one cannot be; names it.
        """
        place, problems = _canonical(self.models)
        nobody = place < 0
        self._refuse(self.attempt < 1, lambda _: "attempts count up from 1")
        negative = np.minimum(self.judge_calls, self.cost_nano_units) < 0
        self._refuse(negative, lambda _: "calls and costs are not negative")
        self._refuse(self.draw < 1, lambda _: "a judge that votes was drawn with some chance")
        for column in (self.first, self.second, self.judge):
            self._refuse(nobody[column], partial(_problem_of, problems, column))
        self._refuse(self.first == self.second, lambda row: f"{self._model(self.first, row)} is compared with itself")
        own = (self.judge == self.first) | (self.judge == self.second)
        self._refuse(own, lambda row: f"{self._model(self.judge, row)} judges its own answer")
        self._refuse(
            place[self.first] > place[self.second],
            lambda row: (
                f"{self._model(self.first, row)} and {self._model(self.second, row)} are not in canonical order"
            ),
        )

    def _model(self, column: Codes, row: int) -> str:
        return self.models[int(column[row])]

    def _refuse(self, wrong: BoolArray, complaint: Callable[[int], str]) -> None:
        if wrong.any():
            row = int(np.argmax(wrong))
            raise BrokenLog(f"{self.named(row)}: {complaint(row)}")


def _problem_of(problems: Mapping[int, str], column: Codes, row: int) -> str:
    return problems[int(column[row])]


def _one_table(tables: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], list[Codes]]:
    """All names once, in the order in which they come, and where those of each table stand among them."""
    places: dict[str, int] = {}
    found: list[Codes] = []
    before: tuple[str, ...] | None = None
    for table in tables:
        # Batches of one round mostly name the same.
        if table != before:
            codes = np.array([places.setdefault(name, len(places)) for name in table], dtype=np.int32)
        found.append(codes)
        before = table
    return tuple(places), found


def _canonical(models: Sequence[str]) -> tuple[IntArray, dict[int, str]]:
    """Where each model stands in canonical order, -1 for a name that is no revision's; and why it is not."""
    revisions: dict[int, Revision] = {}
    problems: dict[int, str] = {}
    for index, model in enumerate(models):
        try:
            revisions[index] = _revision(model)
        except InvalidName as error:
            problems[index] = str(error)
    place = np.full(len(models), -1, dtype=np.int64)
    for position, index in enumerate(sorted(revisions, key=revisions.__getitem__)):
        place[index] = position
    return place, problems
