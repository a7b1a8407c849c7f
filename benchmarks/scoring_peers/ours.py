"""The scorer: strengths with intervals clustered by query and by judge, on one BLAS thread.

Every form reads, checks and tallies its columns within the call; only the columns themselves are made
beforehand. The refits start from evidence that stands, and read 1,000 votes more at each call.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from benchmarks.scoring_peers.contestant import Call, Prepare, Result, serve
from benchmarks.scoring_peers.planted_votes import NEW_VOTES, WINNERS, Indices, PlantedVotes, strings
from dearena.scoring import Evidence, Fit, FitSettings, Votes, fit

ALIKE: Final = FitSettings(weighting="uniform")
"""As the peers fit: every judge weighs the same, and a tie is half a win."""

NO_PRIOR: Final = FitSettings(weighting="uniform", prior_deviation=1e3)
"""A prior so wide that it moves no strength by what is compared."""

Columns = dict[str, Any]
Read = Callable[[Columns], Votes]


def from_index(votes: PlantedVotes) -> Call:
    """Of integer columns and names."""
    return _full(votes, codes, read_codes, ALIKE)


def from_lists(votes: PlantedVotes) -> Call:
    """Of lists of strings, each string an object of its own."""
    return _full(votes, lists, read_strings, ALIKE)


def from_arrow(votes: PlantedVotes) -> Call:
    """Of Arrow string columns, which is what pandas holds strings in."""
    return _full(votes, arrow, read_strings, ALIKE)


def exact(votes: PlantedVotes) -> Call:
    """Of integer columns, without a prior to speak of."""
    return _full(votes, codes, read_codes, NO_PRIOR)


def weighted(weighting: str) -> Prepare:
    """Of integer columns, where the models are the judges and weigh by how they fare."""

    def prepare(votes: PlantedVotes) -> Call:
        columns = {**codes(votes), "judges": votes.model_names}
        return lambda: _timed(lambda: read_codes(columns), FitSettings(weighting=weighting))

    return prepare


def refit(columns_of: Callable[[PlantedVotes], Columns], read: Read) -> Prepare:
    """Add votes to what stands, and fit it all.

    The call fails when it is asked more often than there are new votes.
    """

    def prepare(votes: PlantedVotes, later: PlantedVotes) -> Call:
        evidence = Evidence(read_codes(codes(votes)))
        starts = range(0, len(later), NEW_VOTES)
        batches = [columns_of(later.rows(start, start + NEW_VOTES)) for start in starts]

        def call() -> Result:
            result = Result()
            columns = batches.pop()
            with result.stage("encode"):
                fresh = read(columns)
            with result.stage("add"):
                evidence.add(fresh)
            with result.stage("fit"):
                found = fit(evidence, ALIKE)
            return _told(result, found)

        return call

    return prepare


def _full(
    votes: PlantedVotes, columns_of: Callable[[PlantedVotes], Columns], read: Read, settings: FitSettings
) -> Call:
    columns = columns_of(votes)
    return lambda: _timed(lambda: read(columns), settings)


def _timed(read: Callable[[], Votes], settings: FitSettings) -> Result:
    result = Result()
    with result.stage("encode"):
        votes = read()
    with result.stage("fit"):
        found = fit(votes, settings)
    return _told(result, found)


def _told(result: Result, found: Fit) -> Result:
    result.strengths = found.strengths.tolist()
    result.half_widths = ((found.high - found.low) / 2).tolist()
    return result


def codes(votes: PlantedVotes) -> Columns:
    names = {"models": votes.model_names, "judges": votes.judge_names, "queries": votes.query_names}
    columns = {name: getattr(votes, name) for name in ("judge", "first", "second", "query", "outcome")}
    return {**names, **columns}


def lists(votes: PlantedVotes) -> Columns:
    return _named(votes, strings)


def arrow(votes: PlantedVotes) -> Columns:
    # Here, so that the other forms do without: their memory is their own.
    import pyarrow as pa  # noqa: PLC0415

    def column(names: tuple[str, ...], indices: Indices) -> Any:
        return pa.array(names).take(pa.array(indices))

    return _named(votes, column)


def _named(votes: PlantedVotes, column: Callable[[tuple[str, ...], Any], Any]) -> Columns:
    return {
        "judge": column(votes.judge_names, votes.judge),
        "model_a": column(votes.model_names, votes.first),
        "model_b": column(votes.model_names, votes.second),
        "query": column(votes.query_names, votes.query),
        "winner": column(WINNERS, votes.outcome.astype(np.int32)),
    }


def read_codes(columns: Columns) -> Votes:
    return Votes.of_codes(**columns)


def read_strings(columns: Columns) -> Votes:
    return Votes.of_columns(**columns)


if __name__ == "__main__":
    serve(
        {
            "index": from_index,
            "lists": from_lists,
            "arrow": from_arrow,
            "exact": exact,
            "refit-index": refit(codes, read_codes),
            "refit-lists": refit(lists, read_strings),
            "score": weighted("score"),
            "reliability": weighted("reliability"),
        },
        distributions=("numpy", "scipy"),
    )
