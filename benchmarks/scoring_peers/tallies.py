"""Votes counted by pair and outcome, for peers that can be given counts: a kindness, and timed as part of theirs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring_peers.planted_votes import WINNERS, PlantedVotes

Column = NDArray[np.int64]


def table(votes: PlantedVotes) -> NDArray[np.int64]:
    """How often each outcome came of each ordered pair; shape (outcomes, models, models)."""
    outcomes, models = len(WINNERS), votes.models
    key = votes.outcome.astype(np.int64)
    key *= models
    key += votes.first
    key *= models
    key += votes.second
    counts: NDArray[Any] = np.bincount(key, minlength=outcomes * models * models)
    return counts.reshape(outcomes, models, models)


def tally(votes: PlantedVotes) -> tuple[Column, Column, Column, Column]:
    """The same as columns, of what came at all: first, second, outcome, count."""
    counts = table(votes)
    outcome, first, second = np.nonzero(counts)
    return first, second, outcome, counts[outcome, first, second]
