"""An arena of a jury as it grows, and arenas of its rivals that grow as fast. Pure.

A rival inserts nobody. To be asked how well it places newcomers, it is given an arena that grows as the jury's did: who
settled together there comes in together here, and brings as many judge calls as the jury had spent on everything by
then. They are spent by the rival's rule over all models that are present, judges and queries uniform, in
`BATCHES` a wave, each on the board so far; the board after the last is that on which newcomers have their ranks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dearena.scoring import FitSettings
from dearena.scoring.arrays import IntArray
from dearena.trials.arena import Arena
from dearena.trials.mass import Mass
from dearena.trials.measures import agreement, rank_error, true_rank
from dearena.trials.rivals import CALLS_A_CELL, NEAR, Asked
from dearena.trials.simulation import Simulation, cohorts, entrance
from dearena.trials.world import Planted

ENTRANCE_LOTS: Final = 2
"""Beside the world's seed: the order of entrance is that of `simulate`."""
GROWTH_LOTS: Final = 4
"""Beside the world's seed: what rivals ask in growing arenas."""
BATCHES: Final = 4
"""Of `near` in each wave; where newcomers stand is not known in the first, nor to the rival otherwise."""

MOST_IN_VAIN: Final = 20
"""Draws in a row that bring nothing new, before pairs are looked for further apart."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A model at its own settle.

    Attributes:
        rank_error: places between its rank and where it belongs by the truth, among those ranked then.
        covered: whether it belongs within the interval told with its rank, among those ranked then; None where none
            was told.
        covered_before: likewise among those who were ranked before: who settled with it was not known to it.
        width: of that interval, in places; 1 is a single place.
        rounds, judge_calls: that its insertion took.
        ranked: models on the ranking then.
    """

    rank_error: int
    covered: bool | None
    covered_before: bool | None
    width: int
    rounds: int
    judge_calls: int
    ranked: int


@dataclass(frozen=True, slots=True)
class Wave:
    """Models that settled together.

    Attributes:
        models: their places among the world's models.
        present: likewise of all that were ranked then, themselves included.
        judge_calls: of the whole arena by then.
    """

    models: tuple[int, ...]
    present: tuple[int, ...]
    judge_calls: int


@dataclass(frozen=True, slots=True)
class Played:
    """An arena from its first model to its last, and its refinement.

    Attributes:
        judge_calls: in all.
        spearman, kendall: of its last board with the truth.
        digest: of that board.
    """

    judge_calls: int
    spearman: float
    kendall: float
    digest: str
    newcomers: tuple[Newcomer, ...]
    waves: tuple[Wave, ...]


def play(simulation: Simulation) -> Played:
    """What `simulate` plays, with what was told at every settle."""
    world = Planted.economy(simulation.seed, simulation.models, simulation.queries, simulation.hostility)
    entering = entrance(simulation, world, np.random.default_rng([simulation.seed, ENTRANCE_LOTS]))
    arena = Arena(world, simulation.rules, cohorts(entering, simulation.at_once), simulation.fitted)
    place = {model: number for number, model in enumerate(world.models)}
    newcomers: list[Newcomer] = []
    waves: list[Wave] = []

    def told(played: Arena) -> None:
        settled = played.inserted[len(newcomers) :]
        if settled:
            present = tuple(place[model] for model in settled[0].ranking)
            waves.append(Wave(tuple(place[one.model] for one in settled), present, played.judge_calls))
        beside = {one.model for one in settled}
        for one in settled:
            interval = played.state.insertions[one.model].interval
            before = [model for model in one.ranking if model not in beside]
            newcomers.append(
                Newcomer(
                    rank_error(one.model, one.ranking, world.truth),
                    _lies(true_rank(one.model, one.ranking, world.truth), interval),
                    _lies(true_rank(one.model, before, world.truth), interval),
                    interval[1] - interval[0] + 1 if interval else 0,
                    one.rounds,
                    one.judge_calls,
                    len(one.ranking),
                )
            )

    arena.run(told)
    if simulation.calls:
        arena.refine(simulation.calls - arena.judge_calls)
    board = arena.made.board
    found = agreement({row.model: row.strength for row in board.rows}, world.truth)
    return Played(arena.judge_calls, found.spearman, found.kendall, board.digest, tuple(newcomers), tuple(waves))


def _lies(rank: int, interval: tuple[int, int] | None) -> bool | None:
    return interval[0] <= rank <= interval[1] if interval else None


def errors_in_growing_arena(world: Planted, rival: str, settings: FitSettings, waves: Sequence[Wave]) -> list[int]:
    """Rank errors of newcomers, each on the board on which it comes in, of the rival `random` or `near`."""
    mass, lots = Mass(world), np.random.default_rng([world.seed, GROWTH_LOTS])
    arena = _Growing(mass, settings, lots)
    errors = []
    for wave in waves:
        present = np.sort(np.array(wave.present))
        arena.spend(wave.judge_calls // CALLS_A_CELL, present, NEAR if rival == "near" else len(present))
        ranking = [world.models[number] for number in arena.ranking(present)]
        errors += [rank_error(world.models[number], ranking, world.truth) for number in wave.models]
    return errors


class _Growing:
    """What a rival has asked of the models that are present."""

    def __init__(self, mass: Mass, settings: FitSettings, lots: np.random.Generator) -> None:
        self._mass, self._settings, self._lots = mass, settings, lots
        self._asked = Asked(mass)
        self._known: set[tuple[int, int, int, int]] = set()

    def ranking(self, present: IntArray) -> IntArray:
        """Best first."""
        return self._asked.board(self._settings).best_first(present)

    def spend(self, cells: int, present: IntArray, reach: int) -> None:
        """Ask until so many cells have been asked in all, of pairs within so many ranks."""
        wide = reach >= len(present)
        for end in np.linspace(len(self._asked), cells, 2 if wide else BATCHES + 1).astype(int)[1:].tolist():
            order = present if wide or not len(self._asked) else self.ranking(present)
            wanted, vain = reach, 0
            while len(self._asked) < end:
                vain = 0 if self._draw(end - len(self._asked), order, wanted) else vain + 1
                if vain > MOST_IN_VAIN:
                    # Near models have hardly anything left to be asked.
                    if wanted >= len(present):
                        raise ValueError(f"{len(present)} models have hardly {cells} cells")
                    wanted, vain = 2 * wanted, 0

    def _draw(self, count: int, order: IntArray, reach: int) -> bool:
        """Ask up to so many cells; whether any was new."""
        models = len(order)
        place = self._lots.integers(0, models, count)
        low, high = np.maximum(place - reach, 0), np.minimum(place + reach, models - 1)
        partner = low + self._lots.integers(0, high - low)
        partner += partner >= place
        one, other, judge = order[place], order[partner], order[self._lots.integers(0, models, count)]
        query = self._lots.integers(0, len(self._mass.queries), count)
        drawn = np.stack([judge, np.minimum(one, other), np.maximum(one, other), query], axis=1)
        new = []
        for cell in map(tuple, drawn[(judge != one) & (judge != other)].tolist()):
            if cell not in self._known:
                self._known.add(cell)
                new.append(cell)
        if new:
            self._asked.ask(*np.array(new).T)
        return bool(new)
