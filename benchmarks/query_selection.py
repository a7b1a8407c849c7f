"""Which queries to choose: `telling` beside `random` and `consistent`, on models that took no part.

    python benchmarks/query_selection.py planted [--seeds 20] [--votes 12] [--reading skill] [--figure FILE]
    python benchmarks/query_selection.py recorded --data FOLDER [--splits 10]
    python benchmarks/query_selection.py pilots [--seeds 20] [--reading skill]
    python benchmarks/query_selection.py growth [--seeds 12] [--reading skill] [--size 20]

`planted` plays pools with planted faults (`query_selection_planted`), `recorded` recorded votes of real models
(`query_selection_recorded`), `pilots` asks what a sequential pilot saves (`query_selection_pilots`), `growth` what it
does to begin with a part of the pool (`query_selection_growth`). Worlds and choices follow from seeds, so that figures
come again. Prints tables, with one standard error after each ±; `--json FILE` writes the figures too, `--figure FILE`
draws correlation and spread against the number of queries, where matplotlib is there.
"""

import os

# Read when numpy is loaded: a process a job, no more.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import time  # noqa: E402
from concurrent.futures import ProcessPoolExecutor  # noqa: E402
from dataclasses import asdict  # noqa: E402
from itertools import chain, product  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Annotated  # noqa: E402

import numpy as np  # noqa: E402
import typer  # noqa: E402

from benchmarks import query_selection_growth as growing_pilots  # noqa: E402
from benchmarks import query_selection_pilots as sequential_pilots  # noqa: E402
from benchmarks import query_selection_planted as planted_pools  # noqa: E402
from benchmarks import query_selection_recorded as recordings  # noqa: E402
from benchmarks.jury_figures import Mean, keep, show, table  # noqa: E402
from benchmarks.query_selection_figure import draw  # noqa: E402
from benchmarks.query_selection_world import JUDGES, Reading  # noqa: E402
from dearena.selection import METHODS  # noqa: E402

Jobs = Annotated[int, typer.Option(min=1, help="Processes.")]
Json = Annotated[Path | None, typer.Option(help="Write the figures to this file, too.")]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def described() -> None:
    """Which queries to choose: telling ones beside random and consistent ones, on models that took no part."""


@app.command()
def planted(
    seeds: Annotated[int, typer.Option(min=2, help="Worlds, one a seed.")] = 20,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first world.")] = 0,
    votes: Annotated[int, typer.Option(min=1, max=JUDGES, help="Cells a pair and chosen query.")] = 12,
    reading: Annotated[Reading, typer.Option(help="What discrimination multiplies.")] = Reading.WHOLE,
    pilots: Annotated[int, typer.Option(min=1, max=3, help="Thirds of the models that pilot in turn.")] = 3,
    size: Annotated[list[int] | None, typer.Option(help="Queries; one or more; without it, 20, 40 and 80.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Draw correlation and spread to this SVG or PNG file.")] = None,
    jobs: Jobs = 2,
    json: Json = None,
) -> None:
    """Pools of 500 queries with planted faults; 10 models pilot, 20 are tested."""
    begin = time.monotonic()
    worlds = range(first_seed, first_seed + seeds)
    sizes = tuple(size or planted_pools.SIZES)
    with ProcessPoolExecutor(jobs) as pool:
        boards = list(
            chain.from_iterable(
                pool.map(planted_pools.tried, [(seed, reading, votes, sizes, pilots) for seed in worlds])
            )
        )
    found = planted_pools.spreads(boards)
    shown = table(
        f"{seeds} worlds, seeds {worlds[0]} to {worlds[-1]}, {pilots} pilots; {votes} cells a pair and query; "
        f"discrimination multiplies {reading.value}",
        "Spearman with the truth; ±: one standard error; over random: ratio of variances across worlds; "
        "lead: of telling, paired",
        *("queries", "method", "Spearman", "variance", "over random", "lead", "with theta", "faulty, %"),
        names=2,
    )
    for number in sizes:
        telling, random = found[number, "telling"], found[number, "random"]
        for method in planted_pools.SHOWN:
            one = found[number, method]
            lead = Mean.of((telling.spearman - one.spearman).tolist())
            shown.add_row(
                str(number) if method == planted_pools.SHOWN[0] else "",
                method,
                Mean.of(one.spearman.tolist()).shown(4),
                f"{one.variance:.2e}",
                f"{one.variance / random.variance:.2f}",
                "" if method == "telling" else lead.shown(4, sign=True),
                Mean.of(one.by_skill.tolist()).shown(4),
                f"{100 * float(np.mean(one.faulty)):.1f}",
                end_section=method == planted_pools.SHOWN[-1],
            )
    show(shown, seconds=time.monotonic() - begin)
    keep(json, [asdict(board) for board in boards])
    if figure:
        draw(figure, found, sizes, planted_pools.SHOWN)


