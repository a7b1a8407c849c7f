"""How well a jury and its rivals rank for the same judge calls, in the same worlds; and what an insertion takes. Pure.

At each number of calls a rival is taken at the weighting that becomes it better, and the better of the rivals is the
one to beat: the one of the highest mean over these very worlds, which flatters it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import numpy as np
from rich.table import Table

from benchmarks.jury_arenas import Newcomer, Played, errors_in_growing_arena, play
from benchmarks.jury_figures import Mean, table
from dearena.trials.simulation import Simulated, Simulation, simulate
from dearena.trials.world import Planted

MODELS: Final = 66
QUERIES: Final = 40
CALLS: Final = (8_000, 16_000, 31_000, 79_000)
JURY: Final = "sequential"
FULL: Final = "full"
RULES: Final = ("random", "near")
RIVALS: Final = tuple(product(RULES, ("score", "uniform")))
WITHIN: Final = {31_000: 0.005, 79_000: 0.003}
"""Of the full round-robin's Spearman, at so many calls."""
BEARABLE_ROUNDS: Final = 16
"""Of an insertion, in the median."""

Rival = tuple[str, str]
"""Its rule and the weighting of its boards."""


@dataclass(frozen=True, slots=True)
class World:
    """One world at one number of calls, by the jury and by each rival.

    Attributes:
        settle_errors: rank errors of newcomers in the arenas of rivals that grow as the jury's does.
    """

    seed: int
    calls: int
    ours: Played
    rivals: Mapping[Rival, Simulated]
    settle_errors: Mapping[Rival, Sequence[int]]


def _simulation(seed: int, jury: str, calls: int = 0, weighting: str = "score") -> Simulation:
    return Simulation(models=MODELS, queries=QUERIES, seed=seed, jury=jury, calls=calls, weighting=weighting)


def of_world(setting: tuple[int, int]) -> World:
    """Play the world of a (seed, calls)."""
    seed, calls = setting
    ours = play(_simulation(seed, JURY, calls))
    planted = Planted.economy(seed, MODELS, QUERIES)
    simulations = {rival: _simulation(seed, rival[0], calls, rival[1]) for rival in RIVALS}
    return World(
        seed,
        calls,
        ours,
        {rival: simulate(one) for rival, one in simulations.items()},
        {
            rival: errors_in_growing_arena(planted, rival[0], one.fitted, ours.waves)
            for rival, one in simulations.items()
        },
    )


def without_target(seed: int) -> Played:
    """As many calls as the jury finds right."""
    return play(_simulation(seed, JURY))


def full_round_robin(seed: int) -> Simulated:
    """Every judge outside every pair, on every query."""
    return simulate(_simulation(seed, FULL))


@dataclass(frozen=True, slots=True)
class Level:
    """All worlds at one number of calls, and the full round-robin of the same worlds."""

    calls: int
    worlds: Sequence[World]
    full: Sequence[Simulated]

    def ours(self, figure: str) -> list[float]:
        """A figure of the jury, by world."""
        return [getattr(world.ours, figure) for world in self.worlds]

    def rival(self, rival: Rival, figure: str) -> list[float]:
        """Likewise of a rival."""
        return [getattr(world.rivals[rival], figure) for world in self.worlds]

    def better(self, figure: str) -> Rival:
        """The rival to beat."""
        return max(RIVALS, key=lambda rival: np.mean(self.rival(rival, figure)))

    def lead(self, figure: str) -> list[float]:
        """The jury's figure less that of the better rival, by world."""
        return _less(self.ours(figure), self.rival(self.better(figure), figure))

    def behind_full(self) -> list[float]:
        """The Spearman of the full round-robin less the jury's, by world."""
        return _less([one.spearman for one in self.full], self.ours("spearman"))

    def settle_error(self) -> list[float]:
        """The mean rank error of the jury's newcomers, by world."""
        return [float(np.mean([one.rank_error for one in world.ours.newcomers])) for world in self.worlds]

    def settle_error_of(self, rival: Rival) -> list[float]:
        """Likewise of a rival."""
        return [float(np.mean(world.settle_errors[rival])) for world in self.worlds]

    def figures(self) -> dict[str, Any]:
        """As data."""
        newcomers = [one for world in self.worlds for one in world.ours.newcomers]
        best = min(RIVALS, key=lambda rival: np.mean(self.settle_error_of(rival)))
        return {
            "calls": self.calls,
            "most_judge_calls": max(self.ours("judge_calls")),
            "spearman": Mean.of(self.ours("spearman")),
            "kendall": Mean.of(self.ours("kendall")),
            "rivals": {
                " ".join(rival): {
                    "spearman": Mean.of(self.rival(rival, "spearman")),
                    "kendall": Mean.of(self.rival(rival, "kendall")),
                    "settle_error": Mean.of(self.settle_error_of(rival)),
                }
                for rival in RIVALS
            },
            "better": {figure: " ".join(self.better(figure)) for figure in ("spearman", "kendall")},
            "leads": {figure: self.lead(figure) for figure in ("spearman", "kendall")},
            "lead": {figure: Mean.of(self.lead(figure)) for figure in ("spearman", "kendall")},
            "behind_full": Mean.of(self.behind_full()),
            "settle_error": Mean.of(self.settle_error()),
            "settle_rival": " ".join(best),
            "settle_lead": Mean.of(_less(self.settle_error_of(best), self.settle_error())),
            **taken(newcomers, [world.ours for world in self.worlds]),
        }


