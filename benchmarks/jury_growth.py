"""What insertions take in small arenas and in large ones, and what a whole arena takes beside the makers' rule. Pure.

Arenas are played from their first model on, without a number of calls. Those models that make an arena as large as it
is to be are let in as fast as the rules allow; they are not counted. Then newcomers come in waves of a few, each
when the one before has its places, so that it is their ranking's size that is measured and not that of an earlier one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.table import Table

from benchmarks.jury_figures import Mean, table
from dearena.ranking.rules import Rules
from dearena.trials.arena import Arena, Inserted, in_cohorts
from dearena.trials.simulation import Simulated, Simulation, simulate
from dearena.trials.world import Planted

QUERIES: Final = 40
ORDER_LOTS: Final = 5
"""Beside the world's seed: who is there before whom."""
RESAMPLES: Final = 2_000
BOOTSTRAP_SEED: Final = 0
MAKERS_MODELS: Final = 200
MOST_PART: Final = 1 / 45
"""Of the calls of the makers' rule, at 200 models."""
MAKERS_CALLS: Final = 16_200_000
"""What the makers' rule was found to take with 200 models before it was written down here; not measured by this."""


@dataclass(frozen=True, slots=True)
class Size:
    """Arenas of a size.

    Attributes:
        before: models on the ranking before the first newcomer that counts.
        after: likewise after the last.
        wave: newcomers that come together.
    """

    before: int
    after: int
    wave: int

    @property
    def name(self) -> str:
        """As it is shown."""
        return f"{self.before} to {self.after}"


SMALL: Final = Size(20, 30, 5)
LARGE: Final = Size(370, 400, 10)
MOST_GROWTH: Final = float(np.log(400) / np.log(25))


def insertions(setting: tuple[int, Size]) -> list[Inserted]:
    """Those that count, in the world of a (seed, size)."""
    seed, size = setting
    world = Planted.economy(seed, size.after, QUERIES)
    lots = np.random.default_rng([seed, ORDER_LOTS])
    entering = [world.models[place] for place in lots.permutation(size.after).tolist()]
    arena = Arena(world, Rules(), in_cohorts(entering, size.before, size.wave), salt=str(seed))
    arena.run()
    return [one for one in arena.inserted if one.model in set(entering[size.before :])]


@dataclass(frozen=True, slots=True)
class Growth:
    """Calls per insertion in large arenas over those in small ones.

    Attributes:
        calls: mean and its standard error over insertions, by size.
        rounds: median, by size.
        insertions: by size.
        ratio: of the means.
        low, high: its 95 % interval, by bootstrap over insertions.
    """

    calls: dict[str, Mean]
    rounds: dict[str, float]
    insertions: dict[str, int]
    ratio: float
    low: float
    high: float

    @classmethod
    def of(cls, small: Sequence[Inserted], large: Sequence[Inserted]) -> "Growth":
        """Count them; each size has been inserted into at least once."""
        sizes = {SMALL.name: small, LARGE.name: large}
        calls = {name: np.array([one.judge_calls for one in some]) for name, some in sizes.items()}
        lots = np.random.default_rng(BOOTSTRAP_SEED)
        means = {name: lots.choice(some, (RESAMPLES, len(some))).mean(axis=1) for name, some in calls.items()}
        low, high = np.quantile(means[LARGE.name] / means[SMALL.name], (0.025, 0.975))
        return cls(
            {name: Mean.of(some.tolist()) for name, some in calls.items()},
            {name: float(np.median([one.rounds for one in some])) for name, some in sizes.items()},
            {name: len(some) for name, some in sizes.items()},
            float(calls[LARGE.name].mean() / calls[SMALL.name].mean()),
            float(low),
            float(high),
        )

    def table(self, small_seeds: int, large_seeds: int) -> Table:
        """For people."""
        made = table(
            f"Insertions without a number of calls: {small_seeds} small worlds, {large_seeds} large ones, seeds from 0",
            f"at most {MOST_GROWTH:.2f} is asked for: log 400 / log 25; the interval is a bootstrap over insertions",
            *("models ranked", "insertions", "calls each", "median rounds"),
        )
        for name, calls in self.calls.items():
            made.add_row(name, f"{self.insertions[name]}", calls.shown(0), f"{self.rounds[name]:g}")
        made.add_row("growth", "", f"{self.ratio:.2f} ({self.low:.2f} to {self.high:.2f})", "", style="bold")
        return made


@dataclass(frozen=True, slots=True)
class Beside:
    """The jury and the makers' rule in one world."""

    seed: int
    ours: Simulated
    makers: Simulated


def beside_makers(setting: tuple[int, int]) -> Beside:
    """In the world of a (seed, number of models)."""
    seed, models = setting
    ours, makers = (
        simulate(Simulation(models=models, queries=QUERIES, seed=seed, jury=jury)) for jury in ("sequential", "makers")
    )
    return Beside(seed, ours, makers)


def makers_table(models: int, found: Sequence[Beside]) -> Table:
    """For people."""
    made = table(
        f"{models} models, {QUERIES} queries: the sequential jury without a number of calls, and the makers' rule",
        f"makers: as played here, where nothing is asked twice; of it: at most 1/{1 / MOST_PART:.0f} is asked for"
        + (f"\nearlier: of {MAKERS_CALLS:,} calls, another reading of the rule" if models == MAKERS_MODELS else ""),
        *("seed", "calls", "makers", "makers / calls", "earlier / calls", "Spearman", "makers", "Kendall", "makers"),
    )
    for one in found:
        earlier = f"{MAKERS_CALLS / one.ours.judge_calls:.0f}" if models == MAKERS_MODELS else ""
        made.add_row(
            f"{one.seed}",
            f"{one.ours.judge_calls:,}",
            f"{one.makers.judge_calls:,}",
            f"{one.makers.judge_calls / one.ours.judge_calls:.0f}",
            earlier,
            f"{one.ours.spearman:.4f}",
            f"{one.makers.spearman:.4f}",
            f"{one.ours.kendall:.4f}",
            f"{one.makers.kendall:.4f}",
        )
    return made


def makers_figures(found: Sequence[Beside]) -> list[dict[str, float]]:
    """As data."""
    return [
        {
            "seed": one.seed,
            "judge_calls": one.ours.judge_calls,
            "makers_judge_calls": one.makers.judge_calls,
            "spearman": one.ours.spearman,
            "makers_spearman": one.makers.spearman,
            "kendall": one.ours.kendall,
            "makers_kendall": one.makers.kendall,
        }
        for one in found
    ]