@app.command()
def recorded(
    data: Annotated[Path, typer.Option(help="Folder with votes.jsonl.gz.")] = Path("../shared/data/multivac"),
    splits: Annotated[int, typer.Option(min=2, help="Of the models in two halves.")] = 10,
    json: Json = None,
) -> None:
    """Recorded votes: choose on half of the models, test on the other half."""
    votes = data / "votes.jsonl.gz"
    if not votes.exists():
        print(f"skipped: there are no recorded votes at {votes}")
        return
    begin = time.monotonic()
    columns, names = recordings.dimensions(votes)
    found = [one for name in names for one in recordings.agreed(columns, name, range(splits), recordings.SIZES)]
    for number in recordings.SIZES:
        shown = table(
            f"{number} queries: {splits} splits a dimension, seeds 0 to {splits - 1}",
            "the tested half's board on the chosen queries beside that on all, and on all others; "
            "lead: of telling, paired by split",
            *("dimension", "method", "Spearman\nall", "lead", "Pearson\nall", "lead", "Spearman\nothers"),
            names=2,
        )
        for name in [*names, "together"]:
            some = [one for one in found if one.size == number and name in (one.dimension, "together")]
            of_method = {method: [one for one in some if one.method == method] for method in METHODS}
            for method, mine in of_method.items():
                cells = []
                for column in ("all_spearman", "all_pearson"):
                    values, telling = (
                        np.array([getattr(one, column) for one in boards]) for boards in (mine, of_method["telling"])
                    )
                    lead = Mean.of((telling - values).tolist()).shown(3, sign=True)
                    cells += [Mean.of(values.tolist()).shown(3), "" if method == "telling" else lead]
                shown.add_row(
                    name if method == next(iter(METHODS)) else "",
                    method,
                    *cells,
                    Mean.of([one.others_spearman for one in mine]).shown(3),
                    end_section=method == list(METHODS)[-1],
                )
        show(shown, seconds=time.monotonic() - begin)
    keep(json, [asdict(one) for one in found])


@app.command()
def pilots(
    seeds: Annotated[int, typer.Option(min=2, help="Worlds, one a seed.")] = 20,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first world.")] = 0,
    reading: Annotated[Reading, typer.Option(help="What discrimination multiplies.")] = Reading.WHOLE,
    queries: Annotated[int, typer.Option(min=1, help="To be chosen.")] = 40,
    jobs: Jobs = 2,
    json: Json = None,
) -> None:
    """What a pilot saves that asks where a decision is open, beside the full one and one as large but even."""
    begin = time.monotonic()
    worlds = range(first_seed, first_seed + seeds)
    with ProcessPoolExecutor(jobs) as pool:
        found = list(pool.map(sequential_pilots.piloted, [(seed, reading, queries) for seed in worlds]))
    shown = table(
        f"{queries} queries, {seeds} worlds, seeds {worlds[0]} to {worlds[-1]}; "
        f"discrimination multiplies {reading.value}",
        "Spearman of the tested models' board with the truth; ±: one standard error; lead: of sequential, paired",
        *("pilot", "cells, %", "Spearman", "lead"),
    )
    share = Mean.of([one.share for one in found])
    sequential = np.array([one.sequential for one in found])
    for name in ("full", "sequential", "even"):
        values = np.array([getattr(one, name) for one in found])
        lead = "" if name == "sequential" else Mean.of((sequential - values).tolist()).shown(4, sign=True)
        cells = "100" if name == "full" else share.percent()
        shown.add_row(name, cells, Mean.of(values.tolist()).shown(4), lead)
    show(shown, seconds=time.monotonic() - begin)
    keep(json, [asdict(one) for one in found])


@app.command()
def growth(
    seeds: Annotated[int, typer.Option(min=2, help="Worlds, one a seed.")] = 12,
    first_seed: Annotated[int, typer.Option(min=0, help="Seed of the first world.")] = 0,
    reading: Annotated[
        list[Reading] | None, typer.Option(help="What discrimination multiplies; default: each.")
    ] = None,
    size: Annotated[list[int] | None, typer.Option(help="Queries; one or more; without it, 20 and 40.")] = None,
    looks: Annotated[int, typer.Option(min=1, help="At each query of the fixed pilot: cells of both at most.")] = 1,
    jobs: Jobs = 2,
    json: Json = None,
) -> None:
    """What growing does for a pilot: a part of the pool and more where it pays, beside 12 for each query wanted."""
    begin = time.monotonic()
    worlds = range(first_seed, first_seed + seeds)
    shown = table(
        f"{seeds} worlds, seeds {worlds[0]} to {worlds[-1]}; cells for {looks} look(s) at 12 queries for each wanted",
        "Spearman of the tested models' board with the truth; ±: one standard error; lead: of growing, paired",
        *("multiplies", "wanted", "pilot", "queries", "parts", "cells", "Spearman", "lead", "slope"),
        names=3,
    )
    kept = []
    with ProcessPoolExecutor(jobs) as pool:
        for one, k in product(reading or list(Reading), size or [20, 40]):
            budget = growing_pilots.cells_of(k, looks)
            found = list(pool.map(growing_pilots.grown, [(seed, one, k, budget) for seed in worlds]))
            sides = {
                "fixed": [world.fixed for world in found],
                "first part": [world.first for world in found],
                "growing": [world.growing for world in found],
            }
            growing = np.array([side.spearman for side in sides["growing"]])
            for name, mine in sides.items():
                boards = np.array([side.spearman for side in mine])
                shown.add_row(
                    one.value if name == "fixed" else "",
                    str(k) if name == "fixed" else "",
                    name,
                    f"{np.mean([side.queries for side in mine]):.0f}",
                    f"{np.mean([side.parts for side in mine]):.1f}",
                    f"{np.mean([side.cells for side in mine]):,.0f}",
                    Mean.of(boards.tolist()).shown(4),
                    "" if name == "growing" else Mean.of((growing - boards).tolist()).shown(4, sign=True),
                    Mean.of([side.slope for side in mine]).shown(2),
                    end_section=name == "growing",
                )
            kept += [asdict(world) | {"reading": one.value, "k": k, "budget": budget} for world in found]
    show(shown, seconds=time.monotonic() - begin)
    keep(json, kept)


if __name__ == "__main__":
    app()
