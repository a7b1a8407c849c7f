"""How often a 95 % interval covers what it is of, in worlds where that is known.

    python benchmarks/coverage.py [--worlds 400] [--first-seed 0] [--design contestants-40 ...] [--weighting all]

In each world of `worlds.coverage_world` every pair gets the same number of votes, the scorer's fit is made with all
judges weighing the same, or as another weighting has it, and its intervals are held against what was planted:

- a strength interval covers when theta* is in it: the strengths that the same design and weighting would give over
  ever more new queries and judges of the same populations (`targets`). Theta* has no prior on strengths, the fit has
  its usual weak one;
- a rank interval covers when the planted rank is in it. Every pair is compared equally often, so that the order of
  theta* is the order of the skills, and there is one planted rank;
- the plain interval, which takes votes to be independent (the usual sandwich, normal quantile), stands beside it.

Coverage is the share of a world's models, averaged over worlds. Models of one world share queries and judges, hence
the Monte Carlo error is that of a mean over worlds. Seeds are printed; prints a table and writes nothing.
"""

import os

# Read when numpy is loaded: one thread, as everywhere a fit is made.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import time  # noqa: E402
from collections.abc import Iterator, Sequence  # noqa: E402
from dataclasses import dataclass, fields  # noqa: E402
from enum import Enum  # noqa: E402
from typing import Annotated, Final  # noqa: E402

import numpy as np  # noqa: E402
import typer  # noqa: E402
from rich import box  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402
from scipy.stats import norm, rankdata  # noqa: E402

from benchmarks.targets import target  # noqa: E402
from benchmarks.worlds import Bench, CoverageWorld, FloatArray, PlantedVotes, coverage_world  # noqa: E402
from dearena.outcomes import Outcome  # noqa: E402
from dearena.scoring import Fit, FitSettings, Votes, fit  # noqa: E402
from dearena.scoring.intervals import CONFIDENCE  # noqa: E402
from dearena.scoring.outcomes import CODES  # noqa: E402
from dearena.scoring.weightings import RANK, RELIABILITY, SCORE, UNIFORM  # noqa: E402

PLAIN_QUANTILE: Final = float(norm.ppf((1 + CONFIDENCE) / 2))


class Design(Enum):
    """Who judges, and how many votes each pair gets."""

    CONTESTANTS_40 = "contestants-40"
    CONTESTANTS_200 = "contestants-200"
    CONTESTANTS_560 = "contestants-560"
    """All of a pair's cells: 40 queries by 14 judges."""
    OUTSIDE_800 = "outside-800"

    @property
    def bench(self) -> Bench:
        """Who judges."""
        return Bench(self.value.split("-")[0])

    @property
    def votes_per_pair(self) -> int:
        """Votes of each pair of contestants."""
        return int(self.value.split("-")[1])


class Weighting(Enum):
    """How judges weigh."""

    UNIFORM = UNIFORM
    SCORE = SCORE
    RANK = RANK
    RELIABILITY = RELIABILITY
    ALL = "all"
    """Each of them, on the same votes."""


@dataclass(frozen=True, slots=True)
class Held:
    """One world's intervals against the truth, each a mean over its models.

    Attributes:
        strength, plain: share of the strength intervals that cover theta*.
        strength_length, plain_length: upper end less lower end, log-odds.
        rank: share of the rank intervals that cover the planted rank.
        rank_width: worst rank less best rank; 0 is one rank.
    """

    strength: float
    plain: float
    strength_length: float
    plain_length: float
    rank: float
    rank_width: float


@dataclass(frozen=True, slots=True)
class Mean:
    """Over worlds, and its Monte Carlo standard error."""

    value: float
    error: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Mean":
        """The mean of one figure a world."""
        return cls(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))


