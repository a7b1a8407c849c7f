"""Files of questions as pools: JSON Lines as they are, tables by a mapping, near-duplicates left out on demand."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dearena.client.pools import OnProgress, PoolSource, Stage, content_of, unheard
from dearena.faults import InvalidField
from dearena.pools.importing import Entry, Imported, import_pool
from dearena.pools.rows import Format, format_of

if TYPE_CHECKING:
    from dearena.pools.report import Merged


@dataclass(frozen=True, slots=True)
class PoolFile:
    """What a file of questions came to.

    Attributes:
        source: the pool.
        merged: which near-duplicates were left out; None where nobody asked.
        unit: what the file counts its questions in, `line` or `row`.
    """

    source: PoolSource
    merged: "Merged | None" = None
    unit: str = "line"


def pool_of(
    file: Path,
    file_format: Format | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    merge: bool = False,
    on_progress: OnProgress = unheard,
) -> PoolFile:
    """A file as a pool; JSON Lines without a mapping go as they are, and the query selector says what is wrong.

    Args:
        file: of any format.
        file_format: None: as its name says.
        mapping: column by field.
        merge: leave near-duplicates out.
        on_progress: hears what is being done.

    Raises:
        OSError: it cannot be read.
        BrokenPool: a row is broken, or all of it.
        InvalidField: the mapping does not fit the file.
    """
    chosen = file_format or _told_format(file)
    if chosen is Format.JSONL and not mapping and not merge:
        return PoolFile(file)
    on_progress(Stage.READING, 0, 0)
    imported = imported_from(file, chosen, mapping)
    imported.pool()
    if not merge:
        return PoolFile(lines(imported.entries), unit=imported.unit)
    from dearena.pools.report import merged  # noqa: PLC0415 - dictionaries take long to import

    on_progress(Stage.MERGING, 0, 0)
    found = merged(imported.entries)
    return PoolFile(lines(found.entries), found, imported.unit)


def imported_from(file: Path, file_format: Format | None, mapping: Mapping[str, str] | None) -> Imported:
    """What a file of questions holds, right or wrong.

    Raises:
        OSError: it cannot be read.
        BrokenPool: it cannot be used at all.
        InvalidField: its name says no format, or the mapping does not fit it.
    """
    return import_pool(content_of(file), file_format or format_of(file.name), mapping)


def lines(entries: Iterable[Entry]) -> bytes:
    """Questions as a pool's JSON Lines."""
    return b"".join(json.dumps(entry.line(), ensure_ascii=False).encode() + b"\n" for entry in entries)


def _told_format(file: Path) -> Format:
    try:
        return format_of(file.name)
    except InvalidField:
        return Format.JSONL  # as pools always were, whatever their name
