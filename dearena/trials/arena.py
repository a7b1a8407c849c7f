"""An arena in plain memory: the rules of the ranker and the boards of the scorer, played in a world. Pure.

What is played is the services' own code, in their order: who comes next, a round's cells, its outcomes, its board,
the steps that follow, the settle. So the boards are those that the services would make of the same verdicts, to the
bit. Two things differ, and no board depends on them: a cell's id is its names and no hash, and nothing takes time.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dearena.canaries import Sort
from dearena.faults import ArenaFault
from dearena.identity import Digest, text_hash
from dearena.ranking.admission import waiting
from dearena.ranking.agenda import OpenRound, ReviewHeld, Wait, after_review, between_rounds, no_eligible_judge
from dearena.ranking.asks import Ask
from dearena.ranking.closing import Closed, closing, settling
from dearena.ranking.court import Case
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.ranking.entrants import Entrant, EntrantState
from dearena.ranking.evidence import CANARY, VOTE, Evidence, Vote
from dearena.ranking.findings import Board, Ranked
from dearena.ranking.freezing import freeze
from dearena.ranking.frozen import Frozen, frozen_in
from dearena.ranking.orders import Comparison, Order
from dearena.ranking.planning import NoEligibleJudge, holding, opening, plan
from dearena.ranking.ranking import RankingState, apply, entrants_of
from dearena.ranking.reviewing import review
from dearena.ranking.rules import Rules
from dearena.scoring import FitSettings
from dearena.scoring import boards as scoring
from dearena.trials.world import World


class Stuck(ArenaFault):
    """An arena waits though nobody is missing; says for what."""

    reason = "STUCK"
    status = "FAILED_PRECONDITION"

    @classmethod
    def of(cls, wait: Wait) -> "Stuck":
        """The fault of an arena that waits so."""
        return cls(f"the arena is stuck: {wait.reason}")


@dataclass(frozen=True, slots=True)
class Inserted:
    """How a newcomer came to its place.

    Attributes:
        model: its revision.
        rounds: that served it.
        judge_calls: on its own pairs, until it settled.
        rank: at its settle, 1 is best.
        ranking: then, best first, itself included.
    """

    model: str
    rounds: int
    judge_calls: int
    rank: int
    ranking: tuple[str, ...]


Progress = Callable[["Arena"], None]
"""Told after every settle."""

Outcomes = Callable[[list[Vote]], list[Vote]]
"""What becomes of a round's outcomes on their way: they come in another order, or judges fail."""


def _untold(_arena: "Arena") -> None:
    """Nobody wants to know."""


def _as_they_are(votes: list[Vote]) -> list[Vote]:
    """Nothing befalls outcomes."""
    return votes


