"""A dimension ranked in plain memory: world A for its outcomes, the scorer's own code for its boards, no servers."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dearena.names import DimensionName
from dearena.outcomes import Outcome
from dearena.ranking import steps
from dearena.ranking.agenda import OpenRound, Wait, between_rounds
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.entrants import Entrant, EntrantState
from dearena.ranking.evidence import Evidence, Vote, counted
from dearena.ranking.ranking import RankingState, apply, entrants_of, replay
from dearena.ranking.rounds import Cell, Material, cells_of, digest_of
from dearena.ranking.rules import Rules
from dearena.scoring import FitSettings
from dearena.scoring.boards import board as scorer
from dearena.scoring.boards import vote_rows as scored

ALGEBRA = DimensionName("default", "algebra")

Judging = Callable[[Cell], Outcome]


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


@dataclass
class Played:
    """A dimension as the ranker would keep it, driven step by step."""

    judging: Judging
    queries: tuple[str, ...]
    entrants: list[Entrant]
    rules: Rules = field(default_factory=Rules)
    shuffle: random.Random | None = None
    """Brings outcomes in another order."""
    log: list[Decision] = field(default_factory=list)
    state: RankingState = field(default_factory=RankingState)
    states: list[RankingState] = field(default_factory=list)
    cells: dict[int, tuple[Cell, ...]] = field(default_factory=dict)
    votes: dict[int, list[Vote]] = field(default_factory=dict)
    boards: dict[int, scorer.Board] = field(default_factory=dict)
    members: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def run(self, most_decisions: int = 2_000) -> Wait | steps.NoEligibleJudge:
        """Go on until nothing can be done."""
        while len(self.log) < most_decisions:
            if (rest := self.step()) is not None:
                return rest
        raise AssertionError(f"still going after {most_decisions} decisions: {self.log[-3:]}")

    def step(self) -> Wait | steps.NoEligibleJudge | None:
        if self.state.open_round is not None:
            self._close()
        elif self.state.settling:
            board = self.board()
            order = [row.model for row in board.rows if not row.retired]
            self._decide(steps.settling(self.state, order, board.digest))
        else:
            match between_rounds(self.state, self.rules, self.entrants):
                case Wait() as wait:
                    return wait
                case OpenRound():
                    return self._open()
                case decided:
                    self._decide(decided)
        return None

    def _open(self) -> steps.NoEligibleJudge | None:
        weights = steps.weights_of(self.state, self.weights())
        planned = steps.plan(self.state, self.rules, self.queries, weights, self.evidence())
        if isinstance(planned, steps.NoEligibleJudge):
            return planned
        cells = cells_of(planned.wanted, self.material())
        number = self.state.last_closed_round + 1
        self._decide(steps.opening(self.state, planned, weights, len(cells), digest_of(cells)))
        self.cells[number] = cells
        return None

    def _close(self) -> None:
        assert self.state.open_round is not None
        number = self.state.open_round.number
        cells = list(self.cells[number])
        if self.shuffle:
            self.shuffle.shuffle(cells)
        votes = [
            Vote(cell.cell_id, cell.attempt, cell.pair, cell.judge, cell.query_id, self.judging(cell), 2)
            for cell in cells
        ]
        self.votes[number] = votes
        evidence = self.evidence()
        self._decide(steps.closing(self.state, self.rules, self.queries, evidence, counted(votes)))
        self.members[number] = entrants_of(self.state)

    def evidence(self) -> Evidence:
        return Evidence(vote for number in self.state.rounds_of_active() for vote in self.votes.get(number, ()))

    def material(self) -> Material:
        return Material(
            dimension=ALGEBRA,
            dimension_version=1,
            template_hash="template",
            queries={query: f"hash of {query}" for query in self.queries},
            answers={model: {query: f"{model} on {query}" for query in self.queries} for model in self.state.admitted},
            judge_parameters={model: known.judge_parameters_hash for model, known in self.state.admitted.items()},
        )

    def board(self) -> scorer.Board:
        """Of the last closed round, as the scorer makes it."""
        number = self.state.last_closed_round
        if number not in self.boards:
            rounds = [[_scored(vote) for vote in self.votes[place]] for place in range(1, number + 1)]
            members = [scorer.Entrant(member["model"], member["retired"]) for member in self.members[number]]
            self.boards[number] = scored.board_of_rounds(rounds, members, FitSettings(self.rules.weighting)).board
        return self.boards[number]

    def weights(self) -> dict[str, int]:
        if not self.state.last_closed_round:
            return {}
        return {row.model: row.judge_weight for row in self.board().rows if not row.retired}

    def _decide(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            self.log.append(decision)
            self.state = apply(self.state, decision)
            self.states.append(self.state)

    def change(self, model: str, **fields: Any) -> None:
        """What the gateway tells of a model from now on."""
        self.entrants = [replace(one, **fields) if one.model == model else one for one in self.entrants]

    def of_kind(self, kind: DecisionKind) -> list[Decision]:
        return [decision for decision in self.log if decision.kind is kind]

    def replayed(self) -> RankingState:
        """From the log alone, as it comes back from a store."""
        stored = json.loads(json.dumps([(d.number, d.kind, d.model, d.round, d.content) for d in self.log]))
        return replay(Decision(n, DecisionKind(kind), model, number, c) for n, kind, model, number, c in stored)


def play(world: World, **fields: Any) -> Played:
    """All models of a world, as one cohort in order."""
    entrants = [entrant(model) for model in world.models]
    return Played(**{"judging": world.judge, "queries": world.queries, "entrants": entrants, **fields})


def _scored(vote: Vote) -> scored.Vote:
    return scored.Vote(
        vote.cell_id, vote.attempt, *vote.pair, vote.judge, vote.query_id, vote.outcome, vote.judge_calls
    )
