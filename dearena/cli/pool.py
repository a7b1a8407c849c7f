"""`dearena pool check` and `convert`: question pools before they are used, with no servers."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dearena.cli import columns, output
from dearena.cli.pool_progress import PoolProgress
from dearena.cli.running import FAILED, AsJson, told
from dearena.client.pool_files import imported_from, lines
from dearena.client.pools import Stage
from dearena.faults import InvalidField
from dearena.pools.importing import Entry, mapping_of
from dearena.pools.json_lines import LISTED_LINES, shown
from dearena.pools.rows import Format

if TYPE_CHECKING:
    from dearena.pools.report import Merged, Report

app = typer.Typer(help="Look at question pools, and convert them.", no_args_is_help=True, rich_markup_mode=None)

BROKEN_INPUT: Final = 2
"""Exit code for a file or an option that cannot be used."""

_MOST_COUNTED: Final = 12
"""Values of one kind that a person is shown."""

File = Annotated[Path, typer.Argument(help="JSON Lines, CSV with a header, or Parquet; .gz is unpacked.")]
FileFormat = Annotated[
    Format | None, typer.Option("--format", help="Default: as the file's name says.", show_default=False)
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="Which column is what, such as text=question; of id, text, turns, reference, category, source, licence. "
        "Repeatable; default: columns of these names.",
        metavar="FIELD=COLUMN",
    ),
]
MergeDuplicates = Annotated[
    bool,
    typer.Option(
        "--merge-duplicates", help="Of questions that differ in case, marks, spaces, courtesy or typos, keep the first."
    ),
]


@app.command()
def check(file: File, *, file_format: FileFormat = None, columns: Map = None, as_json: AsJson = False) -> None:
    """Say what a pool holds, and what is wrong with it; exit code 1 when no dimension can be made of it."""
    with told(BROKEN_INPUT):
        from dearena.pools.report import report  # noqa: PLC0415 - dictionaries take long to import

        with PoolProgress() as progress:
            progress(Stage.READING)
            imported = imported_from(file, file_format, mapping_of(columns or []))
            progress(Stage.MERGING)
            found = report(imported)
        if as_json:
            output.show_json(found.plain())
        else:
            _show(found)
    if not found.is_good:
        raise typer.Exit(FAILED)


@app.command()
def convert(
    file: File,
    *,
    into: Annotated[Path, typer.Option("--output", "-o", help="The JSON Lines to be written.")],
    file_format: FileFormat = None,
    columns: Map = None,
    merge_duplicates: MergeDuplicates = False,
    as_json: AsJson = False,
) -> None:
    """Write a pool as JSON Lines, with ids for all questions; nothing is written when a row is broken."""
    with told(BROKEN_INPUT):
        from dearena.pools.report import Merged, merged  # noqa: PLC0415 - dictionaries take long to import

        with PoolProgress() as progress:
            progress(Stage.READING)
            imported = imported_from(file, file_format, mapping_of(columns or []))
            imported.pool()
            progress(Stage.MERGING)
            found = merged(imported.entries) if merge_duplicates else Merged(imported.entries, ())
        _write(into, lines(found.entries))
        size, left_out = len(found.entries), len(found.left_out)
        if as_json:
            went = found.plain(imported.unit)
            output.show_json({"questions": size, "left_out": left_out, "made_ids": imported.made_ids, "merged": went})
        else:
            more = f", {left_out:,} near-duplicates left out" if merge_duplicates else ""
            output.show(f"{into}: {size:,} questions{more}", *merged_lines(found, imported.unit))


def merged_lines(found: "Merged", unit: str) -> Iterator[str]:
    """Who went into whom, for people: as many as are listed, and how many more."""
    for gone, stays in found.left_out[:LISTED_LINES]:
        yield f"{_placed(gone, unit)} is left out for {_placed(stays, unit)}"
    if (more := len(found.left_out) - LISTED_LINES) > 0:
        yield f"and {more:,} more"


def _placed(entry: Entry, unit: str) -> str:
    return f"{unit} {entry.question.line} ({_printed(entry.question.query_id)})"


def _write(into: Path, content: bytes) -> None:
    """Write all of it or leave what was there."""
    if into.suffix == ".gz":
        raise InvalidField.of("--output", "is written as it is; leave .gz out")
    part = into.with_name(f"{into.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(into)
    finally:
        part.unlink(missing_ok=True)


def _show(found: "Report") -> None:
    imported = found.imported
    size = len(imported.entries)
    said = {
        "questions": f"{size:,}",
        "broken": f"{len(imported.broken):,}" if imported.broken else "none",
        "ids": f"{imported.made_ids:,} made of the content" if imported.made_ids else "all there",
        "near-duplicates": f"{found.duplicates:,} in {len(found.groups):,} groups" if found.groups else "none",
        "conflicts": f"{found.conflicting:,} with the text of another, but not its reference"
        if found.conflicting
        else "",
        "characters": _spread(found.characters),
        "tokens, roughly": _spread(found.tokens),
        "languages": _counts(found.languages),
        "categories": _counts(found.categories),
        "sources": _counts(found.sources),
        "licences": _counts(found.licences),
        "references": f"{found.with_reference:,} of {size:,}",
        "pool hash": found.pool_hash,
    }
    output.show(columns.lines(said))
    for one in imported.broken[:LISTED_LINES]:
        output.show(f"{imported.unit} {one.place}: {one.why}")
    if (more := len(imported.broken) - LISTED_LINES) > 0:
        output.show(f"and {more:,} more broken {imported.unit}{'' if more == 1 else 's'}")
    for group in found.groups[:LISTED_LINES]:
        names = [
            _placed(imported.entries[index], imported.unit) for index in (group.stays, *group.others[:LISTED_LINES])
        ]
        rest = len(group.others) - LISTED_LINES
        output.show(f"nearly the same: {', '.join(names)}" + (f" and {rest:,} more" if rest > 0 else ""))
    if (more := len(found.groups) - LISTED_LINES) > 0:
        output.show(f"and {more:,} more groups of near-duplicates")


def _spread(shares: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {value:,}" for name, value in shares.items())


def _counts(counts: Mapping[str, int]) -> str:
    """Empty when no question says anything."""
    if not set(counts) - {""}:
        return ""
    told_ones = [f"{_printed(name) or '(none)'} {times:,}" for name, times in list(counts.items())[:_MOST_COUNTED]]
    more = len(counts) - len(told_ones)
    return ", ".join(told_ones) + (f" and {more:,} more" if more else "")


def _printed(name: str) -> str:
    """A name with nothing in it that a terminal would obey."""
    return name if name.isprintable() else shown(name)
