"""What newcomers to a ranking of so many models take, in planted worlds. Pure.

The ranking is not played from its first model on. Its models have met in as many votes as an insertion takes, near
ones and any ones, on which the scorer's board is made; then newcomers come one at a time, by the rules of the ranker,
each to the same ranking and the same board.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

import numpy as np

from dearena.faults import InvalidField
from dearena.ranking import decisions
from dearena.ranking.asks import Ask
from dearena.ranking.decisions import NEWCOMER
from dearena.ranking.draws import Panel
from dearena.ranking.entrants import Admitted, Entrant, EntrantState
from dearena.ranking.evidence import Vote
from dearena.ranking.findings import Board
from dearena.ranking.frozen import Frozen
from dearena.ranking.insertion import Coarse, Fine, Settled
from dearena.ranking.pairs import Pair
from dearena.ranking.planning import Plan, opening
from dearena.ranking.ranking import Insertion, RankingState
from dearena.ranking.rules import Rules
from dearena.scoring.weightings import BY_STRENGTH, in_parts, uniform
from dearena.trials.arena import Arena, Stuck
from dearena.trials.world import Planted

WORLDS: Final = 5
NEWCOMERS: Final = 6
"""A world: more of them tell less than more worlds do, which take longer."""
MOST_VOTES: Final = 120_000
"""After so many no further world is played: an exhaustive jury's newcomers take thousands each."""
FIRST_CELLS: Final = 100
"""A model of the first world's ranking has stood in so many; one of the others in as many as newcomers took so far."""
MOST_CELLS: Final = 400
"""Likewise, at most: more make the board hardly surer, and take their time."""
NEAR: Final = 4
"""Ranks between two models of a near pair, at most."""
FEWEST_MODELS: Final = 4
"""A newcomer, its neighbours in the ranking and somebody to judge them."""

