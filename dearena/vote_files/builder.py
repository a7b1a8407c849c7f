"""Rows of words into columns of numbers, each row checked.

Names are numbered by a dictionary as blocks of rows come in, so that a file is never held as text. What is
checked is checked on whole columns; only a row that is refused is looked for.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from dearena.scoring.arrays import BoolArray, Codes
from dearena.scoring.draws import EVEN
from dearena.scoring.outcomes import CODES
from dearena.scoring.seats import WHO_SAT_FIRST
from dearena.scoring.votes import WINNERS
from dearena.vote_files.columns import VoteColumns
from dearena.vote_files.faults import BrokenVoteFile

REQUIRED: Final = ("judge", "model_a", "model_b", "query_id")
OPTIONAL: Final = ("winner", "outcome", "weight", "dimension", "attempt", "cell_id", "first", "draw")
FIELDS: Final = REQUIRED + OPTIONAL
"""What a row may hold; of `winner` and `outcome` it must hold one. Anything else is passed over."""

_OUTCOMES: Final = {str(outcome): code for outcome, code in CODES.items()}
_WINNER_WORDS: Final = "a, b, tie"
_MOST_SHOWN: Final = 60
_LARGEST_NUMBER: Final = 2**31 - 1
_LARGEST_WEIGHT: Final = 1e12
_SMALLEST_WEIGHT: Final = 1 / _LARGEST_WEIGHT
"""Beyond these, sums of weights meet the ends of what a number can hold."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Some would be obeyed by a terminal."""


class Dictionary(NamedTuple):
    """A column as Arrow has it: each value once, and where it stands; -1: no value."""

    values: Sequence[Any]
    codes: Codes


Column = Sequence[Any] | Dictionary
"""A value a row; None: none."""


class Builder:
    """Takes a file block by block."""

    def __init__(self, file: str, *, own_votes: bool = False) -> None:
        """Start a file.

        Args:
            file: its name, for messages.
            own_votes: whether a judge may judge its own answer.
        """
        self._file = file
        self._own_votes = own_votes
        self._names, self._queries, self._dimensions = _Numbered(), _Numbered(), _Numbered()
        self._blocks: list[dict[str, Any]] = []

    def add(self, columns: Mapping[str, Column], rows: int, place: Callable[[int], str]) -> None:
        """Add rows.

        Args:
            columns: by field, those the file has, `rows` values each.
            place: where a row of this block stands, like `line 17`.

        Raises:
            BrokenVoteFile: a row cannot be used; the first such row of the block.
        """
        block = _Block(columns, rows)
        judge, first, second = (
            block.names(field, self._names, required=True) for field in ("judge", "model_a", "model_b")
        )
        found = {
            "judge": judge,
            "first": first,
            "second": second,
            "query": block.names("query_id", self._queries, required=True, whole_numbers=True),
            "dimension": block.names("dimension", self._dimensions),
            "outcome": block.outcomes(),
            "weight": block.weights(),
            "order": block.words("first", WHO_SAT_FIRST, "a, b"),
            "attempt": block.whole_numbers("attempt", least=0, absent=-1),
            "draw": block.whole_numbers("draw", least=1, absent=EVEN),
            "cell": block.hashes("cell_id"),
        }
        block.refuse(
            (first == second) & (first >= 0), lambda row: f"{block.shown('model_a', row)} is compared with itself"
        )
        if not self._own_votes:
            own = ((judge == first) | (judge == second)) & (judge >= 0)
            block.refuse(own, lambda row: f"{block.shown('judge', row)} judges its own answer")
        if block.complaints:
            row, complaint = min(block.complaints)
            raise BrokenVoteFile(f"{self._file}, {place(row)}: {complaint}")
        self._blocks.append(found)

    def built(self) -> VoteColumns:
        """All rows.

        Raises:
            BrokenVoteFile: there are none.
        """
        if not any(len(block["outcome"]) for block in self._blocks):
            raise BrokenVoteFile(f"{self._file}: holds no votes")
        dimensions = list(self._dimensions.names())
        dimension = self._joined("dimension", -1)
        if (dimension < 0).any():
            dimensions.append("")
            dimension = np.where(dimension < 0, np.int32(len(dimensions) - 1), dimension)
        columns: dict[str, Any] = {
            field: self._joined(field, None) for field in ("judge", "first", "second", "query", "outcome")
        }
        for field, absent in (("weight", 1.0), ("order", -1), ("attempt", -1), ("cell", 0), ("draw", EVEN)):
            if any(block[field] is not None for block in self._blocks):
                columns[field] = self._joined(field, absent)
        return VoteColumns(
            names=self._names.names(),
            queries=self._queries.names(),
            dimensions=tuple(dimensions),
            dimension=dimension,
            **columns,
        )

    def _joined(self, field: str, absent: float | None) -> Any:
        present = next(block[field] for block in self._blocks if block[field] is not None)
        return np.concatenate(
            [
                np.full(len(block["outcome"]), absent, dtype=present.dtype) if block[field] is None else block[field]
                for block in self._blocks
            ]
        )


