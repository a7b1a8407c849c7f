"""`dearena apply`: an arena as a file declares it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dearena import client as arena
from dearena.cli import output
from dearena.cli.running import DEFAULT, AsJson, Project, run, run_plain
from dearena.client import Action, ArenaClient, ArenaFile, Change


def apply(
    file: Annotated[Path, typer.Option("--file", "-f", help="An arena.yaml with models and dimensions.")],
    *,
    check: Annotated[bool, typer.Option("--check", help="Check the file only, without the arena.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Have the services check it, and tell the changes; make none.")
    ] = False,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Make the arena what a file declares.

    Limits of keys are set, models and dimensions created, models updated; what the file does not name is left
    alone. Applied again it changes nothing, and after an interruption it goes on. A file with anything wrong in it
    changes nothing either: all of that is told, each with FILE:LINE:COLUMN.

    The file's own `project`, if it names one, goes before --project.
    """
    read: list[ArenaFile] = []

    async def reading() -> None:
        read.append(arena.read_arena_file(file))

    run_plain(reading)
    (declared,) = read
    if check:
        counts = {
            "models": len(declared.models),
            "dimensions": len(declared.dimensions),
            "keys": len(declared.keys),
        }
        if as_json:
            output.show_json(counts)
        else:
            told_counts = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
            output.show(f"{file} is in order: {told_counts or 'it declares nothing'}")
        return

    async def body(client: ArenaClient) -> None:
        async for change in arena.apply(client, declared, dry_run=dry_run):
            if as_json:
                output.show_json(asdict(change))
            else:
                output.show(told(change, dry_run=dry_run))

    run(body, project=declared.project or project)


def told(change: Change, *, dry_run: bool = False) -> str:
    """`model kappa: updated (endpoint, price), now kappa@2`."""
    fields = f" ({', '.join(change.fields)})" if change.fields else ""
    revision = f", now {change.slug}@{change.revision}" if change.revision else ""
    if dry_run and change.action in (Action.CREATED, Action.UPDATED):
        return f"{change.kind} {change.slug}: would be {change.action}{fields}"
    return f"{change.kind} {change.slug}: {change.action}{fields}{revision}"
