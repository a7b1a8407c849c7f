"""Whether the votes of a board hang together, and whether every strength has a bound. Pure."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from dearena.scoring.arrays import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Connection:
    """How the models of a board hang together.

    Attributes:
        part: of each model; models of different parts are joined by no chain of votes, and their ranks
            against one another mean nothing. Numbered from 0 by the first model in each.
        undefeated, winless: indices of models with votes that lost none of them, or won none, not even half.
        bounded: whether a chain of wins (a tie is half of one) leads from every model of a part to every
            other; if not, only the prior keeps some strengths finite (Ford, Am. Math. Monthly 64, 1957).
    """

    part: IntArray
    undefeated: tuple[int, ...]
    winless: tuple[int, ...]
    bounded: bool

    @property
    def connected(self) -> bool:
        """Whether a chain of votes joins any two models; an empty board is."""
        return not np.any(self.part)


def connection(half_wins: IntArray) -> Connection:
    """How a board hangs together.

    Args:
        half_wins: wins of row over column in halves, shape (n, n).
    """
    won = half_wins > 0
    graph = csr_array(won.astype(np.int8))
    parts, part = connected_components(graph, directed=True, connection="weak")
    strong_parts, _ = connected_components(graph, directed=True, connection="strong")
    wins, losses = won.any(axis=1), won.any(axis=0)
    return Connection(
        part=part.astype(np.int64),
        undefeated=tuple(int(model) for model in np.flatnonzero(wins & ~losses)),
        winless=tuple(int(model) for model in np.flatnonzero(losses & ~wins)),
        bounded=bool(parts == strong_parts),
    )
