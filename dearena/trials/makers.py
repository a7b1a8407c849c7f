"""The rule of the method's makers: every judge searches by itself, on all queries; then a window. Pure.

Source: Decentralized Arena (arXiv 2505.12808), "coarse to fine". The makers settle how places of several
judges become one by averaging; here the mean is weighted as the board weighs judges.
"""

import numpy as np

from dearena.outcomes import Outcome
from dearena.ranking.defaults import DEFAULT_MAX_SLIDES, DEFAULT_SEED_MODELS, DEFAULT_WINDOW
from dearena.ranking.eligibility import FEWEST_OUTSIDE
from dearena.scoring import FitSettings
from dearena.scoring.arrays import FloatArray, IntArray
from dearena.scoring.outcomes import CODES
from dearena.trials.mass import Mass
from dearena.trials.rivals import Asked, Placed, Spent


def makers(mass: Mass, settings: FitSettings, entrance: IntArray) -> Spent:
    """Rank the models in this order of entrance; the first `DEFAULT_SEED_MODELS` each against each."""
    asked = Asked(mass)
    seeds = entrance[:DEFAULT_SEED_MODELS]
    asked.everything(seeds)
    board = asked.board(settings)
    ranking = board.best_first(seeds)
    placed = []
    for newcomer in entrance[DEFAULT_SEED_MODELS:].tolist():
        before = len(asked)
        insertion = _Insertion(asked, mass, newcomer, ranking, board.weights)
        insertion.settle(insertion.coarse_place())
        board = asked.board(settings)
        ranking = board.best_first(np.append(ranking, newcomer))
        placed.append(Placed(newcomer, tuple(ranking.tolist()), insertion.rounds, len(asked) - before))
    return Spent(asked.cells, board, tuple(placed))


class _Insertion:
    """One newcomer before a ranking."""

    def __init__(self, asked: Asked, mass: Mass, newcomer: int, ranking: IntArray, weights: FloatArray) -> None:
        self.rounds = 0
        self._asked, self._newcomer, self._ranking, self._weights = asked, newcomer, ranking, weights
        self._queries = np.arange(len(mass.queries))
        # By places of opponent and judge in the ranking, and query: +1 for the newcomer, -1 against it.
        self._said = np.full((len(ranking), len(ranking), len(mass.queries)), np.nan)

    def coarse_place(self) -> int:
        """Where the judges find the newcomer, each by a binary search among the others; their mean."""
        ranked = len(self._ranking)
        low, high = np.zeros(ranked, dtype=np.int64), np.full(ranked, ranked - 1)
        everybody = np.arange(ranked)
        while len(judges := everybody[low < high]):
            pivot = (low[judges] + high[judges]) // 2
            # A judge searches in the ranking without itself.
            opponent = pivot + (pivot >= judges)
            above = self._margin(opponent, judges) > 0
            high[judges] = np.where(above, pivot, high[judges])
            low[judges] = np.where(above, low[judges], pivot + 1)
            self.rounds += 1
        # A gap in the ranking without the judge lies on either side of the judge: between both, it is halved.
        found = low + np.where(low > everybody, 1.0, np.where(low == everybody, 0.5, 0.0))
        weights = self._weights[self._ranking]
        return int(np.rint(np.sum(found * weights) / np.sum(weights)))

    def settle(self, place: int) -> None:
        """Look one above and one below until the place stays, or the window has slid as often as it may."""
        ranked = np.arange(len(self._ranking))
        for _ in range(DEFAULT_MAX_SLIDES + 1):
            window = ranked[max(0, place - DEFAULT_WINDOW) : place + DEFAULT_WINDOW]
            outside = np.setdiff1d(ranked, window)
            few = len(outside) < FEWEST_OUTSIDE
            opponents, judges = (
                column.ravel() for column in np.meshgrid(window, ranked if few else outside, indexing="ij")
            )
            own = opponents == judges
            opponents, judges = opponents[~own], judges[~own]
            votes = self._votes(opponents, judges)
            weights = self._weights[self._ranking[judges]]
            balance = np.bincount(opponents, np.sum(votes, axis=1) * weights, minlength=len(ranked))[window]
            before, place = place, int(window[0] + np.sum(balance <= 0))
            self.rounds += 1
            if place == before:
                return

    def _margin(self, opponents: IntArray, judges: IntArray) -> FloatArray:
        return np.asarray(np.sum(self._votes(opponents, judges), axis=1))

    def _votes(self, opponents: IntArray, judges: IntArray) -> FloatArray:
        """+1, 0 or -1 by (opponent, judge) and query, for or against the newcomer; asked once."""
        new = np.isnan(self._said[opponents, judges, 0])
        if new.any():
            unheard = opponents[new], judges[new]
            self._said[unheard] = self._heard(*unheard)
        return np.asarray(self._said[opponents, judges])

    def _heard(self, opponents: IntArray, judges: IntArray) -> FloatArray:
        queries = len(self._queries)
        opponent, judge = (np.repeat(self._ranking[places], queries) for places in (opponents, judges))
        newcomer = np.full(len(opponent), self._newcomer)
        heard = self._asked.ask(
            judge, np.minimum(newcomer, opponent), np.maximum(newcomer, opponent), np.tile(self._queries, len(judges))
        )
        first = np.where(heard.outcome == CODES[Outcome.A], 1.0, np.where(heard.outcome == CODES[Outcome.B], -1.0, 0.0))
        return np.where(newcomer < opponent, first, -first).reshape(len(judges), queries)
