"""How well a board of chosen queries ranks models that took no part in the choice, in pools of planted faults.

A method sees the pilot of a world (`query_selection_world`) and chooses; then the 20 other models are compared on the
chosen queries, every pair of them so many times on each, and ranked by the project's own Bradley-Terry fit, all judges
alike. The figure is Spearman's correlation of that board with the world's truth. Every method's board in a world hears
its votes from the same stream, and worlds follow from their seeds.

With three pilots, each third of a world's models pilots once, and a world's figure is the mean of the three: 20 models
are few, and their own noise hides what is compared. With one, models 0 to 9 pilot.

`planted` is no method: it is handed the discriminations that were planted and takes the largest, each category in
proportion. It says how far choosing could go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.stats import spearmanr

from benchmarks.query_selection_world import PoolWorld, Reading, pool_world, tested_of
from dearena.scoring import FitSettings, fit
from dearena.scoring.arrays import FloatArray, IntArray
from dearena.scoring.weightings import UNIFORM
from dearena.selection import METHODS, select
from dearena.selection.at_random import places_of

SIZES: Final = (20, 40, 80)
PLANTED: Final = "planted"
SHOWN: Final = (*METHODS, PLANTED)
FIGURES: Final = ("spearman", "by_skill", "faulty")


@dataclass(frozen=True, slots=True)
class Tried:
    """One board, or the mean of a world's.

    Attributes:
        size: queries on it.
        spearman: with the truth.
        by_skill: with the order of theta alone.
        faulty: share of the queries that were dead or mislabelled.
    """

    method: str
    size: int
    seed: int
    spearman: float
    by_skill: float
    faulty: float


def tried(job: tuple[int, Reading, int, Sequence[int], int]) -> list[Tried]:
    """All methods in one world.

    Args:
        job: seed, reading, votes that every pair gets on each query at most, numbers of queries, pilots.
    """
    seed, reading, votes, sizes, pilots = job
    world = pool_world(seed, reading)
    place = {query: number for number, query in enumerate(world.queries)}
    found: dict[tuple[str, int], list[Tried]] = {}
    for third in range(pilots):
        pilot = world.pilot(third)
        for size in sizes:
            choices = {
                method: np.array([place[query] for query in select(pilot, method=method, k=size, seed=seed).queries])
                for method in METHODS
            }
            choices[PLANTED] = steepest(world, size)
            for method, queries in choices.items():
                found.setdefault((method, size), []).append(_board(world, method, queries, votes, third))
    return [_mean(boards) for boards in found.values()]


def _mean(boards: Sequence[Tried]) -> Tried:
    spearman, by_skill, faulty = (float(np.mean([getattr(one, name) for one in boards])) for name in FIGURES)
    return replace(boards[0], spearman=spearman, by_skill=by_skill, faulty=faulty)


def steepest(world: PoolWorld, size: int) -> IntArray:
    """The queries of largest planted discrimination, each category in proportion; ascending."""
    room = places_of(np.bincount(world.category), size)
    best = np.argsort(-world.discrimination, kind="stable")
    taken = [best[world.category[best] == category][: room[category]] for category in range(len(room))]
    return np.sort(np.concatenate(taken))


def _board(world: PoolWorld, method: str, queries: IntArray, votes: int, third: int) -> Tried:
    strengths = fit(world.test(queries, votes, third), FitSettings(weighting=UNIFORM)).strengths
    spearman, by_skill = (
        float(spearmanr(strengths, truth[tested_of(third)]).statistic) for truth in (world.truth, world.skill)
    )
    faulty = float(np.mean(world.discrimination[queries] <= 0))
    return Tried(method, len(queries), world.seed, spearman, by_skill, faulty)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Of one method at one size: a figure a world, in the order of seeds."""

    method: str
    size: int
    spearman: FloatArray
    by_skill: FloatArray
    faulty: FloatArray

    @property
    def variance(self) -> float:
        """Of Spearman's correlation across worlds."""
        return float(np.var(self.spearman, ddof=1))


def spreads(boards: Sequence[Tried]) -> dict[tuple[int, str], Spread]:
    """By size and method."""
    found = {}
    for size, method in sorted({(one.size, one.method) for one in boards}):
        some = sorted((one for one in boards if (one.size, one.method) == (size, method)), key=lambda one: one.seed)
        columns = (np.array([getattr(one, name) for one in some]) for name in FIGURES)
        found[size, method] = Spread(method, size, *columns)
    return found
