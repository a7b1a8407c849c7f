"""What each of the insertions of a round has taken. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dearena.ranking.evidence import VOTE, Vote
from services.ranker.records import Costs, Spending, share_of, shares_of


@dataclass(slots=True)
class _Sum:
    judge_calls: int = 0
    costs: Counter[str] = field(default_factory=Counter)

    def add(self, vote: Vote) -> None:
        self.judge_calls += vote.judge_calls
        if vote.cost_nano_units:
            self.costs[vote.currency] += vote.cost_nano_units


def total_of(votes: Iterable[Vote]) -> Spending:
    """Calls and costs of all outcomes together."""
    found = _Sum()
    for vote in votes:
        found.add(vote)
    return Spending(found.judge_calls, dict(sorted(found.costs.items())))


def spent_by_insertion(votes: Iterable[Vote], models: Sequence[str]) -> dict[str, Spending]:
    """What each of the models that a round serves has taken; together they make up the whole.

    A vote is of the newcomer in its pair. What is nobody's alone, votes on two seeds and canaries, is shared evenly.
    """
    own = {model: _Sum() for model in models}
    common = _Sum()
    for vote in votes:
        served = [model for model in vote.pair if model in own] if vote.kind == VOTE else []
        (own[served[0]] if len(served) == 1 else common).add(vote)
    return {
        model: Spending(
            one.judge_calls + share_of(common.judge_calls, models, model),
            sum_of(one.costs, shares_of(common.costs, models, model)),
        )
        for model, one in own.items()
    }


def sum_of(costs: Costs, more: Costs) -> dict[str, int]:
    """Costs together, by currency."""
    return {currency: costs.get(currency, 0) + more.get(currency, 0) for currency in sorted({**costs, **more})}
