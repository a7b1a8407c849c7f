"""Both seat orders beside a single one, at equal judge calls, where judges lean to the first seat.

    python benchmarks/single_seats.py [--worlds 200] [--first-seed 0] [--calls 40] [--json]

Worlds are those of `worlds.coverage_world` with outside judges. Each judge adds a lean of its own to the log-odds of
whoever sits first, normal around the planted effect with deviation `LEAN_DEVIATION`. Every pair gets the same number
of judge calls. Four ways to spend and to read them:

- both: half as many cells, each in both orders; cells whose orders disagree are flips, and left out;
- left: a cell a call, the seat drawn by lot, and the fit knows nothing of seats;
- corrected: the same votes, one effect of the first seat fitted for all judges (what the scorer does);
- by judge: the same votes, and besides that effect one for each judge, shrunk to it by the planted deviation.

Each is held against the truth: Spearman with the skills; the root mean square error of strengths against skills, both
brought to deviation 1, since the log-odds of two looks that agree are steeper than those of one; and for the scorer's
intervals (which `by judge` has none of) how often 95 % cover theta*: what the same way of reading would give over
ever more queries and judges with seats drawn evenly, by quadrature and without a prior on strengths. The lot may fall
unevenly: then the first model of a pair sits first in `UNEVEN` of its cells.

Figures are means over worlds, with their Monte Carlo errors. Writes nothing.
"""

import os

# Read when numpy is loaded: one thread, as everywhere a fit is made.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import json  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from itertools import combinations  # noqa: E402
from typing import Annotated, Final  # noqa: E402

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
import typer  # noqa: E402
from rich import box  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from scipy.special import expit  # noqa: E402
from scipy.stats import spearmanr  # noqa: E402

from benchmarks.worlds import (  # noqa: E402
    ANSWER_DEVIATION,
    Bench,
    CoverageWorld,
    FloatArray,
    coverage_world,
    log_sharpness_of,
)
from dearena.scoring import Fit, FitSettings, Votes, fit  # noqa: E402
from dearena.scoring.arrays import IntArray  # noqa: E402
from dearena.scoring.cells import Cells  # noqa: E402
from dearena.scoring.first_seat import LEAVE  # noqa: E402
from dearena.scoring.seats import of_one_look  # noqa: E402
from dearena.scoring.strengths import fit_strengths  # noqa: E402
from dearena.scoring.weightings import UNIFORM  # noqa: E402

EFFECTS: Final = (0.0, 0.5, 1.0)
"""Mean of the judges' leans, in log-odds: of two equal answers the first is preferred in 50, 62 and 73 %."""

LEAN_DEVIATION: Final = 0.3
UNEVEN: Final = 0.75
WIDE: Final = 100.0
"""Deviation of a prior on strengths, in log-odds, that is as good as none."""
NODES: Final = 24
CORRECTED: Final = FitSettings(weighting=UNIFORM)
LEFT: Final = FitSettings(weighting=UNIFORM, first_seat=LEAVE)
WAYS: Final = ("both", "left", "corrected", "by judge")


@dataclass(frozen=True, slots=True)
class Looks:
    """Cells with what each judge says in both orders, of which a way of spending hears one or two.

    Attributes:
        first_wins: whether the pair's first model is preferred when it sits first, and when it sits second;
            shape (cells, 2).
        order: 0 where a single look has the first model in the first seat, 1 where it has the second.
    """

    first: IntArray
    second: IntArray
    query: IntArray
    judge: IntArray
    first_wins: FloatArray
    order: IntArray


def looks(world: CoverageWorld, effect: float, share: float, cells_a_pair: int) -> Looks:
    """As many cells of each pair, over queries and judges drawn without repetition."""
    planted = world.votes(cells_a_pair)
    chance = np.random.default_rng([world.seed, round(100 * effect), round(100 * share), 7])
    lean = effect + LEAN_DEVIATION * chance.standard_normal(len(world.sharpness))
    appeal = world.skill[:, None] + world.answer_effect
    first, second, query, judge = (
        column.astype(np.int64) for column in (planted.first, planted.second, planted.query, planted.judge)
    )
    difference = world.sharpness[judge] * (appeal[first, query] - appeal[second, query])
    odds = difference[:, None] + lean[judge][:, None] * np.array([1.0, -1.0])
    return Looks(
        first,
        second,
        query,
        judge,
        (chance.random(odds.shape) < expit(odds)).astype(np.float64),
        np.where(chance.random(len(first)) < share, 0, 1),
    )


