"""`dearena dimension selection`: how the choice of a dimension's queries goes on, and why each was taken or left."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from dearena.cli import columns, output, words
from dearena.cli.running import DEFAULT, FAILED, MAX_UINT32, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.client.amounts import amount_of
from dearena.faults import InvalidField
from dearena.plain import plain
from dearena.v1 import common_pb2
from dearena.v1 import query_selector_pb2 as pb

BAR_WIDTH: Final = 40


def selection(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    *,
    follow: Annotated[bool, typer.Option("--watch", help="Wait until it is over, and show how it goes on.")] = False,
    reasons: Annotated[bool, typer.Option("--reasons", help="Why each query was taken.")] = False,
    every: Annotated[bool, typer.Option("--all", help="With --reasons: why the others were left, too.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Choose now, by what the pilot has heard so far.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after a failure, or with other limits.")] = False,
    calls: Annotated[
        int, typer.Option(min=0, max=MAX_UINT32, help="With --resume: judge calls at most in all.", show_default=False)
    ] = 0,
    budget: Annotated[
        str, typer.Option(help="With --resume: what it may cost in all, such as '5 USD'.", metavar="AMOUNT")
    ] = "",
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Show how a pilot goes on, and what it chose.

    It goes on by itself, whoever looks. The exit code is 1 where it was watched and has failed.
    """

    async def body(client: ArenaClient) -> None:
        _check(stop=stop, resume=resume, reasons=reasons, every=every, limited=bool(calls or budget))
        if stop:
            now = await client.stop_selection(dimension)
        elif resume:
            now = await client.resume_selection(dimension, calls=calls, budget=money_of("--budget", budget))
        else:
            now = await client.selection(dimension)
        if follow:
            now = await watched(client, dimension, as_json=as_json)
        if reasons:
            await _show_reasons(client, dimension, taken_only=not every, as_json=as_json)
        elif not follow:
            output.show_json(plain(now)) if as_json else output.show(*progress(now))
        if follow and now.stage == pb.SELECTION_STAGE_FAILED:
            raise typer.Exit(FAILED)

    run(body, project=project)


def _check(*, stop: bool, resume: bool, reasons: bool, every: bool, limited: bool) -> None:
    if stop and resume:
        raise InvalidField.of("--stop", "and --resume are one or the other")
    if every and not reasons:
        raise InvalidField.of("--all", "is for --reasons")
    if limited and not resume:
        raise InvalidField.of("--calls", "and --budget are for --resume")


def money_of(option: str, text: str) -> common_pb2.Money | None:
    """The amount that an option says; None where it says nothing. Raises InvalidField."""
    try:
        return amount_of(text) if text else None
    except ValueError as error:
        raise InvalidField.of(option, str(error)) from error


async def watched(client: ArenaClient, dimension: str, *, as_json: bool) -> pb.SelectionProgress:
    """Show a selection until it is over; how it ended."""
    last = pb.SelectionProgress()
    screen = output.console()
    if as_json or not screen.is_terminal:
        said = ""
        async for last in client.watch_selection(dimension):
            if as_json:
                output.show_json(plain(last))
            elif (now := line(last)) != said:
                screen.print(now, soft_wrap=True)
                said = now
        return last
    with Live(console=screen, refresh_per_second=4) as live:
        async for last in client.watch_selection(dimension):
            live.update(Group(*progress(last)))
    return last


def line(now: pb.SelectionProgress) -> str:
    """How it stands, in a line."""
    return words.joined(
        [
            f"{words.slug(now.dimension)}: {words.selection_stage(now)}",
            f"{now.votes:,} votes on {now.piloted_queries:,} queries" if now.piloted_queries else "",
            _calls(now) if now.judge_calls else "",
            *(words.money(one) for one in now.spent),
            now.waiting_reason,
            now.failure,
        ]
    )


def _calls(now: pb.SelectionProgress) -> str:
    return f"{now.judge_calls:,} of {now.most_judge_calls:,} judge calls"


def progress(now: pb.SelectionProgress) -> list[Table | ProgressBar]:
    """How it stands, a line a figure, and a bar while it pilots."""
    asked = now.selection
    said = {
        "dimension": f"{words.slug(now.dimension)}, version {now.dimension_version}",
        "method": f"{asked.method}: {asked.k:,} queries, seed {asked.seed}",
        "stage": words.selection_stage(now),
        "failure": now.failure,
        "waits": now.waiting_reason,
        "models": ", ".join(now.models),
        "pilot": ", ".join(words.slug(name) for name in now.pilots),
        "queries": f"{now.piloted_queries:,} looked at, {now.open_queries:,} open" if now.piloted_queries else "",
        "grew": "\n".join(
            f"{one.queries:,} to {one.grown_to:,} queries after {one.cells:,} cells, "
            f"{one.create_time.ToDatetime().isoformat(' ', 'seconds')}: {one.reason}"
            for one in now.growths
        ),
        "cells": f"{now.cells:,} asked, {now.votes:,} of them votes" if now.cells else "",
        "judge calls": _calls(now) if now.most_judge_calls else "",
        "spent": words.joined(words.money(one) for one in now.spent),
    }
    shown = columns.lines(said)
    if now.stage != pb.SELECTION_STAGE_PILOTING or not now.most_judge_calls:
        return [shown]
    done = min(now.judge_calls, now.most_judge_calls)
    return [shown, ProgressBar(total=now.most_judge_calls, completed=done, width=BAR_WIDTH)]


async def _show_reasons(client: ArenaClient, dimension: str, *, taken_only: bool, as_json: bool) -> None:
    found = [one async for one in client.selection_reasons(dimension, taken_only=taken_only)]
    if as_json:
        output.show_json([plain(one) for one in found])
    elif found:
        output.show(reasons_table(found))
    else:
        output.show("nothing is chosen yet")


def reasons_table(found: Sequence[pb.SelectionReason]) -> Table:
    """One line a query; figures that the method does not look at are left out."""
    shown = {
        "place": [str(one.rank or "") for one in found],
        "query": [one.query_id for one in found],
        "category": [one.category for one in found],
        "why": [one.why.replace("_", " ") for one in found],
        "slope": [f"{one.slope:.3f} ± {one.slope_error:.3f}" if one.HasField("slope") else "" for one in found],
        "wrong way": [words.percent(one.wrong_way) if one.HasField("wrong_way") else "" for one in found],
        "dead": [words.percent(one.dead) if one.HasField("dead") else "" for one in found],
        "gain": [f"{one.gain:.4f}" if one.HasField("gain") else "" for one in found],
        "agreement": [f"{one.agreement:.2f}" if one.HasField("agreement") else "" for one in found],
        "like": [one.redundant_with for one in found],
        "how much": [f"{one.redundancy:.2f}" if one.HasField("redundancy") else "" for one in found],
    }
    return columns.table(shown, left=("query", "category", "why", "like"))
