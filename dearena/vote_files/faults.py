"""What can be wrong with a file that is read or written."""

from dearena.faults import ArenaFault


class BrokenVoteFile(ArenaFault):
    """A file that cannot be used; the message names the file and, where it is one, the line."""

    reason = "BROKEN_VOTE_FILE"
    status = "INVALID_ARGUMENT"


class ColumnsMissing(ArenaFault):
    """Arrow and Parquet need a library that is not installed."""

    reason = "COLUMNS_MISSING"
    status = "FAILED_PRECONDITION"

    def __init__(self, file: str) -> None:
        super().__init__(f"{file}: Arrow and Parquet are read and written by pyarrow: pip install 'dearena[columns]'")
