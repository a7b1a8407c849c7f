"""What the log of outcomes adds up to: whole numbers by judge and pair of models.

Tallies grow round by round and do not depend on the order of the votes within a round; made anew
from the log they are equal. Only the final outcome of a cell counts: a FAILED one gives way to a
later attempt. Pure.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from dearena.faults import ArenaFault
from dearena.identity import text_hash
from dearena.names import InvalidName, Revision


class Outcome(StrEnum):
    """What became of one cell at one attempt; A and B are preferences for the first and second model."""

    A = "A"
    B = "B"
    TIE = "TIE"
    FLIP = "FLIP"
    INVALID = "INVALID"
    FAILED = "FAILED"
    VOID = "VOID"
    SKIPPED = "SKIPPED"


PREFERENCES = (Outcome.A, Outcome.B, Outcome.TIE)
"""The outcomes that enter a fit. The others say nothing of the two models and are counted only."""


class Vote(NamedTuple):
    """One row of the log. Models and judge are revisions; `model_a` comes first in canonical order."""

    cell_id: str
    attempt: int
    model_a: str
    model_b: str
    judge: str
    outcome: Outcome
    judge_calls: int = 0
    cost_nano_units: int = 0
    currency: str = ""


class JudgedPair(NamedTuple):
    """Two models before one judge."""

    judge: str
    model_a: str
    model_b: str


@dataclass(slots=True)
class Preferences:
    """How often one judge preferred either model of a pair, or neither."""

    a: int = 0
    b: int = 0
    tie: int = 0


class BrokenVote(ArenaFault):
    """A row of the log that cannot be counted; the message names it."""


@dataclass
class Tallies:
    """All that a fit needs of the rounds 1 to `through`.

    Attributes:
        preferences: of every judge on every pair; no entry is empty.
        outcomes: number of cells by final outcome.
        judge_calls: calls made, of all attempts.
        cost_nano_units: by currency, of all attempts.
        models: revisions that stood in some cell, as contestant or judge.
        reasked: newest attempt of each cell that failed once; all other cells have but one.
        settled: those others, by `_mark`, ascending: 8 bytes a cell, so that a doubled one is found out.
    """

    through: int = 0
    preferences: dict[JudgedPair, Preferences] = field(default_factory=dict)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    judge_calls: int = 0
    cost_nano_units: Counter[str] = field(default_factory=Counter)
    models: set[str] = field(default_factory=set)
    reasked: dict[str, Vote] = field(default_factory=dict)
    settled: "array[int]" = field(default_factory=lambda: array("Q"))

    def add_round(self, number: int, votes: Iterable[Vote]) -> None:
        """Count all outcomes of the next round; on a fault nothing is counted.

        Raises:
            ValueError: `number` does not follow the last round counted.
            BrokenVote: a row is malformed, doubled, or contradicts a final outcome.
        """
        if number != self.through + 1:
            raise ValueError(f"round {number} cannot be counted after round {self.through}")
        rows = sorted(votes, key=lambda vote: (vote.cell_id, vote.attempt))
        for vote in rows:
            _check(vote)
        final = self._final(rows)

        for vote in final:
            if vote.cell_id in self.reasked:
                self.outcomes[Outcome.FAILED] -= 1
            if vote.attempt > 1 or vote.outcome is Outcome.FAILED:
                self.reasked[vote.cell_id] = vote
            self._count(vote)
        self._settle(_mark(vote.cell_id) for vote in final if vote.cell_id not in self.reasked)
        for vote in rows:
            self.judge_calls += vote.judge_calls
            if vote.cost_nano_units:
                self.cost_nano_units[vote.currency] += vote.cost_nano_units
            self.models.update((vote.model_a, vote.model_b, vote.judge))
        self.through = number

    def _final(self, rows: Iterable[Vote]) -> list[Vote]:
        """The newest attempt of each cell; rows are sorted by cell and attempt."""
        newest: dict[str, Vote] = {}
        for vote in rows:
            if earlier := newest.get(vote.cell_id) or self.reasked.get(vote.cell_id):
                _check_succession(earlier, vote)
            elif self._is_settled(vote.cell_id):
                row = f"cell {vote.cell_id!r}, attempt {vote.attempt}"
                raise BrokenVote(f"{row}: attempt 1 has been counted already, and was final")
            newest[vote.cell_id] = vote
        return list(newest.values())

    def _is_settled(self, cell_id: str) -> bool:
        mark = _mark(cell_id)
        at = bisect_left(self.settled, mark)
        return at < len(self.settled) and self.settled[at] == mark

    def _settle(self, marks: Iterable[int]) -> None:
        if fresh := sorted(marks):
            # Of two ascending runs a stable sort makes one in a single pass.
            both = np.concatenate([np.asarray(self.settled), np.array(fresh, np.uint64)])
            self.settled = array("Q", np.sort(both, kind="stable").tobytes())

    def _count(self, vote: Vote) -> None:
        self.outcomes[vote.outcome] += 1
        if vote.outcome not in PREFERENCES:
            return
        of_pair = self.preferences.setdefault(JudgedPair(vote.judge, vote.model_a, vote.model_b), Preferences())
        match vote.outcome:
            case Outcome.A:
                of_pair.a += 1
            case Outcome.B:
                of_pair.b += 1
            case Outcome.TIE:
                of_pair.tie += 1


def _mark(cell_id: str) -> int:
    """64 bits of a cell: that any two of 2,000,000 share theirs has a chance of 1 in 9,000,000."""
    return int(text_hash(cell_id)[:16], 16)


def _check(vote: Vote) -> None:
    row = f"cell {vote.cell_id!r}, attempt {vote.attempt}"
    if not isinstance(vote.outcome, Outcome):
        raise BrokenVote(f"{row}: {vote.outcome!r} is not an outcome")
    if vote.attempt < 1:
        raise BrokenVote(f"{row}: attempts count up from 1")
    if min(vote.judge_calls, vote.cost_nano_units) < 0:
        raise BrokenVote(f"{row}: calls and costs are not negative")
    if vote.model_a == vote.model_b:
        raise BrokenVote(f"{row}: {vote.model_a} is compared with itself")
    if vote.judge in (vote.model_a, vote.model_b):
        raise BrokenVote(f"{row}: {vote.judge} judges its own answer")
    try:
        in_order = Revision.parse(vote.model_a) < Revision.parse(vote.model_b)
        Revision.parse(vote.judge)
    except InvalidName as error:
        raise BrokenVote(f"{row}: {error}") from error
    if not in_order:
        raise BrokenVote(f"{row}: {vote.model_a} and {vote.model_b} are not in canonical order")


def _check_succession(earlier: Vote, later: Vote) -> None:
    row = f"cell {later.cell_id!r}, attempt {later.attempt}"
    if later.attempt <= earlier.attempt:
        raise BrokenVote(f"{row}: attempt {earlier.attempt} has been counted already")
    if earlier.outcome is not Outcome.FAILED:
        raise BrokenVote(f"{row}: the {earlier.outcome} of attempt {earlier.attempt} was final")
    if (earlier.model_a, earlier.model_b, earlier.judge) != (later.model_a, later.model_b, later.judge):
        raise BrokenVote(f"{row}: names other models than attempt {earlier.attempt}")
