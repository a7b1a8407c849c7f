"""A part of recorded votes, chosen one way or another, and how near its board is to that of all of them.

Models enter in a random order; a spender chooses which recorded votes are asked for, up to a share of them;
their board is held against the fit of all votes, made with the same settings. Beside it stands the rival that needs
no thought: as many votes drawn at random.

What is measured is how well a part speaks for the whole. It is not how well the whole speaks for the models: all
votes are of the same few questions and judges. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import combinations
from typing import Any, Final

import numpy as np

from dearena.faults import InvalidField
from dearena.ranking.defaults import DEFAULT_SEED_MODELS
from dearena.ranking.rules import Rules
from dearena.scoring import Fit, FitSettings, Votes, fit
from dearena.scoring.arrays import Codes, IntArray
from dearena.scoring.draws import EVEN, drawn
from dearena.trials.arena import Arena, in_cohorts
from dearena.trials.measures import agreement, wrong_pairs
from dearena.trials.recorded import CALLS_A_CELL, LEAST_QUERIES, Recorded
from dearena.trials.separable import separable_pairs

ORDERS: Final = 20
SHARE: Final = 0.12
RANDOM_DRAWS: Final = 200


@dataclass(frozen=True, slots=True)
class Budget:
    """What a spender has to spend, and on what.

    Attributes:
        recorded: the votes that there are.
        entering: models in the order in which they enter.
        votes: that may be asked for, at most.
        fitted: how boards are fitted.
        lots: for whatever is left to chance.
    """

    recorded: Recorded
    entering: Sequence[str]
    votes: int
    fitted: FitSettings
    lots: np.random.Generator


@dataclass(frozen=True, slots=True)
class Spent:
    """What a spender asked for.

    Attributes:
        rows: of the recording's votes, none twice.
        draw: chance with which the judge of each was drawn over the even one, in parts of 65,536; None: judges were
            not drawn by weight.
        rounds_per_insertion: median; None where nobody was inserted.
    """

    rows: IntArray
    draw: IntArray | None = None
    rounds_per_insertion: float | None = None

    def votes(self, recorded: Recorded) -> Votes:
        """Them, weighed by their draws."""
        order = np.argsort(self.rows)
        votes = recorded.votes.where(self.rows[order])
        return votes if self.draw is None or np.all(self.draw == EVEN) else drawn(votes, self.draw[order])


Spender = Callable[[Budget], Spent]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaySettings:
    """How a recording is replayed.

    Attributes:
        spender: by name, one of `SPENDERS`.
        orders: in which models enter.
        seed: of the orders, and of the random draws.
        share: of all votes that may be asked for.
        random_draws: of as many votes, the rival; 0: none.
        weighting: how judges weigh, in the board of a part and in that of all votes.
        min_queries: on which a model was compared at least; told again in reports only.

    Raises:
        InvalidField: one of them is none of the values it may have.
    """

    spender: str = "sequential"
    orders: int = ORDERS
    seed: int = 0
    share: float = SHARE
    random_draws: int = RANDOM_DRAWS
    weighting: str = "uniform"
    min_queries: int = LEAST_QUERIES

    def __post_init__(self) -> None:
        FitSettings(weighting=self.weighting)
        if self.spender not in SPENDERS:
            raise InvalidField.of("spender", f"{self.spender!r} is none of {', '.join(sorted(SPENDERS))}")
        if not 0 < self.share <= 1:
            raise InvalidField.of("share", f"{self.share} is no share of the votes: above 0, at most 1")
        if self.orders < 1:
            raise InvalidField.of("orders", "is 1 or more")

    @property
    def fitted(self) -> FitSettings:
        """How boards are fitted."""
        return FitSettings(weighting=self.weighting)


@dataclass(frozen=True, slots=True)
class Part:
    """The board of some votes beside that of all.

    Attributes:
        spearman, kendall: rank correlation with the board of all votes.
        fraction: of all votes that were asked for.
        judge_calls: that these would have taken.
        wrong_pairs: of the pairs that all votes can tell apart, those that stand in the wrong order.
        separable_pairs: that all votes can tell apart.
        rounds_per_insertion: median; None where nobody is inserted.
    """

    spearman: float
    kendall: float
    fraction: float
    judge_calls: float
    wrong_pairs: float
    separable_pairs: float
    rounds_per_insertion: float | None = None

    def echo(self) -> dict[str, float | None]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a recording.

    Attributes:
        orders: one part an order of entering.
        mean: of the orders.
        random: mean of the random draws, each as large as a part; None: there were none.
        random_spearman: of each of these.
        order_sensitivity: mean Kendall between the boards of two orders, 1 where the order does not matter;
            None: there was one order.
        models, judges, votes: in the recording.
        settings: how it was made, as plain data.
    """

    orders: tuple[Part, ...]
    mean: Part
    random: Part | None
    random_spearman: tuple[float, ...]
    order_sensitivity: float | None
    models: int
    judges: int
    votes: int
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reference:
    """What all votes say."""

    found: Fit
    separable: tuple[tuple[str, str], ...]

    @property
    def strengths(self) -> dict[str, float]:
        """By model."""
        return _strengths(self.found)

    def beside(self, recorded: Recorded, spent: Spent) -> tuple[Part, Fit]:
        """The board of a part, and how it compares; made with the settings of this."""
        rows = spent.rows
        board = fit(spent.votes(recorded), self.found.settings)
        near = agreement(_strengths(board), self.strengths)
        return Part(
            spearman=near.spearman,
            kendall=near.kendall,
            fraction=len(rows) / len(recorded),
            judge_calls=CALLS_A_CELL * len(rows),
            wrong_pairs=wrong_pairs([board.models[place] for place in board.order], self.separable),
            separable_pairs=len(self.separable),
            rounds_per_insertion=spent.rounds_per_insertion,
        ), board


