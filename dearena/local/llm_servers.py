"""The servers of the small real models: a process a model, on free loopback ports, gone with us."""

import os
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from dearena.local.ports import LOOPBACK, free_ports
from dearena.local.servers import Server, ServerMissing
from dearena.local.together import all_of

PYTHON: Final = Path(".venv-llm/bin/python")
"""Of the environment that holds the server and the weights, as `make run-llm` makes it."""
SCRIPT: Final = Path(__file__).with_name("llama_server.py")


@asynccontextmanager
async def serving(models: Sequence[str], logs: Path, python: Path = PYTHON) -> AsyncIterator[Mapping[str, str]]:
    """Serve models until the end of the block.

    Args:
        models: ids that llama_server.py knows.
        logs: directory for a log a model.
        python: of the environment with server and weights.

    Yields:
        The base URL of each, with /v1.

    Raises:
        ServerMissing: there is no such environment.
        ServerFailed: a server does not come up; ends with its log's tail.
    """
    if not python.exists():
        raise ServerMissing(f"no {python}: `make run-llm` makes it, from requirements-llm.lock")
    ports = dict(zip(models, free_ports(len(models)), strict=True))
    processes = [
        Server(model, command(python, model, port), logs / f"{model}.log", partial(is_well, port))
        for model, port in ports.items()
    ]
    try:
        await all_of(*(process.start() for process in processes))
        yield {model: base_url(port) for model, port in ports.items()}
    finally:
        for process in processes:
            process.stop()


def command(python: Path, model: str, port: int) -> list[str]:
    """The command that serves a model."""
    # Not resolved: a link to the system's Python is how an environment knows that it is one.
    given = ("--model", model, "--port", str(port), "--owner", str(os.getpid()))
    return [str(python.absolute()), str(SCRIPT), *given]


def base_url(port: int) -> str:
    """What a model on this port is registered with."""
    return f"http://{LOOPBACK}:{port}/v1"


def is_well(port: int) -> bool:
    """Whether the server has its model loaded."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/health", timeout=1) as reply:
            return bool(reply.status == 200)  # noqa: PLR2004 - OK
    except (urllib.error.URLError, OSError):
        return False