def levels(worlds: Iterable[World], full: Sequence[Simulated]) -> list[Level]:
    """By number of calls, worlds by seed; `full` by seed likewise."""
    by_calls: dict[int, list[World]] = {}
    for world in sorted(worlds, key=lambda one: (one.calls, one.seed)):
        by_calls.setdefault(world.calls, []).append(world)
    return [Level(calls, some, full) for calls, some in by_calls.items()]


def overall(found: Sequence[Level]) -> dict[str, Mean]:
    """The lead over the better rival, mean over the numbers of calls."""
    return {
        figure: Mean.of(np.mean([level.lead(figure) for level in found], axis=0).tolist())
        for figure in ("spearman", "kendall")
    }


def taken(newcomers: Sequence[Newcomer], arenas: Sequence[Played]) -> dict[str, Any]:
    """What insertions took, and how well the interval told at settle covers: a share a world, then over worlds."""
    rounds = np.array([one.rounds for one in newcomers])

    def covered(told: Callable[[Newcomer], bool | None]) -> Mean:
        return Mean.of(
            [float(np.mean([said for one in arena.newcomers if (said := told(one)) is not None])) for arena in arenas]
        )

    return {
        "insertions": len(newcomers),
        "rounds": {
            "median": float(np.median(rounds)),
            "p90": float(np.quantile(rounds, 0.9, method="higher")),
            "most": int(rounds.max()),
        },
        "calls_per_insertion": Mean.of(
            [float(np.mean([one.judge_calls for one in arena.newcomers])) for arena in arenas]
        ),
        "covered": covered(lambda one: one.covered),
        "covered_before": covered(lambda one: one.covered_before),
        "width": Mean.of([float(np.mean([one.width for one in arena.newcomers])) for arena in arenas]),
    }


def tables(found: Sequence[Level]) -> list[Table]:
    """For people."""
    worlds = found[0].worlds
    where = f"{MODELS} models, {QUERIES} queries, {len(worlds)} worlds, seeds {worlds[0].seed} to {worlds[-1].seed}"
    return [
        _correlations(f"Spearman with the truth: {where}", found, "spearman"),
        _correlations("Kendall, likewise", found, "kendall"),
        _leads(found),
        _at_settle(found),
        _insertions(found),
    ]


def without_targets(arenas: Sequence[Played]) -> dict[str, Any]:
    """Of arenas that spent what the jury found right."""
    newcomers = [one for arena in arenas for one in arena.newcomers]
    return {
        "judge_calls": Mean.of([arena.judge_calls for arena in arenas]),
        "spearman": Mean.of([arena.spearman for arena in arenas]),
        "kendall": Mean.of([arena.kendall for arena in arenas]),
        "settle_error": Mean.of([float(np.mean([one.rank_error for one in arena.newcomers])) for arena in arenas]),
        **taken(newcomers, arenas),
    }


