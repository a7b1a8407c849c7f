"""What a round asks: one judge about one pair on one query, or about a canary. Plain data."""

from typing import NamedTuple

from dearena.ranking.evidence import CANARY, EVEN_DRAW, VOTE, Ballot
from dearena.ranking.pairs import Pair


class Ask(NamedTuple):
    """A cell before it is made.

    Attributes:
        pair: of two models; of one with itself for a canary.
        draw: chance with which the judge was drawn over that of an even draw, in parts of 65,536.
        kind: VOTE or CANARY.
        truncated: of a canary: against the answer's own truncation, else against itself.
    """

    pair: Pair
    judge: str
    query_id: str
    draw: int = EVEN_DRAW
    kind: str = VOTE
    truncated: bool = False

    @property
    def ballot(self) -> Ballot:
        """Judge and query."""
        return Ballot(self.judge, self.query_id)


def canary(model: str, judge: str, query_id: str, *, truncated: bool) -> Ask:
    """A cell of known outcome: a model's answer beside itself, or beside its own truncation."""
    return Ask(Pair(model, model), judge, query_id, kind=CANARY, truncated=truncated)
