"""`dearena keys`: what is allowed of all models together that use one key."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from dearena.cli import columns, output
from dearena.cli.running import DEFAULT, AsJson, run
from dearena.client import ArenaClient
from dearena.plain import plain
from dearena.v1 import gateway_pb2

app = typer.Typer(help="Limits of keys, whatever models and projects use them.", no_args_is_help=True)


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """Keys with limits."""

    async def body(client: ArenaClient) -> None:
        found = [limits async for limits in client.key_limits()]
        if as_json:
            output.show_json([plain(limits) for limits in found])
        elif found:
            output.show(table(found))
        else:
            output.show("no key has limits of its own; `dearena keys limit` gives it some")

    run(body, project=DEFAULT)


@app.command("limit")
def limit(
    reference: Annotated[str, typer.Argument(help="Where the key is: env:NAME or file:/path; never the key.")],
    *,
    concurrency: Annotated[int, typer.Option(min=0, help="Calls in flight at once; 0: no limit.")] = 0,
    requests_per_minute: Annotated[int, typer.Option(min=0, help="HTTP requests; 0: no limit.")] = 0,
    tokens_per_minute: Annotated[int, typer.Option(min=0, help="In and out; 0: no limit.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Limit all models together that use a key.

    Without any limit, those that the key has are lifted.
    """

    async def body(client: ArenaClient) -> None:
        limits = await client.set_key_limits(
            gateway_pb2.KeyLimits(
                key_reference=reference,
                concurrency=concurrency,
                requests_per_minute=requests_per_minute,
                tokens_per_minute=tokens_per_minute,
            )
        )
        if as_json:
            output.show_json(plain(limits))
        else:
            output.show(f"{reference}: {_said(limits)}")

    run(body, project=DEFAULT)


def _said(limits: gateway_pb2.KeyLimits) -> str:
    said = [
        f"{number:,} {words}"
        for number, words in (
            (limits.concurrency, "calls at once"),
            (limits.requests_per_minute, "requests a minute"),
            (limits.tokens_per_minute, "tokens a minute"),
        )
        if number
    ]
    return ", ".join(said) or "no limits"


def table(found: Sequence[gateway_pb2.KeyLimits]) -> Table:
    """Keys and their limits; empty where there is none."""
    shown = {
        "key": [limits.key_reference for limits in found],
        "calls at once": [_number(limits.concurrency) for limits in found],
        "requests a minute": [_number(limits.requests_per_minute) for limits in found],
        "tokens a minute": [_number(limits.tokens_per_minute) for limits in found],
    }
    return columns.table(shown, left=("key",))


def _number(limit: int) -> str:
    return f"{limit:,}" if limit else ""
