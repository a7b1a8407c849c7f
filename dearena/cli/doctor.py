"""`dearena doctor`: whether this machine can run an arena by itself."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from dearena.cli import machine, output
from dearena.cli.running import AsJson


def doctor(*, as_json: AsJson = False) -> None:
    """Check what `dearena up` needs.

    Tells a remedy for what is missing, and exits 1 if something is.
    """
    checks = machine.examine(Path.cwd())
    if as_json:
        output.show_json([asdict(check) for check in checks])
    else:
        output.show(table(checks))
    if not all(check.ok for check in checks):
        sys.exit(1)


def table(checks: Sequence[machine.Check]) -> Table:
    """The checks, with remedies where they are needed."""
    shown = Table(box=None, pad_edge=False, show_header=False)
    for check in checks:
        shown.add_row("ok" if check.ok else "MISSING", check.name, check.found)
        if not check.ok:
            shown.add_row("", "", check.remedy)
    return shown
