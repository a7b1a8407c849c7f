"""`dearena up`: the arena on this machine until Ctrl-C."""

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from dearena.cli import output
from dearena.faults import ArenaFault
from dearena.local import interrupts, stack
from dearena.local.following import NotRanked
from dearena.local.servers import ServerFailed, ServerMissing
from dearena.local.stack import Stack

STATE = Path(".dearena")
"""Where clients in this directory and below look for the endpoints."""


def app_up(
    *,
    state_dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = STATE,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin with nothing: forget models, votes, boards.")] = False,
    with_sparring: Annotated[
        bool, typer.Option("--with-sparring/--no-sparring", help="Whether to serve sparring models, to play with.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs: one object once it runs.")] = False,
) -> None:
    """Start NATS, MongoDB, the five services, a dashboard and sparring models here; Ctrl-C ends them all.

    Data are kept between runs. DEARENA_MONGO_URL and DEARENA_NATS_URL name servers that run elsewhere;
    then none are started here.
    """

    def say(message: str) -> None:
        if not as_json:
            output.show(f"{message} …")

    async def body() -> None:
        worlds = stack.DEFAULT_WORLDS if with_sparring else None
        async with stack.running(state_dir, fresh=fresh, worlds=worlds, dashboard=True, said=say) as running:
            if as_json:
                output.show_json(described(running))
            else:
                output.show(*welcome(running, list(worlds or ())))
            await running.until_broken()

    leave(body())


def leave(body: Coroutine[Any, Any, None], *, interrupted: int = 0) -> None:
    """Run to the end, tell what went wrong in one message, and exit: `interrupted` after Ctrl-C."""
    try:
        interrupts.run(body, leaving=lambda: output.error("still stopping; what runs is being ended in order"))
    except interrupts.Interrupted:
        sys.exit(interrupted)
    except (ServerFailed, ServerMissing, stack.AlreadyRunning, NotRanked, ArenaFault, OSError) as error:
        first, *rest = str(error).splitlines()
        output.error(first, [*rest, *getattr(error, "__notes__", ())])
        sys.exit(1)


def described(running: Stack) -> dict[str, object]:
    """Where everything is, for programs."""
    programs = (*running.services, *running.extras)
    return {
        "state_dir": str(running.state),
        "endpoints": running.endpoints.as_json(),
        "logs": {program: str(running.log_of(program)) for program in programs},
        "pids": {program: running.pid_of(program) for program in programs},
    }


def welcome(running: Stack, worlds: list[str]) -> list[str]:
    """Where everything is, and what to do next, for people."""
    where = running.endpoints
    lines = ["", "The arena runs. Ctrl-C ends it; data are kept unless the next start is --fresh.", ""]
    lines += [f"  {service:<18}{where.address_of(service)}" for service in running.services]
    if "sparring" in running.extras:
        lines.append(f"  {'sparring models':<18}{where.sparring_url}  (worlds: {', '.join(worlds)})")
    if "dashboard" in running.extras:
        lines.append(f"  {'dashboard':<18}{where.dashboard_url}")
    if "traces" in running.extras:
        lines.append(f"  {'traces':<18}{where.traces_url}  (OTLP over gRPC: {where.otlp_url})")
    elsewhere = "" if running.state == STATE.resolve() else f"export DEARENA_ENDPOINTS={running.state}/endpoints.json"
    lines += [
        f"  {'logs':<18}{running.log_of('*')}",
        f"  {'state':<18}{running.state}",
        "",
        "Register a model of your own, in another terminal:",
        *([f"  {elsewhere}"] if elsewhere else []),
        "  dearena register my-model --url http://127.0.0.1:8000/v1 --model ID-AT-THE-ENDPOINT",
    ]
    if "sparring" in running.extras and worlds:
        lines += [
            "or a sparring model:",
            f"  dearena register nova --url {where.sparring_url}/{worlds[0]}/v1 --model nova --sparring",
        ]
    if "traces" in running.extras:
        lines += [
            "and have `dearena why` name the trace of a comparison:",
            f"  export DEARENA_TRACE_URL='{where.trace_url}'",
        ]
    lines += ["and make a dimension:", "  dearena dimension create algebra questions.jsonl --k 24", ""]
    return lines
