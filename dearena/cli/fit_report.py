"""What `dearena fit` tells of a fit, as plain data: the object that `--json` prints.

Pure.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from dearena.cli import board_notes
from dearena.scoring import Fit, Outcome, Votes
from dearena.scoring.arrays import ONE, Codes, IntArray
from dearena.scoring.outcomes import CODES
from dearena.scoring.reports.bootstrap import Bootstrap
from dearena.scoring.reports.counterfactuals import Counterfactuals
from dearena.scoring.reports.favour import Favour
from dearena.scoring.reports.judges import JudgeRow, Worth
from dearena.scoring.reports.outcome_counts import Bounds, outcome_counts
from dearena.scoring.reports.ratios import Share
from dearena.scoring.weightings import RELIABILITY

RATING_OF_AVERAGE: Final = 1000.0
RATING_PER_LOG_ODDS: Final = 400 / math.log(10)
"""A strength on Elo's scale, as on the boards of the scorer."""

FEW_ON_A_MODEL: Final = 5
"""The votes on a model sum up to what its strength expects. On one question alone they do so there, and nothing
of that question's luck is left to be seen."""


def report(found: Fit, votes: Votes, bounds: Bounds) -> dict[str, Any]:
    """A board with all that it rests on.

    Args:
        votes: what was fitted, outcomes that are no preferences included.
        bounds: of each model, had its undecided cells gone one way.
    """
    clusters = found.clusters
    counted = int(np.sum(found.tallies))
    connection = found.connection
    separation, models = found.separation(), len(found.models)
    return {
        "models": _models(found, votes, bounds, separation.groups),
        "judges": _judges(found, votes),
        "effective_votes": found.effective_votes,
        "pairs": models * (models - 1) // 2,
        "pairs_told_apart": int(np.count_nonzero(np.triu(separation.apart, 1))),
        "connected": connection.connected,
        "settings": found.settings.echo(),
        "settings_digest": found.settings.digest,
        "votes": counted,
        "rows": len(votes),
        "outcomes": _named(np.bincount(votes.outcome, minlength=len(Outcome))),
        "clusters": {
            "method": clusters.method,
            "questions": clusters.questions,
            "judges": clusters.judges,
            "degrees_of_freedom": clusters.degrees,
            "sampled": clusters.sampled,
        },
        "parts": _parts(found),
        "undefeated": [found.models[model] for model in connection.undefeated],
        "winless": [found.models[model] for model in connection.winless],
        "bounded": connection.bounded,
        "weights": {
            "settled": found.judging.settled,
            "fits": found.judging.fits,
            "residual": found.judging.residual / ONE,
            "learnt": found.judging.learnt,
        },
        "davidson_log_nu": found.log_nu,
        "first_seat": None if found.first_seat is None else asdict(found.first_seat),
        "style": [
            {"feature": name, "coefficient": value, "error": found.coefficient_errors[name]}
            for name, value in found.coefficients.items()
        ],
    }


def _models(found: Fit, votes: Votes, bounds: Bounds, groups: IntArray) -> list[dict[str, Any]]:
    """Best first."""
    outcomes = outcome_counts(votes).by_model
    wins = np.sum(found.half_wins, axis=1) / 2
    questions, judges = _different(votes, votes.question), _different(votes, votes.judge)
    scores = found.scores
    independent = found.independent_errors
    errors = np.sqrt(np.maximum(np.diag(found.covariance), 0.0))
    return [
        {
            "model": found.models[model],
            "rank": int(found.rank[model]),
            "rank_low": int(found.rank_low[model]),
            "rank_high": int(found.rank_high[model]),
            "group": int(groups[model]),
            "strength": float(found.strengths[model]),
            "strength_low": float(found.low[model]),
            "strength_high": float(found.high[model]),
            "strength_error": float(errors[model]),
            "strength_error_if_independent": float(independent[model]),
            "rating": _rating(found.strengths[model]),
            "rating_low": _rating(found.low[model]),
            "rating_high": _rating(found.high[model]),
            "score": float(scores[model]),
            "votes": int(found.votes[model]),
            "wins": float(wins[model]),
            "questions": int(questions[model]),
            "judges": int(judges[model]),
            "outcomes": _named(outcomes[model]),
            "undecided": int(bounds.undecided[model]),
            "strength_if_undecided_lost": float(bounds.all_lost[model]),
            "strength_if_undecided_won": float(bounds.all_won[model]),
            "rank_if_undecided_lost": int(bounds.rank_all_lost[model]),
            "rank_if_undecided_won": int(bounds.rank_all_won[model]),
        }
        for model in found.order
    ]


def _different(votes: Votes, column: Codes) -> IntArray:
    """How many questions, or judges, each model's preferences and ties are of; shape (models,)."""
    counted = votes.outcome <= CODES[Outcome.TIE]
    column = column[counted].astype(np.int64)
    size, models = int(column.max(initial=0)) + 1, len(votes.models)
    met = np.zeros((models, size), dtype=bool)
    met[votes.first[counted], column] = True
    met[votes.second[counted], column] = True
    return np.asarray(np.sum(met, axis=1))


def _rating(strength: float) -> float:
    return RATING_OF_AVERAGE + RATING_PER_LOG_ODDS * float(strength)