class _Numbered(dict[Any, int]):
    """Gives each new value the next number; None is -1."""

    def __init__(self) -> None:
        super().__init__({None: -1})

    def __missing__(self, value: Any) -> int:
        self[value] = number = len(self) - 1
        return number

    def names(self) -> tuple[str, ...]:
        return tuple(itertools.islice(self, 1, None))

    def since(self, before: int) -> Iterator[Any]:
        """Values that came when there were `before` entries, the last first."""
        return itertools.islice(reversed(self), len(self) - before)


class _Block:
    """Rows that are looked at together, and what is wrong with them."""

    def __init__(self, columns: Mapping[str, Column], rows: int) -> None:
        self._columns = columns
        self._rows = rows
        self.complaints: list[tuple[int, str]] = []

    def refuse(self, wrong: BoolArray, why: Callable[[int], str]) -> None:
        """Complain of the first of the rows that are wrong."""
        if wrong.any():
            row = int(np.argmax(wrong))
            self.complaints.append((row, why(row)))

    def shown(self, field: str, row: int) -> str:
        """A value as JSON, cut where it is long."""
        column = self._columns[field]
        return _shown(_value(column, row))

    def names(self, field: str, numbered: _Numbered, *, required: bool = False, whole_numbers: bool = False) -> Codes:
        """Numbers of names; -1: none, which is a complaint where one is required."""
        column = self._columns.get(field)
        if column is None:
            codes = np.full(self._rows, -1, dtype=np.int32)
        else:
            before = len(numbered)
            codes = self._numbers(field, column, numbered)
            if whole_numbers and any(type(value) is int for value in numbered.since(before)):
                for value in list(numbered.since(before)):
                    del numbered[value]
                codes = self._numbers(field, _as_words(column), numbered)
            for value in numbered.since(before):
                # A query may be called by its text, of several lines; the other names stand in tables.
                if why := _name_complaint(value, one_line=not whole_numbers):
                    self.refuse(codes == numbered[value], _always(f"{field} {why}"))
        if required:
            self.refuse(codes == -1, lambda _: f"{field} is missing")
        return codes

    def _numbers(self, field: str, column: Column, numbered: _Numbered) -> Codes:
        values = column.values if isinstance(column, Dictionary) else column
        try:
            codes = np.fromiter(map(numbered.__getitem__, values), dtype=np.int32, count=len(values))
        except TypeError:  # a list or an object, which no dictionary takes
            self._refuse_unhashable(field, column)
            return np.full(self._rows, -2, dtype=np.int32)
        return _spread(codes, column)

    def _refuse_unhashable(self, field: str, column: Column) -> None:
        wrong = np.array([isinstance(_value(column, row), list | dict) for row in range(self._rows)], dtype=bool)
        self.refuse(wrong, lambda row: f"{field} {self.shown(field, row)} is no text")

    def words(self, field: str, known: Mapping[str, int], told: str) -> Any:
        """Codes of words, int8; -1: none. None: it is told nowhere."""
        column = self._columns.get(field)
        if column is None:
            return None
        unknown, numbered = -2, _Numbered()
        codes = self._numbers(field, column, numbered)
        if codes.max(initial=-1) < 0:  # nothing is told, or a complaint is made already
            return None if codes.min(initial=-1) == -1 else np.full(self._rows, unknown, dtype=np.int8)
        of_word = [known.get(word, unknown) if isinstance(word, str) else unknown for word in numbered.names()]
        found = np.array([*of_word, -1], dtype=np.int8)[codes]  # -1 finds the last
        self.refuse(found == unknown, lambda row: f"{field} {self.shown(field, row)} is none of {told}")
        return found

    def outcomes(self) -> Any:
        """Of `outcome` where it is told, else of `winner`."""
        nothing = np.full(self._rows, -1, dtype=np.int8)
        winner = self.words("winner", WINNERS, _WINNER_WORDS)
        outcome = self.words("outcome", _OUTCOMES, ", ".join(_OUTCOMES))
        winner, outcome = nothing if winner is None else winner, nothing if outcome is None else outcome
        self.refuse((winner == -1) & (outcome == -1), lambda _: f"winner is missing: {_WINNER_WORDS}")
        self.refuse(
            (winner >= 0) & (outcome >= 0) & (winner != outcome),
            lambda row: f"outcome {self.shown('outcome', row)} and winner {self.shown('winner', row)} contradict",
        )
        return np.where(outcome == -1, winner, outcome)

    def weights(self) -> Any:
        """Numbers, 1 where none is told; None: it is told nowhere."""
        column = self._listed("weight")
        if column is None:
            return None
        weights = _numbers_of(column, absent=1.0)
        with np.errstate(invalid="ignore"):
            wrong = ~((weights == 0) | ((weights >= _SMALLEST_WEIGHT) & (weights <= _LARGEST_WEIGHT)))
        self.refuse(
            wrong, lambda row: f"weight {_shown(column[row])} is neither 0 nor a number up to {_LARGEST_WEIGHT:g}"
        )
        return weights

    def whole_numbers(self, field: str, *, least: int, absent: int) -> Any:
        """Whole numbers, `absent` where none is told; None: it is told nowhere."""
        column = self._listed(field)
        if column is None:
            return None
        numbers = _numbers_of(column, absent=absent)
        told = np.array([value is not None for value in column], dtype=bool)
        with np.errstate(invalid="ignore"):
            fits = (numbers >= least) & (numbers <= _LARGEST_NUMBER) & (numbers == np.floor(numbers))
        self.refuse(told & ~fits, lambda row: f"{field} {_shown(column[row])} is no whole number from {least} up")
        return np.where(fits, numbers, absent).astype(np.int64)

    def hashes(self, field: str) -> Any:
        """Hashes of ids, 0 where none is told; None: it is told nowhere.

        They need only tell apart the few cells of one judge, pair and question.
        """
        column = self._listed(field)
        if column is None:
            return None
        try:
            hashes = np.fromiter(map(hash, column), dtype=np.int64, count=len(column))
        except TypeError:
            self._refuse_unhashable(field, column)
            return np.zeros(self._rows, dtype=np.int64)
        hashes[np.array([value is None for value in column], dtype=bool)] = 0
        return hashes

    def _listed(self, field: str) -> Sequence[Any] | None:
        """Values of a column; None: it is not there, or tells nothing."""
        column = self._columns.get(field)
        if isinstance(column, Dictionary):
            column = [_value(column, row) for row in range(self._rows)]
        return column if column and any(value is not None for value in column) else None


