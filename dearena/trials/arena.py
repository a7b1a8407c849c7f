"""An arena in plain memory: the rules of the ranker and the boards of the scorer, played in a world. Pure.

What is played is the services' own code, in their order: who comes next, a round's cells, its outcomes, its board,
the steps that follow, the settle. So the boards are those that the services would make of the same verdicts, to the
bit. Two things differ, and no board depends on them: a cell's id is its names and no hash, and nothing takes time.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dearena.canaries import Sort
from dearena.identity import text_hash
from dearena.ranking.agenda import OpenRound, Wait, between_rounds, no_eligible_judge
from dearena.ranking.asks import CANARY, VOTE, Ask
from dearena.ranking.closing import Closed, closing, settling
from dearena.ranking.court import Case
from dearena.ranking.decisions import Decision
from dearena.ranking.entrants import Entrant, EntrantState
from dearena.ranking.evidence import Evidence, Vote
from dearena.ranking.findings import Board, frozen_error, frozen_strength
from dearena.ranking.freezing import freeze
from dearena.ranking.frozen import Frozen
from dearena.ranking.orders import Order
from dearena.ranking.planning import NoEligibleJudge, opening, plan
from dearena.ranking.ranking import RankingState, apply, entrants_of
from dearena.ranking.rules import Rules
from dearena.scoring import FitSettings
from dearena.scoring import boards as scoring
from dearena.trials.world import World


class Stuck(RuntimeError):
    """An arena waits though nobody is missing; says for what."""


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


def _untold(_arena: "Arena") -> None:
    """Nobody wants to know."""


class Arena:
    """A dimension from its first model to its last.

    Args:
        world: whom it ranks, and by whose verdicts.
        rules: of the dimension.
        cohorts: revisions in the order of entrance. Each cohort is ready when the one before has its places, but
            more are let in while the seeds are too few.
        settings: of the boards; None: by the weighting of the rules.
        salt: other salts draw other cells; of a dimension of real services, its name.
    """

    def __init__(
        self,
        world: World,
        rules: Rules,
        cohorts: Sequence[Sequence[str]],
        settings: FitSettings | None = None,
        salt: str = "",
    ) -> None:
        self.world, self.rules, self.salt = world, rules, salt
        self.settings = settings or FitSettings(weighting=rules.weighting)
        self.state = RankingState()
        self.log: list[Decision] = []
        self.votes: dict[int, list[Vote]] = {}
        self.evidence = Evidence()
        self.inserted: list[Inserted] = []
        self.judge_calls = 0
        self._cohorts = list(cohorts)
        self._entrants: list[Entrant] = []
        self._queries = tuple(world.queries)
        self._asked: tuple[Ask, ...] = ()
        self._orders: list[Order] = []
        self._vote_log = scoring.VoteLog()
        self._members: list[scoring.Entrant] = []
        self._made: scoring.Made | None = None
        self._calls_of: Counter[str] = Counter()

    def run(self, told: Progress = _untold) -> None:
        """Go on until everybody has a place.

        Raises:
            Stuck: somebody cannot have one.
        """
        while True:
            wait = self._step(told)
            if wait is None:
                continue
            if self._cohorts:
                self._let_in(self._cohorts.pop(0))
            elif len(self.state.ranking) == len(self._entrants):
                return
            else:
                raise Stuck(wait.reason)

    def refine(self, calls: int, told: Progress = _untold) -> None:
        """Spend so many more judge calls on the whole board."""
        if calls >= self.rules.calls_a_cell:
            self._orders.append(Order(len(self._orders) + 1, "REFINEMENT_ORDERED", calls=calls))
            self.run(told)

    @property
    def made(self) -> scoring.Made:
        """The board of the last closed round, as the scorer makes it."""
        if self._made is None:
            self._made = scoring.make_board(self._vote_log.counted(), self._members, self.settings)
        return self._made

    def _let_in(self, cohort: Sequence[str]) -> None:
        name = f"cohort {len(self._entrants)}"
        self._entrants += (
            Entrant(
                model=model,
                state=EntrantState.READY,
                reason="",
                cohort=name,
                provider="planted",
                family="",
                may_judge=True,
                judge_parameters_hash="",
            )
            for model in cohort
        )

    # What the ranker does between rounds, at their opening, at their close, and at a settle. These are all calls into
    # the rules.

    def _step(self, told: Progress) -> Wait | None:
        if self.state.open_round is not None:
            self._close()
        elif self.state.settling:
            self._settle()
            told(self)
        else:
            match between_rounds(self.state, self.rules, self._entrants, self._orders):
                case Wait() as wait:
                    return wait
                case OpenRound():
                    return self._open()
                case decided:
                    self._decide(decided)
        return None

    def _open(self) -> Wait | None:
        board = self._board() if self.state.last_closed_round else None
        case = self._case(freeze(self.state, board, self.evidence))
        planned = plan(case)
        if isinstance(planned, NoEligibleJudge):
            return no_eligible_judge(planned.pair)
        self._asked = planned.asks
        self._decide(opening(case, planned, text_hash("\n".join(map(_name, self._asked)))))
        return None

    def _close(self) -> None:
        number = self.state.last_closed_round + 1
        votes = [self._vote(ask) for ask in self._asked]
        sorts = {
            _name(ask): Sort.TRUNCATED if ask.truncated else Sort.SAME for ask in self._asked if ask.kind == CANARY
        }
        self.votes[number] = votes
        self._count(votes)
        self.evidence.add(number, votes)
        self._decide(closing(self._case(Frozen()), Closed(votes, sorts)))
        self._vote_log.add_round(number, scoring.columns_of(_scored(vote) for vote in votes if vote.kind == VOTE))
        self._members = [scoring.Entrant(**one) for one in entrants_of(self.state)]
        self._made = None

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
        active = [row for row in board.rows if not row.retired]
        return Board(
            version=self.state.last_closed_round,
            digest=board.digest,
            order=tuple(row.model for row in active),
            weights={row.model: row.judge_weight for row in active},
            strengths={row.model: frozen_strength(row.strength) for row in board.rows},
            errors={row.model: frozen_error(row.low, row.high) for row in board.rows},
        )

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
