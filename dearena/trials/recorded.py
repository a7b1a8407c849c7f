"""Recorded votes of one dimension as a world: what was asked once can be asked again, at no cost.

A recorded vote is one cell: a pair, a judge, a query, and what came of it. What was not recorded cannot be
asked: the gaps are real ones, of judges that failed and of answers that were missing. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np

from dearena.faults import InvalidField
from dearena.names import InvalidName, Revision, slug_of
from dearena.outcomes import Outcome
from dearena.ranking.pairs import Pair
from dearena.ranking.rules import SeatPolicy
from dearena.scoring import Votes
from dearena.scoring.outcomes import CODES
from dearena.trials.world import Heard
from dearena.vote_files import VoteColumns

LEAST_QUERIES: Final = 30
"""Models that were compared on fewer queries are left out: what all votes say of them is itself a guess."""
FEWEST_MODELS: Final = 3
"""Two have one order, and no third to judge them."""
CALLS_A_CELL: Final = 2
"""Judge calls of a cell when it is asked, one a seat order; a recording tells the outcome only."""

_LAST_READABLE: Final = CODES[Outcome.FLIP]
_OUTCOMES: Final = tuple(CODES)
_TURNED: Final = {Outcome.A: Outcome.B, Outcome.B: Outcome.A}


class NotRecorded(LookupError):
    """A cell was asked that nobody had recorded."""


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """The votes on pairs of models that were compared often enough, by whichever judge.

    Attributes:
        votes: row by row, each a cell of its own; models, judges and queries in canonical order.
        names: as the recording calls them, by revision, of models and judges.
    """

    votes: Votes
    names: Mapping[str, str]
    truth: None = field(init=False, default=None)
    _places: "_Places" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", _Places.of(self.votes))

    @classmethod
    def of(
        cls,
        columns: VoteColumns,
        dimension: str | None = None,
        least_queries: int = LEAST_QUERIES,
        question_of: Mapping[str, str] | None = None,
    ) -> Self:
        """The recording of one dimension.

        A model is kept if votes compare its answers on at least `least_queries` queries of the dimension,
        queries that ask one question each counting; then all votes on two kept models are kept, also of judges
        that are not. Outcomes that say nothing (unreadable, failed ...) are gaps. Queries that ask one question stay
        apart, and are one cluster.

        Args:
            columns: rows of a file.
            dimension: None: the only one.
            question_of: question by query.

        Raises:
            InvalidField: the dimension is not in the file, too few models are left, a name cannot stand for a
                model, or a cell was recorded twice.
        """
        rows = _of_dimension(columns, dimension).last_attempts()
        rows = rows.where(rows.outcome <= _LAST_READABLE)
        asked = np.zeros((len(rows.names), len(rows.queries)), dtype=bool)
        asked[rows.first, rows.query] = asked[rows.second, rows.query] = True
        compared_on = np.sum(asked, axis=1)
        kept = compared_on >= max(least_queries, 1)
        if np.count_nonzero(kept) < FEWEST_MODELS:
            raise InvalidField.of(
                "min_queries",
                f"{np.count_nonzero(kept)} models were compared on {least_queries} queries or more, of "
                f"{np.count_nonzero(compared_on)} in all; a replay takes {FEWEST_MODELS}",
            )
        rows = rows.where(kept[rows.first] & kept[rows.second])
        if not len(rows):
            raise InvalidField.of("votes", f"no two models that were compared on {least_queries} queries or more met")
        if doubled := rows.doubled():
            raise InvalidField.of(
                "votes", f"{doubled:,} rows repeat the judge, pair and query of another: a cell has one outcome"
            )
        named = _revisions(rows)
        renamed = replace(rows, names=tuple(named.get(name, name) for name in rows.names))
        votes = renamed.votes().with_questions(question_of or {})
        return cls(votes, {revision: name for name, revision in named.items()})

    def __len__(self) -> int:
        return len(self.votes)

    @property
    def models(self) -> tuple[str, ...]:
        """Those that are ranked, as revisions in canonical order."""
        return self.votes.models

    @property
    def judges(self) -> tuple[str, ...]:
        """Those with a recorded vote; some may not be ranked."""
        return self.votes.judges

    @property
    def queries(self) -> tuple[str, ...]:
        """Ids, in order."""
        return self.votes.queries

    def askable(self, pair: Pair, judge: str, query_id: str) -> bool:
        """Whether there is an outcome of this cell."""
        return self._row(pair, judge, query_id) is not None

    def row(self, pair: Pair, judge: str, query_id: str) -> int:
        """Where the cell stands in `votes`; raises NotRecorded."""
        row = self._row(pair, judge, query_id)
        if row is None:
            raise NotRecorded(f"{judge} on {pair.model_a} and {pair.model_b}, {query_id}")
        return row

    def judge(self, pair: Pair, judge: str, query_id: str, seats: SeatPolicy = SeatPolicy.BOTH) -> Heard:
        """What was recorded, A for the first of the pair; raises NotRecorded.

        A recording has no seat orders: its outcomes are those of both, whatever is asked for.
        """
        row = self.row(pair, judge, query_id)
        outcome = _OUTCOMES[self.votes.outcome[row]]
        if self.votes.models[self.votes.first[row]] != pair.model_a:
            outcome = _TURNED.get(outcome, outcome)
        return Heard(outcome, judge_calls=CALLS_A_CELL)

    def judge_canary(
        self, model: str, judge: str, query_id: str, *, truncated: bool, seats: SeatPolicy = SeatPolicy.BOTH
    ) -> Heard:
        """No canary was ever recorded: play a recording by rules that ask none; raises NotRecorded."""
        raise NotRecorded(f"{judge} on {model} beside {'its truncation' if truncated else 'itself'}, {query_id}")

    def _row(self, pair: Pair, judge: str, query_id: str) -> int | None:
        at = self._places
        try:
            one, other = at.models[pair.model_a], at.models[pair.model_b]
            return at.rows.get((min(one, other), max(one, other), at.judges[judge], at.queries[query_id]))
        except KeyError:
            return None


@dataclass(frozen=True, slots=True)
class _Places:
    """Where names stand in the columns, and where a cell (two models, lower first, judge, query) stands in them."""

    models: Mapping[str, int]
    judges: Mapping[str, int]
    queries: Mapping[str, int]
    rows: Mapping[tuple[int, int, int, int], int]

    @classmethod
    def of(cls, votes: Votes) -> Self:
        low, high = np.minimum(votes.first, votes.second), np.maximum(votes.first, votes.second)
        cells = zip(*(column.tolist() for column in (low, high, votes.judge, votes.query)), strict=True)
        return cls(
            models={name: place for place, name in enumerate(votes.models)},
            judges={name: place for place, name in enumerate(votes.judges)},
            queries={name: place for place, name in enumerate(votes.queries)},
            rows={cell: row for row, cell in enumerate(cells)},
        )


def _of_dimension(columns: VoteColumns, dimension: str | None) -> VoteColumns:
    known = ", ".join(name or "(none)" for name in sorted(columns.dimensions))
    if dimension is None:
        if len(columns.dimensions) > 1:
            raise InvalidField.of("dimension", f"the file has several, of which one is to be named: {known}")
        return columns
    if dimension not in columns.dimensions:
        raise InvalidField.of("dimension", f"{dimension!r} is none of those in the file: {known}")
    return columns.of_dimension(dimension)


def _revisions(rows: VoteColumns) -> dict[str, str]:
    """Revision by name of everybody who stands in the rows: its own name, if it is one, or the first of its slug."""
    present = np.zeros(len(rows.names), dtype=bool)
    present[rows.first] = present[rows.second] = present[rows.judge] = True
    found: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name in (rows.names[place] for place in np.flatnonzero(present)):
        revision = _revision(name)
        if taken.setdefault(revision, name) != name:
            raise InvalidField.of("votes", f"{taken[revision]!r} and {name!r} would both be called {revision}")
        found[name] = revision
    return found


def _revision(name: str) -> str:
    try:
        return str(Revision.parse(name))
    except InvalidName:
        pass
    try:
        return f"{slug_of(name)}@1"
    except InvalidName:
        raise InvalidField.of(
            "votes", f"{name!r} cannot stand for a model: nothing of it can stand in a slug"
        ) from None
