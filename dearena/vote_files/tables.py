"""Tables of columns: Arrow's IPC files and streams, Feather, and Parquet, by pyarrow where it is installed."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

import numpy as np

from dearena.vote_files.builder import FIELDS, Builder, Column, Dictionary
from dearena.vote_files.faults import BrokenVoteFile, ColumnsMissing

_NUMBERS: Final = ("weight", "attempt", "draw")
_ARROW_MAGIC: Final = b"ARROW1"


def read_parquet(stream: IO[bytes], file: str, builder: Builder) -> None:
    """Give a Parquet file's votes to the builder.

    Raises:
        BrokenVoteFile: the file is damaged or a row is no vote; names it.
        ColumnsMissing: pyarrow is not installed.
    """
    _arrow(file)
    from pyarrow import parquet  # noqa: PLC0415 - an extra

    def batches() -> Iterator[Any]:
        source = parquet.ParquetFile(_seekable(stream))
        present = [name for name in source.schema_arrow.names if name in FIELDS]
        yield from source.iter_batches(columns=present)

    _read(batches, file, builder)


def read_arrow(stream: IO[bytes], file: str, builder: Builder) -> None:
    """Give the votes of an Arrow file or stream, or a Feather file, to the builder.

    Raises:
        BrokenVoteFile: the file is damaged or a row is no vote; names it.
        ColumnsMissing: pyarrow is not installed.
    """
    _arrow(file)
    from pyarrow import ipc  # noqa: PLC0415 - an extra

    def batches() -> Iterator[Any]:
        held = _seekable(stream)
        is_file = held.read(len(_ARROW_MAGIC)) == _ARROW_MAGIC
        held.seek(0)
        if not is_file:
            yield from ipc.open_stream(held)
            return
        source = ipc.open_file(held)
        for number in range(source.num_record_batches):
            yield source.get_batch(number)

    _read(batches, file, builder)


def check_installed(file: str) -> None:
    """Raise ColumnsMissing where pyarrow is not installed."""
    _arrow(file)


def write(file_format: str, table: Mapping[str, Sequence[Any]], into: IO[bytes], file: str) -> None:
    """Write columns as `parquet` or `arrow`.

    Raises:
        ColumnsMissing: pyarrow is not installed.
    """
    arrow = _arrow(file)
    columns = arrow.table({name: list(values) for name, values in table.items()})
    if file_format == "parquet":
        from pyarrow import parquet  # noqa: PLC0415 - an extra

        parquet.write_table(columns, into)
        return
    with arrow.ipc.new_file(into, columns.schema) as sink:
        sink.write_table(columns)


def _read(batches: Callable[[], Iterable[Any]], file: str, builder: Builder) -> None:
    arrow = _arrow(file)
    before = 0
    try:
        for batch in batches():
            if batch.num_rows:
                start = before + 1
                builder.add(_columns(batch), batch.num_rows, lambda row, start=start: f"row {start + row}")  # type: ignore[misc]
            before += batch.num_rows
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        first = str(error).partition("\n")[0]
        raise BrokenVoteFile(f"{file}: cannot be read as a table: {first}") from error


def _columns(batch: Any) -> dict[str, Column]:
    names = batch.schema.names
    return {name: _column(name, batch.column(names.index(name))) for name in names if name in FIELDS}


def _column(name: str, values: Any) -> Column:
    arrow = _arrow(name)
    kind = values.type
    if arrow.types.is_dictionary(kind):
        held = values
    elif name not in _NUMBERS and (arrow.types.is_string(kind) or arrow.types.is_large_string(kind)):
        held = values.dictionary_encode()
    else:
        return list(values.to_pylist())
    codes = held.indices.fill_null(-1).cast(arrow.int32()).to_numpy(zero_copy_only=False)
    return Dictionary(held.dictionary.to_pylist(), np.asarray(codes, dtype=np.int32))


def _seekable(stream: IO[bytes]) -> IO[bytes]:
    """Both formats are read from their end; what cannot be sought is held."""
    try:
        stream.seek(0, io.SEEK_END)
        stream.seek(0)
    except (OSError, ValueError):
        return io.BytesIO(stream.read())
    return stream


def _arrow(file: str) -> Any:
    try:
        import pyarrow  # noqa: PLC0415, ICN001 - an extra
    except ImportError:
        raise ColumnsMissing(file) from None
    return pyarrow
