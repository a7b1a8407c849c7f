"""How near an order is to another: to the truth, or to what all votes together say. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True, slots=True)
class Agreement:
    """Rank correlations: 1 for the same order, -1 for the reverse, 0 where neither says anything of the other.

    Attributes:
        spearman: of the ranks.
        kendall: tau-b.
    """

    spearman: float
    kendall: float


def agreement(found: Mapping[str, float], truth: Mapping[str, float]) -> Agreement:
    """How the order by one number agrees with that by another, over the models of `found`.

    Args:
        found: by model, larger is better; at least two models.
        truth: likewise; may know of more.

    Raises:
        ValueError: there are fewer than two models.
    """
    if len(found) < 2:  # noqa: PLR2004 - one model has no order
        raise ValueError("an order has at least two models")
    pairs = [(value, truth[model]) for model, value in found.items()]
    mine, true = zip(*pairs, strict=True)
    if len(set(mine)) == 1 or len(set(true)) == 1:
        # Nothing is told apart: the coefficients are not defined, and neither order says anything of the other.
        return Agreement(0.0, 0.0)
    return Agreement(float(stats.spearmanr(mine, true).statistic), float(stats.kendalltau(mine, true).statistic))


def agreement_of_orders(found: Sequence[str], truth: Mapping[str, float]) -> Agreement:
    """The same for a ranking, best first."""
    return agreement({model: -float(place) for place, model in enumerate(found)}, truth)


def true_rank(model: str, among: Iterable[str], truth: Mapping[str, float]) -> int:
    """The place of a model by the truth among others (itself among them or not), 1 is best."""
    return 1 + sum(truth[other] > truth[model] for other in among if other != model)


def rank_error(model: str, ranking: Sequence[str], truth: Mapping[str, float]) -> int:
    """By how many places a model of a ranking (best first) stands off its true place among the ranked."""
    return abs(ranking.index(model) + 1 - true_rank(model, ranking, truth))


def wrong_pairs(ranking: Sequence[str], separable: Iterable[tuple[str, str]]) -> int:
    """How many of the pairs that can be told apart stand in the wrong order.

    Args:
        ranking: models, best first.
        separable: (better, worse), as the reference has them.
    """
    place = {model: number for number, model in enumerate(ranking)}
    return sum(place[better] > place[worse] for better, worse in separable)
