"""`dearena audit`: proof from the log that nobody judged what it may not."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table

from dearena.cli import output
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.v1 import gateway_pb2

if TYPE_CHECKING:
    from dearena.ranking.audit import Audit, Offence
    from dearena.ranking.unheard_calls import Unheard

MOST_SHOWN = 20
"""Offences that are listed for people; with --json all are."""
REFUTED = 1
IN_PART = 3
"""Exit codes; 2 is that of a command line that cannot be read."""

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

    Every vote and every canary is held against the policy by which its round was opened, against the one that the
    dimension declares, and against the providers and families that the log had by then. Tells what each provider's
    judges were shown, and which judge calls of the ledger no outcome tells of. Exits 1 where it is not so, and 3
    where nothing speaks against it but not all of it can be proven.
    """

    async def body(client: ArenaClient) -> None:
        # The rules take longer to import than most commands: they are imported when they are run.
        from dearena.client.log import decision_of  # noqa: PLC0415
        from dearena.ranking.audit import Judged  # noqa: PLC0415
        from dearena.ranking.audit import audit as held  # noqa: PLC0415
        from dearena.ranking.unheard_calls import LedgerCalls  # noqa: PLC0415
        from dearena.ranking_rules import rules_of  # noqa: PLC0415

        declared = rules_of(await client.get_dimension(dimension)).judge_policy

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
        ledger = [
            LedgerCalls(one.model, bool(one.on_behalf_of), one.calls)
            for one in await client.ledger_sums(dimension)
            if one.purpose == gateway_pb2.PURPOSE_JUDGE
        ]
        decisions = [decision_of(message) async for message in client.decisions(dimension)]
        found = held(decisions, outcomes, declared, ledger)
        if as_json:
            output.show_json(report(found, dimension))
        else:
            output.show(rendered(found, dimension))
        if code := {"REFUTED": REFUTED, "IN_PART": IN_PART}.get(found.finding):
            sys.exit(code)

    run(body, project=project)


def report(found: "Audit", dimension: str) -> dict[str, Any]:
    """All of it as plain data."""
    return {
        "dimension": dimension,
        "proven": found.proven,
        "finding": str(found.finding),
        "votes": found.votes,
        "canaries": found.canaries,
        "rounds": found.rounds,
        "rounds_without_policy": list(found.silent_rounds),
        "rounds_that_tell_no_policy_any_more": list(found.hushed_rounds),
        "rounds_of_a_looser_policy": list(found.looser_rounds),
        "models_of_no_family": list(found.of_no_family),
        "declared_policy": None if found.declared is None else found.declared.content(),
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
        "calls_without_outcome": None if found.unheard is None else [one._asdict() for one in found.unheard],
        "calls_of_trials": found.trials,
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
            f"{len(found.silent_rounds):,} rounds were opened before policies were logged: these are held against what "
            "the dimension declares"
        )
    if found.of_no_family:
        lines.append(f"of no family, and so kept from nobody: {', '.join(found.of_no_family)}")
    if found.seen:
        lines += ["", _seen(found)]
    if found.trials:
        lines.append(f"{found.trials:,} judge calls were trials of attacks, which show no model's answers")
    lines += [_unheard(one) for one in found.unheard or ()]
    lines.append("")
    lines += [_told(one) for one in found.offences[:MOST_SHOWN]]
    if len(found.offences) > MOST_SHOWN:
        lines.append(f"... and {len(found.offences) - MOST_SHOWN:,} more; --json has all")
    return Group(*lines, _last_line(found))


def _last_line(found: "Audit") -> str:
    if found.proven:
        return "proven: no model judged itself, nor what it may not"
    calls = found.unheard or ()
    speaks_against = [
        (len(found.offences), "outcomes that the log or the dimension's policy forbids"),
        (len(found.hushed_rounds), "rounds without a policy after the log had told one"),
        (len(found.looser_rounds), "rounds opened by a policy that is looser than the dimension's"),
        (sum(one.calls for one in calls if one.forbidden), "judge calls of providers that may not see this"),
    ]
    if told := ", ".join(f"{number:,} {what}" for number, what in speaks_against if number):
        return f"NOT proven: {told}"
    untold = [
        f"{number:,} {what}"
        for number, what in (
            (len(found.silent_rounds), "rounds were opened before policies were logged"),
            (sum(one.calls for one in calls), "judge calls have no outcome that tells whose answers they showed"),
        )
        if number
    ]
    untold += ["what the dimension declares is not known"] if found.declared is None else []
    untold += ["the ledger of calls is not known"] if found.unheard is None else []
    return f"nothing speaks against it, but not all of it can be proven: {', '.join(untold)}"


def _unheard(one: "Unheard") -> str:
    whose = " or ".join(provider or "no provider" for provider in one.providers) or "no provider that the log knows"
    may_not = ", which may not see this" if one.forbidden else ""
    return f"{one.calls:,} calls of {one.judge}, of {whose}{may_not}, have no outcome"


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
