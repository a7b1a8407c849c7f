"""`dearena votes export`: every outcome as a line of JSON."""

import errno
import gzip
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from dearena.cli import output
from dearena.cli.running import DEFAULT, MAX_UINT32, AsJson, Project, run
from dearena.client import ArenaClient, Vote

app = typer.Typer(help="Export votes.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def votes() -> None:
    """Export votes."""


@app.command()
def export(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    *,
    round_number: Annotated[int, typer.Option("--round", min=0, max=MAX_UINT32, help="Only this round; 0: all.")] = 0,
    file: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .jsonl or .jsonl.gz file; default: standard output.")
    ] = None,
    all_versions: Annotated[
        bool, typer.Option("--all-versions", help="Of earlier versions of the dimension, too.")
    ] = False,
    trace_ids: Annotated[
        bool, typer.Option("--trace-ids", help="The trace of each cell, too: by it no two runs are equal.")
    ] = False,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Write each outcome of the version that is ranked as a line of JSON.

    The winner is a, b or tie, and null where nothing was decided. Who sat first is a or b where the judge
    looked once, and null where it looked twice. The trace of a cell, if asked for, is null where none was
    recorded. A file is complete or not there at all.
    With --json and a file, what was written is told as JSON.
    """

    async def body(client: ArenaClient) -> None:
        count = 0
        begins = 0 if round_number or all_versions else (await client.ranking(dimension)).first_round
        with opened(file) as lines:
            async for vote in client.votes(dimension, round_number=round_number, trace_ids=trace_ids):
                if vote.round < begins:
                    continue
                line = line_of(vote, dimension) | ({"trace_id": vote.trace_id or None} if trace_ids else {})
                lines.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += 1
            if not count:
                await client.get_dimension(dimension)  # a slug that names nothing has no votes either
        if file is None:
            return
        if as_json:
            output.show_json({"file": str(file), "votes": count})
        else:
            output.show(f"{count:,} votes are in {file}")

    run(body, project=project)


def line_of(vote: Vote, dimension: str) -> dict[str, Any]:
    """One line of the export."""
    return {
        "judge": vote.judge,
        "model_a": vote.model_a,
        "model_b": vote.model_b,
        "query_id": vote.query_id,
        "outcome": vote.outcome,
        "winner": vote.winner,
        "dimension": dimension,
        "round": vote.round,
        "cell_id": vote.cell_id,
        "attempt": vote.attempt,
        "draw": vote.draw,
        "first": vote.first,
    }


@contextmanager
def opened(file: Path | None) -> Iterator[IO[str]]:
    """A text file that takes its name when all is written, packed when that ends with .gz; None: standard output.

    Raises:
        OSError: it cannot be written; names the file as given.
    """
    if file is None:
        stream = output.standard_output()
        yield stream
        stream.flush()
        return
    if file.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        with unfinished.open("wb") as raw:
            if file.suffix == ".gz":
                # No name and no time inside: equal votes are equal files.
                packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0)
                with packed, io.TextIOWrapper(packed, "utf-8", newline="\n") as text:
                    yield text
            else:
                with io.TextIOWrapper(raw, "utf-8", newline="\n") as text:
                    yield text
        unfinished.replace(file)
    except OSError as error:
        if error.filename is not None and Path(error.filename) == unfinished:
            error.filename, error.filename2 = str(file), None
        raise
    finally:
        unfinished.unlink(missing_ok=True)
