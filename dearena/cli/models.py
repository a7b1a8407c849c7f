"""`dearena models`, what it has below it, and `dearena retire`."""

from collections.abc import Sequence
from typing import Annotated

import typer
from google.protobuf.timestamp_pb2 import Timestamp
from rich.table import Table

from dearena.cli import endpoint_health, output, words
from dearena.cli.running import DEFAULT, AsJson, Project, run
from dearena.client import ArenaClient
from dearena.plain import plain
from dearena.v1 import gateway_pb2

app = typer.Typer(help="List models, and see to their endpoints.")


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    *,
    show_retired: Annotated[bool, typer.Option("--all", help="Retired models too.")] = False,
    health: Annotated[bool, typer.Option("--health", help="How their endpoints fare at present.")] = False,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """List models in the order of their registration, or see to one of them."""
    if context.invoked_subcommand is not None:
        return

    async def body(client: ArenaClient) -> None:
        if health:
            await _show_health(client, as_json=as_json)
            return
        found = [model async for model in client.models(show_retired=show_retired)]
        if as_json:
            output.show_json([plain(model) for model in found])
        elif found:
            output.show(table(found))
        else:
            output.show("no models yet; `dearena register` or `dearena apply` brings some")

    run(body, project=project)


async def _show_health(client: ArenaClient, *, as_json: bool) -> None:
    found = [state async for state in client.endpoint_states()]
    if as_json:
        output.show_json([plain(state) for state in found])
    elif found:
        output.show(endpoint_health.table(found))
    else:
        output.show("no models yet; `dearena register` or `dearena apply` brings some")


@app.command("ask-again")
def ask_again(
    slug: Annotated[str, typer.Argument(help="The model's slug.")],
    *,
    dimension: Annotated[str, typer.Option("--dimension", "-d", help="Only answers of this dimension.")] = "",
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Have answers that failed asked again, at once.

    Where the model is ready it has been admitted by the answers it has, and nothing is asked.
    """

    async def body(client: ArenaClient) -> None:
        count = await client.ask_answers_again(slug, dimension=dimension)
        if as_json:
            output.show_json({"answers": count})
        elif count:
            output.show(f"{count} {'answer' if count == 1 else 'answers'} of {slug} asked again")
        else:
            output.show(f"no answer of {slug} has failed where it is not ready")

    run(body, project=project)


@app.command("probe")
def probe(
    slug: Annotated[str, typer.Argument(help="The model's slug.")],
    *,
    acknowledge: Annotated[
        bool, typer.Option("--acknowledge", help="Do not probe; take the endpoint, changed as it is, for what it is.")
    ] = False,
    history: Annotated[bool, typer.Option("--history", help="Do not probe; show the probes so far.")] = False,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Send the fixed prompts to a model's endpoint now, and say whether it has changed."""
    if acknowledge and history:
        raise typer.BadParameter("--acknowledge and --history do not go together")

    async def body(client: ArenaClient) -> None:
        if acknowledge:
            model = await client.acknowledge_drift(slug)
            if as_json:
                output.show_json(plain(model))
            else:
                output.show(f"{slug} is what its endpoint is now; the next two probes tell how steady that is")
            return
        found = [one async for one in client.probes(slug)] if history else [await client.probe_model(slug)]
        if as_json:
            output.show_json([plain(one) for one in found] if history else plain(found[0]))
        elif found:
            output.show(probes_table(found))
        else:
            output.show(f"{slug} has not been probed yet")

    run(body, project=project)


def drift(model: gateway_pb2.Model) -> str:
    """Whether a model's endpoint has changed, in words; empty: it has not."""
    if not model.drift_detail:
        return ""
    if model.HasField("drift_end_time"):
        return f"is as before since {_when(model.drift_end_time)}, had changed: {model.drift_detail}"
    return f"has changed: {model.drift_detail}"


def _when(moment: Timestamp) -> str:
    return moment.ToDatetime().isoformat(" ", "seconds")


def probes_table(found: Sequence[gateway_pb2.Probe]) -> Table:
    """Probes as a table."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("model", "probe", "time", "replies", "says it is", "fingerprint", "differs"):
        shown.add_column(heading, overflow="fold")
    for one in found:
        replied = sum(map(bool, one.reply_hashes))
        shown.add_row(
            one.model,
            str(one.number),
            _when(one.time),
            f"{replied} of {len(one.reply_hashes)}",
            one.upstream_model,
            one.system_fingerprint,
            one.drift or ("in nothing" if replied else ""),
        )
    return shown


def table(found: Sequence[gateway_pb2.Model]) -> Table:
    """Models as a table."""
    shown = Table(box=None, pad_edge=False)
    for heading in ("model", "name", "state", "provider", "family", "endpoint", "upstream model", "judges"):
        shown.add_column(heading, overflow="fold")
    for model in found:
        slug = words.slug(model.name)
        shown.add_row(
            f"{slug}@{model.revision}",
            model.display_name if model.display_name != slug else "",
            ", ".join(filter(None, (words.model_state(model), drift(model)))),
            model.provider,
            model.family,
            model.endpoint.base_url,
            model.endpoint.upstream_model,
            "yes" if model.may_judge else "no",
        )
    return shown


def retire(
    slug: Annotated[str, typer.Argument(help="The model's slug.")],
    *,
    as_json: AsJson = False,
    project: Project = DEFAULT,
) -> None:
    """Retire a model.

    It judges no more and has no rank; its votes stay.
    """

    async def body(client: ArenaClient) -> None:
        retired = await client.retire_model(slug)
        if as_json:
            output.show_json(plain(retired))
        else:
            output.show(f"{slug} is retired")

    run(body, project=project)
