"""evalica: Bradley-Terry by minorisation, in Rust; no intervals.

Its scores are the exponentials of strengths. It stops when they move by less than 1e-6 or after 100 rounds,
which say nothing about it in the result; `exact` sets both out of the way, to compare strengths by.
Its winners are members of an enumeration, made beforehand. `tallies` gives it counts as weighted rows.
"""

from typing import Any

import evalica
import numpy as np
import pandas as pd

from benchmarks.scoring_peers.contestant import Call, Result, serve
from benchmarks.scoring_peers.planted_votes import PlantedVotes, strings
from benchmarks.scoring_peers.tallies import tally

WINNERS = (evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw)
TOLERANCE = 1e-12
LIMIT = 100_000


def from_index(votes: PlantedVotes, **how: Any) -> Call:
    """Of integer columns; its index is a range, the quickest to look up."""
    winners = _winners(votes.outcome.tolist())
    index = pd.RangeIndex(votes.models)
    return lambda: _fit(votes.first, votes.second, winners, index=index, **how)


def exact(votes: PlantedVotes) -> Call:
    """Of integer columns, to the end."""
    return from_index(votes, tolerance=TOLERANCE, limit=LIMIT)


def from_strings(votes: PlantedVotes) -> Call:
    """Of lists, which it reads quicker than pandas' string columns."""
    winners = _winners(votes.outcome.tolist())
    first, second = (strings(votes.model_names, column) for column in (votes.first, votes.second))
    return lambda: _fit(first, second, winners)


def from_tallies(votes: PlantedVotes) -> Call:
    """Of counts a pair and outcome as weighted rows; counting them is timed."""

    def call() -> Result:
        first, second, outcome, count = tally(votes)
        winners = _winners(outcome.tolist())
        index = pd.RangeIndex(votes.models)
        return _fit(first, second, winners, index=index, weights=count.astype(np.float64))

    return call


def _winners(codes: list[int]) -> list[Any]:
    return [WINNERS[code] for code in codes]


def _fit(first: Any, second: Any, winners: list[Any], **how: Any) -> Result:
    board = evalica.bradley_terry(first, second, winners, **how)
    if board.iterations >= board.limit:
        raise RuntimeError(f"evalica stopped at its limit of {board.limit} iterations")
    return Result(strengths=np.log(board.scores.sort_index().to_numpy()).tolist())


if __name__ == "__main__":
    serve(
        {"index": from_index, "exact": exact, "strings": from_strings, "tallies": from_tallies},
        distributions=("evalica", "pandas", "numpy"),
    )
