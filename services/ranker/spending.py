"""What each of the insertions of a round has taken. Pure."""

from collections.abc import Iterable, Sequence

from dearena.ranking.evidence import VOTE, Spent, Vote
from services.ranker.records import Costs, Spending, share_of, shares_of


def total_of(votes: Iterable[Vote]) -> Spending:
    """Calls and costs of all outcomes together."""
    found = Spent()
    for vote in votes:
        found.add(vote)
    return Spending(found.calls, dict(sorted(found.costs.items())))


def spent_by_insertion(votes: Iterable[Vote], models: Sequence[str]) -> dict[str, Spending]:
    """What each of the models that a round serves has taken; together they make up the whole.

    A vote is of the newcomer in its pair. What is nobody's alone, votes on two seeds and canaries, is shared evenly.
    """
    own = {model: Spent() for model in models}
    common = Spent()
    for vote in votes:
        served = [model for model in vote.pair if model in own] if vote.kind == VOTE else []
        (own[served[0]] if len(served) == 1 else common).add(vote)
    return {
        model: Spending(
            one.calls + share_of(common.calls, models, model),
            sum_of(one.costs, shares_of(common.costs, models, model)),
        )
        for model, one in own.items()
    }


def sum_of(costs: Costs, more: Costs) -> dict[str, int]:
    """Costs together, by currency."""
    return {currency: costs.get(currency, 0) + more.get(currency, 0) for currency in sorted({**costs, **more})}
