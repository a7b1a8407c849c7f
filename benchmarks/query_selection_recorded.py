"""The same comparison on recorded votes of real models, which nobody can ask again.

Of one dimension, those models that were compared on at least 30 queries are split in two halves at random. The pilot is
all votes on pairs of the first half, but those of judges of the second half, which takes no part at all. A method
chooses of all queries. Then the second half is ranked twice by the project's own Bradley-Terry fit, by all votes there
are on pairs of it, whoever judged: on the chosen queries, and

- `all`: on all queries of the dimension. The chosen ones are among them: a part agrees with its whole by
  that alone, under every method alike.
- `others`: on the queries that were not chosen. No vote is on both sides; but each method is held against a rest of its
  own making: who chooses well leaves the worse queries there, to be measured by. Leads are told of `all`.

A half has five or so models, whose Spearman knows few values; Pearson's correlation of strengths stands beside it.
`random` is the mean over LOTS lots. The data have no categories, and no query has more than a few votes a pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.stats import pearsonr, spearmanr

from dearena.outcomes import Outcome
from dearena.scoring import FitSettings, Votes, fit
from dearena.scoring.arrays import BoolArray, FloatArray
from dearena.scoring.outcomes import CODES
from dearena.scoring.weightings import UNIFORM
from dearena.selection import METHODS, PilotVotes, select
from dearena.trials.recorded import Recorded
from dearena.vote_files import VoteColumns, read

SIZES: Final = (8, 16)
LOTS: Final = 20
_SAID: Final = {CODES[Outcome.A]: 1.0, CODES[Outcome.B]: 0.0, CODES[Outcome.TIE]: 0.5}


@dataclass(frozen=True, slots=True)
class Agreed:
    """One board on chosen queries, beside boards of the same models on more.

    Attributes:
        all_spearman, all_pearson: with that on all queries.
        others_spearman, others_pearson: with that on the queries that were not chosen.
    """

    dimension: str
    method: str
    size: int
    split: int
    all_spearman: float
    all_pearson: float
    others_spearman: float
    others_pearson: float


def dimensions(votes: Path) -> tuple[VoteColumns, list[str]]:
    """What a file of votes holds."""
    columns = read(votes)
    return columns, sorted(columns.dimensions)


def agreed(columns: VoteColumns, dimension: str, splits: Sequence[int], sizes: Sequence[int]) -> list[Agreed]:
    """All methods on one dimension, each split by its seed."""
    votes = Recorded.of(columns, dimension).votes
    found = []
    for split in splits:
        order = np.random.default_rng(split).permutation(len(votes.models))
        pilots = np.zeros(len(votes.models), dtype=bool)
        pilots[order[: len(order) // 2]] = True
        pilot = pilot_of(votes, pilots)
        test = votes.where(~pilots[votes.first] & ~pilots[votes.second])
        whole = _strengths(test, np.ones(len(votes.queries), dtype=bool))[~pilots]
        for size in sizes:
            for method in METHODS:
                lots = range(LOTS) if method == "random" else [split]
                boards = [_agreement(test, pilots, whole, pilot, method, size, lot) for lot in lots]
                found.append(Agreed(dimension, method, size, split, *map(float, np.mean(boards, axis=0))))
    return found


def pilot_of(votes: Votes, pilots: BoolArray) -> PilotVotes:
    """The votes on pairs of pilots, but those of judges who are models and no pilots."""
    model_of = votes.model_of_judge()
    tested = (model_of >= 0) & ~pilots[model_of]
    rows = votes.where(pilots[votes.first] & pilots[votes.second] & ~tested[votes.judge])
    names = np.flatnonzero(pilots)
    code = np.full(len(pilots), -1)
    code[names] = np.arange(len(names))
    return PilotVotes.of(
        queries=votes.queries,
        models=[votes.models[model] for model in names],
        judges=votes.judges,
        query=rows.query,
        first=code[rows.first],
        second=code[rows.second],
        judge=rows.judge,
        outcome=[_SAID[int(outcome)] for outcome in rows.outcome],
    )


def _agreement(
    test: Votes, pilots: BoolArray, whole: FloatArray, pilot: PilotVotes, method: str, size: int, seed: int
) -> tuple[float, float, float, float]:
    chosen = np.isin(test.queries, select(pilot, method=method, k=size, seed=seed).queries)
    mine = _strengths(test, chosen)[~pilots]
    others = _strengths(test, ~chosen)[~pilots]
    return (
        float(spearmanr(mine, whole).statistic),
        float(pearsonr(mine, whole).statistic),
        float(spearmanr(mine, others).statistic),
        float(pearsonr(mine, others).statistic),
    )


def _strengths(votes: Votes, queries: BoolArray) -> FloatArray:
    return fit(votes.where(queries[votes.query]), FitSettings(weighting=UNIFORM)).strengths
