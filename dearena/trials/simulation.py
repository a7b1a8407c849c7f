"""One arena in a planted world, by a jury or a rival of it: what it asked, and how near it came to the truth. Pure.

Everything follows from the settings: the same settings give the same figures.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, median
from typing import Any, Final

import numpy as np

from dearena.faults import InvalidField
from dearena.ranking.defaults import DEFAULT_SEED_MODELS
from dearena.ranking.rules import Rules
from dearena.scoring import FitSettings
from dearena.trials import rivals
from dearena.trials.arena import Arena, Inserted, in_cohorts
from dearena.trials.makers import makers
from dearena.trials.mass import Mass
from dearena.trials.measures import agreement, rank_error
from dearena.trials.world import HONEST, Hostility, Planted

RIVALS: Final = ("random", "near", "makers", "full")
_BY_CALLS: Final = ("random", "near")
_WITHOUT_CALLS: Final = ("exhaustive", "makers", "full")
SHARE_OF_INSERTIONS: Final = 0.4
"""Of the calls: more places newcomers better at once, less leaves more for where the whole board needs it."""
LEAST_TARGET: Final = 8
"""Calls of an insertion, as a dimension may set them."""
_CHOICES: Final = 2
"""Beside the world's seed: keeps the order of entrance, and a rival's choices, apart from the lots of verdicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What is simulated.

    Attributes:
        models, queries: how many; at least one more model than seeds.
        seed: of the world, the order of entrance and whatever a rival leaves to chance.
        jury: a jury of the rules, or one of `RIVALS`.
        calls: judge calls to spend in all; 0: as many as the jury finds right.
        weighting: how judges weigh.
        hostility: of the judges.
        at_once: newcomers that enter together; 0: all are registered at once, and as many enter as the rules let in.
        shuffled: whether the models enter in a random order; else in that of their names.
        salt: of a jury: other salts draw other cells; of a dimension of real services, its name.

    Raises:
        InvalidField: one of them is none of the values it may have.
    """

    models: int
    queries: int
    seed: int
    jury: str
    calls: int = 0
    weighting: str = "score"
    hostility: Hostility = HONEST
    at_once: int = 0
    shuffled: bool = True
    salt: str = ""

    def __post_init__(self) -> None:
        if self.models <= DEFAULT_SEED_MODELS:
            raise InvalidField.of("models", f"{DEFAULT_SEED_MODELS} are seeds: it takes one more at least")
        if self.queries < 1:
            raise InvalidField.of("queries", "is 1 or more")
        for name in ("seed", "calls", "at_once"):
            if getattr(self, name) < 0:
                raise InvalidField.of(name, "is not negative")
        if self.jury in _BY_CALLS and self.calls < rivals.REFITS:
            raise InvalidField.of("calls", f"{self.jury} spends what it is given: at least {rivals.REFITS} calls")
        if self.jury in _WITHOUT_CALLS and self.calls:
            raise InvalidField.of("calls", f"{self.jury} asks what it asks, and cannot be given a number of calls")
        if self.jury not in RIVALS:
            self.rules.policy()

    @property
    def fitted(self) -> FitSettings:
        """How boards are fitted; raises InvalidField for a weighting that is none."""
        return FitSettings(weighting=self.weighting)

    @property
    def rules(self) -> Rules:
        """Of a jury's dimension: a share of the calls goes evenly to insertions, the rest refines the board."""
        target = max(int(SHARE_OF_INSERTIONS * self.calls / self.models), LEAST_TARGET) if self.calls else 0
        return Rules(jury=self.jury, weighting=self.weighting, target_calls=target)

    def echo(self) -> dict[str, Any]:
        """As plain data."""
        plain = asdict(self)
        hostility = plain.pop("hostility")
        return plain | {"hostile": f"{hostility['character']}:{hostility['rate']}"}


