"""Which cells of a pair come next: distinct queries, evenly used; distinct judges, in turn by weight. Pure."""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import sqrt
from typing import Final

from dearena.ranking.asks import Ask
from dearena.ranking.evidence import EVEN_DRAW, Ballot, Evidence
from dearena.ranking.lots import lot
from dearena.ranking.pairs import Pair
from dearena.ranking.verdict import ONE

LEAST_DRAW: Final = 0.2
"""Every judge that may be asked is drawn with at least this share of an even draw's chance."""

Askable = Callable[[Pair, str, str], bool]
"""Whether a judge can be asked about a pair on a query; where votes are recorded, not all of them are there."""


def always(_pair: Pair, _judge: str, _query_id: str) -> bool:
    """A living judge can be asked about anything."""
    return True


@dataclass(slots=True)
class Shown:
    """How often answers have been judged, and models by each judge: in closed rounds, and in the one being planned."""

    evidence: Evidence
    planned: Counter[tuple[str, str]] = field(default_factory=Counter)
    to_judge: Counter[tuple[str, str]] = field(default_factory=Counter)

    def times(self, pair: Pair, query_id: str) -> int:
        """Of the two answers of a pair to a query together."""
        a, b = (pair.model_a, query_id), (pair.model_b, query_id)
        known, planned = self.evidence.shown, self.planned
        return known.get(a, 0) + known.get(b, 0) + planned.get(a, 0) + planned.get(b, 0)

    def plan(self, ask: Ask) -> None:
        """Count a cell that is going to be asked."""
        self.planned.update((model, ask.query_id) for model in ask.pair)
        self.to_judge.update((ask.judge, model) for model in ask.pair)

    def by_judge(self, judge: str, model: str) -> int:
        """How often a judge has judged a model."""
        return self.evidence.judged.get((judge, model), 0) + self.to_judge.get((judge, model), 0)


@dataclass(frozen=True, slots=True)
class Panel:
    """Judges of a pair with the chances by which they are drawn, each at least a fifth of an even one."""

    chances: Mapping[str, float]

    @classmethod
    def of(cls, judges: Sequence[str], weights: Mapping[str, int], costs: Mapping[str, int]) -> "Panel":
        """Chances in proportion to weight over the root of what a cell of the judge costs.

        That is the allocation by which a weighted mean is surest for a given sum (Neyman, Journal of the
        Royal Statistical Society 97, 1934); without costs, or with equal ones, it is in proportion to weight.

        Args:
            judges: at least one, in canonical order.
            weights: in parts of 65,536; a judge that is not named weighs 1.
            costs: nano-units a cell; a judge that is not named costs as much as the mean of those that are.
        """
        known = [costs[judge] for judge in judges if costs.get(judge)]
        mean = sum(known) / len(known) if known else 1.0
        wanted = [weights.get(judge, ONE) / sqrt((costs.get(judge) or mean) / mean) for judge in judges]
        total = sum(wanted)
        if not total:
            wanted, total = [1.0] * len(judges), float(len(judges))
        even = 1 / len(judges)
        shares = (LEAST_DRAW * even + (1 - LEAST_DRAW) * one / total for one in wanted)
        return cls(dict(zip(judges, shares, strict=True)))

    def draw_of(self, judge: str) -> int:
        """The chance of a judge over that of an even draw, in parts of 65,536."""
        return round(self.chances[judge] * len(self.chances) * EVEN_DRAW)

    def due(self, judge: str, pair: Pair, shown: Shown, start: float) -> float:
        """When it is a judge's turn: the earlier, the less it has judged the two models for its chance.

        Turns come at even steps of one over the chance, from a start by lot (a systematic sample; Madow, Annals of
        Mathematical Statistics 20, 1949): so each judges a model in proportion to its chance, not only on average.
        """
        return (sum(shown.by_judge(judge, model) for model in pair) + start) / self.chances[judge]


FIRST_OF_ALL: Final = 1e6
"""Outweighs every difference in use."""


