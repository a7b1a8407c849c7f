"""What goes to the screen: tables and lines for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from rich.console import Console, RenderableType

PIPED_WIDTH = 160
"""Columns where there is no terminal to ask."""

CLOSED = "standard output is closed"
"""What is said where the shell has closed it, as `>&-` does."""


def console() -> Console:
    """Standard output as it is now.

    Raises:
        OSError: it is closed.
    """
    standard_output()
    return _console(stderr=False)


def standard_output() -> TextIO:
    """The stream of it.

    Raises:
        OSError: it is closed.
    """
    # Python has no stream where it was started without one, whatever its type says.
    stream: TextIO | None = sys.stdout
    if stream is None:
        raise OSError(CLOSED)
    return stream


def _console(*, stderr: bool) -> Console:
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    # Names and questions are not markup, whatever brackets they hold.
    return Console(
        stderr=stderr, width=None if is_terminal else PIPED_WIDTH, markup=False, highlight=False, emoji=False
    )


def show(*things: RenderableType) -> None:
    """Print for a person."""
    target = console()
    for thing in things:
        target.print(thing)


def show_text(text: str) -> None:
    """Print text for a person as it is: lines are not broken, so that it can be copied."""
    stream = standard_output()
    stream.write(text + "\n")
    stream.flush()


def show_json(value: Any) -> None:
    """Print one JSON value on one line, at once."""
    stream = standard_output()
    stream.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    stream.flush()


def show_raw(text: str) -> None:
    """Print a text letter for letter, and a line's end behind it."""
    stream = standard_output()
    stream.write(text + "\n")
    stream.flush()


def note(message: str) -> None:
    """Say on standard error what is no part of the output."""
    errors: TextIO | None = sys.stderr
    if errors is not None:
        _console(stderr=True).print(message, soft_wrap=True)


def error(message: str, details: Sequence[str] = ()) -> None:
    """Say what went wrong on standard error, where there is one."""
    errors: TextIO | None = sys.stderr
    if errors is None:
        return
    target = _console(stderr=True)
    target.print(f"error: {message}", style="red", soft_wrap=True)
    for detail in details:
        target.print(f"  {detail}", soft_wrap=True)
