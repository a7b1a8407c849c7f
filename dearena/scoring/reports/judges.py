"""The judge report: how each judge votes, whom it favours, what it weighs, and what it is worth.

Nothing here changes a board. None stands where the votes cannot tell. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dearena.outcomes import Outcome
from dearena.scoring.arrays import ONE, FloatArray, IntArray
from dearena.scoring.evidence import preferences
from dearena.scoring.fit import Fit, fit
from dearena.scoring.intervals import quantile
from dearena.scoring.outcomes import CODES
from dearena.scoring.reports.agreement import Agreement, agreement, boards_without
from dearena.scoring.reports.favour import Favour, favours
from dearena.scoring.reports.outcome_counts import outcome_counts
from dearena.scoring.reports.ratios import Share, share_by_question
from dearena.scoring.reports.refits import fit_without_style
from dearena.scoring.seats import FIRST, SECOND
from dearena.scoring.votes import Votes
from dearena.scoring.weightings import RELIABILITY

ALWAYS: Final = 0.95
"""Share of ties from which a judge is said to always tie."""

FEWEST_VOTES: Final = 10
"""Below so many votes nobody is said to always do anything."""

SEAT_SHARE: Final = 0.6
"""Share of a seat, of 1/2, from which a sure preference for it is worth a word: a slight one is common."""

ALWAYS_TIES: Final = "always ties"
PREFERS_FIRST: Final = "prefers the first seat"
PREFERS_SECOND: Final = "prefers the second seat"
DISAGREES: Final = "disagrees with the rest"
FAVOURS_FAMILY: Final = "favours its family"
FAVOURS_SLUG: Final = "favours its own revisions"
MOSTLY_UNDECIDED: Final = "mostly undecided"
SUSPENDED: Final = "is suspended"


@dataclass(frozen=True, slots=True)
class Worth:
    """What a judge costs and brings.

    Attributes:
        cost: of its calls, in whole units of `currency`.
        variance_removed: mean variance of strengths without the judge, less that with it; below 0 where
            the board is less sure for its votes. The fit without it weighs the others anew.
        per_variance: cost per unit of variance removed; None where none is removed.
    """

    cost: int
    currency: str
    variance_removed: float
    per_variance: float | None


@dataclass(frozen=True, slots=True)
class JudgeRow:
    """One judge.

    Attributes:
        cells: outcomes of any kind.
        votes: of these, preferences and ties.
        rates: of each outcome among its cells; empty without cells.
        tie_rate: ties among its votes; None without votes.
        tie_rate_others: among the votes of all other judges.
        first_seat: share of verdicts for the first seat among those for either; where each pair was shown in both
            orders 1/2 is even-handed whatever the answers, where once, if seats were drawn by lot.
        agreement: with the board of the others.
        family: what it adds to answers of its own family, in log-odds.
        slug: what it adds to answers of other revisions of its own slug.
        reliability: its discrimination, mean 1; None under other weightings.
        weight: on the board, mean 1; 0 when suspended.
        worth: where its cost was told.
        notes: short words on what stands out, each beyond the doubt that comes with so many judges.
    """

    judge: str
    cells: int
    votes: int
    rates: Mapping[Outcome, float]
    tie_rate: float | None
    tie_rate_others: float | None
    first_seat: Share | None
    agreement: Agreement | None
    family: Favour | None
    slug: Favour | None
    reliability: float | None
    weight: float
    worth: Worth | None
    notes: tuple[str, ...]


def judge_report(
    votes: Votes,
    found: Fit,
    *,
    families: Mapping[str, str] | None = None,
    costs: Mapping[str, int] | None = None,
    costs_currency: str = "",
) -> tuple[JudgeRow, ...]:
    """Report on every judge, in canonical order.

    Args:
        votes: of any outcome.
        found: their fit.
        families: of models and judges, by name or by slug.
        costs: of a judge's calls, in whole units; each judge named costs one more fit.

    Raises:
        FitDidNotConverge: a fit met its limit.
    """
    settings = found.settings
    counted = preferences(votes, flips_as_ties=settings.flips == "half")
    by_judge = outcome_counts(votes).by_judge
    rows, counted_rows = _rows_by_judge(votes), _rows_by_judge(counted)
    without = boards_without(counted, found)
    favour = favours(counted, settings, families)
    worths = _worths(votes, found, costs or {}, costs_currency)
    weights = found.judging.parts / ONE
    # A word on one of many judges must be as rarely wrong as a word on one alone.
    strict = 1 - (1 - settings.confidence) / max(len(votes.judges), 1)
    report = []
    for judge, name in enumerate(votes.judges):
        own, decided = votes.where(rows[judge]), counted.where(counted_rows[judge])
        row = replace(
            _plain_row(name, own, decided, by_judge[judge], settings.confidence, without[judge]),
            tie_rate_others=_tie_rate(np.sum(by_judge, axis=0) - by_judge[judge]),
            family=favour.family[judge],
            slug=favour.slug[judge],
            reliability=float(weights[judge]) if settings.weighting == RELIABILITY else None,
            weight=float(weights[judge]),
            worth=worths.get(name),
        )
        sure = _first_seat(own, strict), agreement(decided, without[judge], strict)
        report.append(_noted(row, *sure, strict))
    return tuple(report)


def suspended_judges(votes: Votes, found: Fit) -> tuple[JudgeRow, ...]:
    """Report on judges whose votes count nothing, in canonical order: how they voted, beside a board without them.

    Whom they favour, and what they are worth, is asked of judges that count.

    Args:
        votes: theirs, of any outcome.
        found: the fit of all others' votes, over the same models.
    """
    settings = found.settings
    counted = preferences(votes, flips_as_ties=settings.flips == "half")
    by_judge = outcome_counts(votes).by_judge
    others = np.sum(found.tallies, axis=(1, 2))
    rows, counted_rows = _rows_by_judge(votes), _rows_by_judge(counted)
    strict = 1 - (1 - settings.confidence) / max(len(votes.judges) + len(found.judges), 1)
    report = []
    for judge, name in enumerate(votes.judges):
        own, decided = votes.where(rows[judge]), counted.where(counted_rows[judge])
        plain = _plain_row(name, own, decided, by_judge[judge], settings.confidence, found.strengths)
        row = replace(plain, tie_rate_others=_tie_rate(others))
        noted = _noted(row, _first_seat(own, strict), agreement(decided, found.strengths, strict), strict)
        report.append(replace(noted, notes=(SUSPENDED, *noted.notes)))
    return tuple(report)


def _plain_row(
    judge: str, own: Votes, decided: Votes, counts: IntArray, confidence: float, strengths: FloatArray
) -> JudgeRow:
    """How a judge votes, beside a board without it: all that can be said of any judge, and no weight yet."""
    return JudgeRow(
        judge=judge,
        cells=len(own),
        votes=len(decided),
        rates=_rates(counts),
        tie_rate=_tie_rate(counts),
        tie_rate_others=None,
        first_seat=_first_seat(own, confidence),
        agreement=agreement(decided, strengths, confidence),
        family=None,
        slug=None,
        reliability=None,
        weight=0.0,
        worth=None,
        notes=(),
    )


def _rows_by_judge(votes: Votes) -> list[IntArray]:
    order = np.argsort(votes.judge, kind="stable")
    ends = np.searchsorted(votes.judge[order], np.arange(len(votes.judges) + 1))
    return [order[ends[judge] : ends[judge + 1]] for judge in range(len(votes.judges))]


def _rates(counts: IntArray) -> dict[Outcome, float]:
    """Of each outcome among all; nothing where there is none."""
    cells = int(np.sum(counts))
    return {kind: int(counts[CODES[kind]]) / cells for kind in Outcome} if cells else {}


def _tie_rate(counts: IntArray | FloatArray) -> float | None:
    """Ties among preferences and ties as they were said.

    Args:
        counts: by outcome.
    """
    said = counts[: CODES[Outcome.TIE] + 1]
    return int(said[CODES[Outcome.TIE]]) / int(np.sum(said)) if np.sum(said) else None


def _first_seat(own: Votes, confidence: float) -> Share | None:
    if own.seats is None:
        return None
    look, order = np.nonzero((own.seats == FIRST) | (own.seats == SECOND))
    return share_by_question(own.seats[look, order] == FIRST, own.question[look], confidence)


def _worths(votes: Votes, found: Fit, costs: Mapping[str, int], currency: str) -> dict[str, Worth]:
    place = {judge: index for index, judge in enumerate(votes.judges)}
    told = [judge for judge in costs if judge in place]
    if not told:
        return {}
    with_all = _mean_variance(fit_without_style(votes, None, found))
    worths = {}
    for judge in told:
        others = votes.where(votes.judge != place[judge])
        if len(others) in (0, len(votes)):
            continue
        removed = _mean_variance(fit(others, found.settings)) - with_all
        worths[judge] = Worth(costs[judge], currency, removed, costs[judge] / removed if removed > 0 else None)
    return worths


def _mean_variance(found: Fit) -> float:
    return float(np.mean(np.diag(found.covariance)))


def _noted(row: JudgeRow, seat: Share | None, agreed: Agreement | None, confidence: float) -> JudgeRow:
    """The row with its notes.

    Args:
        seat, agreed: with intervals at the stricter confidence.
    """
    undecided = sum(row.rates.get(kind, 0.0) for kind in (Outcome.FLIP, Outcome.INVALID, Outcome.FAILED))
    notes = {
        ALWAYS_TIES: row.votes >= FEWEST_VOTES and row.tie_rate is not None and row.tie_rate >= ALWAYS,
        MOSTLY_UNDECIDED: row.cells >= FEWEST_VOTES and undecided > 1 / 2,
        PREFERS_FIRST: seat is not None and seat.value >= SEAT_SHARE and seat.low > 1 / 2,
        PREFERS_SECOND: seat is not None and seat.value <= 1 - SEAT_SHARE and seat.high < 1 / 2,
        DISAGREES: agreed is not None and agreed.falls_short,
        FAVOURS_FAMILY: _surely_above(row.family, confidence),
        FAVOURS_SLUG: _surely_above(row.slug, confidence),
    }
    return replace(row, notes=tuple(note for note, holds in notes.items() if holds))


def _surely_above(favour: Favour | None, confidence: float) -> bool:
    if favour is None:
        return False
    return favour.premium > quantile(confidence, favour.questions - 1) * favour.error


__all__ = ["Agreement", "Favour", "JudgeRow", "Share", "Worth", "judge_report", "suspended_judges"]
