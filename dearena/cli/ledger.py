"""`dearena ledger`: who was called, for what and for whom, and at what cost."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from dearena.cli import columns, output, words
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import LEDGER_SECONDS, ArenaClient
from dearena.plain import plain
from dearena.v1 import common_pb2, gateway_pb2

_PURPOSES = {
    gateway_pb2.PURPOSE_ANSWER: "answered",
    gateway_pb2.PURPOSE_JUDGE: "judged",
    gateway_pb2.PURPOSE_PROBE: "probed",
}


def ledger(
    *,
    dimension: Annotated[str, typer.Option("--dimension", "-d", help="Only calls of this dimension.")] = "",
    wait: Annotated[
        int, typer.Option("--wait", min=1, help="Seconds to wait for the sums of very many calls.")
    ] = LEDGER_SECONDS,
    project: Project = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Who judged how much for whom, at what cost; answers and probes too.

    A call for several newcomers is paid by each of them in even shares. Failed calls count with what their endpoints
    say that they cost; interrupted ones may have been billed besides.
    """

    async def body(client: ArenaClient) -> None:
        sums = await client.ledger_sums(dimension, wait_seconds=wait)
        if as_json:
            output.show_json([plain(one) for one in sums])
        elif sums:
            output.show(table(sums), *totals(sums))
        else:
            output.show("no calls yet")

    run(body, project=project)


def table(sums: Sequence[gateway_pb2.LedgerSum]) -> Table:
    """One line for each model, purpose and those it was for."""
    shown = {
        "dimension": [one.dimension for one in sums],
        "model": [one.model for one in sums],
        "did": [_PURPOSES.get(one.purpose, "") for one in sums],
        "for": [for_whom(one.on_behalf_of) for one in sums],
        "calls": [f"{one.calls:,}" for one in sums],
        "failed": [f"{one.failed:,}" if one.failed else "" for one in sums],
        "interrupted": [f"{one.interrupted:,}" if one.interrupted else "" for one in sums],
        "tokens in": [f"{one.usage.input_tokens:,}" for one in sums],
        "tokens out": [f"{one.usage.output_tokens:,}" for one in sums],
        "usage": ["estimated" if one.usage.estimated else "" for one in sums],
        "cost": [words.money(one.cost) if one.HasField("cost") else "free" for one in sums],
    }
    return columns.table(shown, left=("dimension", "model", "did", "for", "usage"))


def for_whom(payers: Sequence[str]) -> str:
    """`gamma@1`; of several, the share of each: `gamma@1 1/2, delta@1 1/2`."""
    if len(payers) < 2:  # noqa: PLR2004 - one pays all
        return "".join(payers)
    return ", ".join(f"{payer} 1/{len(payers)}" for payer in payers)


def totals(sums: Sequence[gateway_pb2.LedgerSum]) -> list[str]:
    """What all calls have cost, by currency."""
    spent: dict[str, int] = {}
    for one in sums:
        if one.HasField("cost"):
            spent[one.cost.currency] = spent.get(one.cost.currency, 0) + one.cost.nano_units
    told = [words.money(common_pb2.Money(currency=name, nano_units=spent[name])) for name in sorted(spent)]
    calls = f"{sum(one.calls for one in sums):,} calls"
    return [words.joined([calls, *told])]
