"""`dearena fit`: the board of a file of votes, with no servers."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from dearena.cli import output
from dearena.cli.running import AsJson, told

BROKEN_INPUT: Final = 2
"""Exit code for a file or an option that cannot be used."""

SMALLEST_PRIOR: Final = 1e-3
LARGEST_PRIOR: Final = 1e3
"""In log-odds, as `scoring.settings` has them, which takes too long to import for `--help`."""


class OwnVotes(StrEnum):
    """What becomes of votes of a judge on its own answer, which the arena never asks for."""

    REFUSE = "refuse"
    LEAVE = "leave"
    COUNT = "count"


class Report(StrEnum):
    """What is reported beside the board."""

    JUDGES = "judges"


def fit(
    votes: Annotated[
        str, typer.Argument(help="Lines of JSON (.jsonl, .gz), .csv, .parquet or .arrow; -: standard input.")
    ],
    *,
    weights: Annotated[
        str | None, typer.Option(help="How judges weigh: uniform, score, rank or reliability; default: score.")
    ] = None,
    ties: Annotated[
        str | None, typer.Option(help="half: half a win to each; davidson: a parameter; default: half.")
    ] = None,
    flips: Annotated[
        str | None, typer.Option(help="leave them out, or count them half, as ties; default: leave.")
    ] = None,
    prior: Annotated[
        float | None,
        typer.Option(
            min=SMALLEST_PRIOR,
            max=LARGEST_PRIOR,
            help="Standard deviation of the prior on strengths, in log-odds; default: 3.",
        ),
    ] = None,
    first_seat: Annotated[
        str | None,
        typer.Option(help="correct what it is worth to judges who look once, or leave it; default: correct."),
    ] = None,
    confidence: Annotated[float | None, typer.Option(help="Of all intervals; default: 0.95.")] = None,
    dimension: Annotated[str | None, typer.Option(help="Only this dimension; default: a board for each.")] = None,
    own_votes: Annotated[
        OwnVotes,
        typer.Option(help="Votes of a judge on its own answer: refuse the file, leave them out, or count them."),
    ] = OwnVotes.REFUSE,
    without_judge: Annotated[
        list[str] | None, typer.Option(help="Leave this judge's votes out; may be repeated.")
    ] = None,
    without_family: Annotated[
        list[str] | None, typer.Option(help="Leave the votes of this family's judges out; needs --families.")
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(help="Lines of JSON: query_id, question_id. Queries that ask one question are one cluster."),
    ] = None,
    families: Annotated[Path | None, typer.Option(help="JSON or YAML: family by model.")] = None,
    answers: Annotated[Path | None, typer.Option(help="Lines of JSON: model, query_id, text.")] = None,
    style: Annotated[bool, typer.Option("--style", help="Control for the answers' style; needs --answers.")] = False,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Draw the questions again so often, as a check; 0: do not.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    report: Annotated[
        Report | None, typer.Option(help="judges: also seats, agreement with the rest, favour for --families.")
    ] = None,
    costs: Annotated[
        Path | None, typer.Option(help="JSON or YAML, for --report judges: cost by judge, in whole units.")
    ] = None,
    counterfactuals: Annotated[
        bool, typer.Option("--counterfactuals", help="Also the boards without each judge, and by other rules.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write a .json file of all, or a .csv, .parquet or .arrow file of the models."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a file of votes.

    A line holds judge, model_a, model_b, query_id and winner (a, b or tie); it may hold weight, dimension,
    outcome (which then decides, as in exported votes), cell_id and attempt (the last one of a cell counts),
    first (a or b: whose answer sat in the first seat) and draw (chance with which the judge was drawn over the
    even one, in parts of 65,536: rarely drawn judges count more, on top of any weight). With several dimensions,
    JSON holds a board for each in `dimensions`.
    """
    if style and answers is None:
        raise typer.BadParameter("--style needs --answers")
    if without_family and families is None:
        raise typer.BadParameter("--without-family needs --families")
    with told(BROKEN_INPUT):
        # Scoring takes longer to import than all other commands together: it is imported when it is run.
        from dearena.cli import fit_boards, fit_report, fit_tables  # noqa: PLC0415
        from dearena.scoring import FitSettings  # noqa: PLC0415
        from dearena.scoring.style import Style  # noqa: PLC0415
        from dearena.vote_files import companions, read, writing  # noqa: PLC0415

        given = {
            "weighting": weights,
            "ties": ties,
            "flips": flips,
            "prior_deviation": prior,
            "first_seat": first_seat,
            "confidence": confidence,
        }
        settings = FitSettings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        if file is not None:
            writing.check_ending(file)
        wishes = fit_boards.Wishes(
            dimension=dimension,
            leave_own_votes=own_votes is OwnVotes.LEAVE,
            without_judges=tuple(without_judge or ()),
            without_families=tuple(without_family or ()),
            questions={} if questions is None else companions.read_questions(questions),
            families={} if families is None else companions.read_families(families),
            style=None if answers is None else Style.of_texts(companions.read_answers(answers)),
            control_style=style,
            draws=bootstrap,
            seed=seed,
            judges=report is Report.JUDGES,
            costs={} if costs is None else companions.read_costs(costs),
            other_boards=counterfactuals,
        )
        reports = fit_boards.reports(read(votes, own_votes=own_votes is not OwnVotes.REFUSE), settings, wishes)
        whole = reports[0] if len(reports) == 1 else {"dimensions": {one["dimension"] or "": one for one in reports}}
        if file is not None:
            writing.write(file, whole, fit_report.table(reports))
        _show(whole, [fit_tables.rendered(one) for one in reports], as_json=as_json)


def _show(whole: Any, boards: list[Any], *, as_json: bool) -> None:
    if as_json:
        output.show_json(whole)
        return
    for board in boards:
        output.show(board, "")
