"""A file of votes by its name: what it is packed in, what it is written in.

Arrow and Parquet are told by their ending; whatever has another is lines of JSON. Packing is told by the
first bytes, so that standard input may be packed too.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from dearena.vote_files import comma, lines, tables
from dearena.vote_files.builder import Builder
from dearena.vote_files.columns import VoteColumns
from dearena.vote_files.faults import BrokenVoteFile

STANDARD_INPUT: Final = "-"
GZIP_MAGIC: Final = b"\x1f\x8b"

Reader = Callable[[IO[bytes], str, Builder], None]

_READERS: Final[dict[str, Reader]] = {
    ".csv": comma.read,
    ".parquet": tables.read_parquet,
    ".arrow": tables.read_arrow,
    ".feather": tables.read_arrow,
}


def read(file: Path | str, *, own_votes: bool = False) -> VoteColumns:
    """Read a file of votes.

    Args:
        file: `.csv`, `.parquet`, `.arrow` or `.feather`, else lines of JSON, packed with gzip or not; "-":
            standard input.
        own_votes: whether a judge may judge its own answer.

    Raises:
        BrokenVoteFile: the file or a row of it cannot be used; names the line.
        ColumnsMissing: Arrow and Parquet need the extra `columns`.
        OSError: the file cannot be read.
    """
    name = name_of(file)
    builder = Builder(name, own_votes=own_votes)
    suffixes = [suffix.lower() for suffix in Path(file).suffixes if suffix.lower() != ".gz"]
    reader = _READERS.get(suffixes[-1] if suffixes else "", lines.read)
    with opened(file) as stream:
        reader(stream, name, builder)
    return builder.built()


def name_of(file: Path | str) -> str:
    """The file as messages call it."""
    return "standard input" if str(file) == STANDARD_INPUT else str(file)


@contextmanager
def opened(file: Path | str) -> Iterator[IO[bytes]]:
    """A file's bytes, unpacked.

    Raises:
        BrokenVoteFile: it is packed and damaged; on reading too.
        OSError: it cannot be read.
    """
    name = name_of(file)
    try:
        if str(file) == STANDARD_INPUT:
            if sys.stdin is None:
                raise BrokenVoteFile(f"{name}: is closed")
            yield _unpacked(sys.stdin.buffer)
        else:
            with Path(file).open("rb") as raw:
                yield _unpacked(raw)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BrokenVoteFile(f"{name}: the packed file is cut off or damaged: {error}") from error


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    peekable = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]
    if peekable.peek(len(GZIP_MAGIC))[: len(GZIP_MAGIC)] == GZIP_MAGIC:
        return cast("IO[bytes]", gzip.open(peekable, "rb"))
    return peekable
