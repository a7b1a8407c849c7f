"""Where `dearena dimension create` has its questions from: a file as it is, a table, or a generator."""

from collections.abc import Sequence
from pathlib import Path

from dearena.cli import output
from dearena.cli import pool as pools
from dearena.client.pool_files import pool_of
from dearena.client.pools import OnProgress, PoolSource, unheard
from dearena.faults import InvalidField
from dearena.pools.importing import mapping_of
from dearena.pools.rows import Format


def of_file(
    file: Path, file_format: Format | None, columns: Sequence[str], *, merge: bool, on_progress: OnProgress
) -> PoolSource:
    """A file of questions; JSON Lines without a mapping go as they are, and the query selector says what is wrong.

    Args:
        file: of any format.
        file_format: None: as its name says.
        columns: which is what, such as `text=question`.
        merge: leave near-duplicates out.
        on_progress: hears what is being done.

    Raises:
        OSError: it cannot be read.
        BrokenPool: a row is broken, or all of it.
        InvalidField: an option is wrong.
    """
    found = pool_of(file, file_format, mapping_of(columns), merge=merge, on_progress=on_progress)
    for line in pools.merged_lines(found.merged, found.unit) if found.merged else ():
        output.note(line)
    return found.source


def generated(kind: str, size: int, seed: int, difficulty: int) -> PoolSource:
    """Questions made by seed.

    Args:
        kind: one of the generators' kinds.
        size: how many.
        seed: decides which.
        difficulty: 0: all in turn.

    Raises:
        InvalidField: the kind is unknown, or has not so many questions.
    """
    from dearena.generators import generate  # noqa: PLC0415 - other commands need no generators

    if not size:
        raise InvalidField.of("--size", "is needed with --generate: how many questions are made")
    return [question.line() for question in generate(kind, size, seed, difficulty or None)]


def chosen(
    files: Sequence[Path | None],
    *,
    file_format: Format | None,
    columns: Sequence[str],
    kind: str,
    size: int,
    seed: int,
    difficulty: int,
    merge: bool = False,
    on_progress: OnProgress = unheard,
) -> PoolSource:
    """The one source that was named.

    Raises:
        InvalidField: none was, or more than one, or options of one that was not; also as the sources say.
    """
    named = [file for file in files if file is not None]
    if len(named) + bool(kind) != 1:
        raise InvalidField.of("POOL", "questions come from one place: a file, or --generate")
    if kind:
        if file_format or columns:
            raise InvalidField.of("--generate", "reads no file: leave --format and --map out")
        if merge:
            raise InvalidField.of("--generate", "makes no question twice: leave --merge-duplicates out")
        return generated(kind, size, seed, difficulty)
    if size or difficulty:
        raise InvalidField.of("--size", "and --difficulty are for --generate")
    return of_file(named[0], file_format, columns, merge=merge, on_progress=on_progress)
