"""Options of the commands that start an arena, rank in it, and end: alike for all."""

from pathlib import Path
from typing import Annotated

import typer

StateDir = Annotated[
    Path | None, typer.Option(help="Where everything is kept; emptied first. Default: a temporary directory.")
]
DeadlineSeconds = Annotated[float, typer.Option(help="Give up when it takes longer.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, and nothing else.")]
