"""What a sequential pilot saves: the same choice by fewer cells.

In a world of `query_selection_world` the pilot's ten models are compared batch by batch, as
`dearena.selection.allocation` asks, until no decision is open; the full pilot asks every pair of every query 12 times.
`telling` chooses by either, and the 20 other models are ranked on both choices, as in `query_selection_planted`. Beside
them stands a pilot that spends as many cells as the sequential one evenly: the same number on every query, pairs and
judges by lot.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import spearmanr

from benchmarks.query_selection_world import JUDGES, PILOT_MODELS, PoolWorld, Reading, pilots_of, pool_world, tested_of
from dearena.scoring import FitSettings, fit
from dearena.scoring.arrays import FloatArray, IntArray
from dearena.scoring.weightings import UNIFORM
from dearena.selection import PilotVotes, select
from dearena.selection.allocation import PilotPlan, next_batch, pairs_of

BATCH: Final = 4_000
"""Cells handed out at once."""
VOTES: Final = 12
"""Cells a pair and query of the tested models."""
UNLIMITED: Final = 10**9


@dataclass(frozen=True, slots=True)
class Piloted:
    """One world.

    Attributes:
        share: cells of the sequential pilot over those of the full one.
        batches: that it was asked in.
        full, sequential, even: Spearman of the tested models' boards with the truth.
        faulty: dead or mislabelled queries among those that the sequential pilot led to, a share.
    """

    seed: int
    share: float
    batches: int
    full: float
    sequential: float
    even: float
    faulty: float


class Cells:
    """All that could be heard in a pilot; what was asked is heard."""

    def __init__(self, world: PoolWorld) -> None:
        self.full = world.pilot()
        self.pairs = pairs_of(PILOT_MODELS)
        heard = world.cells(pilots_of(0), np.arange(len(world.queries)), JUDGES, stream=1)
        place = np.zeros((PILOT_MODELS, PILOT_MODELS), dtype=np.int64)
        place[self.pairs[:, 0], self.pairs[:, 1]] = np.arange(len(self.pairs))
        self._said = np.full((len(world.queries), len(self.pairs), JUDGES), np.nan)
        self._said[heard.query, place[heard.first, heard.second], heard.judge] = heard.first_won
        self._place = place
        self.asked = np.zeros(self._said.shape[:2], dtype=np.int64)

    def ask(self, query: IntArray, first: IntArray, second: IntArray) -> None:
        """Ask one judge more about each of some cells; FLIPs count as asked."""
        np.add.at(self.asked, (query, self._place[first, second]), 1)

    def heard(self, asked: IntArray) -> PilotVotes:
        """Votes of the first so many judges of each query and pair."""
        readable = (np.arange(JUDGES) < asked[:, :, None]) & np.isfinite(self._said)
        query, pair, judge = np.nonzero(readable)
        outcome: FloatArray = self._said[query, pair, judge]
        first, second = self.pairs[pair].T
        full = self.full
        return PilotVotes(full.pool, full.models, full.judges, query, first, second, judge, outcome)


def piloted(job: tuple[int, Reading, int]) -> Piloted:
    """Seed, reading and number of queries wanted."""
    seed, reading, k = job
    world = pool_world(seed, reading)
    cells = Cells(world)
    plan = PilotPlan(k=k, budget=UNLIMITED, most_a_pair=JUDGES, batch=BATCH, seed=seed)
    batches = 0
    while not (batch := next_batch(cells.heard(cells.asked), cells.asked, plan)).done:
        cells.ask(batch.query, batch.first, batch.second)
        batches += 1
    chosen = [
        chosen_of(pilot, k, seed) for pilot in (cells.full, cells.heard(cells.asked), cells.heard(_even(cells, seed)))
    ]
    full, sequential, even = (board_of(world, queries) for queries in chosen)
    faulty = float(np.mean(world.discrimination[chosen[1]] <= 0))
    share = float(cells.asked.sum() / (cells.asked.size * JUDGES))
    return Piloted(seed, share, batches, full, sequential, even, faulty)


def _even(cells: Cells, seed: int) -> IntArray:
    """As many cells, spread evenly over queries and, by lot, over pairs."""
    queries, pairs = cells.asked.shape
    each = round(int(cells.asked.sum()) / queries)
    whole, rest = divmod(each, pairs)
    order = np.random.default_rng([seed, 9]).permuted(np.tile(np.arange(pairs), (queries, 1)), axis=1)
    return np.asarray(whole + (order < rest), dtype=np.int64)


def chosen_of(pilot: PilotVotes, k: int, seed: int) -> IntArray:
    """Queries that `telling` chooses by a pilot."""
    names = select(pilot, method="telling", k=k, seed=seed).queries
    return np.flatnonzero(np.isin(pilot.pool.queries, names))


def board_of(world: PoolWorld, queries: IntArray) -> float:
    """Spearman of the tested models' board on some queries with the truth."""
    strengths = fit(world.test(queries, VOTES), FitSettings(weighting=UNIFORM)).strengths
    return float(spearmanr(strengths, world.truth[tested_of(0)]).statistic)
