"""`dearena replay`: a part of recorded votes against all of them, in memory, with no servers and no calls.

`make replay` is something else: recorded models behind HTTP, judged by the whole running system.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from dearena.cli import columns, output
from dearena.cli.running import AsJson, run_plain
from dearena.faults import InvalidField

if TYPE_CHECKING:
    from dearena.trials.replaying import Part, Replayed


def replay(
    votes: Annotated[
        str, typer.Argument(help="Lines of JSON (.jsonl, .gz), .csv, .parquet or .arrow; -: standard input.")
    ],
    *,
    dimension: Annotated[
        str | None, typer.Option(help="Which dimension of the file; may be left out where it has one.")
    ] = None,
    min_queries: Annotated[
        int, typer.Option(min=1, help="Leave out models that votes compare on fewer queries of the dimension.")
    ] = 30,
    orders: Annotated[int, typer.Option(min=1, help="In which models enter, drawn by lot.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the orders, and of the random draws.")] = 0,
    share: Annotated[float, typer.Option(help="Of all votes that may be asked for, at most.")] = 0.12,
    spend: Annotated[
        str,
        typer.Option(
            help="How votes are chosen: sequential (the arena inserts, then refines), even (each answer, and each "
            "judge of a model, evenly), random."
        ),
    ] = "sequential",
    weights: Annotated[
        str,
        typer.Option(
            help="How judges weigh, with all votes and with a part: uniform, score, rank or reliability. By what is "
            "recorded, few judges and few questions, weights move as much as what they are to correct."
        ),
    ] = "uniform",
    questions: Annotated[
        Path | None,
        typer.Option(help="Lines of JSON: query_id, question_id. Queries that ask one question are one cluster."),
    ] = None,
    random_draws: Annotated[
        int, typer.Option(min=0, help="Draws of as many votes at random, to compare with; 0: none.")
    ] = 200,
    plot: Annotated[Path | None, typer.Option(help="Draw the orders beside the random draws: an .svg file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask again for a part of recorded votes, and see how near its board comes to that of all votes.

    Pairs that can be told apart are those of which the fit of all votes has the same model ahead in 97.5 % of
    1,000 draws of the questions. Judge calls are two a vote, as when it is asked in both seat orders. How a line of
    the file looks is told by `dearena fit --help`.
    """

    async def body() -> None:
        # Scoring takes longer to import than all other commands together: it is imported when it is run.
        from dearena.trials.recorded import Recorded  # noqa: PLC0415
        from dearena.trials.replaying import ReplaySettings, replay  # noqa: PLC0415
        from dearena.vote_files import companions, read  # noqa: PLC0415

        if plot is not None and plot.suffix.lower() != ".svg":
            raise InvalidField.of("plot", f"{plot}: a plot is an .svg file")
        settings = ReplaySettings(
            spender=spend,
            orders=orders,
            seed=seed,
            share=share,
            random_draws=random_draws,
            weighting=weights,
            min_queries=min_queries,
        )
        question_of = {} if questions is None else companions.read_questions(questions)
        recorded = Recorded.of(read(votes), dimension, min_queries, question_of)
        found = replay(recorded, settings)
        if plot is not None:
            plot.write_text(drawn(found), encoding="utf-8")
        if as_json:
            output.show_json(report(found, dimension))
        else:
            output.show(rendered(found, dimension))

    run_plain(body)


def report(found: "Replayed", dimension: str | None) -> dict[str, Any]:
    """All of it as plain data."""
    return {
        "dimension": dimension,
        "models": found.models,
        "judges": found.judges,
        "votes": found.votes,
        "orders": [one.echo() for one in found.orders],
        "mean": found.mean.echo(),
        "random": None if found.random is None else found.random.echo(),
        "order_sensitivity": found.order_sensitivity,
        "settings": dict(found.settings),
    }


def rendered(found: "Replayed", dimension: str | None) -> Group:
    """The means beside one another, for people."""
    settings, mean = found.settings, found.mean
    name = f"{dimension}: " if dimension else ""
    heading = f"{name}{found.models} models, {found.judges} judges, {found.votes:,} recorded votes"
    spends = [(f"{settings['spender']}, mean of {len(found.orders)} orders", mean)]
    if found.random is not None:
        spends.append((f"as many at random, mean of {settings['random_draws']}", found.random))
    shown = {
        "votes asked for": [what for what, _ in spends],
        "Spearman": [f"{part.spearman:.3f}" for _, part in spends],
        "Kendall": [f"{part.kendall:.3f}" for _, part in spends],
        "of all votes": [f"{part.fraction:.1%}" for _, part in spends],
        "judge calls": [f"{part.judge_calls:,.0f}" for _, part in spends],
        "wrong pairs": [_wrong(part) for _, part in spends],
        "rounds an insertion": [
            "" if part.rounds_per_insertion is None else f"{part.rounds_per_insertion:.1f}" for _, part in spends
        ],
    }
    notes = [
        "",
        f"Correlations with the fit of all votes, weights {settings['weighting']}.",
        "Wrong pairs: of those that all votes can tell apart.",
    ]
    if found.order_sensitivity is not None:
        notes.append(f"Between the boards of two orders: Kendall {found.order_sensitivity:.3f}.")
    return Group(heading, "", columns.table(shown, left=("votes asked for",)), *notes)


def _wrong(part: "Part") -> str:
    share = part.wrong_pairs / part.separable_pairs if part.separable_pairs else 0.0
    return f"{part.wrong_pairs:.2f} of {part.separable_pairs:.0f} ({share:.1%})"


_WIDTH, _HEIGHT, _MARGIN = 640, 200, 40
_ROWS = (("orders", 60), ("random", 120))


def drawn(found: "Replayed") -> str:
    """Spearman of each order, and of each random draw below, a dot each, with their means: an SVG."""
    values = {"orders": [one.spearman for one in found.orders], "random": list(found.random_spearman)}
    least = min(min(row, default=1.0) for row in values.values())
    low = max(-1.0, least - 0.02)

    def across(value: float) -> float:
        return _MARGIN + 60 + (_WIDTH - 2 * _MARGIN - 60) * (value - low) / max(1.0 - low, 1e-9)

    heading = f"Spearman with the fit of all votes, {found.mean.fraction:.1%} of {found.votes:,} votes"
    space = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    parts = [
        f'<svg {space} font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_MARGIN}" y="24">{heading}</text>',
    ]
    for tick in (low, (1 + low) / 2, 1.0):
        parts.append(f'<text x="{across(tick):.1f}" y="{_HEIGHT - 24}" text-anchor="middle">{tick:.3f}</text>')
        parts.append(
            f'<line x1="{across(tick):.1f}" x2="{across(tick):.1f}" y1="40" y2="{_HEIGHT - 40}" stroke="#ddd"/>'
        )
    for name, height in _ROWS:
        row = values[name]
        parts.append(f'<text x="{_MARGIN}" y="{height + 4}">{name}</text>')
        parts += [
            f'<circle cx="{across(one):.1f}" cy="{height}" r="4" fill="#1f77b4" fill-opacity="0.25"/>' for one in row
        ]
        if row:
            mean = across(sum(row) / len(row))
            parts.append(
                f'<line x1="{mean:.1f}" x2="{mean:.1f}" y1="{height - 16}" y2="{height + 16}" stroke="#d62728" '
                'stroke-width="2"/>'
            )
    return "\n".join([*parts, "</svg>", ""])
