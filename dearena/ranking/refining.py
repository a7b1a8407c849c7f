"""Spends judge calls on the whole board, where they tell most. Pure.

Each cell goes to the pair by which the strengths' variance falls most: the sum over models of the variance, in the
linear approximation in which a vote on two models adds its information to the curvature of the fit (A-optimal
design, greedy; Atkinson, Donev and Tobias, Optimum Experimental Designs, 2007, chapters 10 and 12). Information
counts more the closer two models are: for an order it is near ones that must be told apart.
"""

from collections import Counter
from typing import Final

import numpy as np

from dearena.ranking.asks import Ask
from dearena.ranking.court import Court
from dearena.ranking.draws import Panel, draw
from dearena.ranking.evidence import READABLE, Ballot
from dearena.ranking.pairs import Pair, in_order
from dearena.ranking.standing import PRIOR_DEVIATION
from dearena.scoring.arrays import FloatArray

ROUNDS: Final = 6
"""A refinement is spread over about so many, each planned on the board of the one before."""
MOST_CELLS: Final = 20_000
"""Of a round: more are planned for too long, on strengths that are too old by their end."""
CELLS_A_MODEL: Final = 2
"""The least of a round: fewer are hardly worth a board."""
NEAR: Final = 10.0
"""Ranks between two models beyond which a vote on them tells the order little."""
FEWEST_MODELS: Final = 2
"""There is nothing to be told of one."""
REPETITION: Final = 3.0
"""A vote is worth so many times less than an independent one, since answers differ by query."""


def cells_of_round(cells_left: int, ordered: int, models: int) -> int:
    """How many cells the next round of a refinement asks.

    Args:
        cells_left: of the refinement.
        ordered: of it as a whole.
        models: that are ranked.
    """
    return min(cells_left, max(-(-ordered // ROUNDS), CELLS_A_MODEL * models), MOST_CELLS)


def refinement(court: Court) -> tuple[Ask, ...]:
    """The cells of the next round of the refinement that is under way."""
    case = court.case
    order = case.state.refinement
    if order is None:
        return ()
    a_cell = case.rules.calls_a_cell
    count = cells_of_round(order.calls_left // a_cell, order.calls // a_cell, len(case.state.ranking))
    asked: dict[Pair, set[Ballot]] = {}
    asks: list[Ask] = []
    closed: set[Pair] = set()
    models = in_order(case.state.ranking)
    if len(models) < FEWEST_MODELS:
        return ()
    design = _Design(court, models)
    while len(asks) < count and (pair := design.best(closed)):
        judges = court.judges_of(pair)
        taken = asked.setdefault(pair, set(case.evidence.of_pair(pair)))
        panel = Panel.of(judges, case.frozen.weights, case.frozen.costs) if judges else None
        drawn = panel and draw(pair, panel, case.queries, taken, court.shown, 1, case.salt, case.askable, evenly=True)
        if not drawn:
            closed.add(pair)
            continue
        taken.add(drawn[0].ballot)
        asks += drawn
        design.add(pair)
    return tuple(asks)


class _Design:
    """The covariance of strengths as votes are added to it, and what one more would take off it."""

    def __init__(self, court: Court, models: tuple[str, ...]) -> None:
        self._models = models
        self._place = {model: place for place, model in enumerate(models)}
        known = court.case.frozen.known
        strengths = np.array([known.strength(model) for model in models])
        chance = 1 / (1 + np.exp(-(strengths[:, None] - strengths[None, :])))
        ranks = np.argsort(np.argsort(-strengths, kind="stable"), kind="stable")
        nearness = np.exp(-0.5 * ((ranks[:, None] - ranks[None, :]) / NEAR) ** 2)
        self._worth: FloatArray = chance * (1 - chance) * nearness / REPETITION
        information = self._worth * _numbers(court, self._place)
        curvature = np.diag(information.sum(axis=1) + PRIOR_DEVIATION**-2) - information
        self._covariance: FloatArray = np.linalg.inv(curvature)
        self._squared: FloatArray = self._covariance @ self._covariance

    def best(self, closed: set[Pair]) -> Pair | None:
        """The pair that is worth most; of equals the first in canonical order. None when all are closed."""
        covariance, squared = self._covariance, self._squared
        own = np.diag(squared)
        variances = np.diag(covariance)
        of_pair = variances[:, None] + variances[None, :] - 2 * covariance
        gain = self._worth * (own[:, None] + own[None, :] - 2 * squared) / (1 + self._worth * of_pair)
        gain = np.triu(np.round(gain, 12), 1)
        for pair in closed:
            gain[self._place[pair.model_a], self._place[pair.model_b]] = 0
        a, b = divmod(int(np.argmax(gain)), len(self._models))
        return Pair(self._models[a], self._models[b]) if gain[a, b] > 0 else None

    def add(self, pair: Pair) -> None:
        """Take one more vote on a pair as cast."""
        a, b = (self._place[model] for model in pair)
        column = self._covariance[:, a] - self._covariance[:, b]
        share = self._worth[a, b] / (1 + self._worth[a, b] * (column[a] - column[b]))
        beside = np.outer(self._covariance @ column, column)
        taken = np.outer(column, column)
        self._squared += share**2 * (column @ column) * taken - share * (beside + beside.T)
        self._covariance -= share * taken


def _numbers(court: Court, place: dict[str, int]) -> FloatArray:
    """Readable votes by pair of models, symmetric."""
    numbers: FloatArray = np.zeros((len(place), len(place)))
    silent = court.case.state.suspended
    for pair in court.case.evidence.pairs:
        if pair.model_a not in place or pair.model_b not in place:
            continue
        met = Counter(
            heard.outcome in READABLE and ballot.judge not in silent
            for ballot, heard in court.case.evidence.of_pair(pair).items()
        )
        a, b = place[pair.model_a], place[pair.model_b]
        numbers[a, b] = numbers[b, a] = met[True]
    return numbers