def reference(recorded: Recorded, settings: FitSettings) -> Reference:
    """The fit of all recorded votes, and the pairs that it can tell apart."""
    found = fit(recorded.votes, settings)
    return Reference(found, separable_pairs(recorded.votes, found))


def replay(recorded: Recorded, settings: ReplaySettings | None = None) -> Replayed:
    """Spend on a recording as often as there are orders, and compare.

    Raises:
        InvalidField: the share is less than one vote.
        FitDidNotConverge: a fit met its limit.
    """
    settings = settings or ReplaySettings()
    may = int(settings.share * len(recorded) + 1e-9)
    if may < 1:
        raise InvalidField.of("share", f"{settings.share} of {len(recorded):,} votes is none")
    whole = reference(recorded, settings.fitted)
    spend = SPENDERS[settings.spender]
    parts: list[Part] = []
    boards: list[Fit] = []
    for order in range(settings.orders):
        lots = np.random.default_rng([settings.seed, order])
        entering = [recorded.models[place] for place in lots.permutation(len(recorded.models))]
        part, board = whole.beside(recorded, spend(Budget(recorded, entering, may, settings.fitted, lots)))
        parts.append(part)
        boards.append(board)
    votes = round(float(np.mean([part.fraction for part in parts])) * len(recorded))
    random = [
        whole.beside(recorded, _any(recorded, votes, np.random.default_rng([settings.seed, draw, 1])))[0]
        for draw in range(settings.random_draws)
    ]
    return Replayed(
        orders=tuple(parts),
        mean=_mean(parts),
        random=_mean(random) if random else None,
        random_spearman=tuple(part.spearman for part in random),
        order_sensitivity=_between(boards),
        models=len(recorded.models),
        judges=len(recorded.judges),
        votes=len(recorded),
        settings=asdict(settings) | {"fit": whole.found.settings.echo()},
    )


def at_random(budget: Budget) -> Spent:
    """As many votes as there may be, whichever: what a jury that thinks must beat."""
    return _any(budget.recorded, budget.votes, budget.lots)


def evenly(budget: Budget) -> Spent:
    """Each model's answers evenly over the queries, and each model evenly before the judges.

    Vote by vote, the one is taken whose two models have been used least with its query and with its judge, as shares
    of what was recorded of these; equal ones by lot. What varies most from vote to vote is how good a model's answer
    to this query is, and how this judge takes to this model; the part then has as much of each as the whole.
    """
    every = budget.recorded.votes
    groups = [
        _shared(len(every.queries), every.query, every.first, every.second),
        _shared(len(every.judges), every.judge, every.first, every.second),
    ]
    share = budget.votes / len(every)
    use = budget.lots.random(len(every)) * _LOT
    for group in groups:
        use += sum(1 / group.size[of] for of in group.of) / share
    taken = np.empty(budget.votes, dtype=np.int64)
    for number in range(budget.votes):
        taken[number] = row = np.argmin(use)
        use[row] = np.inf
        for group in groups:
            for of in group.of:
                use[group.members(of[row])] += 2 / (group.size[of[row]] * share)
    return Spent(taken)