@dataclass(frozen=True, slots=True)
class Placed:
    """A newcomer at its own settle.

    Attributes:
        model: its slug.
        ranked: models on the ranking then.
        rank: its own, 1 is best.
        rank_error: places between it and where it belongs by the truth.
        rounds: that its insertion took.
        judge_calls: likewise.
    """

    model: str
    ranked: int
    rank: int
    rank_error: int
    rounds: int
    judge_calls: int


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of it.

    Attributes:
        judge_calls: in all.
        fraction: of the calls of the full round-robin.
        spearman, kendall: rank correlation of the last board with the truth.
        rank_error: places by which models of the last board are off, mean.
        rounds_per_insertion: median; None where nobody is inserted.
        rank_error_at_settle: of newcomers at their own settle, mean; likewise.
        order: slugs on the last board, best first.
        true_order: likewise by the truth.
        insertions: in the order of settle.
        board_digest: of the last board; empty of a rival, whose board has no intervals.
        settings: what was simulated.
    """

    judge_calls: int
    fraction: float
    spearman: float
    kendall: float
    rank_error: float
    rounds_per_insertion: float | None
    rank_error_at_settle: float | None
    order: tuple[str, ...]
    true_order: tuple[str, ...]
    insertions: tuple[Placed, ...]
    board_digest: str
    settings: Mapping[str, Any] = field(default_factory=dict)


Told = Callable[[int, int], None]
"""Told how many models have their place, of how many."""


def _untold(_placed: int, _models: int) -> None:
    """Nobody wants to know."""


def simulate(simulation: Simulation, told: Told = _untold) -> Simulated:
    """Play it to its end.

    Raises:
        InvalidField: there are not so many cells as calls ask, or too many for the memory.
        Stuck: somebody cannot have a place, since nobody may judge it.
    """
    world = Planted.economy(simulation.seed, simulation.models, simulation.queries, simulation.hostility)
    lots = np.random.default_rng([simulation.seed, _CHOICES])
    if simulation.jury in RIVALS:
        return _of_rival(simulation, world, _spent(simulation, Mass(world), lots))
    arena = Arena(
        world,
        simulation.rules,
        cohorts(entrance(simulation, world, lots), simulation.at_once),
        simulation.fitted,
        simulation.salt,
    )
    arena.run(lambda played: told(len(played.state.ranking), simulation.models))
    if simulation.calls:
        arena.refine(simulation.calls - arena.judge_calls)
    strengths = {row.model: row.strength for row in arena.made.board.rows}
    placed = [_placed(inserted, world.truth) for inserted in arena.inserted]
    return _simulated(simulation, world, strengths, arena.judge_calls, placed, arena.made.board.digest)


def cohorts(entering: Sequence[str], at_once: int) -> list[tuple[str, ...]]:
    """Who is registered with whom."""
    return in_cohorts(entering, DEFAULT_SEED_MODELS, at_once) if at_once else [tuple(entering)]


def entrance(simulation: Simulation, world: Planted, lots: np.random.Generator) -> list[str]:
    """Revisions in the order in which they enter."""
    if not simulation.shuffled:
        return list(world.models)
    return [world.models[place] for place in lots.permutation(len(world.models)).tolist()]


def _spent(simulation: Simulation, mass: Mass, lots: np.random.Generator) -> rivals.Spent:
    match simulation.jury:
        case "random":
            return rivals.random(mass, simulation.calls, simulation.fitted, lots)
        case "near":
            return rivals.near(mass, simulation.calls, simulation.fitted, lots)
        case "full":
            return rivals.full(mass, simulation.fitted)
        case _:
            models = np.arange(simulation.models)
            return makers(mass, simulation.fitted, lots.permutation(models) if simulation.shuffled else models)


def _of_rival(simulation: Simulation, world: Planted, spent: rivals.Spent) -> Simulated:
    def inserted(one: rivals.Placed) -> Inserted:
        ranking = tuple(world.models[place] for place in one.ranking)
        model = world.models[one.model]
        return Inserted(model, one.rounds, rivals.CALLS_A_CELL * one.cells, ranking.index(model) + 1, ranking)

    strengths = dict(zip(world.models, spent.board.strengths.tolist(), strict=True))
    placed = [_placed(inserted(one), world.truth) for one in spent.placed]
    return _simulated(simulation, world, strengths, spent.judge_calls, placed, "")


def _placed(inserted: Inserted, truth: Mapping[str, float]) -> Placed:
    return Placed(
        model=_slug(inserted.model),
        ranked=len(inserted.ranking),
        rank=inserted.rank,
        rank_error=rank_error(inserted.model, inserted.ranking, truth),
        rounds=inserted.rounds,
        judge_calls=inserted.judge_calls,
    )


def _simulated(
    simulation: Simulation,
    world: Planted,
    strengths: Mapping[str, float],
    judge_calls: int,
    placed: Sequence[Placed],
    digest: str,
) -> Simulated:
    found = agreement(strengths, world.truth)
    order = sorted(strengths, key=lambda model: -strengths[model])
    true_order = sorted(world.models, key=lambda model: -world.truth[model])
    return Simulated(
        judge_calls=judge_calls,
        fraction=judge_calls / rivals.most_calls(simulation.models, simulation.queries),
        spearman=found.spearman,
        kendall=found.kendall,
        rank_error=fmean(rank_error(model, order, world.truth) for model in order),
        rounds_per_insertion=median(one.rounds for one in placed) if placed else None,
        rank_error_at_settle=fmean(one.rank_error for one in placed) if placed else None,
        order=tuple(map(_slug, order)),
        true_order=tuple(map(_slug, true_order)),
        insertions=tuple(placed),
        board_digest=digest,
        settings=simulation.echo(),
    )


def _slug(model: str) -> str:
    return model.rpartition("@")[0]
