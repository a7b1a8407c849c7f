"""Rows of a file of questions, whatever its format: JSON Lines, CSV with a header, Parquet.

A row is told by its place: the line where it starts, in Parquet its number from 1. What is wrong with one row
is kept with its place; what is wrong with the whole file is raised. No I/O: files come as bytes.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from dearena.faults import BrokenPool, InvalidField
from dearena.pools.json_lines import MAX_LINE_BYTES, BrokenLine, object_in, other_file, shown

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_FIRST_BYTE_KEPT: Final = 0xDC00
"""`surrogateescape` keeps a byte that is no UTF-8 as this and the byte."""


class Format(StrEnum):
    """How a file holds its questions."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was found."""

    place: int
    members: Mapping[str, Any]
    broken: str = ""
    """What is wrong with it; then it has no members."""


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a file in its order."""

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    """Names that its rows have, in the order in which they first come."""
    unit: str = "line"


def format_of(name: str) -> Format:
    """The format that a file's name tells, with or without .gz behind it.

    Raises:
        InvalidField: it tells none.
    """
    ending = name.lower().removesuffix(".gz").rpartition(".")[2]
    found = {
        "jsonl": Format.JSONL,
        "ndjson": Format.JSONL,
        "csv": Format.CSV,
        "parquet": Format.PARQUET,
    }.get(ending)
    if found is None:
        raise InvalidField.of("format", f"{name} does not tell its format by .jsonl, .csv or .parquet; --format does")
    return found


def rows_of(content: bytes, file_format: Format) -> Rows:
    """The rows of a file.

    Raises:
        BrokenPool: the file cannot be read at all.
    """
    match file_format:
        case Format.JSONL:
            return _json_lines(content)
        case Format.CSV:
            return _comma_separated(content)
        case Format.PARQUET:
            return _parquet(content)


def _json_lines(content: bytes) -> Rows:
    _check_encoding(content)
    rows: list[Row] = []
    columns: dict[str, None] = {}
    for place, line in enumerate(content.removeprefix(_BYTE_ORDER_MARK).split(b"\n"), start=1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE_BYTES:
            rows.append(Row(place, {}, f"the line is longer than {MAX_LINE_BYTES:,} bytes"))
            continue
        try:
            members = object_in(line)
        except BrokenLine as broken:
            rows.append(Row(place, {}, str(broken)))
        else:
            columns.update(dict.fromkeys(members))
            rows.append(Row(place, members))
    return Rows(tuple(rows), tuple(columns))


def _comma_separated(content: bytes) -> Rows:
    _check_encoding(content)
    # Half of one bad byte must not cost the other rows: it is kept, and refused in its row.
    text = content.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "surrogateescape")
    csv.field_size_limit(MAX_LINE_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records = _records(reader)
    header = next(((place, cells) for place, cells in records if cells), None)
    if header is None:
        return Rows((), ())
    place, columns = header
    if isinstance(columns, str):
        raise BrokenPool(f"pool line {place}: {columns}")
    if unread := _not_utf8(columns):
        raise BrokenPool(f"pool line {place}: the header is {unread}")
    if twice := next((name for name in columns if columns.count(name) > 1), None):
        raise BrokenPool(f"pool line {place}: the header names {shown(twice)} twice")
    rows = [_record(place, cells, columns) for place, cells in records if cells]
    return Rows(tuple(rows), tuple(columns))


def _records(reader: Any) -> Iterator[tuple[int, list[str] | str]]:
    """Each record with the line where it starts; words in its place where reading had to end."""
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, f"not CSV: {error}; what follows was not read"
            return
        yield start, cells


def _record(place: int, cells: list[str] | str, columns: list[str]) -> Row:
    if isinstance(cells, str):
        return Row(place, {}, cells)
    if len(cells) != len(columns):
        held = f"{len(cells)} {'cell' if len(cells) == 1 else 'cells'}"
        return Row(place, {}, f"has {held}, where the header has {len(columns)}")
    if unread := _not_utf8(cells):
        return Row(place, {}, unread)
    return Row(place, {name: cell for name, cell in zip(columns, cells, strict=True) if cell})


def _not_utf8(cells: list[str]) -> str:
    for number, cell in enumerate(cells, start=1):
        try:
            cell.encode()
        except UnicodeEncodeError as error:
            return f"not UTF-8: cell {number} has byte 0x{ord(cell[error.start]) - _FIRST_BYTE_KEPT:02x}"
    return ""


def _check_encoding(content: bytes) -> None:
    if other := other_file(content):
        raise BrokenPool(f"the file {other}")


def _parquet(content: bytes) -> Rows:
    try:
        import pyarrow  # noqa: PLC0415, ICN001 - an extra
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise BrokenPool("Parquet is read by pyarrow, which is not installed: pip install 'dearena[columns]'") from None
    try:
        table = parquet.read_table(pyarrow.BufferReader(content))
        rows = [Row(place, members) for place, members in enumerate(table.to_pylist(), start=1)]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise BrokenPool(f"not a Parquet file that can be read: {error}") from None
    return Rows(tuple(rows), tuple(table.column_names), unit="row")