def draw(
    pair: Pair,
    panel: Panel,
    queries: Sequence[str],
    asked: Collection[Ballot],
    shown: Shown,
    count: int,
    salt: str,
    askable: Askable = always,
    *,
    evenly: bool = False,
) -> list[Ask]:
    """The next cells of a pair: at most `count`, fewer when there are no more.

    A cell is the better the less the two answers have been judged, and the sooner it is its judge's turn, both in
    numbers of cells; where not all cells can be asked, the one makes up for the other. Within a batch no query comes
    twice before all have come once, nor one that the pair was asked about before the others; and no judge more often
    than the whole number next to its chance times the batch (once at least), before others have come as often.

    Args:
        pair: whom they are about.
        panel: who may be asked.
        queries: ids, in order.
        asked: what has been asked about the pair before.
        shown: takes note of what is drawn.
        count: number of cells.
        salt: other salts draw other lots.
        askable: whether a cell can be asked at all.
        evenly: the board as a whole is asked about: that the pair's queries are distinct counts no more than that
            answers are evenly used.
    """
    drawn: list[Ask] = []
    taken = set(asked)
    times = Counter(ballot.query_id for ballot in taken)
    # Lots are drawn anew for each batch: were they the pair's own, the same judges would always come first to it.
    key = (salt, *pair, str(len(taken)))
    again = 1.0 if evenly else FIRST_OF_ALL
    by_query = sorted((again * times[query] + shown.times(pair, query) + lot(*key, query), query) for query in queries)
    a_turn = 1 / len(queries)
    by_judge = sorted((a_turn * panel.due(judge, pair, shown, lot(*key, judge)), judge) for judge in panel.chances)
    uses: Counter[str] = Counter()
    while len(drawn) < count:
        found = _cheapest(
            by_query, by_judge, lambda query, judge: Ballot(judge, query) not in taken and askable(pair, judge, query)
        )
        if found is None:
            break
        (of_query, query), (of_judge, judge) = by_query.pop(found[0]), by_judge.pop(found[1])
        ask = Ask(pair, judge, query, panel.draw_of(judge))
        taken.add(ask.ballot)
        shown.plan(ask)
        drawn.append(ask)
        insort(by_query, (of_query + FIRST_OF_ALL + len(pair), query))
        uses[judge] += 1
        of_judge += a_turn * len(pair) / panel.chances[judge]
        if uses[judge] == max(1, round(count * panel.chances[judge])):
            of_judge += FIRST_OF_ALL
        insort(by_judge, (of_judge, judge))
    return drawn


def _cheapest(
    by_query: Sequence[tuple[float, str]], by_judge: Sequence[tuple[float, str]], fits: Callable[[str, str], bool]
) -> tuple[int, int] | None:
    """Places of the query and the judge of least sum that fit; None when none do. Both are in order of their costs."""
    if not by_query or not by_judge:
        return None
    waiting = [(by_query[0][0] + by_judge[0][0], 0, 0)]
    seen = {(0, 0)}
    while waiting:
        _, q, j = heappop(waiting)
        if fits(by_query[q][1], by_judge[j][1]):
            return q, j
        for following in ((q + 1, j), (q, j + 1)):
            if following not in seen and following[0] < len(by_query) and following[1] < len(by_judge):
                seen.add(following)
                heappush(waiting, (by_query[following[0]][0] + by_judge[following[1]][0], *following))
    return None


def anybody_left(
    pair: Pair, judges: Sequence[str], queries: Sequence[str], asked: Collection[Ballot], askable: Askable = always
) -> bool:
    """Whether `draw` would find a cell."""
    return any(
        Ballot(judge, query) not in asked and askable(pair, judge, query) for query in queries for judge in judges
    )


def every(pair: Pair, judges: Sequence[str], queries: Sequence[str], askable: Askable = always) -> list[Ask]:
    """Every judge on every query."""
    return [Ask(pair, judge, query) for judge in judges for query in queries if askable(pair, judge, query)]