def tables_without_targets(figures: Mapping[str, Any], seeds: Sequence[int]) -> list[Table]:
    """For people."""
    where = f"{MODELS} models, {QUERIES} queries, {len(seeds)} worlds, seeds {seeds[0]} to {seeds[-1]}"
    made = table(
        f"Without a number of calls: {where}",
        "settle error: places by which newcomers are off at their own settle",
        *("jury", "judge calls", "Spearman", "Kendall", "settle error", "median rounds", "allowed"),
    )
    made.add_row(
        JURY,
        figures["judge_calls"].shown(0),
        figures["spearman"].shown(4),
        figures["kendall"].shown(4),
        figures["settle_error"].shown(2),
        f"{figures['rounds']['median']:g}",
        f"{BEARABLE_ROUNDS}",
    )
    return [made, insertions_table({"as found right": figures})]


def _correlations(title: str, found: Sequence[Level], figure: str) -> Table:
    made = table(
        title, "±: one standard error over worlds", "spending", "weights", *(f"{one.calls:,}" for one in found), names=2
    )
    made.add_row("sequential jury", "score", *(Mean.of(one.ours(figure)).shown(4) for one in found), style="bold")
    for rival in RIVALS:
        made.add_row(*rival, *(Mean.of(one.rival(rival, figure)).shown(4) for one in found))
    whole = Mean.of([getattr(one, figure) for one in found[0].full]).shown(4)
    made.add_row(f"full, {found[0].full[0].judge_calls:,} calls", "score", *(whole for _ in found))
    return made


def _leads(found: Sequence[Level]) -> Table:
    made = table(
        "Lead of the sequential jury, by world",
        "over the better rival; behind full: its Spearman less the jury's",
        *("calls", "at most made", "rival", "Spearman", "rival", "Kendall", "behind full", "allowed"),
    )
    for one in found:
        figures = one.figures()
        allowed = WITHIN.get(one.calls)
        made.add_row(
            f"{one.calls:,}",
            f"{figures['most_judge_calls']:,}",
            figures["better"]["spearman"],
            figures["lead"]["spearman"].shown(4, sign=True),
            figures["better"]["kendall"],
            figures["lead"]["kendall"].shown(4, sign=True),
            figures["behind_full"].shown(4, sign=True),
            f"{allowed:g}" if allowed else "",
        )
    mean = overall(found)
    made.add_row("mean", "", "", mean["spearman"].shown(4, sign=True), "", mean["kendall"].shown(4, sign=True), "", "")
    return made


def _at_settle(found: Sequence[Level]) -> Table:
    made = table(
        "Rank error of newcomers at their own settle, in places",
        "rivals: in arenas that grow as the jury's, for the same calls; lead: less than the better rival's",
        *("calls", "sequential jury", *(f"{rule}, {weighting}" for rule, weighting in RIVALS), "lead"),
    )
    for one in found:
        figures = one.figures()
        made.add_row(
            f"{one.calls:,}",
            figures["settle_error"].shown(2),
            *(Mean.of(one.settle_error_of(rival)).shown(2) for rival in RIVALS),
            figures["settle_lead"].shown(2, sign=True),
        )
    return made


def _insertions(found: Sequence[Level]) -> Table:
    return insertions_table({f"{one.calls:,}": one.figures() for one in found})


def insertions_table(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """Of `taken`, by what was to be spent."""
    made = table(
        "Insertions by the sequential jury",
        "covered: the true rank lies within the 95 % interval told at settle, among all ranked then;\n"
        "before: among those ranked before, of whom alone it tells; width: places of the interval",
        *("calls", "insertions", "rounds: median", "90 %", "most", "calls each", "covered %", "before %", "width"),
    )
    for name, one in figures.items():
        rounds = one["rounds"]
        made.add_row(
            name,
            f"{one['insertions']:,}",
            *(f"{rounds[key]:g}" for key in ("median", "p90", "most")),
            one["calls_per_insertion"].shown(0),
            one["covered"].percent(),
            one["covered_before"].percent(),
            one["width"].shown(1),
        )
    return made


def _less(these: Sequence[float], those: Sequence[float]) -> list[float]:
    return [this - that for this, that in zip(these, those, strict=True)]
