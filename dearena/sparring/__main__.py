"""Run sparring models as a process: `python -m dearena.sparring --config worlds.yaml`."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from dearena.names import check_slug
from dearena.sparring import records, worlds
from dearena.sparring.calls import World
from dearena.sparring.faulty import FaultyWorld
from dearena.sparring.planted import PlantedWorld
from dearena.sparring.server import serving


def run(
    *,
    listen: Annotated[str, typer.Option(help="host:port; port 0 takes a free one.")] = "127.0.0.1:0",
    config: Annotated[Path | None, typer.Option(help="YAML file of worlds.")] = None,
    planted: Annotated[list[str] | None, typer.Option(help="NAME=SEED of a planted world; may be repeated.")] = None,
    recorded: Annotated[list[str] | None, typer.Option(help="NAME=FOLDER of a recorded world; likewise.")] = None,
    faulty: Annotated[list[str] | None, typer.Option(help="NAME of a faulty world; likewise.")] = None,
    port_file: Annotated[Path | None, typer.Option(help="Where the port is written once calls are served.")] = None,
) -> None:
    """Serve worlds of sparring models over an OpenAI-compatible API until SIGTERM or Ctrl-C."""
    host, port = _address(listen)
    try:
        served = worlds.load(config) if config else {}
        served |= {name: PlantedWorld(seed=int(seed)) for name, seed in _named(planted, "NAME=SEED")}
        served |= {name: records.load(Path(folder)) for name, folder in _named(recorded, "NAME=FOLDER")}
        served |= {check_slug(name): FaultyWorld() for name in faulty or ()}
    except (worlds.BrokenWorlds, records.BrokenRecord, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    if not served:
        raise typer.BadParameter("no world: give --config, --planted, --recorded or --faulty")
    try:
        asyncio.run(_serve(served, host, port, port_file))
    except OSError as error:
        typer.echo(f"cannot serve at {listen}: {error}", err=True)
        raise typer.Exit(1) from error


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdecimal() and int(port) < 2**16):
        raise typer.BadParameter(f"{listen!r} is not host:port", param_hint="--listen")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _named(options: list[str] | None, form: str) -> list[tuple[str, str]]:
    pairs = []
    for option in options or ():
        name, equals, value = option.partition("=")
        if not equals or not name or not value:
            raise typer.BadParameter(f"{option!r} is not {form}")
        pairs.append((check_slug(name), value))
    return pairs


async def _serve(served: Mapping[str, World], host: str, port: int, port_file: Path | None) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serving(served, host=host, port=port) as server:
        typer.echo(f"sparring models at {server.url}: {', '.join(sorted(served))}")
        if port_file:
            _write_whole(port_file, f"{server.port}\n")
        await stopped.wait()


def _write_whole(path: Path, text: str) -> None:
    """Write so that a reader sees all of the text or no file."""
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


if __name__ == "__main__":
    typer.run(run)