def _judges(found: Fit, votes: Votes) -> list[dict[str, Any]]:
    """In canonical order of their names."""
    counts = outcome_counts(votes).by_judge
    contestants = set(found.models)
    return [
        {
            "judge": judge,
            "weight": int(found.judging.parts[number]) / ONE,
            "votes": int(np.sum(counts[number, :3])),
            "contestant": judge in contestants,
            "outcomes": _named(counts[number]),
            "rates": _named(counts[number] / max(int(np.sum(counts[number])), 1)),
        }
        for number, judge in enumerate(found.judges)
    ]


def _named(counts: Any) -> dict[str, Any]:
    return dict(zip(map(str, Outcome), counts.tolist(), strict=True))


def _parts(found: Fit) -> list[list[str]]:
    """The models of each part, the largest part first."""
    parts: dict[int, list[str]] = {}
    for model in found.order:
        parts.setdefault(int(found.connection.part[model]), []).append(found.models[model])
    return sorted(parts.values(), key=len, reverse=True)


def notes(report: Mapping[str, Any]) -> list[str]:
    """What whoever reads the board must know, in words."""
    silent = [row["model"] for row in report["models"] if not row["votes"]]
    weights, clusters = report["weights"], report["clusters"]
    found = board_notes.no_votes(report["votes"], silent)
    found += board_notes.connection([part for part in report["parts"] if part not in [[name] for name in silent]])
    found += board_notes.bounds(
        report["undefeated"], report["winless"], bounded=report["bounded"], connected=report["connected"]
    )
    if not weights["settled"]:
        found += board_notes.unrest(weights["fits"], weights["residual"])
    if (seat := report["first_seat"]) is not None:
        found += board_notes.first_seat(seat["log_odds"], seat["low"], seat["high"], seat["votes"])
    if report["settings"]["weighting"] == RELIABILITY and not weights["learnt"]:
        found += board_notes.judges_as_given()
    if clusters["questions"] >= board_notes.FEW_CLUSTERS:
        rare = [row["model"] for row in report["models"] if 0 < row["questions"] < FEW_ON_A_MODEL]
        if rare:
            found.append(
                f"on fewer than {FEW_ON_A_MODEL} questions, for which the interval is wide: {board_notes.listed(rare)}"
            )
    return found + board_notes.clusters(
        clusters["method"],
        questions=clusters["questions"],
        judges=clusters["judges"],
        sampled=clusters["sampled"],
    )


def with_bootstrap(report: dict[str, Any], found: Fit, drawn: Bootstrap | None, seed: int) -> None:
    """Add the intervals of questions drawn again; where there are none, a note."""
    if drawn is None:
        report["bootstrap"] = None
        return
    place = {model: number for number, model in enumerate(found.models)}
    for row in report["models"]:
        model = place[row["model"]]
        row["bootstrap_strength_error"] = float(drawn.errors[model])
        for end, strength in (("low", drawn.low[model]), ("high", drawn.high[model])):
            row[f"bootstrap_strength_{end}"] = float(strength)
            row[f"bootstrap_rating_{end}"] = _rating(strength)
    report["bootstrap"] = {
        "draws": drawn.draws,
        "seed": seed,
        "questions": drawn.questions,
        "weights_held": drawn.weights_held,
    }


def with_judges(report: dict[str, Any], rows: Sequence[JudgeRow]) -> None:
    """Add what the judge report says of each judge."""
    told = {row.judge: row for row in rows}
    for one in report["judges"]:
        row = told[one["judge"]]
        one |= {
            "tie_rate": row.tie_rate,
            "tie_rate_others": row.tie_rate_others,
            "first_seat": _plain(row.first_seat),
            "agreement": None if row.agreement is None else asdict(row.agreement) | {"kappa": row.agreement.kappa},
            "own_family": _plain(row.family),
            "own_revisions": _plain(row.slug),
            "reliability": row.reliability,
            "worth": _plain(row.worth),
            "notes": list(row.notes),
        }
    report["judge_report"] = True


def _plain(value: Share | Favour | Worth | None) -> dict[str, Any] | None:
    return None if value is None else asdict(value)


def with_counterfactuals(report: dict[str, Any], boards: Counterfactuals) -> None:
    """Add the boards that might have been, and how each model's rank fares on them."""
    place = {model: number for number, model in enumerate(boards.models)}
    stability = boards.stability
    for row in report["models"]:
        model = place[row["model"]]
        row["counterfactual_rank_low"] = int(stability.lowest[model])
        row["counterfactual_rank_high"] = int(stability.highest[model])
        row["same_rank"] = float(stability.same_rank[model])
        row["same_group"] = float(stability.same_group[model])
    report["counterfactuals"] = [
        {
            "kind": str(board.kind),
            "what": board.what,
            "votes": board.votes,
            "agreement": board.agreement,
            "settled": board.settled,
            "fault": board.fault,
            "models": [
                {"model": model, "rank": int(board.rank[number]), "strength": float(board.strengths[number])}
                for model, number in sorted(place.items(), key=lambda item: board.rank[item[1]])
                if board.rank[number]
            ],
        }
        for board in boards.boards
    ]


def table(reports: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Columns of the models of all boards: numbers and words, no nested values."""
    rows = [{"dimension": one["dimension"], **row} for one in reports for row in one["models"]]
    names = [name for name, value in rows[0].items() if not isinstance(value, dict)]
    return {name: [row[name] for row in rows] for name in names}
