"""The log of a dimension in memory: every outcome as columns, grown round by round.

It does not depend on the order of the votes within a round, and grown it equals one that is read anew. Only
the final outcome of a cell counts: a FAILED one gives way to a later attempt. Rows stand in the order of
rounds, so that what an older board rested on is a slice. An outcome takes 27 bytes, and 4 more in a log where
some judge was drawn by weight. Pure.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np

from dearena.outcomes import Outcome
from dearena.scoring.arrays import BoolArray, Codes, IntArray
from dearena.scoring.boards.growing import Growing
from dearena.scoring.boards.marks import MarkSet
from dearena.scoring.boards.round_votes import OUTCOMES, BrokenLog, Draws, RoundVotes
from dearena.scoring.boards.spending import Spending, Spent
from dearena.scoring.draws import EVEN, balanced, drawn
from dearena.scoring.evidence import Evidence
from dearena.scoring.outcomes import CODES
from dearena.scoring.reports.outcome_counts import OutcomeCounts, outcome_counts
from dearena.scoring.votes import Votes

_FAILED = CODES[Outcome.FAILED]


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """What a board of the rounds through `version` rests on.

    Attributes:
        votes: final outcomes, a row a cell, weighed by their draws (`scoring.draws`); names in canonical order, those
            only that stand in a row.
        evidence: the same for a fit, with tallies where they are at hand.
        outcomes: of the votes, counted.
        spent: on all attempts.
    """

    version: int
    votes: Votes
    evidence: Evidence | Votes
    outcomes: OutcomeCounts
    spent: Spent

    def without_judges(self, judges: Collection[str]) -> Self:
        """What counts when some judges are not heard: as if they had given no outcome, but for what was spent on all.

        Models that stand nowhere else stay, without a vote.
        """
        heard = np.array([judge not in judges for judge in self.votes.judges], dtype=bool)
        if heard.all():
            return self
        votes = balanced(_with_judges_and_queries_in_use(self.votes.where(np.flatnonzero(heard[self.votes.judge]))))
        of_judge = {currency: paid[heard] for currency, paid in self.spent.of_judge.items()}
        return replace(
            self,
            votes=votes,
            evidence=votes,
            outcomes=outcome_counts(votes),
            spent=replace(self.spent, of_judge=of_judge),
        )

    def votes_by(self, judges: Collection[str]) -> Votes:
        """The votes of some judges alone, over the same models."""
        chosen = np.array([judge in judges for judge in self.votes.judges], dtype=bool)
        return _with_judges_and_queries_in_use(self.votes.where(np.flatnonzero(chosen[self.votes.judge])))


class _Reasked(NamedTuple):
    """Newest attempt of a cell that failed once."""

    attempt: int
    outcome: Outcome
    names: tuple[str, ...]
    row: int


class VoteLog:
    """All that boards need of the rounds 1 to `through`, or of those of a later version of the dimension."""

    def __init__(self, first_round: int = 1) -> None:
        """Begin with this round; those before it do not count."""
        self._before = first_round - 1
        self.through = self._before
        self._evidence = Evidence()
        self._fresh: list[dict[str, Any]] = []
        self._models, self._judges, self._queries = _Names(), _Names(), _Names()
        self._ends = [0]
        # Empty until a draw is uneven.
        self._draws = Growing(np.uint32)
        self._outcomes = outcome_counts(self._evidence.votes)
        self._spending = Spending()
        # A cell that was final at its first attempt is in `_final`; all others are in `_reasked`.
        self._final = MarkSet()
        self._reasked: dict[int, _Reasked] = {}
        self._replaced_in, self._replaced_row = Growing(np.int64), Growing(np.int64)
        self._replaced = 0
        """How many of these are counted no more."""

    def __len__(self) -> int:
        return self._ends[-1]

    def add_round(self, number: int, votes: RoundVotes) -> None:
        """Count all outcomes of the next round; on a fault nothing is counted.

        Raises:
            ValueError: `number` does not follow the last round counted.
            BrokenLog: a row is malformed, doubled, or contradicts a final outcome.
        """
        if number != self.through + 1:
            raise ValueError(f"round {number} cannot be counted after round {self.through}")
        votes.check()
        final, replaced = self._newest_attempts(votes)

        # From here on nothing is refused.
        first, second = self._models.codes(votes.models, votes.first, votes.second, others=votes.judge)
        (judge,) = self._judges.codes(votes.models, votes.judge)
        (query,) = self._queries.codes(votes.queries, votes.query)
        self._spending.add(number, votes, judge)
        before = len(self)
        self._note_attempts(votes, final, before)
        columns: dict[str, Any] = {"judge": judge, "first": first, "second": second, "query": query}
        columns |= {"outcome": votes.outcome, "seats": votes.seats}
        rows = {name: column[final] for name, column in columns.items()}
        for old in replaced:
            self._replaced_in.extend(np.array([number]))
            self._replaced_row.extend(np.array([old.row]))
        self._note_draws(votes.draw[final], before)
        self._fresh.append(rows)
        self._ends.append(before + len(final))
        self.through = number

    def counted(self, version: int | None = None) -> Counted:
        """What counts through a round; None: through the last.

        Raises:
            ValueError: that round has not been counted yet.
        """
        version = self.through if version is None else version
        if not self._before <= version <= self.through:
            raise ValueError(f"rounds {self._before + 1} to {self.through} have been counted, not {version}")
        self._settle()
        held = self._evidence.votes
        replaced = self._replaced_row.values[self._replaced_in.values <= version]
        if version == self.through:
            votes = self._weighed(held, replaced)
            evidence = self._evidence if votes.weight is None else votes
            spent = self._spending.through(version, votes.judges)
            return Counted(version, votes, evidence, self._outcomes, spent)
        votes = _with_names_in_use(self._weighed(held.where(slice(0, self._ends[version - self._before])), replaced))
        spent = self._spending.through(version, votes.judges)
        return Counted(version, votes, votes, outcome_counts(votes), spent)

    def _note_draws(self, draw: Draws, before: int) -> None:
        if len(self._draws) or np.any(draw != EVEN):
            self._draws.extend(np.full(before - len(self._draws), EVEN))
            self._draws.extend(draw)

    def _weighed(self, votes: Votes, replaced: IntArray) -> Votes:
        """The first rows, but for those replaced, weighed by their draws."""
        kept = _without(replaced, len(votes)) if len(replaced) else None
        draw = self._draws.values[: len(votes)]
        if kept is not None:
            votes = votes.where(kept)
        if not len(draw):
            return votes
        return drawn(votes, draw if kept is None else draw[kept])

    def _newest_attempts(self, votes: RoundVotes) -> tuple[IntArray, list[_Reasked]]:
        """Rows of the newest attempt of each cell, in the order of rows, and what they replace of earlier rounds."""
        order = np.argsort(votes.mark)
        marks = votes.mark[order]
        if np.any(marks[1:] == marks[:-1]):
            order = np.lexsort((votes.attempt, votes.mark))
            marks = votes.mark[order]
        again = np.zeros(len(order), dtype=bool)
        again[1:] = marks[1:] == marks[:-1]
        for at in np.flatnonzero(again):
            earlier, later = int(order[at - 1]), int(order[at])
            _check_succession(_attempt_of(votes, earlier), votes, later)
        opening = order[~again]
        settled = opening[self._final.has(votes.mark[opening])]
        if len(settled):
            raise BrokenLog(f"{votes.named(int(settled[0]))}: attempt 1 has been counted already, and was final")
        replaced: list[_Reasked] = []
        if self._reasked:
            for row, mark in zip(opening.tolist(), votes.mark[opening].tolist(), strict=True):
                if earlier_round := self._reasked.get(mark):
                    _check_succession(earlier_round, votes, row)
                    replaced.append(earlier_round)
        is_last = np.ones(len(order), dtype=bool)
        is_last[:-1] = ~again[1:]
        return np.sort(order[is_last]), replaced

    def _note_attempts(self, votes: RoundVotes, final: IntArray, before: int) -> None:
        open_to_more = (votes.attempt[final] > 1) | (votes.outcome[final] == _FAILED)
        self._final.add(votes.mark[final[~open_to_more]])
        for place in np.flatnonzero(open_to_more).tolist():
            row = int(final[place])
            self._reasked[int(votes.mark[row])] = _attempt_of(votes, row)._replace(row=before + place)

    def _settle(self) -> None:
        """Lay the new rows beside the others: once for many rounds, since names then find their places once."""
        if not self._fresh:
            return
        columns: dict[str, Any] = {
            name: np.concatenate([rows[name] for rows in self._fresh]) for name in self._fresh[0]
        }
        fresh = Votes.of_codes(models=self._models.all, judges=self._judges.all, queries=self._queries.all, **columns)
        before = self._evidence.votes
        self._evidence.add(fresh)
        held = self._evidence.votes
        counts = outcome_counts(fresh)
        counts.by_model[_places(before.models, held.models)] += self._outcomes.by_model
        counts.by_judge[_places(before.judges, held.judges)] += self._outcomes.by_judge
        rows = self._replaced_row.values[self._replaced :]
        self._replaced += len(rows)
        for column in (held.first, held.second):
            np.subtract.at(counts.by_model[:, _FAILED], column[rows], 1)
        np.subtract.at(counts.by_judge[:, _FAILED], held.judge[rows], 1)
        self._outcomes = counts
        self._fresh = []


class _Names:
    """Names in the order in which they came."""

    def __init__(self) -> None:
        self._place: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._place)

    @property
    def all(self) -> tuple[str, ...]:
        """Every name so far."""
        return tuple(self._place)

    def codes(self, table: Sequence[str], *columns: Codes, others: Codes | None = None) -> list[Codes]:
        """The columns as indices of the names here. Only names that stand in one of them, or in `others`, are taken."""
        stand = [*columns, *([] if others is None else [others])]
        used = np.zeros(len(table), dtype=bool)
        for column in stand:
            used[column] = True
        place = np.zeros(len(table), dtype=np.int32)
        for index in np.flatnonzero(used).tolist():
            place[index] = self._place.setdefault(table[index], len(self._place))
        return [place[column] for column in columns]


def _attempt_of(votes: RoundVotes, row: int) -> _Reasked:
    models = [votes.models[int(column[row])] for column in (votes.first, votes.second, votes.judge)]
    names = (*models, votes.queries[int(votes.query[row])])
    return _Reasked(int(votes.attempt[row]), OUTCOMES[int(votes.outcome[row])], names, -1)


def _check_succession(earlier: _Reasked, votes: RoundVotes, row: int) -> None:
    later = _attempt_of(votes, row)
    if later.attempt <= earlier.attempt:
        raise BrokenLog(f"{votes.named(row)}: attempt {earlier.attempt} has been counted already")
    if earlier.outcome is not Outcome.FAILED:
        raise BrokenLog(f"{votes.named(row)}: the {earlier.outcome} of attempt {earlier.attempt} was final")
    if earlier.names != later.names:
        raise BrokenLog(f"{votes.named(row)}: names other models or another question than attempt {earlier.attempt}")


def _places(some: Sequence[str], names: Sequence[str]) -> IntArray:
    place = {name: index for index, name in enumerate(names)}
    return np.array([place[name] for name in some], dtype=np.int64)


def _without(rows: IntArray, length: int) -> BoolArray:
    kept = np.ones(length, dtype=bool)
    kept[rows] = False
    return kept


def _with_names_in_use(votes: Votes) -> Votes:
    """The votes without names that stand in no row."""
    votes = _with_judges_and_queries_in_use(votes)
    judges = set(votes.judges)
    models = _used(len(votes.models), votes.first, votes.second)
    models |= np.array([name in judges for name in votes.models], dtype=bool)
    model = _renumbered(models)
    return replace(votes, models=_kept(votes.models, models), first=model[votes.first], second=model[votes.second])


def _with_judges_and_queries_in_use(votes: Votes) -> Votes:
    judges, queries = _used(len(votes.judges), votes.judge), _used(len(votes.queries), votes.query)
    return replace(
        votes,
        judges=_kept(votes.judges, judges),
        queries=_kept(votes.queries, queries),
        judge=_renumbered(judges)[votes.judge],
        query=_renumbered(queries)[votes.query],
        questions=None if votes.questions is None else votes.questions[queries],
    )


def _used(names: int, *columns: Codes) -> BoolArray:
    """Which names stand in a row."""
    used = np.zeros(names, dtype=bool)
    for column in columns:
        used[column] = True
    return used


def _renumbered(kept: BoolArray) -> Codes:
    """Where each name that is kept stands among them."""
    return (np.cumsum(kept) - 1).astype(np.int32)


def _kept(names: Sequence[str], kept: BoolArray) -> tuple[str, ...]:
    return tuple(name for name, keep in zip(names, kept, strict=True) if keep)
