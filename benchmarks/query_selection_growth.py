"""What growing does for a pilot: a first part of the pool and more of it where that pays, beside one fixed part.

In a world of `query_selection_world` the pilot's ten models are compared within so many cells, as
`dearena.selection.allocation` asks. The fixed pilot looks at 12 queries for each of the k from the start; the growing
one begins with half of them and goes on as `dearena.selection.growth` says, up to the whole pool. Each part is begun as
in the arena: its models are ranked at first, by cells that fall on its queries by lot. `telling` chooses by each, and
the 20 other models are ranked on all choices. What was seen in a former part is not asked about again. A third pilot
has the first part of the growing one and never looks beyond it: it tells what further parts add.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from benchmarks.query_selection_pilots import Cells, board_of, chosen_of
from benchmarks.query_selection_world import JUDGES, PILOT_MODELS, PoolWorld, Reading, pool_world
from dearena.scoring.arrays import IntArray
from dearena.selection.allocation import FIRST_QUERIES_A_PLACE, PilotPlan, look_of, next_batch
from dearena.selection.growth import first_part, worth_of
from dearena.selection.lots import drawn

ORDERS: Final = 8
"""Batches of a pilot, about."""
CELLS_A_PAIR: Final = (4, 40)
"""For ranking the models of a part at first: at least, and at most."""
PAIRS: Final = PILOT_MODELS * (PILOT_MODELS - 1) // 2


@dataclass(frozen=True, slots=True)
class Side:
    """One pilot of a world.

    Attributes:
        queries: looked at in the end, in so many `parts`.
        cells: asked.
        spearman: of the tested models' board with the truth.
        slope: mean discrimination of what was chosen.
    """

    queries: int
    parts: int
    cells: int
    spearman: float
    slope: float


@dataclass(frozen=True, slots=True)
class Grown:
    """One world, pilots within equal budgets; `first` never looks beyond the first part of the growing one."""

    seed: int
    fixed: Side
    first: Side
    growing: Side


@dataclass
class Run:
    """A pilot under way."""

    cells: Cells
    k: int
    budget: int
    seed: int
    looked: int = 0
    parts: list[int] = field(default_factory=list)

    def begin(self, part: int, share: float) -> None:
        """Rank the models on the next queries by lot, with a share of the cells at most."""
        names = self.cells.full.pool.queries
        rows = drawn(names, self.seed)[self.looked : self.looked + part]
        least, most = CELLS_A_PAIR
        each = min(max(int(share * self.budget) // PAIRS, least), most)
        lot = np.random.default_rng([self.seed, 11, self.looked])
        for pair in range(PAIRS):
            np.add.at(self.asked[:, pair], lot.permutation(np.resize(lot.permutation(rows), each)), 1)
        np.minimum(self.asked, JUDGES, out=self.asked)
        self.looked += part
        self.parts.append(part)

    @property
    def asked(self) -> IntArray:
        """Cells, by query and pair."""
        return self.cells.asked

    @property
    def left(self) -> int:
        """Cells."""
        return self.budget - int(self.asked.sum())

    def play(self, most: int) -> None:
        """Until nothing is open, or no cell left; `most` queries may be looked at."""
        look = look_of(PILOT_MODELS, JUDGES)
        while True:
            plan = PilotPlan(self.k, self.budget, JUDGES, max(-(-self.budget // ORDERS), look), self.seed, self.looked)
            heard = self.cells.heard(self.asked)
            rows = drawn(heard.pool.queries, self.seed)[: self.looked]
            closed = np.isin(np.arange(len(heard.pool)), rows[: self.looked - self.parts[-1]])
            batch = next_batch(heard, self.asked, plan, closed=closed)
            if self.asked[rows].sum(axis=1).all() and most > self.looked:
                worth = worth_of(heard, batch, plan, left=self.left, unseen=most - self.looked, part=self.parts[0])
                if worth.grows:
                    self.begin(worth.queries, look * worth.queries / self.budget)
                    continue
            if batch.done:
                return
            self.cells.ask(batch.query, batch.first, batch.second)


def cells_of(k: int, looks: int) -> int:
    """Cells of so many looks at each query of a fixed pilot for k; where no limit is named, the arena grants one."""
    return looks * look_of(PILOT_MODELS, JUDGES) * FIRST_QUERIES_A_PLACE * k


def grown(job: tuple[int, Reading, int, int]) -> Grown:
    """Seed, reading, number of queries wanted, cells."""
    seed, reading, k, budget = job
    world = pool_world(seed, reading)
    pool = len(world.queries)
    even = min(FIRST_QUERIES_A_PLACE * k, pool)
    part = first_part(k, pool)
    fixed = _played(world, k, budget, part=even, most=even)
    growing = _played(world, k, budget, part=part, most=pool)
    # The same where it never grew.
    first = growing if growing.parts == 1 else _played(world, k, budget, part=part, most=part)
    return Grown(seed, fixed, first, growing)


def _played(world: PoolWorld, k: int, budget: int, *, part: int, most: int) -> Side:
    """A pilot that begins with a part of the pool and looks at so many queries at most."""
    run = Run(Cells(world), k, budget, world.seed)
    run.begin(part, 0.5)
    run.play(most)
    chosen = chosen_of(run.cells.heard(run.asked), k, world.seed)
    slope = float(np.mean(world.discrimination[chosen]))
    return Side(run.looked, len(run.parts), int(run.asked.sum()), board_of(world, chosen), slope)
