"""Planted worlds ranked in plain memory, and arenas of which a test may turn every knob; no servers."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dearena.names import DimensionName
from dearena.outcomes import Outcome
from dearena.ranking.agenda import Wait
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.entrants import Entrant, EntrantState
from dearena.ranking.evidence import VOTE, Vote
from dearena.ranking.orders import Order
from dearena.ranking.pairs import Pair
from dearena.ranking.ranking import RankingState, replay
from dearena.ranking.rounds import Cell
from dearena.ranking.rules import Rules, SeatPolicy
from dearena.trials.arena import Arena
from dearena.trials.world import Heard, Planted

ALGEBRA = DimensionName("default", "algebra")


@dataclass(frozen=True)
class World:
    """World A: skills ~ N(0, 1), query effects ~ N(0, .8), sharpness rising with skill; two draws a cell."""

    seed: int
    models: tuple[str, ...]
    queries: tuple[str, ...]
    skill: dict[str, float]
    effect: dict[tuple[str, str], float]
    sharpness: dict[str, float]

    @classmethod
    def plant(cls, seed: int, models: int = 12, queries: int = 24) -> "World":
        rng = np.random.default_rng(seed)
        names = tuple(f"model-{index:02}@1" for index in range(models))
        ids = tuple(f"q{index:02}" for index in range(queries))
        skill = rng.normal(0, 1, models)
        effect = rng.normal(0, 0.8, (models, queries))
        sharpness = 1.6 * np.maximum(0.05, 0.7 + 0.35 * skill + rng.normal(0, 0.25, models))
        return cls(
            seed,
            names,
            ids,
            dict(zip(names, map(float, skill), strict=True)),
            {(name, query): float(effect[i, k]) for i, name in enumerate(names) for k, query in enumerate(ids)},
            dict(zip(names, map(float, sharpness), strict=True)),
        )

    def judge(self, cell: Cell) -> Outcome:
        """The cell's own lot: the same whenever it is drawn."""
        quality_a, quality_b = (self.skill[model] + self.effect[model, cell.query_id] for model in cell.pair)
        chance = 1 / (1 + np.exp(-self.sharpness[cell.judge] * (quality_a - quality_b)))
        lot = random.Random(f"{self.seed}/{cell.pair}/{cell.judge}/{cell.query_id}")
        first, second = lot.random() < chance, lot.random() < chance
        if first != second:
            return Outcome.FLIP
        return Outcome.A if first else Outcome.B


def entrant(model: str, state: EntrantState = EntrantState.READY, **fields: Any) -> Entrant:
    given = {
        "model": model,
        "state": state,
        "reason": "",
        "cohort": "one",
        "provider": "in-house",
        "family": "",
        "may_judge": True,
        "judge_parameters_hash": f"parameters of {model}",
    }
    return Entrant(**{**given, **fields})


class Contrary(Planted):
    """A planted world in which some judges' outcomes are all the same."""

    says: dict[str, Outcome]

    def judge(self, pair: Pair, judge: str, query_id: str, seats: SeatPolicy = SeatPolicy.BOTH) -> Heard:
        if judge in self.says:
            return Heard(self.says[judge])
        return super().judge(pair, judge, query_id, seats)

    def judge_canary(
        self, model: str, judge: str, query_id: str, *, truncated: bool, seats: SeatPolicy = SeatPolicy.BOTH
    ) -> Heard:
        if judge in self.says:
            return Heard(self.says[judge])
        return super().judge_canary(model, judge, query_id, truncated=truncated, seats=seats)


def contrary(seed: int, models: int, queries: int, says: Outcome, judges: Sequence[int]) -> Contrary:
    """A world in which the judges at these places always say the same."""
    world = Contrary.economy(seed, models, queries)
    world.says = {world.models[place]: says for place in judges}
    return world


class Played(Arena):
    """An arena that is driven decision by decision, with people and timing as a test wants them."""

    def __init__(
        self,
        world: Planted,
        rules: Rules | None = None,
        cohorts: Sequence[Sequence[str]] = (),
        shuffle: random.Random | None = None,
    ) -> None:
        super().__init__(world, rules or Rules(), [], salt="played")
        self.shuffle = shuffle
        for cohort in cohorts or [world.models]:
            self._let_in(cohort)

    def step(self) -> Wait | None:
        """The next thing that is to be done; why nothing is, else."""
        if self.shuffle and self.state.open_round is not None:
            asks = list(self._asked)
            self.shuffle.shuffle(asks)
            self._asked = tuple(asks)
        return self._step(lambda _arena: None)

    def rest(self, most_decisions: int = 4_000) -> Wait:
        """Go on until nothing can be done."""
        while len(self.log) < most_decisions:
            if (wait := self.step()) is not None:
                return wait
        raise AssertionError(f"still going after {most_decisions} decisions: {self.log[-3:]}")

    def change(self, model: str, **fields: Any) -> None:
        """What the gateway tells of a model from now on."""
        self._entrants = [replace(one, **fields) if one.model == model else one for one in self._entrants]

    def leave(self, model: str) -> None:
        """The gateway retires a model."""
        self.change(model, state=EntrantState.RETIRED, reason="the model is retired")

    def order(self, kind: DecisionKind, judge: str = "", calls: int = 0) -> None:
        """An operator's word."""
        self._orders.append(Order(len(self._orders) + 1, kind, judge, "so ordered", calls))

    def of_kind(self, kind: DecisionKind) -> list[Decision]:
        return [decision for decision in self.log if decision.kind is kind]

    def asked(self) -> list[Vote]:
        """All votes, without canaries."""
        return [vote for votes in self.votes.values() for vote in votes if vote.kind == VOTE]

    def replayed(self) -> RankingState:
        """From the log alone, as it comes back from a store."""
        stored = json.loads(json.dumps([(d.number, d.kind, d.model, d.round, d.content) for d in self.log]))
        return replay(Decision(n, DecisionKind(kind), model, number, c) for n, kind, model, number, c in stored)


def play(seed: int = 0, models: int = 12, queries: int = 12, rules: Rules | None = None) -> Played:
    """All models of a planted world as one cohort in order, none of them ranked yet."""
    return Played(Planted.economy(seed, models, queries), rules)
