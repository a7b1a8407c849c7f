"""`dearena simulate`: an arena in a planted world, in memory, with no servers and no calls: try before you pay."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.progress import Progress

from dearena.cli import columns, output
from dearena.cli.running import AsJson, run_plain
from dearena.cli.simulated_plot import drawn
from dearena.faults import InvalidField

if TYPE_CHECKING:
    from dearena.trials.simulation import Simulated


def simulate(
    *,
    models: Annotated[int, typer.Option(min=1, help="How many are ranked, and judge.")] = 66,
    queries: Annotated[int, typer.Option(min=1, help="How many the dimension has.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Of the world, and of all that is drawn by lot.")] = 0,
    jury: Annotated[
        str,
        typer.Option(
            help="exhaustive or sequential, as a dimension's; or a rival: makers (every judge searches by itself), "
            "random or near pairs without insertions (these need --calls), full (everything)."
        ),
    ] = "sequential",
    calls: Annotated[
        int, typer.Option(min=0, help="Judge calls to spend in all; 0: as many as the jury finds right.")
    ] = 0,
    weights: Annotated[str, typer.Option(help="How judges weigh: uniform, score, rank or reliability.")] = "score",
    hostile: Annotated[
        str | None,
        typer.Option(
            help="Judges that do not judge what they see, as kind:rate. inverted: say the opposite; first: prefer the "
            "first seat; family: their own family; collusion: one and the same model; unreadable: nothing that can be "
            "read. For example inverted:0.2."
        ),
    ] = None,
    newcomers_at_once: Annotated[
        int, typer.Option(min=0, help="Newcomers that enter together; 0: as many as an arena lets in at once.")
    ] = 0,
    listed: Annotated[
        bool, typer.Option("--listed", help="Models enter in the order of their names; default: a random order.")
    ] = False,
    salt: Annotated[
        str,
        typer.Option(
            help="Other salts draw other cells; of a dimension of services: its name, projects/…/dimensions/…."
        ),
    ] = "",
    plot: Annotated[
        Path | None, typer.Option(help="Draw the last board and the insertions beside the truth: an .svg file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rank models whose skill is planted, and see what that takes and how near it comes to the truth.

    Runs the code of the services: the same verdicts, asked in the same order, give the same board. Verdicts are those
    of a sparring server's world of this seed; those of rivals have the same odds and other lots, since they are too
    many. Judge calls are two a cell, one a seat order; the fraction is of a full round-robin's.
    """

    async def body() -> None:
        # Scoring takes longer to import than all other commands together: it is imported when it is run.
        from dearena.trials.simulation import Simulation, simulate  # noqa: PLC0415
        from dearena.trials.world import HONEST, Hostility  # noqa: PLC0415

        if plot is not None and plot.suffix.lower() != ".svg":
            raise InvalidField.of("plot", f"{plot}: a plot is an .svg file")
        simulation = Simulation(
            models=models,
            queries=queries,
            seed=seed,
            jury=jury,
            calls=calls,
            weighting=weights,
            hostility=HONEST if hostile is None else Hostility.parse(hostile),
            at_once=newcomers_at_once,
            shuffled=not listed,
            salt=salt,
        )
        with _progress(silent=as_json) as told:
            found = simulate(simulation, told)
        if plot is not None:
            plot.write_text(drawn(found), encoding="utf-8")
        if as_json:
            output.show_json(asdict(found))
        else:
            output.show(rendered(found))

    run_plain(body)


@contextmanager
def _progress(*, silent: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar of models that have their place, where there is a screen for it."""
    with Progress(console=output.console(), transient=True, disable=silent or not output.console().is_terminal) as bar:
        task = bar.add_task("ranked", total=None)
        yield lambda placed, models: bar.update(task, completed=placed, total=models)


def rendered(found: "Simulated") -> Group:
    """What it took and what came of it, for people."""
    settings = found.settings
    heading = f"{settings['models']} models, {settings['queries']} queries, seed {settings['seed']}: {settings['jury']}"
    told = {
        "judge calls": f"{found.judge_calls:,} ({found.fraction:.2%} of a full round-robin)",
        "Spearman with the truth": f"{found.spearman:.3f}",
        "Kendall with the truth": f"{found.kendall:.3f}",
        "rank error": f"{found.rank_error:.2f} places, mean of all models",
    }
    if found.rounds_per_insertion is not None:
        told["rounds an insertion"] = f"{found.rounds_per_insertion:g}, median of {len(found.insertions)}"
        told["rank error at settle"] = f"{found.rank_error_at_settle:.2f} places, mean of these"
    return Group(heading, "", columns.table({"": list(told), " ": list(told.values())}, left=("", " ")))
