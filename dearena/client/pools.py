"""Question pools on their way to the query selector."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from dearena import identity
from dearena.faults import BrokenPool

PIECE_BYTES: Final = 256 * 1024

MOST_BYTES: Final = 512 * 1024 * 1024
"""Of a file, unpacked: twice what a query selector takes unless told otherwise, for tables of further columns. A small
file can unpack to more than any memory holds."""


class Stage(StrEnum):
    """What is being done with a pool on its way into a dimension."""

    READING = "reading"
    MERGING = "looking for near-duplicates"
    UPLOADING = "uploading"
    STORING = "choosing and storing"


OnProgress = Callable[[Stage, int, int], None]
"""Hears of the stage, and how many bytes of how many are done; 0 of 0 where nobody knows."""


def unheard(stage: Stage, done: int, total: int) -> None:
    """For whoever asks for no progress."""


PoolSource = Path | bytes | Iterable[Mapping[str, Any]]
"""A file of JSON Lines (gzip'ed when its name ends with .gz), its content, or the questions themselves."""


def content_of(source: PoolSource) -> bytes:
    """The pool as JSON Lines.

    Raises:
        OSError: the file cannot be read.
        BrokenPool: it is not the gzip file that its name says, or has more than MOST_BYTES.
    """
    match source:
        case Path():
            return _unpacked(source) if source.suffix == ".gz" else _read(source)
        case bytes():
            return source
    return b"".join(json.dumps(dict(question), ensure_ascii=False).encode() + b"\n" for question in source)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    return _not_too_much(path, content, "has")


def _unpacked(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            content = file.read(MOST_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BrokenPool(f"{path} is not a whole gzip file: {error}") from error
    return _not_too_much(path, content, "unpacks to")


def _not_too_much(path: Path, content: bytes, has: str) -> bytes:
    if len(content) > MOST_BYTES:
        raise BrokenPool(f"{path} {has} more than {MOST_BYTES:,} bytes; cut it into smaller ones")
    return content


def pieces_of(content: bytes) -> Iterator[bytes]:
    """The content in pieces that travel well."""
    return (content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES))


def pool_hash(content: bytes) -> str:
    """What the query selector would call this pool, to compare it with one that is there already.

    Empty when it is a pool that the query selector would not take: then it is equal to none.
    """
    hashes = []
    try:
        for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            if line.strip():
                members = json.loads(line)
                turns = [members["text"]] if members.get("text") is not None else members["turns"]
                reference, category = members.get("reference") or "", members.get("category") or ""
                hashes.append(identity.query_hash(members["id"], turns, reference, category))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return identity.pool_hash(hashes)