class Arena:
    """A dimension from its first model to its last.

    Args:
        world: whom it ranks, and by whose verdicts.
        rules: of the dimension.
        cohorts: revisions in the order of entrance. Each cohort is ready when the one before has its places, but
            more are let in while the seeds are too few.
        settings: of the boards; None: by the weighting of the rules.
        salt: other salts draw other cells; of a dimension of real services, its name.
        outcomes: what becomes of those of each round.
    """

    def __init__(
        self,
        world: World,
        rules: Rules,
        cohorts: Sequence[Sequence[str]],
        settings: FitSettings | None = None,
        salt: str = "",
        outcomes: Outcomes = _as_they_are,
    ) -> None:
        self.world, self.rules, self.salt = world, rules, salt
        self.settings = settings or FitSettings(weighting=rules.weighting)
        self.state = RankingState()
        self.log: list[Decision] = []
        self.votes: dict[int, list[Vote]] = {}
        self.evidence = Evidence()
        self.inserted: list[Inserted] = []
        self.judge_calls = 0
        self.asks: tuple[Ask, ...] = ()
        self.entrants: list[Entrant] = []
        self.orders: list[Order] = []
        self._outcomes = outcomes
        self._cohorts = list(cohorts)
        self._queries = tuple(world.queries)
        self._vote_log = scoring.VoteLog()
        self._members: list[scoring.Entrant] = []
        self._made: scoring.Made | None = None
        self._calls_of: Counter[str] = Counter()

    def run(self, told: Progress = _untold) -> None:
        """Go on until everybody has a place who may have one.

        Raises:
            Stuck: somebody cannot have one.
        """
        while True:
            wait = self.rest(told)
            if self._cohorts:
                self.enter(self._cohorts.pop(0))
            elif self.state.searching or self.state.seeds or waiting(self.entrants, self.state.admitted):
                raise Stuck.of(wait)
            else:
                return

    def rest(self, told: Progress = _untold) -> Wait:
        """Go on until nothing can be done; says why."""
        while (wait := self.step(told)) is None:
            pass
        return wait

    def step(self, told: Progress = _untold) -> Wait | None:
        """Do the next thing that is to be done; when nothing is, say why."""
        if self.state.open_round is not None:
            self._close()
        elif self.state.settling:
            self._settle()
            told(self)
        else:
            return self._between_rounds()
        return None

    def _between_rounds(self) -> Wait | None:
        found = between_rounds(self.state, self.rules, self.entrants, self.orders)
        if isinstance(found, ReviewHeld):
            found = review(self._next_case()) or after_review(self.state, self.rules, self.entrants)
        match found:
            case Wait():
                return found
            case OpenRound():
                return self._open()
            case decided:
                self._decide(decided)
        return None

    def refine(self, calls: int, told: Progress = _untold) -> None:
        """Spend so many more judge calls on the whole board."""
        if calls >= self.rules.calls_a_cell:
            self.order(DecisionKind.REFINEMENT_ORDERED, calls=calls)
            self.run(told)

    def take_up(self, log: Sequence[Decision], votes: Mapping[int, Sequence[Vote]]) -> None:
        """Go on, freshly made, where another arena stopped: from its log, and the outcomes of its closed rounds.

        `entrants` and `orders` are to be told anew; `inserted` begins from here.

        Raises:
            ValueError: the cells of the open round do not follow from the log before it.
        """
        case = self._case(Frozen())
        for decision in log:
            match decision.kind:
                case DecisionKind.ROUND_OPENED:
                    case = self._case(frozen_in(decision.content))
                case DecisionKind.ROUND_CLOSED:
                    self._hear(decision.round, list(votes[decision.round]))
            self._decide([decision])
            if decision.round and decision.kind in _AT_A_CLOSE:
                self._keep_members()
        if self.state.open_round is not None:
            planned = plan(case)
            self.asks = () if isinstance(planned, NoEligibleJudge) else planned.asks
            if self._cells_digest != self.state.open_round.cells_digest:
                raise ValueError(f"round {self.state.open_round.number} is planned otherwise")

    # What people do meanwhile: it counts from the next step between rounds on.

    def enter(self, cohort: Sequence[str], state: EntrantState = EntrantState.READY) -> None:
        """Models are registered as one cohort, with their answers there or not."""
        name = f"cohort {len(self.entrants)}"
        self.entrants += (
            Entrant(
                model=model,
                state=state,
                reason="",
                cohort=name,
                provider="planted",
                family="",
                may_judge=True,
                judge_parameters_hash="",
            )
            for model in cohort
        )

    def change(self, model: str, **fields: Any) -> None:
        """The gateway tells otherwise of a model: fields of `Entrant`."""
        self.entrants = [replace(one, **fields) if one.model == model else one for one in self.entrants]

    def retire(self, model: str) -> None:
        """A model is retired."""
        self.change(model, state=EntrantState.RETIRED, reason="the model is retired")

    def compare(self, comparisons: Sequence[Comparison]) -> None:
        """Somebody orders comparisons."""
        number = len(self.orders) + 1
        self.orders.append(Order(number, DecisionKind.COMPARISONS_ORDERED, comparisons=tuple(comparisons)))

    def order(self, kind: DecisionKind, judge: str = "", reason: str = "so ordered", calls: int = 0) -> None:
        """An operator suspends or reinstates a judge, or orders a refinement of so many calls."""
        self.orders.append(Order(len(self.orders) + 1, kind, judge, reason, calls))

    @property
    def made(self) -> scoring.Made:
        """The board of the last closed round, as the scorer makes it."""
        if self._made is None:
            self._made = scoring.make_board(self._vote_log.counted(), self._members, self.settings)
        return self._made

    # What the ranker does between rounds, at their opening, at their close, and at a settle. These are all calls into
    # the rules.

    def _open(self) -> Wait | None:
        case = self._next_case()
        planned = plan(case)
        if isinstance(planned, NoEligibleJudge):
            return no_eligible_judge(planned.pair, self.rules.judge_policy)
        if planned.lonely:
            self._decide(holding(case, planned))
            return None
        self.asks = planned.asks
        self._decide(opening(case, planned, self._cells_digest))
        return None

    def _next_case(self) -> Case:
        """By what the next round freezes."""
        board = self._board() if self.state.has_board else None
        return self._case(freeze(self.state, board, self.evidence))

    @property
    def _cells_digest(self) -> Digest:
        return text_hash("\n".join(map(_name, self.asks)))

    def _close(self) -> None:
        number = self.state.last_closed_round + 1
        votes = self._outcomes([self._vote(ask) for ask in self.asks])
        sorts = {_name(ask): Sort.TRUNCATED if ask.truncated else Sort.SAME for ask in self.asks if ask.kind == CANARY}
        self._hear(number, votes)
        self._decide(closing(self._case(Frozen()), Closed(votes, sorts)))
        self._keep_members()

    def _hear(self, number: int, votes: list[Vote]) -> None:
        self.votes[number] = votes
        self._count(votes)
        self.evidence.add(number, votes)
        self._vote_log.add_round(number, scoring.columns_of(_scored(vote) for vote in votes if vote.kind == VOTE))
        self._made = None

    def _keep_members(self) -> None:
        """A round's board is of those who were there at its close, whoever leaves before it is made."""
        self._members = [scoring.Entrant(**one) for one in entrants_of(self.state)]

    def _case(self, frozen: Frozen) -> Case:
        return Case(
            self.state,
            self.rules,
            self._queries,
            frozen,
            self.evidence,
            salt=self.salt,
            askable=self.world.askable,
        )

    def _settle(self) -> None:
        board = self._board()
        decided = settling(self.state, board.order, board.digest)
        seeds = set(self.state.seeds)
        self._decide(decided)
        for model in (model for model in decided[0].content["models"] if model not in seeds):
            insertion = self.state.insertions[model]
            self.inserted.append(
                Inserted(model, len(insertion.rounds), self._calls_of[model], insertion.rank, self.state.ranking)
            )

    def _board(self) -> Board:
        board = self.made.board
        rows = (Ranked(row.model, row.retired, row.judge_weight, row.strength, row.low, row.high) for row in board.rows)
        return Board.of(self.state.last_closed_round, board.digest, rows)

    def _decide(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            self.log.append(decision)
            self.state = apply(self.state, decision)

    # What the world says.

    def _vote(self, ask: Ask) -> Vote:
        seats = self.rules.seats
        heard = (
            self.world.judge_canary(ask.pair.model_a, ask.judge, ask.query_id, truncated=ask.truncated, seats=seats)
            if ask.kind == CANARY
            else self.world.judge(ask.pair, ask.judge, ask.query_id, seats)
        )
        return Vote(
            cell_id=_name(ask),
            attempt=1,
            pair=ask.pair,
            judge=ask.judge,
            query_id=ask.query_id,
            outcome=heard.outcome,
            judge_calls=heard.judge_calls,
            draw=ask.draw,
            kind=ask.kind,
            a_first=_SEATS[heard.seats[0]],
            b_first=_SEATS[heard.seats[1]],
        )

    def _count(self, votes: Sequence[Vote]) -> None:
        served = set(self.state.active)
        for vote in votes:
            self.judge_calls += vote.judge_calls
            if vote.kind == VOTE:
                self._calls_of.update({model: vote.judge_calls for model in vote.pair if model in served})


_AT_A_CLOSE = (DecisionKind.ROUND_CLOSED, DecisionKind.JUDGE_SUSPENDED, DecisionKind.STEPPED)

_SEATS = ("FIRST", "SECOND", "TIE", "")
"""Seat verdicts as the log names them, by the codes of `dearena.scoring.seats`."""


def _name(ask: Ask) -> str:
    name = f"{ask.pair.model_a} {ask.pair.model_b} {ask.judge} {ask.query_id}"
    return f"{name} {'truncated' if ask.truncated else 'same'}" if ask.kind == CANARY else name


def _scored(vote: Vote) -> scoring.Vote:
    return scoring.Vote(
        vote.cell_id,
        vote.attempt,
        *vote.pair,
        vote.judge,
        vote.query_id,
        vote.outcome,
        vote.judge_calls,
        seats=(_SEATS.index(vote.a_first), _SEATS.index(vote.b_first)),
        draw=vote.draw,
    )


def in_cohorts(entrance: Sequence[str], seeds: int, at_once: int) -> list[tuple[str, ...]]:
    """The seeds as one cohort, then so many newcomers each."""
    newcomers = range(seeds, len(entrance), at_once)
    return [tuple(entrance[:seeds]), *(tuple(entrance[start : start + at_once]) for start in newcomers)]
