"""Lines of JSON, one vote each.

A block of lines is parsed as one array, which takes about half as long as line by line; only where that
fails is each line looked at by itself, to name the one that is wrong.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import IO, Any, Final

from dearena.vote_files.builder import FIELDS, OPTIONAL, REQUIRED, Builder
from dearena.vote_files.faults import BrokenVoteFile

BLOCK_BYTES: Final = 2**18
"""Read at once; a line may be longer. What is parsed of so much stays in the cache, and dies young."""

_BOM: Final = b"\xef\xbb\xbf"


def read(stream: IO[bytes], file: str, builder: Builder) -> None:
    """Give a file's votes to the builder.

    Raises:
        BrokenVoteFile: a line is no vote; names it.
    """
    for first_line, block in blocks(stream):
        rows, place = _parsed(block, first_line, file)
        if rows:
            builder.add(_columns(rows, block), len(rows), place)


def objects(stream: IO[bytes], file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's object, and where it stands.

    Raises:
        BrokenVoteFile: a line is no JSON object; names it.
    """
    for first_line, block in blocks(stream):
        rows, place = _parsed(block, first_line, file)
        for number, row in enumerate(rows):
            yield place(number), row


def blocks(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Whole lines, about `BLOCK_BYTES` at a time, and the number of the first."""
    line = 1
    begun: list[bytes] = []
    read = stream.read(BLOCK_BYTES).removeprefix(_BOM)
    while read:
        whole, end, rest = read.rpartition(b"\n")
        if end:
            block = b"".join([*begun, whole, end])
            yield line, block
            line += block.count(b"\n")
            begun = [rest]
        else:
            begun.append(rest)
        read = stream.read(BLOCK_BYTES)
    if last := b"".join(begun):
        yield line, last


def _parsed(block: bytes, first_line: int, file: str) -> tuple[Sequence[dict[str, Any]], Callable[[int], str]]:
    """Rows of a block, and where each stands."""
    try:
        text = block.decode().rstrip()
        rows = json.loads("[" + text.replace("\n", ",") + "]")
    except (ValueError, RecursionError):
        return _line_by_line(block, first_line, file)
    # A line that holds two objects, or half of one, may still make an array.
    if len(rows) != text.count("\n") + 1 or set(map(type, rows)) != {dict}:
        return _line_by_line(block, first_line, file)
    return rows, lambda row: f"line {first_line + row}"


def _line_by_line(block: bytes, first_line: int, file: str) -> tuple[Sequence[dict[str, Any]], Callable[[int], str]]:
    rows, numbers = [], []
    for number, line in enumerate(block.split(b"\n"), first_line):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode())
        except UnicodeDecodeError as error:
            raise BrokenVoteFile(f"{file}, line {number}: is not UTF-8 text") from error
        except json.JSONDecodeError as error:
            raise BrokenVoteFile(f"{file}, line {number}: is no JSON: {error.msg} at column {error.colno}") from error
        except (ValueError, RecursionError) as error:
            raise BrokenVoteFile(f"{file}, line {number}: is no JSON that can be read") from error
        if not isinstance(row, dict):
            raise BrokenVoteFile(f"{file}, line {number}: is no JSON object")
        rows.append(row)
        numbers.append(number)
    return rows, lambda row: f"line {numbers[row]}"


def _columns(rows: Sequence[dict[str, Any]], block: bytes) -> dict[str, Sequence[Any]]:
    """The values of each field that stands in the block."""
    # A name with an escape in it may be any.
    fields = FIELDS if b"\\u" in block else (*REQUIRED, *(name for name in OPTIONAL if f'"{name}"'.encode() in block))
    try:
        return dict(zip(fields, zip(*map(itemgetter(*fields), rows), strict=True), strict=True))
    except KeyError:
        return {field: [row.get(field) for row in rows] for field in fields}