def by_insertions(budget: Budget) -> Spent:
    """The arena as it is: models are inserted one by one, by the jury that stops; what is left refines the board.

    Judges are ranked models, as the rules have it: the votes of others are never asked for.

    Raises:
        Stuck: nobody's vote on a pair is recorded that the search cannot do without.
    """
    models = len(budget.recorded.models)
    calls = CALLS_A_CELL * budget.votes
    rules = Rules(
        weighting=budget.fitted.weighting,
        seed_models=min(DEFAULT_SEED_MODELS, models - 1),
        target_calls=max(int(SHARE_OF_INSERTIONS * calls / models), CALLS_A_CELL),
        canary_every=0,
    )
    cohorts = in_cohorts(budget.entering, rules.seed_models, 1)
    arena = Arena(budget.recorded, rules, cohorts, budget.fitted, salt=str(budget.lots.integers(2**32)))
    arena.run()
    before = -1
    while before < arena.judge_calls <= calls - CALLS_A_CELL:
        before = arena.judge_calls
        arena.refine(calls - arena.judge_calls)
    # A search has a least that it asks for; where that is more than there is, it is cut short.
    votes = [vote for number in sorted(arena.votes) for vote in arena.votes[number]][: budget.votes]
    return Spent(
        np.array([budget.recorded.row(vote.pair, vote.judge, vote.query_id) for vote in votes], dtype=np.int64),
        np.array([vote.draw for vote in votes], dtype=np.int64),
        float(np.median([inserted.rounds for inserted in arena.inserted])),
    )


SHARE_OF_INSERTIONS: Final = 0.1
"""Of the calls: more places newcomers better at once, less leaves more for where the whole board needs it."""

SPENDERS: Final[Mapping[str, Spender]] = {"sequential": by_insertions, "even": evenly, "random": at_random}

_LOT: Final = 1e-3
"""Small beside one use of an answer: lots decide between equals only."""


@dataclass(frozen=True, slots=True)
class _Groups:
    """Votes in groups, each vote in one for each of its models.

    Attributes:
        of: groups of each vote's first and second model.
        size: votes of each group.
        rows: by group, those of the first group first.
        ends: where a group's rows end; they begin where those of the group before end.
    """

    of: tuple[IntArray, IntArray]
    size: IntArray
    rows: IntArray
    ends: IntArray

    def members(self, group: int) -> IntArray:
        return self.rows[self.ends[group] - self.size[group] : self.ends[group]]


def _shared(others: int, other: Codes, first: Codes, second: Codes) -> _Groups:
    """Votes by model and something else, a query or a judge."""
    of = (first.astype(np.int64) * others + other, second.astype(np.int64) * others + other)
    both = np.concatenate(of)
    size = np.bincount(both)
    return _Groups(of, size, np.argsort(both, kind="stable") % len(other), np.cumsum(size))


def _any(recorded: Recorded, votes: int, lots: np.random.Generator) -> Spent:
    return Spent(np.asarray(lots.choice(len(recorded), votes, replace=False)))


def _strengths(found: Fit) -> dict[str, float]:
    return dict(zip(found.models, found.strengths.tolist(), strict=True))


def _between(boards: Sequence[Fit]) -> float | None:
    orders = [_strengths(board) for board in boards]
    if len(orders) <= 1:
        return None
    return float(np.mean([agreement(one, other).kendall for one, other in combinations(orders, 2)]))


def _mean(parts: Sequence[Part]) -> Part:
    def mean(name: str) -> float:
        return float(np.mean([getattr(part, name) for part in parts]))

    inserts = all(part.rounds_per_insertion is not None for part in parts)
    always = {field.name: mean(field.name) for field in fields(Part) if field.name != _ROUNDS}
    return Part(**always, rounds_per_insertion=mean(_ROUNDS) if inserts else None)


_ROUNDS: Final = "rounds_per_insertion"
