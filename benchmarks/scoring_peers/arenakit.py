"""arenakit: Bradley-Terry by minorisation on pair counts, in NumPy; no intervals but by bootstrap.

It has no entry for index columns: its counts are made of them by NumPy, and that is timed. From strings it
reads records, made beforehand, each of which it checks with pydantic.
"""

import numpy as np
from arenakit.bt import fit_bt
from arenakit.schema import Arena, PairCounts, battles_from_records

from benchmarks.scoring_peers.contestant import Call, Result, serve
from benchmarks.scoring_peers.planted_votes import WINNERS, PlantedVotes, strings
from benchmarks.scoring_peers.tallies import table

NO_PRIOR = 0.0


def from_tallies(votes: PlantedVotes) -> Call:
    """Of counts a pair and outcome."""

    def call() -> Result:
        result = Result()
        with result.stage("encode"):
            first_won, second_won, tied = table(votes).astype(np.float64)
        with result.stage("fit"):
            result.strengths = fit_bt(PairCounts(wf=first_won, ws=second_won, tt=tied)).scores.tolist()
        return result

    return call


def exact(votes: PlantedVotes) -> Call:
    """Of counts, without its prior."""

    def call() -> Result:
        first_won, second_won, tied = table(votes).astype(np.float64)
        board = fit_bt(PairCounts(wf=first_won, ws=second_won, tt=tied), prior=NO_PRIOR)
        return Result(strengths=board.scores.tolist())

    return call


def from_strings(votes: PlantedVotes) -> Call:
    """Of records, as its readers of files make them."""
    rows = zip(
        strings(votes.model_names, votes.first),
        strings(votes.model_names, votes.second),
        strings(WINNERS, votes.outcome),
        strict=True,
    )
    records = [{"model_a": first, "model_b": second, "winner": winner} for first, second, winner in rows]

    def call() -> Result:
        result = Result()
        with result.stage("encode"):
            counts = Arena(battles_from_records(records)).counts()
        with result.stage("fit"):
            result.strengths = fit_bt(counts).scores.tolist()
        return result

    return call


if __name__ == "__main__":
    serve({"tallies": from_tallies, "exact": exact, "strings": from_strings}, distributions=("arenakit", "numpy"))
