"""Means with their Monte Carlo errors, and how the figures of juries are shown. Pure but for the printing."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Mean:
    """Of one figure a world, with its standard error over worlds; nan of a single world."""

    value: float
    error: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """The mean of at least one value."""
        many = len(values) > 1
        error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if many else float("nan")
        return cls(float(np.mean(values)), error)

    @classmethod
    def of_share(cls, count: int, among: int) -> Self:
        """A share of independent trials."""
        share = count / among
        return cls(share, float(np.sqrt(share * (1 - share) / among)))

    def shown(self, decimals: int, *, sign: bool = False) -> str:
        """The mean ± its error."""
        value = f"{self.value:+.{decimals}f}" if sign else f"{self.value:.{decimals}f}"
        return f"{value} ±{self.error:.{decimals}f}"

    def percent(self) -> str:
        """The same of a share."""
        return f"{100 * self.value:.1f} ±{100 * self.error:.1f}"


def table(title: str, caption: str, *columns: str, names: int = 1) -> Table:
    """An empty one whose first columns, as many as `names`, are words."""
    made = Table(*columns, title=title, caption=caption, box=box.SIMPLE, pad_edge=False)
    for column in made.columns[names:]:
        column.justify = "right"
    for column in made.columns:
        column.no_wrap = True
    return made


def show(*tables: Table, seconds: float) -> None:
    """Print them, and the wall time."""
    printed = Console(width=120)
    for one in tables:
        printed.print(one)
    printed.print(f"{seconds:.0f} s")


def keep(path: Path | None, figures: Any) -> None:
    """Write figures as JSON, where a path is given."""
    if path:
        path.write_text(json.dumps(figures, indent=2, default=asdict) + "\n", "utf-8")
