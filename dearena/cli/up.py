"""`dearena up`: a whole arena on this machine. What it does is in `dearena.local`, loaded when it is needed."""

import sys
from importlib import import_module
from typing import Any, Final

import typer

from dearena.cli import output

SETTINGS: Final[dict[str, Any]] = {
    # Options are those of the local stack, and are read there.
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    "add_help_option": False,
    "help": "Start a whole arena on this machine.",
}


def up(context: typer.Context) -> None:
    """Hand the arguments to the local stack's own command."""
    try:
        command = import_module("dearena.local.cli").app_up
    except ImportError as error:
        output.error(f"the local stack is not installed ({error}); pip install 'dearena[local]'")
        sys.exit(1)
    local = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    local.command("up")(command)
    local(args=context.args, prog_name="dearena up")
