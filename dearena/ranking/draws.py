"""Which cells of a pair come next: distinct queries, evenly used; distinct judges, in turn by weight. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import sqrt
from typing import Final

from dearena.ranking.asks import LEAST_DRAW, Ask
from dearena.ranking.evidence import EVEN_DRAW, Ballot, Evidence
from dearena.ranking.lots import lot
from dearena.ranking.pairs import Pair
from dearena.ranking.verdict import ONE

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

    def in_turn(self, pair: Pair, shown: Shown, *key: str) -> list[str]:
        """All judges, whose turn it is first: who has judged the pair's models least for its chance.

        A judge's turn comes at even steps of one over its chance, from a start by lot (a systematic sample; Madow,
        Annals of Mathematical Statistics 20, 1949): so a model is judged by each in proportion to its chance, not
        only on average, and by no judge twice while others are due.
        """

        def due(judge: str) -> tuple[float, str]:
            times = sum(shown.by_judge(judge, model) for model in pair) / len(pair)
            return (times + lot(*key, judge)) / self.chances[judge], judge

        return sorted(self.chances, key=due)


NOBODY: Final = ""


def draw(
    pair: Pair,
    panel: Panel,
    queries: Sequence[str],
    asked: Collection[Ballot],
    shown: Shown,
    count: int,
    salt: str,
    askable: Askable = always,
) -> list[Ask]:
    """The next cells of a pair: at most `count`, fewer when there are no more.

    Queries that the pair has been asked about least come first, among them those whose answers by the two
    have been judged least; within a batch no query and no judge comes twice before all have come once.

    Args:
        pair: whom they are about.
        panel: who may be asked.
        queries: ids, in order.
        asked: what has been asked about the pair before.
        shown: takes note of what is drawn.
        count: number of cells.
        salt: other salts draw other lots.
        askable: whether a cell can be asked at all.
    """
    drawn: list[Ask] = []
    taken = set(asked)
    times = Counter(ballot.query_id for ballot in taken)
    batch = str(len(taken))
    order = _Judges(panel, pair, shown, (salt, *pair, batch))
    # A query comes back behind those that have come less often; it leaves when nobody can be asked about it any more.
    waiting = [(times[query], shown.times(pair, query), lot(salt, *pair, batch, query), query) for query in queries]
    heapify(waiting)
    while len(drawn) < count and waiting:
        asked_already, shown_already, of_query, query = heappop(waiting)
        judge = order.next_for(lambda one, on=query: Ballot(one, on) not in taken and askable(pair, one, on))  # type: ignore[misc]
        if judge == NOBODY:
            continue
        ask = Ask(pair, judge, query, panel.draw_of(judge))
        taken.add(ask.ballot)
        shown.plan(ask)
        drawn.append(ask)
        heappush(waiting, (asked_already + 1, shown_already + len(pair), of_query, query))
    return drawn


def anybody_left(
    pair: Pair, judges: Sequence[str], queries: Sequence[str], asked: Collection[Ballot], askable: Askable = always
) -> bool:
    """Whether `draw` would find a cell."""
    return any(
        Ballot(judge, query) not in asked and askable(pair, judge, query) for query in queries for judge in judges
    )


class _Judges:
    """Judges of a batch in the order of the draw; when all have come, or none that is left will do, they come anew."""

    def __init__(self, panel: Panel, pair: Pair, shown: Shown, key: tuple[str, ...]) -> None:
        self._panel = panel
        self._pair = pair
        self._shown = shown
        self._key = key
        self._turn = 0
        self._waiting: list[str] = []
        self._coming: Iterator[str] = iter(())

    def next_for(self, fits: Callable[[str], bool]) -> str:
        """The next judge that fits; nobody when none does."""
        judge = self._of_this_turn(fits)
        if judge == NOBODY:
            self._turn += 1
            self._coming = iter(self._panel.in_turn(self._pair, self._shown, *self._key, str(self._turn)))
            judge = self._of_this_turn(fits)
        return judge

    def _of_this_turn(self, fits: Callable[[str], bool]) -> str:
        for place, judge in enumerate(self._waiting):
            if fits(judge):
                return self._waiting.pop(place)
        for judge in self._coming:
            if fits(judge):
                return judge
            self._waiting.append(judge)
        return NOBODY


def every(pair: Pair, judges: Sequence[str], queries: Sequence[str], askable: Askable = always) -> list[Ask]:
    """Every judge on every query."""
    return [Ask(pair, judge, query) for judge in judges for query in queries if askable(pair, judge, query)]