_LOTS: Final = 3
"""Beside the world's seed: keeps who is ranked, and what was asked of them, apart from other choices."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one insertion took.

    Attributes:
        judge_calls: canaries included.
        rounds: that it took.
        busiest: calls of the judge that was asked most, round by round; empty of an insertion that was not simulated.
        seconds: that it took; None of one that was simulated.
    """

    judge_calls: int
    rounds: int
    busiest: tuple[int, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """To what the newcomers come.

    Attributes:
        models: that are ranked.
        queries: of the dimension.
        rules: likewise.
        judges: how many of the models judge; 0: all.
        call_nano_units: mean cost of a judge call, for a target of cost, in the currency of the target.

    Raises:
        InvalidField: one of them is none of the values it may have.
    """

    models: int
    queries: int
    rules: Rules
    judges: int = 0
    call_nano_units: int = 0

    def __post_init__(self) -> None:
        if self.models < FEWEST_MODELS:
            raise InvalidField.of("models", f"is {self.models}; must be at least {FEWEST_MODELS}")
        if self.queries < 1:
            raise InvalidField.of("queries", f"is {self.queries}; must be at least 1")
        if not 0 <= self.judges <= self.models:
            raise InvalidField.of("judges", f"is {self.judges}; must be 0 to {self.models}, the number of models")
        self.rules.policy()


def newcomers(setting: Setting, seeds: Sequence[int] = range(WORLDS)) -> list[Taken]:
    """Insertions in the planted worlds of these seeds, which depend on nothing else.

    Raises:
        Stuck: somebody cannot have a place, since nobody may judge it.
    """
    found: list[Taken] = []
    votes = 0
    for seed in seeds:
        cells = FIRST_CELLS
        if found:
            cells = int(fmean(one.judge_calls for one in found) / setting.rules.calls_a_cell)
        ranked = _Ranked(setting, seed, min(cells, MOST_CELLS))
        found += ranked.newcomers()
        votes += sum(map(len, ranked.votes.values()))
        if votes >= MOST_VOTES:
            break
    return found


class _Ranked(Arena):
    """An arena whose ranking is there already, and stays as it is, whoever comes."""

    def __init__(self, setting: Setting, seed: int, cells: int) -> None:
        super().__init__(
            Planted.economy(seed, setting.models + NEWCOMERS, setting.queries), setting.rules, [], salt=str(seed)
        )
        self._setting = setting
        self._lots = np.random.default_rng([seed, _LOTS])
        everybody = [str(model) for model in self._lots.permutation(self.world.models)]
        self._ranked, self._coming = everybody[: setting.models], everybody[setting.models :]
        self._standing = self._settled_state()
        self._meet(cells)

    def newcomers(self) -> Iterator[Taken]:
        """Insert each; none knows of those before it."""
        for model in self._coming:
            yield self._insert(model)

    def _settled_state(self) -> RankingState:
        judging = set(self._ranked[: self._setting.judges or None])
        return RankingState(
            admitted={
                model: Admitted(model, "planted", "", "", may_judge=model in judging) for model in sorted(self._ranked)
            },
            insertions={model: Insertion(model, 0, Settled(0, 0), rank=1) for model in sorted(self._ranked)},
            ranking=tuple(self._ranked),
        )

    def _meet(self, cells: int) -> None:
        """A round in which each ranked model stands in about so many cells, and the board of it."""
        self.state = self._standing
        self.asks = self._meetings(cells * len(self._ranked))
        self._decide(opening(self._case(Frozen()), Plan((), self.asks), ""))
        self._close()
        self._fixed = super()._board()
        self._standing = replace(self.state, ranking=self._fixed.order, settling=False)

    def _meetings(self, count: int) -> tuple[Ask, ...]:
        """Half of them of near models, half of any; judges in proportion to the weights of their true strengths."""
        truth = self.world.truth or {}
        order = sorted(self._ranked, key=lambda model: -truth[model])
        weigh = BY_STRENGTH.get(self.rules.weighting, uniform)
        parts = in_parts(weigh(np.array([truth[model] for model in order])))
        judges = [model for model in order if self._standing.admitted[model].may_judge]
        panel = Panel.of(judges, dict(zip(order, parts.tolist(), strict=True)), {})
        chances = np.array([panel.chances[judge] for judge in judges])
        # What falls out is a cell on a model whose turn it is to judge, or one that is drawn twice.
        one = self._lots.integers(0, len(order), count)
        apart = self._lots.integers(1, len(order), count)
        near = self._lots.integers(1, NEAR + 1, count) * self._lots.choice((-1, 1), count)
        other = np.where(np.arange(count) % 2, (one + apart) % len(order), one + near)
        judge = self._lots.choice(len(judges), count, p=chances / chances.sum())
        query = self._lots.integers(0, len(self._queries), count)
        asks: dict[Ask, None] = {}
        for a, b, by, on in zip(one.tolist(), other.tolist(), judge.tolist(), query.tolist(), strict=True):
            if 0 <= b < len(order) and judges[by] not in (order[a], order[b]):
                pair = Pair(*sorted((order[a], order[b])))
                asks[Ask(pair, judges[by], self._queries[on], panel.draw_of(judges[by]))] = None
        return tuple(asks)

    def _insert(self, model: str) -> Taken:
        self.state = replace(
            self._standing, decisions=self.state.decisions, last_closed_round=self.state.last_closed_round
        )
        entrant = Entrant(model, EntrantState.READY, "", model, "planted", "", may_judge=True, judge_parameters_hash="")
        self._decide([decisions.admitted(self.state.decisions + 1, entrant, NEWCOMER, len(self.state.ranking))])
        calls: list[int] = []
        busiest: list[int] = []
        while isinstance(self.state.insertions[model].phase, Coarse | Fine):
            if wait := self._open():
                raise Stuck.of(wait)
            asked = Counter(ask.judge for ask in self.asks)
            self._close()
            calls.append(len(self.asks) * self.rules.calls_a_cell)
            busiest.append(max(asked.values(), default=0) * self.rules.calls_a_cell)
        return Taken(sum(calls), len(calls), tuple(busiest))

    def _board(self) -> Board:
        return self._fixed

    def _vote(self, ask: Ask) -> Vote:
        vote = super()._vote(ask)
        if not self._setting.call_nano_units:
            return vote
        cost = vote.judge_calls * self._setting.call_nano_units
        return vote._replace(cost_nano_units=cost, currency=self.rules.target_cost_currency)