def _always(complaint: str) -> Callable[[int], str]:
    return lambda _: complaint


def _spread(codes: Codes, column: Column) -> Codes:
    """Codes of the values for the rows that hold them; -1 where a row has none."""
    return np.append(codes, np.int32(-1))[column.codes] if isinstance(column, Dictionary) else codes


def _value(column: Column, row: int) -> Any:
    if not isinstance(column, Dictionary):
        return column[row]
    place = int(column.codes[row])
    return None if place < 0 else column.values[place]


def _as_words(column: Column) -> Column:
    """Whole numbers as their digits."""
    if isinstance(column, Dictionary):
        return Dictionary(_as_words(column.values), column.codes)
    return [str(value) if type(value) is int else value for value in column]


def _name_complaint(value: Any, *, one_line: bool) -> str:
    """What is wrong with a name; nothing: it is one."""
    if not isinstance(value, str):
        return f"{_shown(value)} is no text"
    if not value or value.isspace():
        return "is empty"
    try:
        value.encode()
    except UnicodeEncodeError:
        return f"{_shown(value)} is not Unicode text"
    if one_line and _CONTROL.search(value):
        return f"{_shown(value)} holds a control character"
    return ""


def _numbers_of(column: Sequence[Any], absent: float) -> Any:
    """Numbers of a column; NaN for what is none."""
    if set(map(type, column)) <= {float}:
        return np.array(column, dtype=np.float64)
    return np.array([absent if value is None else _number(value) for value in column], dtype=np.float64)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.inf


def _shown(value: Any) -> str:
    """As JSON, in ASCII whatever the terminal takes, cut where it is long."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
