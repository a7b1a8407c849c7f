"""How a command runs: a client for its time, faults as one clear line, and an exit code."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer

from dearena.cli import ctrl_c, output
from dearena.client import ArenaClient
from dearena.faults import ArenaFault
from dearena.names import DEFAULT_PROJECT, InvalidName

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs: one value, or one a line.")]
Project = Annotated[
    str, typer.Option("--project", envvar="DEARENA_PROJECT", help="Project that models and dimensions are of.")
]
Wait = Annotated[
    int, typer.Option("--wait", min=1, help="Seconds to wait for what has to be worked out of very many votes.")
]
DEFAULT = DEFAULT_PROJECT
MAX_UINT32 = 2**32 - 1

FAILED = 1
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def run(body: Callable[[ArenaClient], Awaitable[None]], *, project: str) -> None:
    """Run a command's body with a client; whatever can go wrong ends the process with one clear line."""

    async def with_client() -> None:
        async with ArenaClient(project=project) as client:
            await body(client)

    run_plain(with_client)


def run_plain(body: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a command's body that needs no client."""
    with told():
        asyncio.run(ctrl_c.heard(body))


@contextmanager
def told(exit_code: int = FAILED) -> Iterator[None]:
    """Whatever can go wrong inside ends the process with one clear line, and with this exit code."""
    try:
        yield
    except ArenaFault as fault:
        fail(str(fault), *_further(fault), exit_code=exit_code)
    except InvalidName as error:
        fail(str(error), exit_code=exit_code)
    except UnicodeError as error:
        fail(_not_written(error) or "an argument or a name in a file is not Unicode text", exit_code=exit_code)
    except BrokenPipeError:
        # Whoever read our output has seen enough, as `head` does; nothing is left to be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), exit_code=exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def fail(message: str, *details: str, exit_code: int = FAILED) -> NoReturn:
    """Say what went wrong on standard error, and exit."""
    output.error(message, details)
    sys.exit(exit_code)


def _not_written(error: UnicodeError) -> str:
    """What to do about a letter that the terminal does not take; empty where the text itself is broken."""
    # Halves of characters are no text in any encoding, and what we send and keep is UTF-8.
    if not isinstance(error, UnicodeEncodeError) or error.encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        return ""
    letter = error.object[error.start]
    return f"standard output is {error.encoding}, which has no {letter!a}; set PYTHONIOENCODING=utf-8"


def _further(fault: ArenaFault) -> list[str]:
    """Violations that the message itself does not tell."""
    message = str(fault)
    return [f"{one.field}: {one.description}" for one in fault.violations if one.description not in message]
