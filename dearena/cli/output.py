"""What goes to the screen: tables and lines for people, JSON for programs."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console, RenderableType

PIPED_WIDTH = 160
"""Columns where there is no terminal to ask."""


def console() -> Console:
    """Standard output as it is now."""
    return _console(stderr=False)


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


def show_json(value: Any) -> None:
    """Print one JSON value on one line, at once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def error(message: str, details: Sequence[str] = ()) -> None:
    """Say what went wrong on standard error."""
    target = _console(stderr=True)
    target.print(f"error: {message}", style="red", soft_wrap=True)
    for detail in details:
        target.print(f"  {detail}", soft_wrap=True)
