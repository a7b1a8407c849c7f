"""What hostile judges do to a board, by how judges weigh.

    python benchmarks/hostile_judges.py [--worlds 40] [--first-seed 0] [--votes-a-pair 40 ...] [--kind family ...]

In each world of `hostile_worlds.hostile_world` four of the 20 judges are hostile. The board is fitted with all votes,
and again without the votes of those four; each is held against the planted order by Spearman's correlation. What the
hostile judges cost is the difference of the two, paired by world. FLIPs are left out. Every pair gets as many votes,
or with `--within 3` only those of models at most three places apart, as an arena compares them: there a judge who
inverts what hardly differs takes more votes to be found out.

Under `reliability` the cost should stay below LIMIT; where it does not, the exit code is 1. Under the kind `none` all
judges are honest: there `all` shows what a weighting costs when there is nothing to defend against. Seeds are printed;
prints a table and writes nothing.
"""

import os

# Read when numpy is loaded: one thread, as everywhere a fit is made.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import time  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from typing import Annotated, Final  # noqa: E402

import numpy as np  # noqa: E402
import typer  # noqa: E402
from rich import box  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402
from scipy.stats import spearmanr  # noqa: E402

from benchmarks.hostile_worlds import MODELS, FloatArray, Kind, hostile_world  # noqa: E402
from dearena.scoring import FitSettings, Votes, fit  # noqa: E402
from dearena.scoring.weightings import RELIABILITY, SCORE, UNIFORM  # noqa: E402

LIMIT: Final = 0.01
"""Of Spearman's correlation: what hostile judges may cost under `reliability`, in the mean over worlds."""

WEIGHTINGS: Final = (UNIFORM, SCORE, RELIABILITY)
VOTES_A_PAIR: Final = (10, 40, 200)


@dataclass(frozen=True, slots=True)
class Cost:
    """Spearman's correlation with the planted order, a figure a world.

    Attributes:
        with_all: of the board of all votes.
        without: of the board without the hostile judges' votes.
    """

    with_all: FloatArray
    without: FloatArray

    @property
    def difference(self) -> float:
        """Mean over worlds; below 0 where hostile judges do harm."""
        return float(np.mean(self.with_all - self.without))

    @property
    def error(self) -> float:
        """Standard error of that mean."""
        paired = self.with_all - self.without
        return float(np.std(paired, ddof=1) / np.sqrt(len(paired)))


def strengths(votes: Votes, weighting: str) -> FloatArray:
    """Of each model, under a weighting of the judges."""
    return fit(votes, FitSettings(weighting=weighting)).strengths


def costs(kind: Kind, votes_a_pair: int, within: int, seeds: Sequence[int]) -> dict[str, Cost]:
    """What hostile judges of a kind cost, by weighting."""
    figures: dict[str, list[tuple[float, float]]] = {weighting: [] for weighting in WEIGHTINGS}
    for seed in seeds:
        world = hostile_world(seed)
        votes = world.votes(kind, votes_a_pair, within)
        honest = votes.where(np.flatnonzero(~world.hostile(kind)[votes.judge]))
        for weighting, found in figures.items():
            with_all, without = (
                float(spearmanr(strengths(some, weighting), world.skill).statistic) for some in (votes, honest)
            )
            found.append((with_all, without))
    return {weighting: Cost(*np.array(found).T) for weighting, found in figures.items()}


def main(
    worlds: Annotated[int, typer.Option(min=2, help="One a seed.")] = 40,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first world.")] = 0,
    votes_a_pair: Annotated[list[int] | None, typer.Option(help="One or more; without it, 10, 40 and 200.")] = None,
    kind: Annotated[list[Kind] | None, typer.Option(help="One or more; without it, all.")] = None,
    within: Annotated[int, typer.Option(min=1, help="Compare models at most so many places apart.")] = MODELS,
) -> None:
    """Measure what hostile judges cost in planted worlds."""
    begin = time.monotonic()
    seeds = range(first_seed, first_seed + worlds)
    watched, printed = Console(stderr=True), Console()
    within_limit = True
    for votes in votes_a_pair or VOTES_A_PAIR:
        table = Table(
            "hostile",
            "weighting",
            "all",
            "without\nhostile",
            "difference",
            title=f"{votes} votes a pair: {worlds} worlds, seeds {seeds[0]} to {seeds[-1]}",
            caption="Spearman with the truth; ±: one standard error",
            box=box.SIMPLE,
            pad_edge=False,
        )
        for column in table.columns[2:]:
            column.justify = "right"
        kinds = kind or list(Kind)
        shown = f"{votes} votes a pair"
        for chosen in track(kinds, shown, console=watched, transient=True, disable=not watched.is_terminal):
            for weighting, cost in costs(chosen, votes, within, seeds).items():
                table.add_row(
                    chosen.value if weighting == WEIGHTINGS[0] else "",
                    weighting,
                    f"{np.mean(cost.with_all):.4f}",
                    f"{np.mean(cost.without):.4f}",
                    f"{cost.difference:+.4f} ±{cost.error:.4f}",
                    end_section=weighting == WEIGHTINGS[-1],
                )
                within_limit &= weighting != RELIABILITY or cost.difference >= -LIMIT
        printed.print(table)
    printed.print(f"{time.monotonic() - begin:.0f} s")
    if not within_limit:
        printed.print(f"under {RELIABILITY} hostile judges cost more than {LIMIT}")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
