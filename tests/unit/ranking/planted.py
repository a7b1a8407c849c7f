"""Planted worlds ranked in plain memory, and arenas of which a test may turn every knob; no servers."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dearena.names import DimensionName
from dearena.outcomes import Outcome
from dearena.ranking.agenda import Wait
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.entrants import Entrant, EntrantState
from dearena.ranking.evidence import VOTE, Vote
from dearena.ranking.pairs import in_order
from dearena.ranking.ranking import RankingState
from dearena.ranking.rules import Rules
from dearena.scoring import boards as scoring
from dearena.trials.arena import Arena, Outcomes, Progress
from dearena.trials.world import Planted

ALGEBRA = DimensionName("default", "algebra")
MOST_DECISIONS = 4_000


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


class Played(Arena):
    """An arena that is driven decision by decision, with people and timing as a test wants them."""

    def __init__(
        self,
        world: Planted,
        rules: Rules | None = None,
        cohorts: Sequence[Sequence[str]] = (),
        outcomes: Outcomes = list,
    ) -> None:
        super().__init__(world, rules or Rules(), [], salt="played", outcomes=outcomes)
        self.planted = world
        for cohort in cohorts or [world.models]:
            self.enter(cohort)

    def step(self, told: Progress = lambda _arena: None) -> Wait | None:
        """As an arena does; one that goes in circles is found out."""
        assert len(self.log) < MOST_DECISIONS, f"still going: {self.log[-3:]}"
        return super().step(told)

    def until(self, reached: Callable[[RankingState], object]) -> None:
        """Go on until the state is so."""
        while not reached(self.state):
            wait = self.step()
            assert wait is None, wait

    def restarted(self) -> "Played":
        """Another that knows the log, the outcomes and the people, and nothing else."""
        again = Played(self.planted, self.rules, outcomes=self._outcomes)
        again.entrants, again.orders = list(self.entrants), list(self.orders)
        again.take_up(self.stored(), self.votes)
        return again

    def of_kind(self, kind: DecisionKind) -> list[Decision]:
        """Decisions of one kind."""
        return [decision for decision in self.log if decision.kind is kind]

    def asked(self, kind: str = VOTE) -> list[Vote]:
        """All outcomes of votes, or of canaries."""
        return [vote for votes in self.votes.values() for vote in votes if vote.kind == kind]

    def rounds_of(self, model: str) -> int:
        """How many rounds served a model."""
        return len(self.state.insertions[model].rounds)

    def strengths_without(self, *judges: str) -> dict[str, float]:
        """By the votes so far, had these judges never said a word."""
        rounds = [
            [_scored(vote) for vote in votes if vote.kind == VOTE and vote.judge not in judges]
            for votes in self.votes.values()
        ]
        admitted = self.state.admitted
        members = [scoring.Entrant(model, admitted[model].retired) for model in in_order(admitted)]
        made = scoring.board_of_rounds(rounds, members, self.settings)
        return {row.model: row.strength for row in made.board.rows}

    def stored(self) -> list[Decision]:
        """The log as it comes back from a store."""
        plain = json.loads(json.dumps([(d.number, d.kind, d.model, d.round, d.content) for d in self.log]))
        return [Decision(n, DecisionKind(kind), model, number, content) for n, kind, model, number, content in plain]


def _scored(vote: Vote) -> scoring.Vote:
    return scoring.Vote(
        vote.cell_id, 1, *vote.pair, vote.judge, vote.query_id, vote.outcome, vote.judge_calls, draw=vote.draw
    )


def with_outcome(votes: Iterable[Vote], outcome: Outcome, spoilt: Callable[[Vote], bool]) -> list[Vote]:
    """Outcomes of which some come to this, without a word from the judge."""
    return [vote._replace(outcome=outcome, a_first="", b_first="") if spoilt(vote) else vote for vote in votes]
