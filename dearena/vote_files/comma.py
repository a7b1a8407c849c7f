"""CSV with a heading, one vote a row."""

import csv
import io
from typing import IO, Any, Final

from dearena.vote_files.builder import FIELDS, Builder, Column
from dearena.vote_files.faults import BrokenVoteFile

ROWS_AT_ONCE: Final = 2**14
_NUMBERS: Final = ("weight", "attempt", "draw")


def read(stream: IO[bytes], file: str, builder: Builder) -> None:
    """Give a file's votes to the builder; an empty field holds nothing.

    Raises:
        BrokenVoteFile: a row is no vote, or has more or fewer fields than the heading; names its line.
    """
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    rows = csv.reader(text, strict=True)
    try:
        heading = next(rows, [])
        if doubled := {name for name in FIELDS if heading.count(name) > 1}:
            raise BrokenVoteFile(f"{file}, line 1: {min(doubled)} stands twice in the heading")
        held: list[list[str]] = []
        ends: list[int] = []
        for row in rows:
            if not row:
                continue
            if len(row) != len(heading):
                raise BrokenVoteFile(
                    f"{file}, line {rows.line_num}: {len(row)} fields, where the heading has {len(heading)}"
                )
            held.append(row)
            ends.append(rows.line_num)
            if len(held) == ROWS_AT_ONCE:
                _add(builder, heading, held, ends)
                held, ends = [], []
        _add(builder, heading, held, ends)
    except csv.Error as error:
        raise BrokenVoteFile(f"{file}, line {rows.line_num}: is no CSV: {error}") from error
    except UnicodeDecodeError as error:
        raise BrokenVoteFile(f"{file}, after line {rows.line_num}: is not UTF-8 text") from error
    finally:
        text.detach()  # the stream is closed by whoever opened it


def _add(builder: Builder, heading: list[str], rows: list[list[str]], ends: list[int]) -> None:
    if not rows:
        return
    columns: dict[str, Column] = {
        field: [_value(field, text) for text in texts]
        for field, texts in zip(heading, zip(*rows, strict=True), strict=True)
        if field in FIELDS
    }
    builder.add(columns, len(rows), lambda row: f"line {ends[row]}")


def _value(field: str, text: str) -> Any:
    """What a field holds; a text that is no number where one should stand is left to be refused."""
    if not text:
        return None
    if field not in _NUMBERS:
        return text
    try:
        return float(text)
    except ValueError:
        return text
