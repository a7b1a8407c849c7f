"""From the columns of a file to a report for each dimension in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dearena.cli import fit_report
from dearena.faults import InvalidField
from dearena.scoring import Fit, FitSettings, Votes, fit
from dearena.scoring.reports.bootstrap import bootstrap_by_question
from dearena.scoring.reports.counterfactuals import counterfactuals
from dearena.scoring.reports.judges import judge_report
from dearena.scoring.reports.outcome_counts import outcome_bounds
from dearena.scoring.style import Style
from dearena.vote_files import VoteColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for, beside the settings of a fit.

    Attributes:
        dimension: the only one; None: each that is in the file.
        leave_own_votes: whether votes of a judge on its own answer are left out.
        without_judges, without_families: whose votes are left out.
        questions: by query, for queries that ask the same question.
        families: of models and judges.
        style: of the answers, where they are known.
        control_style: whether the board is one of answers alike in style.
        draws, seed: of questions, as a check; 0: none.
        judges: whether the judge report is asked for.
        costs: of each judge's calls, in whole units, for the judge report.
        other_boards: whether those that might have been are asked for.
    """

    dimension: str | None = None
    leave_own_votes: bool = False
    without_judges: tuple[str, ...] = ()
    without_families: tuple[str, ...] = ()
    questions: Mapping[str, str] = field(default_factory=dict)
    families: Mapping[str, str] = field(default_factory=dict)
    style: Style | None = None
    control_style: bool = False
    draws: int = 0
    seed: int = 0
    judges: bool = False
    costs: Mapping[str, int] = field(default_factory=dict)
    other_boards: bool = False


def reports(columns: VoteColumns, settings: FitSettings, wishes: Wishes) -> list[dict[str, Any]]:
    """A report for each dimension, by name.

    Raises:
        InvalidField: a dimension, judge or family is not in the file, or nothing is left to be fitted.
        FitDidNotConverge: a fit met its limit.
    """
    if wishes.dimension is not None and wishes.dimension not in columns.dimensions:
        known = ", ".join(name or "(none)" for name in sorted(columns.dimensions))
        raise InvalidField.of("dimension", f"{wishes.dimension!r} is none of those in the file: {known}")
    dimensions = sorted(columns.dimensions) if wishes.dimension is None else [wishes.dimension]
    silenced = _silenced(columns, wishes)
    return [_report(columns.of_dimension(dimension), dimension, silenced, settings, wishes) for dimension in dimensions]


def _silenced(columns: VoteColumns, wishes: Wishes) -> set[str]:
    """Judges whose votes are left out."""
    voted = np.bincount(columns.judge, minlength=len(columns.names)) > 0
    judges = {name for name, has_voted in zip(columns.names, voted, strict=True) if has_voted}
    if unknown := sorted(set(wishes.without_judges) - judges):
        raise InvalidField.of("without_judge", f"{unknown[0]!r} judges nothing in the file")
    families = set(wishes.without_families)
    if unknown := sorted(families - set(wishes.families.values())):
        raise InvalidField.of("without_family", f"{unknown[0]!r} is nobody's family")
    return {judge for judge in judges if judge in wishes.without_judges or wishes.families.get(judge) in families}


def _report(
    columns: VoteColumns, dimension: str, silenced: set[str], settings: FitSettings, wishes: Wishes
) -> dict[str, Any]:
    told: list[str] = []
    last = columns.last_attempts()
    if earlier := len(columns) - len(last):
        told.append(f"rows of earlier attempts, or of an attempt told twice, which do not count: {earlier:,}")
    rows = last.without_own_votes() if wishes.leave_own_votes else last
    if own := len(last) - len(rows):
        told.append(f"votes of judges on their own answers, which are left out: {own:,}")
    heard = rows.without_judges(silenced)
    if unheard := len(rows) - len(heard):
        told.append(f"votes of judges that are left out: {unheard:,}")
    if not len(heard):
        raise InvalidField.of("votes", f"none are left{f' in {dimension}' if dimension else ''}")
    if doubled := heard.doubled():
        told.append(
            f"rows that repeat the judge, pair and question of an earlier one, each of which counts: {doubled:,}"
        )
    votes = heard.votes().with_questions(wishes.questions)
    style = wishes.style if wishes.control_style else None
    if style is not None and (missing := style.missing(votes)):
        told.append(
            f"votes on an answer whose text is not known, and whose style is taken to be the other's: {missing:,}"
        )
    found = fit(votes, settings, style)
    report = {
        "dimension": dimension or None,
        **fit_report.report(found, votes, outcome_bounds(votes, settings, found=found)),
    }
    _add_wishes(report, found, votes, wishes)
    report["notes"] = fit_report.notes(report) + told
    return report


def _add_wishes(report: dict[str, Any], found: Fit, votes: Votes, wishes: Wishes) -> None:
    if wishes.draws:
        controlled = bool(found.coefficients)
        drawn = bootstrap_by_question(votes, found.settings, wishes.draws, wishes.seed, None if controlled else found)
        fit_report.with_bootstrap(report, found, drawn, wishes.seed)
    if wishes.judges:
        costs = {judge: cost for judge, cost in wishes.costs.items() if judge in votes.judges}
        fit_report.with_judges(report, judge_report(votes, found, families=wishes.families, costs=costs))
    if wishes.other_boards:
        boards = counterfactuals(votes, found.settings, families=wishes.families, style=wishes.style)
        fit_report.with_counterfactuals(report, boards)
    report["settings"] |= {
        "own_votes_left_out": wishes.leave_own_votes,
        "without_judges": sorted(wishes.without_judges),
        "without_families": sorted(wishes.without_families),
        "queries_share_questions": votes.questions is not None,
        "style_controlled": bool(found.coefficients),
        "bootstrap_draws": wishes.draws,
        "bootstrap_seed": wishes.seed,
    }
