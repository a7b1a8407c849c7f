"""How sure a rank is among those that settle at once. Pure.

A newcomer's standing knows the models that were ranked when its votes were asked, and not those that settle beside it.
"""

from collections.abc import Iterable
from math import hypot

from dearena.ranking.findings import Z95
from dearena.ranking.ranking import Insertion


def among_mates(insertion: Insertion, mates: Iterable[Insertion], rank: int) -> tuple[int, int]:
    """Best and worst rank at 95 % of a model whose own interval is there, when those beside it are counted too.

    Args:
        insertion: of the model.
        mates: all that settle at once, itself too; whoever has no standing of its own (a seed) tells nothing.
        rank: that it is given. The board has more votes than its own, and may place it outside of what these say.
    """
    low, high = insertion.interval or (rank, rank)
    for mate in mates:
        if mate.model == insertion.model or mate.interval is None:
            continue
        gap, reach = mate.strength - insertion.strength, Z95 * hypot(mate.error, insertion.error)
        low += gap > reach
        high += gap > -reach
    return min(low, rank), max(high, rank)
