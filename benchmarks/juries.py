"""What juries cost, how well they rank, and how often they are wrong, in planted worlds.

    python benchmarks/juries.py calls [--seeds 10] [--calls 8000 ...]
    python benchmarks/juries.py rounds [--seeds 10]
    python benchmarks/juries.py error [--pairs 2000]
    python benchmarks/juries.py makers [--models 200] [--seeds 2]
    python benchmarks/juries.py growth [--seeds 3]

`calls` and `rounds` play arenas of 66 models and 40 queries by the very rules of the ranker and boards of the scorer
(`dearena.trials`); `calls` plays the rivals beside them: random pairs, pairs near in current rank, and the full
round-robin (`jury_calls`, `jury_arenas`). `error` brings pairs of known gaps before the jury (`jury_pairs`). `makers`
and `growth` tell how costs grow with models (`jury_growth`).

Worlds and choices follow from seeds, so that figures come again; wall times do not. Prints tables, with one standard
error after each ±; `--json FILE` writes the figures too.
"""

import os

# Read when numpy is loaded: a process a job, no more.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import time  # noqa: E402
from concurrent.futures import ProcessPoolExecutor  # noqa: E402
from itertools import chain  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Annotated  # noqa: E402

import typer  # noqa: E402

from benchmarks import jury_calls, jury_growth, jury_pairs  # noqa: E402
from benchmarks.jury_figures import keep, show  # noqa: E402

Seeds = Annotated[int, typer.Option(min=1, help="Worlds, one a seed.")]
FirstSeed = Annotated[int, typer.Option(min=0, help="Seed of the first world.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes.")]
Json = Annotated[Path | None, typer.Option(help="Write the figures to this file, too.")]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def described() -> None:
    """What juries cost, how well they rank, and how often they are wrong, in planted worlds."""


@app.command()
def error(
    pairs: Annotated[int, typer.Option(min=2, help="Of each gap.")] = 2_000,
    judges: Annotated[int, typer.Option(min=1, help="Of a pair.")] = jury_pairs.JUDGES,
    jobs: Jobs = 2,
    json: Json = None,
) -> None:
    """How often pairs of equals are decided, and pairs that differ."""
    begin = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        found = jury_pairs.decided(pairs, judges, pool.map)
    show(jury_pairs.shown(found, judges), seconds=time.monotonic() - begin)
    keep(json, found)


@app.command()
def calls(
    seeds: Seeds = 10,
    first_seed: FirstSeed = 0,
    calls: Annotated[list[int] | None, typer.Option(help="One or more numbers; without it, all.")] = None,
    jobs: Jobs = 2,
    json: Json = None,
) -> None:
    """How well the jury ranks for so many judge calls, beside its rivals."""
    begin = time.monotonic()
    worlds = range(first_seed, first_seed + seeds)
    with ProcessPoolExecutor(jobs) as pool:
        # The longest first, so that nobody waits for one at the end.
        wanted = sorted(calls or jury_calls.CALLS, reverse=True)
        played = pool.map(jury_calls.of_world, [(seed, most) for most in wanted for seed in worlds])
        found = jury_calls.levels(played, list(pool.map(jury_calls.full_round_robin, worlds)))
    show(*jury_calls.tables(found), seconds=time.monotonic() - begin)
    keep(json, {"levels": [one.figures() for one in found], "mean_lead": jury_calls.overall(found)})


@app.command()
def rounds(seeds: Seeds = 10, first_seed: FirstSeed = 0, jobs: Jobs = 2, json: Json = None) -> None:
    """How many rounds an insertion takes where no number of calls is given, and how good the board is then."""
    begin = time.monotonic()
    worlds = range(first_seed, first_seed + seeds)
    with ProcessPoolExecutor(jobs) as pool:
        played = list(pool.map(jury_calls.without_target, worlds))
    figures = jury_calls.without_targets(played)
    show(*jury_calls.tables_without_targets(figures, worlds), seconds=time.monotonic() - begin)
    keep(json, figures)


@app.command()
def makers(
    models: Annotated[int, typer.Option(min=6, help="Of each world.")] = jury_growth.MAKERS_MODELS,
    seeds: Seeds = 2,
    first_seed: FirstSeed = 0,
    jobs: Jobs = 1,
    json: Json = None,
) -> None:
    """What a large arena takes beside the makers' rule; a job needs about two gigabytes at 200 models."""
    begin = time.monotonic()
    with ProcessPoolExecutor(jobs) as pool:
        worlds = [(seed, models) for seed in range(first_seed, first_seed + seeds)]
        found = list(pool.map(jury_growth.beside_makers, worlds))
    show(jury_growth.makers_table(models, found), seconds=time.monotonic() - begin)
    keep(json, jury_growth.makers_figures(found))


@app.command()
def growth(
    seeds: Annotated[int, typer.Option(min=1, help="Large worlds, one a seed from 0; minutes each.")] = 3,
    small_seeds: Annotated[int, typer.Option(min=1, help="Small worlds likewise.")] = 20,
    jobs: Jobs = 2,
    json: Json = None,
) -> None:
    """What an insertion takes among about 400 models over what it takes among about 25."""
    begin = time.monotonic()
    settings = [(seed, jury_growth.LARGE) for seed in range(seeds)]
    settings += [(seed, jury_growth.SMALL) for seed in range(small_seeds)]
    with ProcessPoolExecutor(jobs) as pool:
        played = list(pool.map(jury_growth.insertions, settings))
    large, small = (list(chain.from_iterable(some)) for some in (played[:seeds], played[seeds:]))
    found = jury_growth.Growth.of(small, large)
    show(found.table(small_seeds, seeds), seconds=time.monotonic() - begin)
    keep(json, found)


if __name__ == "__main__":
    app()