def as_votes(world: CoverageWorld, planted: PlantedVotes) -> Votes:
    """Planted votes as the scorer takes them. Judges who are contestants have the contestants' names."""
    models = [f"model-{number:02d}" for number in range(len(world.skill))]
    outside = [f"judge-{number:02d}" for number in range(len(world.sharpness))]
    return Votes.of_codes(
        models=models,
        judges=models if world.bench is Bench.CONTESTANTS else outside,
        queries=[f"query-{number:02d}" for number in range(world.answer_effect.shape[1])],
        judge=planted.judge,
        first=planted.first,
        second=planted.second,
        query=planted.query,
        outcome=np.where(planted.first_won, CODES[Outcome.A], CODES[Outcome.B]),
    )


def held(design: Design, seed: int, weightings: Sequence[str] = (UNIFORM,)) -> list[Held]:
    """Fit one world under each weighting and hold its intervals against the truth."""
    world = coverage_world(seed, design.bench)
    votes = as_votes(world, world.votes(design.votes_per_pair))
    return [
        held_against(
            fit(votes, FitSettings(weighting=weighting, confidence=CONFIDENCE)),
            target(world, weighting, design.votes_per_pair),
            rankdata(-world.skill),
        )
        for weighting in weightings
    ]


def held_against(found: Fit, strength: FloatArray, rank: FloatArray) -> Held:
    """A fit's intervals against true strengths and ranks."""
    plain = PLAIN_QUANTILE * found.independent_errors
    return Held(
        strength=float(np.mean((found.low <= strength) & (strength <= found.high))),
        plain=float(np.mean(np.abs(found.strengths - strength) <= plain)),
        strength_length=float(np.mean(found.high - found.low)),
        plain_length=float(np.mean(2 * plain)),
        rank=float(np.mean((found.rank_low <= rank) & (rank <= found.rank_high))),
        rank_width=float(np.mean(found.rank_high - found.rank_low)),
    )


def means(worlds: Sequence[Held]) -> dict[str, Mean]:
    """Each figure over worlds, by name."""
    return {field.name: Mean.of([getattr(world, field.name) for world in worlds]) for field in fields(Held)}


def chosen_weightings(chosen: Sequence[Weighting]) -> list[str]:
    """Names of weightings, each once; `all` stands for every one."""
    named = [one for one in Weighting if one is not Weighting.ALL]
    return [one.value for one in named if one in chosen or Weighting.ALL in chosen]


def _cells(figures: dict[str, Mean]) -> Iterator[str]:
    for name, mean in figures.items():
        share = name in {"strength", "plain", "rank"}
        yield f"{100 * mean.value:.1f} ±{100 * mean.error:.1f}" if share else f"{mean.value:.2f}"


def main(
    worlds: Annotated[int, typer.Option(min=2, help="Worlds a design, one a seed.")] = 400,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first world.")] = 0,
    design: Annotated[list[Design] | None, typer.Option(help="One or more; without it, all.")] = None,
    weighting: Annotated[list[Weighting] | None, typer.Option(help="One or more; without it, uniform.")] = None,
) -> None:
    """Measure the coverage of 95 % intervals in planted worlds."""
    begin = time.monotonic()
    seeds = range(first_seed, first_seed + worlds)
    weightings = chosen_weightings(weighting or [Weighting.UNIFORM])
    table = Table(
        "design",
        "weighting",
        "theta*\nin %",
        "plain\nin %",
        "length",
        "plain\nlength",
        "rank\nin %",
        "rank\nwidth",
        title=f"{100 * CONFIDENCE:.0f} % intervals: {worlds} worlds a design, seeds {seeds[0]} to {seeds[-1]}",
        caption="±: one Monte Carlo standard error, by world; lengths in log-odds\na width of 0 is one rank",
        box=box.SIMPLE,
        padding=0,
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for column in table.columns[:2]:
        column.no_wrap = True
    watched = Console(stderr=True)
    for chosen in design or list(Design):
        progress = track(seeds, chosen.value, console=watched, transient=True, disable=not watched.is_terminal)
        by_world = [held(chosen, seed, weightings) for seed in progress]
        for name, worlds_held in zip(weightings, zip(*by_world, strict=True), strict=True):
            table.add_row(chosen.value, name, *_cells(means(worlds_held)))
    printed = Console()
    printed.print(table)
    printed.print(f"{time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    typer.run(main)
