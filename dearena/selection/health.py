"""How a dimension fares: what its board tells apart, what its queries still tell, and what to do about it. Pure.

- Separability: share of all pairs of models that the board tells apart, one error for the whole board
  (`scoring.ranks.separation`).
- Saturation: share of queries on which nearly all votes are ties.
- Queries that no longer tell: the upper bound of the slope (`slopes`, fitted on the board's own votes) is below
  a share of the typical one. Mislabelled ones are among them and named apart.
- Redundancy: correlation with other dimensions' boards (`redundant_boards`).
- Suggestions: queries to retire are those that no longer tell; queries to add replace them, and where pairs next to
  each other in rank are not told apart, are as many as would tell half of these pairs (`power`), the others staying.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import norm

from dearena.outcomes import Outcome
from dearena.scoring import Fit, FitSettings, Votes, fit
from dearena.scoring.outcomes import CODES
from dearena.selection.pilot import TIE, A, B, PilotVotes
from dearena.selection.power import DEFAULT_POWER, MOST_QUERIES, Design, needed
from dearena.selection.query_scores import QueryScores
from dearena.selection.redundant_boards import BoardCorrelation, board_correlation
from dearena.selection.slopes import fit_slopes
from dearena.selection.spread import FEWEST_GROUPS, spread_of

SATURATED: Final = 0.9
"""Share of ties among a query's votes from which it is saturated."""
MOST_GROWTH: Final = 20
"""Times its queries that a dimension is told to grow to; two models that need more are as good as equal."""
LEAST_SLOPE_SHARE: Final = 0.5
"""A query whose slope is surely below this share of the median query's no longer tells."""
PREFERENCES: Final = {CODES[Outcome.A]: A, CODES[Outcome.B]: B, CODES[Outcome.TIE]: TIE}


@dataclass(frozen=True, slots=True, eq=False)
class Health:
    """Of one dimension.

    Attributes:
        separability: share of pairs told apart, 0 to 1; nan with fewer than two models.
        saturation: share of queries, likewise.
        saturated, silent, mislabelled: queries: nearly all ties; slope surely too small; slope likely below 0.
        correlations: with other dimensions' boards, by name.
        retire: queries to take out.
        add: queries to put in; None: no number within reason would do.
    """

    separability: float
    saturation: float
    saturated: tuple[str, ...]
    silent: tuple[str, ...]
    mislabelled: tuple[str, ...]
    correlations: tuple[BoardCorrelation, ...]
    retire: tuple[str, ...]
    add: int | None


def health(
    votes: Votes, others: Mapping[str, Mapping[str, float]] | None = None, settings: FitSettings | None = None
) -> Health:
    """Look at a dimension's votes.

    Args:
        votes: all there are; flips and voids are left out.
        others: strength by model, by dimension.
        settings: of the board.
    """
    board = fit(votes, settings)
    confidence = board.settings.confidence
    said = preferences_of(votes)
    scores = QueryScores.of(said)
    fitted = fit_slopes(scores)
    names = np.array([said.pool.queries[query] for query in scores.query], dtype=object)
    high = fitted.slope + norm.isf((1 - confidence) / 2) * fitted.slope_error
    typical = float(np.median(fitted.slope)) if len(names) else 0.0
    silent = high < LEAST_SLOPE_SHARE * typical
    saturated = scores.tied >= SATURATED
    retire = tuple(names[silent | saturated].tolist())
    strengths = dict(zip(board.models, board.strengths.tolist(), strict=True))
    return Health(
        separability=_separability(board),
        saturation=float(np.mean(saturated)) if len(names) else float("nan"),
        saturated=tuple(names[saturated].tolist()),
        silent=tuple(names[silent].tolist()),
        mislabelled=tuple(names[fitted.wrong_way > 1 / 2].tolist()),
        correlations=tuple(
            board_correlation(strengths, name, other, confidence) for name, other in sorted((others or {}).items())
        ),
        retire=retire,
        add=_to_add(board, said, len(names), len(retire)),
    )


def preferences_of(votes: Votes) -> PilotVotes:
    """A board's preferences and ties as a pilot's."""
    readable = votes.where(np.isin(votes.outcome, list(PREFERENCES)))
    code = np.zeros(len(CODES))
    code[list(PREFERENCES)] = list(PREFERENCES.values())
    return PilotVotes.of(
        queries=votes.queries,
        models=votes.models,
        judges=votes.judges,
        query=readable.query,
        first=readable.first,
        second=readable.second,
        judge=readable.judge,
        outcome=code[readable.outcome],
    )


def _separability(board: Fit) -> float:
    models = len(board.models)
    if models <= 1:
        return float("nan")
    return float(board.separation().apart.sum() / (models * (models - 1)))


def _to_add(board: Fit, said: PilotVotes, queries: int, retired: int) -> int | None:
    """In place of those retired, and for half of the neighbours that are not told apart."""
    if queries < FEWEST_GROUPS:
        return retired
    order, apart = board.order, board.separation().apart
    neighbours = [
        (board.models[one], board.models[other])
        for one, other in zip(order[:-1].tolist(), order[1:].tolist(), strict=True)
        if not apart[one, other]
    ]
    if not neighbours:
        return retired
    models = len(board.models)
    votes_a_pair = max(len(said) / (queries * models * (models - 1) / 2), 1e-3)
    design = Design(queries, models, votes_a_pair, max(len(np.unique(said.judge)), 1))
    spread = spread_of(said)
    error = (1 - board.settings.confidence) / max(models * (models - 1) / 2, 1)
    wanted = sorted(
        MOST_QUERIES + 1 if found.design is None else found.design.queries
        for found in (needed(spread, one, other, design, error, DEFAULT_POWER) for one, other in neighbours)
    )
    half = wanted[(len(wanted) - 1) // 2]
    return None if half > MOST_GROWTH * queries else max(half - (queries - retired), retired)
