"""Asks the comparisons that somebody has ordered: these pairs on these queries, by judges that are drawn. Pure."""

from collections.abc import Iterable

from dearena.ranking.asks import Ask
from dearena.ranking.court import Court
from dearena.ranking.draws import Panel, draw
from dearena.ranking.evidence import Ballot
from dearena.ranking.orders import Comparison
from dearena.ranking.pairs import Pair


def comparisons(court: Court, ordered: Iterable[Comparison]) -> tuple[Ask, ...]:
    """The cells of an order, in its order: of each comparison as many as were ordered, by different judges.

    Nothing is asked that was asked before. What cannot be asked is left out: of models that have left, on queries
    that the dimension has not, or where no judge is left.
    """
    case = court.case
    ranked, queries = frozenset(case.state.ranking), frozenset(case.queries)
    panels: dict[Pair, Panel | None] = {}
    taken: dict[Pair, set[Ballot]] = {}
    asks: list[Ask] = []
    for pair, query_id, votes in ordered:
        if query_id not in queries or not ranked.issuperset(pair):
            continue
        if pair not in panels:
            judges = court.judges_of(pair)
            panels[pair] = Panel.of(judges, case.frozen.weights, case.frozen.costs) if judges else None
            taken[pair] = set(case.evidence.of_pair(pair))
        if (panel := panels[pair]) is None:
            continue
        drawn = draw(pair, panel, [query_id], taken[pair], court.shown, votes, case.salt, case.askable)
        taken[pair].update(ask.ballot for ask in drawn)
        asks += drawn
    return tuple(asks)
