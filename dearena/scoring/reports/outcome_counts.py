"""How often each outcome came up, by judge and by model, and what the undecided ones could have changed.

A vote that was flipped, unreadable or failed says nothing of the two models and stays out of a fit. Were it
lost on purpose, or by one kind of answer, the board would lean; the bounds say how far it could. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dearena.faults import InvalidField
from dearena.outcomes import Outcome
from dearena.scoring.arrays import BoolArray, FloatArray, IntArray
from dearena.scoring.evidence import Evidence, preferences
from dearena.scoring.fit import Fit
from dearena.scoring.outcomes import CODES, PREFERENCES
from dearena.scoring.reports.refits import Rows, Sums, fit_without_style, held_factors, refit
from dearena.scoring.settings import FitSettings
from dearena.scoring.votes import Votes
from dearena.scoring.weightings import STRENGTH_DECIMALS

UNDECIDED: Final = (Outcome.FLIP, Outcome.INVALID, Outcome.FAILED)
"""Cells that were asked and brought no preference. VOID and SKIPPED were never asked."""


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeCounts:
    """Counts of votes; columns are codes of `outcomes.CODES`.

    Attributes:
        by_judge: shape (judges, 8).
        by_model: of votes that concern the model, shape (models, 8): A where it was preferred, B where
            the other was, whichever of the two the vote names first.
    """

    by_judge: IntArray
    by_model: IntArray


def outcome_counts(votes: Votes) -> OutcomeCounts:
    """Count every outcome, per judge and per model as a contestant."""
    kinds = len(CODES)
    by_judge = np.bincount(votes.judge * np.int32(kinds) + votes.outcome, minlength=len(votes.judges) * kinds)
    named_first, named_second = (
        np.bincount(model * np.int32(kinds) + votes.outcome, minlength=len(votes.models) * kinds).reshape(-1, kinds)
        for model in (votes.first, votes.second)
    )
    won, lost = CODES[Outcome.A], CODES[Outcome.B]
    turned = named_second.copy()
    turned[:, [won, lost]] = named_second[:, [lost, won]]
    return OutcomeCounts(by_judge.reshape(-1, kinds), named_first + turned)


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """Where each model would stand, had all of its own undecided cells gone one way; shape (models,) each.

    Attributes:
        undecided: cells of the model without a preference.
        all_lost, all_won: its strength then, in log-odds, mean 0.
        rank_all_lost, rank_all_won: its rank then.
    """

    undecided: IntArray
    all_lost: FloatArray
    all_won: FloatArray
    rank_all_lost: IntArray
    rank_all_won: IntArray


def outcome_bounds(
    evidence: Evidence | Votes,
    settings: FitSettings | None = None,
    undecided: Sequence[Outcome] = UNDECIDED,
    found: Fit | None = None,
) -> Bounds:
    """How far each model's undecided cells could move it.

    For one model at a time its undecided cells become losses, then wins, against the opponent of the cell and
    by its judge; all other cells stay as they are. Judge weights are held as the fit of all votes has
    them: a fit that weighed again would move a little further. That is no bound on what several models'
    cells could do together.

    Args:
        undecided: which outcomes to think otherwise. FLIP may be among them where the settings count it half.
        found: the fit of these votes, if there is one; its settings hold.

    Raises:
        InvalidField: a preference is called undecided.
        FitDidNotConverge: a fit met its limit.
    """
    if decided := [outcome for outcome in undecided if outcome in PREFERENCES]:
        raise InvalidField.of("undecided", f"{decided[0]} is a preference")
    votes = evidence.votes if isinstance(evidence, Evidence) else evidence
    found = fit_without_style(evidence, settings, found)
    doubtful = np.flatnonzero(np.isin(votes.outcome, [CODES[outcome] for outcome in undecided]))
    n = len(votes.models)
    counts = np.bincount(votes.first[doubtful], minlength=n) + np.bincount(votes.second[doubtful], minlength=n)
    concerned = np.flatnonzero(counts)
    if not len(concerned):
        return Bounds(counts, found.strengths, found.strengths, found.rank, found.rank)
    rows = Rows.of(votes, held_factors(found), len(votes), found.first_seat)
    flips_count = found.settings.flips == "half"
    counted = _counted(votes, flips_count=flips_count)
    read = preferences(votes.where(counted), flips_as_ties=flips_count).outcome
    base = rows.sums(counted, read, np.zeros_like(counted), 1).total()
    seen = found.votes > 0
    strengths, ranks = {}, {}
    for won in (False, True):
        change = _changes(rows, votes, doubtful, counted, won=won)
        boards = Sums(
            base.votes + change.votes.toarray()[concerned],
            base.half_wins + change.half_wins.toarray()[concerned],
            base.ties + change.ties.toarray()[concerned],
        )
        fitted = np.round(refit(rows, boards, found), STRENGTH_DECIMALS) + 0.0
        strengths[won], ranks[won] = found.strengths.copy(), found.rank.copy()
        strengths[won][concerned] = fitted[np.arange(len(concerned)), concerned]
        ranks[won][concerned] = _ranks(fitted, concerned, seen)
    return Bounds(counts, strengths[False], strengths[True], ranks[False], ranks[True])


def _counted(votes: Votes, *, flips_count: bool) -> IntArray:
    """Rows of the votes that enter the fit."""
    enters = votes.outcome <= CODES[Outcome.TIE]
    if flips_count:
        enters |= votes.outcome == CODES[Outcome.FLIP]
    return np.flatnonzero(enters)


def _changes(rows: Rows, votes: Votes, doubtful: IntArray, counted: IntArray, *, won: bool) -> Sums:
    """By model: what its undecided cells add when they are won or lost, less what they were read as."""
    weight, row = rows.weight[doubtful], rows.of_vote[doubtful]
    was_tie = np.isin(doubtful, counted)
    tables = []
    for model, is_first in ((votes.first, True), (votes.second, False)):
        for_row_first = (rows.turned[doubtful] != is_first) == won
        half_wins = for_row_first * weight - was_tie * weight / 2
        tables.append(rows.summed(model[doubtful], rows.models, row, ~was_tie * weight, half_wins, -(was_tie * weight)))
    named_first, named_second = tables
    return Sums(
        named_first.votes + named_second.votes,
        named_first.half_wins + named_second.half_wins,
        named_first.ties + named_second.ties,
    )


def _ranks(fitted: FloatArray, concerned: IntArray, seen: BoolArray) -> IntArray:
    """Rank of each board's model: models that were seen and are stronger, or equal and before it, come first."""
    own = fitted[np.arange(len(concerned)), concerned][:, None]
    before = np.arange(fitted.shape[1])[None, :] < concerned[:, None]
    return np.asarray(1 + np.sum(seen & ((fitted > own) | ((fitted == own) & before)), axis=1))
