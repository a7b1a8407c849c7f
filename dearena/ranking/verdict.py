"""What judges said of a pair, added up: whole numbers, so that the sum does not depend on its order. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from dearena import parts
from dearena.outcomes import Outcome
from dearena.ranking.pairs import Pair

ONE: Final = parts.ONE
"""Parts of a judge whose weight is 1: the mean over a board's judges, and of a judge on no board yet."""


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """A jury's verdict on a pair.

    Attributes:
        weight_a, weight_b: weight of the votes for either model, in parts of 65,536.
        votes_a, votes_b: their number.
        others: outcomes that speak for neither: ties, flips, and whatever is no vote.
        decided: whether the pair is decided at the error stated; if not, it is ordered by the estimate.
        error: that error; 0 of a jury that hears all.
        queries: number of queries that the votes are on; 0 where that is not told.
        preferred: 1 or -1 for the side for which it was decided; 0 while it is not.
    """

    pair: Pair
    weight_a: int
    weight_b: int
    votes_a: int
    votes_b: int
    others: int
    decided: bool = True
    error: float = 0.0
    queries: int = 0
    preferred: int = 0

    @property
    def winner(self) -> str | None:
        """The model for which the pair was decided, else the one preferred by weight; None when neither is."""
        if self.preferred:
            return self.pair.model_a if self.preferred > 0 else self.pair.model_b
        if self.weight_a == self.weight_b:
            return None
        return self.pair.model_a if self.weight_a > self.weight_b else self.pair.model_b


def weigh(pair: Pair, outcomes: Iterable[tuple[str, Outcome]], weights: Mapping[str, int]) -> PairVerdict:
    """Add up outcomes by the weight of the judges who gave them.

    Args:
        pair: the two models.
        outcomes: (judge, outcome) of each cell of the pair.
        weights: of judges, in parts of 65,536; one who is not named weighs `ONE`.
    """
    weight = {Outcome.A: 0, Outcome.B: 0}
    votes = {Outcome.A: 0, Outcome.B: 0}
    others = 0
    for judge, outcome in outcomes:
        if outcome in weight:
            weight[outcome] += weights.get(judge, ONE)
            votes[outcome] += 1
        else:
            others += 1
    return PairVerdict(pair, weight[Outcome.A], weight[Outcome.B], votes[Outcome.A], votes[Outcome.B], others)


def counted_verdict(pair: Pair, outcomes: Iterable[Outcome], *, queries: int, sign: int, error: float) -> PairVerdict:
    """The verdict of judges who were drawn by their weight, so that each vote weighs 1.

    Args:
        pair: the two models.
        outcomes: of its cells.
        queries: number of queries that these are on.
        sign: 1 or -1 for the side that is preferred at the stated error; 0 when the pair is not decided.
        error: that error.
    """
    plain = weigh(pair, (("", outcome) for outcome in outcomes), {})
    return replace(plain, decided=sign != 0, preferred=sign, error=error, queries=queries)
