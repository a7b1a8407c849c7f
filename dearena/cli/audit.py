"""`dearena audit`: proof from the log that nobody judged what it may not."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from dearena.cli import output
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import ArenaClient

if TYPE_CHECKING:
    from dearena.ranking.audit import Audit, Offence

MOST_SHOWN = 20
"""Offences that are listed for people; with --json all are."""

_WORDS = {
    "ITSELF": "judges itself",
    "FAMILY": "judges its own family",
    "PROVIDER": "is of a provider that may not see this",
    "UNKNOWN": "is in no round, or of no model, that the log knows",
}


def audit(
    dimension: Annotated[str, typer.Argument(help="The dimension's slug.")],
    *,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Prove from the log that no model judged itself, or what its dimension keeps from it.

    Every vote and every canary is held against the policy by which its round was opened, and against the providers
    and families that the log had by then. Tells what each provider's judges were shown. Exits 1 where it is not so.
    """

    async def body(client: ArenaClient) -> None:
        # The rules take longer to import than most commands: they are imported when they are run.
        from dearena.client.log import decision_of  # noqa: PLC0415
        from dearena.ranking.audit import Judged  # noqa: PLC0415
        from dearena.ranking.audit import audit as held  # noqa: PLC0415

        # Votes first: a round that they name is in the log by then.
        outcomes = [
            Judged(
                vote.round,
                vote.cell_id,
                vote.kind,
                vote.judge,
                vote.model_a,
                vote.model_b,
                vote.query_id,
                vote.judge_calls,
            )
            async for vote in client.votes(dimension, canaries=True)
        ]
        decisions = [decision_of(message) async for message in client.decisions(dimension)]
        found = held(decisions, outcomes)
        if as_json:
            output.show_json(report(found, dimension))
        else:
            output.show(rendered(found, dimension))
        if not found.proven:
            sys.exit(1)

    run(body, project=project)


def report(found: "Audit", dimension: str) -> dict[str, Any]:
    """All of it as plain data."""
    return {
        "dimension": dimension,
        "proven": found.proven,
        "votes": found.votes,
        "canaries": found.canaries,
        "rounds": found.rounds,
        "rounds_without_policy": list(found.silent_rounds),
        "policies": [{"from_round": number, **policy.content()} for number, policy in found.policies],
        "providers": [
            {
                "provider": provider,
                "judges": list(seen.judges),
                "cells": seen.cells,
                "queries": seen.queries,
                "answers": seen.answers,
                "answers_of_other_providers": seen.others,
            }
            for provider, seen in found.seen.items()
        ],
        "offences": [{**one.judged._asdict(), "objection": one.objection} for one in found.offences],
    }


def rendered(found: "Audit", dimension: str) -> RenderableType:
    """For people."""
    lines: list[RenderableType] = [
        f"{dimension}: {found.votes:,} votes and {found.canaries:,} canaries of {found.rounds:,} rounds"
    ]
    lines += [
        f"from round {number}: {str(policy) or 'every model judges all others'}" for number, policy in found.policies
    ]
    if found.silent_rounds:
        lines.append(
            f"{len(found.silent_rounds):,} rounds were opened before policies were logged: of these it is only said "
            "that nobody judged itself"
        )
    if found.seen:
        lines += ["", _seen(found)]
    lines.append("")
    if found.proven:
        lines.append("proven: no model judged itself, nor what it may not")
        return Group(*lines)
    lines.append(f"NOT proven: {len(found.offences):,} outcomes that the log forbids")
    lines += [_told(one) for one in found.offences[:MOST_SHOWN]]
    if len(found.offences) > MOST_SHOWN:
        lines.append(f"... and {len(found.offences) - MOST_SHOWN:,} more; --json has all")
    return Group(*lines)


def _seen(found: "Audit") -> Table:
    shown = Table(box=None, pad_edge=False)
    for heading in ("provider", "judges", "cells", "queries seen", "answers seen", "of others"):
        shown.add_column(heading, justify="left" if heading == "provider" else "right")
    for provider, seen in found.seen.items():
        numbers = (len(seen.judges), seen.cells, seen.queries, seen.answers, seen.others)
        shown.add_row(provider or "(none)", *(f"{number:,}" for number in numbers))
    return shown


def _told(offence: "Offence") -> str:
    one = offence.judged
    pair = one.model_a if one.model_a == one.model_b else f"{one.model_a} against {one.model_b}"
    return (
        f"round {one.round}, {one.kind.lower()} {one.cell_id}: {one.judge} on {pair}, query {one.query_id}: "
        f"{_WORDS[offence.objection]}"
    )
