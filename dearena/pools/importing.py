"""Files of questions into a pool: which column is what, ids where there are none, and what is wrong where.

A pool is good as a whole or not at all, as in `json_lines`; here what is wrong is kept beside what is right,
so that a report can tell both. No I/O.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from dearena import identity
from dearena.faults import BrokenPool, FieldViolation, InvalidField
from dearena.pools.json_lines import LISTED_LINES, BrokenLine, Pool, Question, question_of, shown
from dearena.pools.rows import Format, Row, Rows, rows_of

FIELDS: Final = ("id", "text", "turns", "reference", "category", "source", "licence")
"""What can be mapped."""

MADE_ID_DIGITS: Final = 20
"""Of the hash: 80 bits, so that two of a million questions meet by chance once in 2^40 pools."""

_OTHER_NAMES: Final = {"licence": ("license",)}
_ASKED: Final = ("text", "turns")


@dataclass(frozen=True, slots=True)
class Entry:
    """A question with what its file says of where it comes from."""

    question: Question
    source: str = ""
    licence: str = ""

    def line(self) -> dict[str, Any]:
        """The question as an object of a pool's JSON Lines."""
        one = self.question
        asked: dict[str, Any] = {"text": one.turns[0]} if len(one.turns) == 1 else {"turns": list(one.turns)}
        further = {
            "reference": one.reference,
            "category": one.category,
            "source": self.source,
            "licence": self.licence,
        }
        return {"id": one.query_id, **asked, **{name: value for name, value in further.items() if value}}


@dataclass(frozen=True, slots=True)
class Broken:
    """What is wrong with a row."""

    place: int
    why: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file holds, in its order."""

    entries: tuple[Entry, ...]
    broken: tuple[Broken, ...]
    made_ids: int
    """So many ids were made, because the row had none."""
    unit: str

    def pool(self) -> Pool:
        """The pool.

        Raises:
            BrokenPool: rows are broken (up to LISTED_LINES of them told), or there is no question.
        """
        if self.broken:
            told = [FieldViolation(f"pool {self.unit} {one.place}", one.why) for one in self.broken[:LISTED_LINES]]
            others = len(self.broken) - 1
            more = f" (and {others:,} more broken {self.unit}{'' if others == 1 else 's'})" if others else ""
            raise BrokenPool(f"{told[0].field}: {told[0].description}{more}", told)
        if not self.entries:
            raise BrokenPool("the pool holds no question", [FieldViolation("pool", "holds no question")])
        return Pool(tuple(entry.question for entry in self.entries))


def mapping_of(pairs: Sequence[str]) -> dict[str, str]:
    """A mapping of fields to columns, of words like `text=question`.

    Raises:
        InvalidField: a word is not of this form, its field is none of FIELDS, or is mapped twice.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not (equals and column):
            raise InvalidField.of("map", f"{shown(pair)} is not of the form field=column")
        if field not in FIELDS:
            raise InvalidField.of("map", f"{shown(field)} is none of {', '.join(FIELDS)}")
        if field in mapping:
            raise InvalidField.of("map", f"{field} is mapped twice")
        mapping[field] = column
    return mapping


def import_pool(content: bytes, file_format: Format, mapping: Mapping[str, str] | None = None) -> Imported:
    """Read a file of questions.

    Args:
        content: of the file.
        file_format: how it holds them.
        mapping: column by field. A field that is not mapped is read from the column of its own name; where text
            or turns is mapped, the other one is only read if it is mapped too.

    Raises:
        BrokenPool: the file cannot be read at all, or has no column that could hold questions.
        InvalidField: the mapping names a column that is not there.
    """
    rows = rows_of(content, file_format)
    columns = _columns(rows, mapping or {})
    reading = _Reading(columns, typed=file_format is not Format.CSV, unit=rows.unit)
    for row in rows.rows:
        reading.add(row)
    return Imported(tuple(reading.entries), tuple(reading.broken), reading.made_ids, rows.unit)


def _columns(rows: Rows, mapping: Mapping[str, str]) -> dict[str, str]:
    """Column by field, of those fields that the file has."""
    there = ", ".join(shown(name) for name in rows.columns) or "none"
    if not any(not row.broken for row in rows.rows) and not rows.columns:
        return dict(mapping)
    for field, column in mapping.items():
        if column not in rows.columns:
            raise InvalidField.of("map", f"{field}={column}: there is no column {shown(column)}; there are {there}")
    columns = dict(mapping)
    for field in FIELDS:
        if field in mapping or (field in _ASKED and any(asked in mapping for asked in _ASKED)):
            continue
        names = (field, *_OTHER_NAMES.get(field, ()))
        if (found := next((name for name in names if name in rows.columns), None)) is not None:
            columns[field] = found
    if not any(field in columns for field in _ASKED):
        raise BrokenPool(f"there is no column text or turns; there are {there}; --map text=COLUMN says which it is")
    return columns


class _Reading:
    """Takes the rows one by one."""

    def __init__(self, columns: Mapping[str, str], *, typed: bool, unit: str) -> None:
        self.entries: list[Entry] = []
        self.broken: list[Broken] = []
        self.made_ids = 0
        self._columns = columns
        self._typed = typed
        self._unit = unit
        self._place_of: dict[str, int] = {}

    def add(self, row: Row) -> None:
        try:
            self._add(row)
        except BrokenLine as broken:
            self.broken.append(Broken(row.place, str(broken)))

    def _add(self, row: Row) -> None:
        if row.broken:
            raise BrokenLine(row.broken)
        members = {field: row.members.get(column) for field, column in self._columns.items()}
        turns = members.get("turns")
        if isinstance(members.get("id"), int) and not isinstance(members["id"], bool):
            members["id"] = str(members["id"])  # many tables number their questions
        if not self._typed and isinstance(turns, str):
            members["turns"] = _list_in(turns)
        is_made = members.get("id") in (None, "")
        if is_made:
            # What is wrong with the question itself is told before it has an id.
            bare = question_of({**members, "id": "-"})
            members["id"] = self._made_id(bare)
        question = replace(question_of(members), line=row.place)
        further = {name: _words(members, name) for name in ("source", "licence")}
        earlier = self._place_of.setdefault(question.query_id, row.place)
        if earlier != row.place:
            raise BrokenLine(f"id {shown(question.query_id)} stands in {self._unit} {earlier} already")
        self.made_ids += is_made
        self.entries.append(Entry(question, **further))

    def _made_id(self, question: Question) -> str:
        digest = identity.digest_of([list(question.turns), question.reference, question.category])
        made = f"q-{digest[:MADE_ID_DIGITS]}"
        # The same question again is a second question until somebody merges them.
        number = 1
        while (numbered := made if number == 1 else f"{made}-{number}") in self._place_of:
            number += 1
        return numbered


def _words(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BrokenLine(f"{name} must be a string")
    if not value.isprintable():
        raise BrokenLine(f"{name} holds what cannot be printed, such as a line's end")
    return value.strip()


def _list_in(cell: str) -> Any:
    """The turns that a cell holds as a JSON list."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        raise BrokenLine("turns must be a JSON list of strings in its cell") from None