def votes_of(
    world: CoverageWorld, said: Looks, chosen: IntArray, outcome: npt.ArrayLike, seats: npt.ArrayLike
) -> Votes:
    """Cells as the scorer takes them."""
    return Votes.of_codes(
        models=[f"model-{number:02d}" for number in range(len(world.skill))],
        judges=[f"judge-{number:02d}" for number in range(len(world.sharpness))],
        queries=[f"query-{number:02d}" for number in range(world.answer_effect.shape[1])],
        judge=said.judge[chosen],
        first=said.first[chosen],
        second=said.second[chosen],
        query=said.query[chosen],
        outcome=outcome,
        seats=seats,
    )


def single(world: CoverageWorld, said: Looks) -> Votes:
    """One look a cell."""
    every = np.arange(len(said.first))
    outcome = 1 - said.first_wins[every, said.order].astype(np.int8)
    return votes_of(world, said, every, outcome, of_one_look(outcome, said.order))


def both(world: CoverageWorld, said: Looks, cells_a_pair: int) -> Votes:
    """Two looks at the first of each pair's cells, as many calls in all; where they disagree, a flip."""
    chosen: IntArray = np.flatnonzero(np.arange(len(said.first)) % cells_a_pair < cells_a_pair // 2)
    wins = said.first_wins[chosen].astype(np.int64)
    agree = wins[:, 0] == wins[:, 1]
    outcome = np.where(agree, 1 - wins[:, 0], 3)
    return votes_of(world, said, chosen, outcome, np.column_stack([1 - wins[:, 0], wins[:, 1]]))


def by_judge(votes: Votes) -> FloatArray:
    """Strengths beside one lean for all judges and one for each, shrunk to it."""
    if votes.seats is None:
        raise ValueError("votes of one look have seats")
    sign = np.where(votes.seats[:, 0] < votes.seats.max(), 1, -1)
    key = ((votes.first.astype(np.int64) * len(votes.models) + votes.second) * len(votes.judges) + votes.judge) * 2
    rows, row = np.unique(key + (sign > 0), return_inverse=True)
    pair_judge, seat = np.divmod(rows, 2)
    pair, judge = np.divmod(pair_judge, len(votes.judges))
    sign_of_row = 2.0 * seat - 1
    own = np.zeros((len(rows), len(votes.judges)))
    # Its coefficient has the prior of strengths; so small a covariate makes that the prior of leans.
    own[np.arange(len(rows)), judge] = sign_of_row * (LEAN_DEVIATION / CORRECTED.prior_deviation)
    cells = Cells(
        len(votes.models),
        pair // len(votes.models),
        pair % len(votes.models),
        np.bincount(row, votes.outcome == 0, minlength=len(rows)).astype(np.float64),
        np.bincount(row, votes.outcome == 1, minlength=len(rows)).astype(np.float64),
        np.zeros(len(rows)),
        covariates=np.column_stack([sign_of_row, own]),
    )
    return fit_strengths(cells, CORRECTED.prior_deviation).strengths


def targets(skill: FloatArray, effect: float) -> dict[str, FloatArray]:
    """Theta* of each way but the last, seats drawn evenly."""
    node, weight = np.polynomial.hermite_e.hermegauss(NODES)
    weight = weight / weight.sum()
    mean, deviation = log_sharpness_of(Bench.OUTSIDE)
    sharpness = np.exp(mean + deviation * node)[:, None, None]
    answers = (np.sqrt(2) * ANSWER_DEVIATION * node)[None, :, None]
    lean = (effect + LEAN_DEVIATION * node)[None, None, :]
    share = weight[:, None, None] * weight[None, :, None] * weight[None, None, :]
    first, second = np.array(list(combinations(range(len(skill)), 2))).T
    expected = []
    for one, other in zip(first, second, strict=True):
        odds = sharpness * (skill[one] - skill[other] + answers)
        sitting_first, sitting_second = expit(odds + lean), expit(odds - lean)
        expected.append(
            [
                np.sum(share * part)
                for part in (
                    sitting_first,
                    sitting_second,
                    sitting_first * sitting_second,
                    (1 - sitting_first) * (1 - sitting_second),
                )
            ]
        )
    as_first, as_second, agreed, agreed_other = np.array(expected).T
    seats = np.repeat([1.0, -1.0], len(first))
    wins = np.concatenate([as_first, as_second])
    twice_first, twice_second = np.tile(first, 2), np.tile(second, 2)

    def strengths(a: IntArray, b: IntArray, won: FloatArray, lost: FloatArray, seat: FloatArray | None) -> FloatArray:
        covariates = None if seat is None else seat[:, None]
        cells = Cells(len(skill), a, b, won, lost, np.zeros(len(won)), covariates=covariates)
        return fit_strengths(cells, WIDE).strengths

    return {
        "both": strengths(first, second, agreed, agreed_other, None),
        "left": strengths(twice_first, twice_second, wins, 1 - wins, None),
        "corrected": strengths(twice_first, twice_second, wins, 1 - wins, seats),
    }


def tried(seed: int, effect: float, share: float, calls: int) -> dict[str, dict[str, float]]:
    """Figures of one world, by way."""
    world = coverage_world(seed, Bench.OUTSIDE)
    said = looks(world, effect, share, calls)
    once, twice = single(world, said), both(world, said, calls)
    fits = {"both": fit(twice, CORRECTED), "left": fit(once, LEFT), "corrected": fit(once, CORRECTED)}
    strengths = {way: found.strengths for way, found in fits.items()} | {"by judge": by_judge(once)}
    aims = targets(world.skill, effect)
    figures = {}
    for way, found in strengths.items():
        figures[way] = {
            "spearman": float(spearmanr(found, world.skill).statistic),
            "rmse": float(np.sqrt(np.mean(np.square(_standard(found) - _standard(world.skill))))),
        }
        if way in fits:
            figures[way]["coverage"] = _covered(fits[way], aims[way])
    effect_of = fits["corrected"].first_seat
    if effect_of is None:
        raise RuntimeError("votes of one look have an effect of the seat")
    figures["corrected"]["effect"] = effect_of.log_odds
    return figures


def _standard(strengths: FloatArray) -> FloatArray:
    return np.asarray((strengths - np.mean(strengths)) / np.std(strengths))


def _covered(found: Fit, aim: FloatArray) -> float:
    return float(np.mean((found.low <= aim) & (aim <= found.high)))


def main(
    worlds: Annotated[int, typer.Option(min=2, help="Worlds a setting, one a seed.")] = 200,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first world.")] = 0,
    calls: Annotated[int, typer.Option(min=2, help="Judge calls a pair; an even number.")] = 40,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Hold single seats, corrected and left, against both orders."""
    if calls % 2:
        raise typer.BadParameter("--calls must be even: both orders take two")
    table = Table(
        "effect", "seated\nfirst", "way", "Spearman", "RMSE", "covers\nin %", "found", box=box.SIMPLE, padding=0,
        title=f"{worlds} worlds a setting, seeds {first_seed} to {first_seed + worlds - 1}, {calls} calls a pair",
        caption="±: one Monte Carlo standard error, by world",
    )  # fmt: skip
    told = []
    for effect in EFFECTS:
        for share in (0.5, UNEVEN):
            by_world = [tried(seed, effect, share, calls) for seed in range(first_seed, first_seed + worlds)]
            for way in WAYS:
                figures = {
                    name: (float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(worlds)))
                    for name in by_world[0][way]
                    for values in [[one[way][name] for one in by_world]]
                }
                told.append({"effect": effect, "share": share, "way": way, **figures})
                table.add_row(
                    f"{effect:g}",
                    f"{share:.0%}",
                    way,
                    "{:.4f} ±{:.4f}".format(*figures["spearman"]),
                    "{:.4f} ±{:.4f}".format(*figures["rmse"]),
                    "{:.1f} ±{:.1f}".format(*(100 * one for one in figures["coverage"])) if way != WAYS[-1] else "",
                    "{:+.3f}".format(figures["effect"][0]) if "effect" in figures else "",
                )
    if as_json:
        typer.echo(json.dumps(told))
    else:
        Console().print(table)


if __name__ == "__main__":
    typer.run(main)
