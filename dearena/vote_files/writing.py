"""Files that are complete or not there at all, in the form their ending names."""

import csv
import errno
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from dearena.faults import InvalidField
from dearena.vote_files import tables

ENDINGS: Final = (".json", ".csv", ".parquet", ".arrow", ".feather")


def check_ending(file: Path) -> None:
    """Whether such a file can be written, before any work is done.

    Raises:
        InvalidField: its ending is none that is known.
        ColumnsMissing: it takes the extra `columns`.
        OSError: it is a directory.
    """
    if file.suffix not in ENDINGS:
        raise InvalidField.of("output", f"{file} ends with none of {', '.join(ENDINGS)}")
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if file.suffix not in {".json", ".csv"}:
        tables.check_installed(str(file))


def write(file: Path, whole: Any, table: Mapping[str, Sequence[Any]]) -> None:
    """Write all of it as JSON, or the table in any other form.

    Args:
        whole: plain data.
        table: columns of equal length, of numbers and words.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    content = io.BytesIO()
    if file.suffix == ".json":
        content.write(json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n")
    elif file.suffix == ".csv":
        text = io.StringIO(newline="")
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(table)
        rows.writerows(zip(*table.values(), strict=True))
        content.write(text.getvalue().encode())
    else:
        tables.write("parquet" if file.suffix == ".parquet" else "arrow", table, content, str(file))
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        unfinished.write_bytes(content.getvalue())
        unfinished.replace(file)
    except OSError as error:
        error.filename, error.filename2 = str(file), None
        raise
    finally:
        unfinished.unlink(missing_ok=True)
