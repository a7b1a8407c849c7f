"""`dearena apply`: an arena as a file declares it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dearena import client as arena
from dearena.cli import output
from dearena.cli.running import DEFAULT, AsJson, Project, run, run_plain
from dearena.client import ArenaClient, ArenaFile, Change


def apply(
    file: Annotated[Path, typer.Option("--file", "-f", help="An arena.yaml with models and dimensions.")],
    *,
    check: Annotated[bool, typer.Option("--check", help="Check the file only; change nothing.")] = False,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Make the arena what a file declares.

    Models and dimensions are created, models are updated; applied again, it changes nothing.

    The file's own `project`, if it names one, goes before --project.
    """
    read: list[ArenaFile] = []

    async def reading() -> None:
        read.append(arena.read_arena_file(file))

    run_plain(reading)
    (declared,) = read
    if check:
        counts = {"models": len(declared.models), "dimensions": len(declared.dimensions)}
        if as_json:
            output.show_json(counts)
        else:
            output.show(f"{file} is in order: {counts['models']} models, {counts['dimensions']} dimensions")
        return

    async def body(client: ArenaClient) -> None:
        async for change in arena.apply(client, declared):
            if as_json:
                output.show_json(asdict(change))
            else:
                output.show(told(change))

    run(body, project=declared.project or project)


def told(change: Change) -> str:
    """`model kappa: updated (endpoint, price)`."""
    fields = f" ({', '.join(change.fields)})" if change.fields else ""
    return f"{change.kind} {change.slug}: {change.action}{fields}"
