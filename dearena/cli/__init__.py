"""The command line: `dearena`."""

from dearena.cli.app import main

__all__ = ["main"]
