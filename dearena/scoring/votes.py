"""Votes as columns: who judged, what was compared, on which question, and what came of it.

Names stand once, in canonical order; the columns hold indices into them. Whatever the order of the
rows, sums over them are whole numbers, so that a fit does not depend on it. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from dearena.names import InvalidName, Revision
from dearena.outcomes import Outcome
from dearena.scoring.arrays import BoolArray, Codes, IntArray, OutcomeCodes
from dearena.scoring.broken import BrokenVote
from dearena.scoring.encoding import dictionaries, encoded, ranks_of
from dearena.scoring.outcomes import CODES
from dearena.scoring.seats import UNSAID, WHO_SAT_FIRST, SeatCodes, of_one_look
from dearena.scoring.units import whole_units

WINNERS: Final = {"a": CODES[Outcome.A], "b": CODES[Outcome.B], "tie": CODES[Outcome.TIE]} | {
    str(outcome): code for outcome, code in CODES.items()
}
"""Words for an outcome in a column of strings: winners as in exported votes, or outcomes."""


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """Columns of equal length; row v of each belongs together.

    Attributes:
        models, judges, queries: names, without doubles, in canonical order.
        judge, first, second, query: indices into them, int32.
        outcome: codes of `outcomes.CODES`, int8; A is a preference for `first`.
        weight: whole units of `unit` a vote, int64; None: each weighs 1.
        unit: what one unit of `weight` weighs.
        seats: what the judge said in each seat order, codes of `seats`, int8, shape (votes, 2); None: unknown.
        questions: number of the question that each query asks, int32, shape (queries,); None: each asks its own.
            Answers belong to a query, and whatever clusters votes does so by question.
    """

    models: tuple[str, ...]
    judges: tuple[str, ...]
    queries: tuple[str, ...]
    judge: Codes
    first: Codes
    second: Codes
    query: Codes
    outcome: OutcomeCodes
    weight: IntArray | None = None
    unit: float = 1.0
    seats: SeatCodes | None = None
    questions: Codes | None = None

    @classmethod
    def of_codes(
        cls,
        *,
        models: Sequence[str],
        judges: Sequence[str],
        queries: Sequence[str],
        judge: npt.ArrayLike,
        first: npt.ArrayLike,
        second: npt.ArrayLike,
        query: npt.ArrayLike,
        outcome: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
        seats: npt.ArrayLike | None = None,
    ) -> Self:
        """Votes from columns of indices, checked.

        Args:
            models, judges, queries: names in any order; the columns index them as they are given.
            outcome: codes of `outcomes.CODES`: 0 for the first model, 1 for the second, 2 for a tie ….
            weight: at least 0, of any unit; kept as whole multiples (`units.whole_units`).
            seats: codes of `seats`, shape (votes, 2).

        Raises:
            BrokenVote: names are doubled, a column has another length, an index is out of range, a model
                is compared with itself, or a weight is negative or no number; names the row.
        """
        names = {"models": models, "judges": judges, "queries": queries}
        ranks = {what: _canonical_ranks(what, given) for what, given in names.items()}
        length = len(np.asarray(outcome))
        checked: dict[str, Codes] = {}
        for column, values, what in (
            ("judge", judge, "judges"),
            ("first", first, "models"),
            ("second", second, "models"),
            ("query", query, "queries"),
        ):
            codes = _checked_codes(column, values, len(names[what]), length)
            rank = ranks[what]
            checked[column] = codes if rank is None else rank[codes]
        outcomes = _checked_codes("outcome", outcome, len(CODES), length).astype(np.int8, copy=False)
        _check_no_self_play(checked["first"], checked["second"], names["models"], ranks["models"])
        weights, unit = (None, 1.0) if weight is None else _checked_weights(weight, length)
        return cls(
            models=_in_order(models, ranks["models"]),
            judges=_in_order(judges, ranks["judges"]),
            queries=_in_order(queries, ranks["queries"]),
            outcome=outcomes,
            weight=weights,
            unit=unit,
            seats=None if seats is None else _checked_seats(seats, length),
            **checked,
        )

    @classmethod
    def of_columns(
        cls,
        *,
        judge: Any,
        model_a: Any,
        model_b: Any,
        query: Any | None,
        winner: Any,
        weight: npt.ArrayLike | None = None,
        first: Any | None = None,
    ) -> Self:
        """Votes from columns of strings: lists, NumPy arrays or Arrow arrays.

        Args:
            query: the question of each vote; None: every vote had a question of its own.
            winner: `a`, `b` or `tie`, or outcomes by name (`A`, `FLIP` …).
            first: `a` or `b`, whose answer sat in the first seat, where each vote is of one look.

        Raises:
            BrokenVote: as `of_codes`, or a winner or a seat is none of these; names the row.
        """
        judge, model_a, model_b, query, winner = dictionaries(judge, model_a, model_b, query, winner)
        (model_a_codes, model_b_codes), models = encoded(model_a, model_b)
        (judge_codes,), judges = encoded(judge)
        if query is None:
            queries = tuple(f"{row:010d}" for row in range(len(model_a_codes)))
            query_codes = np.arange(len(model_a_codes), dtype=np.int32)
        else:
            (query_codes,), queries = encoded(query)
        outcome = _outcomes_of(winner)
        return cls.of_codes(
            models=models,
            judges=judges,
            queries=queries,
            judge=judge_codes,
            first=model_a_codes,
            second=model_b_codes,
            query=query_codes,
            outcome=outcome,
            weight=weight,
            seats=None if first is None else _seats_of(first, outcome),
        )

    def __len__(self) -> int:
        return len(self.outcome)

    def where(self, chosen: BoolArray | IntArray | slice) -> Self:
        """Some of the rows; the names stay as they are."""
        columns = ("judge", "first", "second", "query", "outcome", "weight", "seats")
        cut = {name: getattr(self, name)[chosen] for name in columns if getattr(self, name) is not None}
        return replace(self, **cut)

    def with_questions(self, question_of: Mapping[str, str]) -> Self:
        """The same votes, where several queries may ask one question.

        Args:
            question_of: question by query; a query that is not named asks the question of its own name.
        """
        asked = [question_of.get(query, query) for query in self.queries]
        place = {question: number for number, question in enumerate(sorted(set(asked)))}
        if len(place) == len(asked):
            return replace(self, questions=None)
        return replace(self, questions=np.array([place[question] for question in asked], dtype=np.int32))

    @property
    def question(self) -> Codes:
        """Question of each vote, below `question_count`; shape (votes,)."""
        return self.query if self.questions is None else self.questions[self.query]

    @property
    def question_count(self) -> int:
        """How many questions the queries ask."""
        return len(self.queries) if self.questions is None else int(self.questions.max(initial=-1)) + 1

    def model_of_judge(self) -> IntArray:
        """Which model each judge is; -1 for judges from outside. Shape (judges,)."""
        place = {model: index for index, model in enumerate(self.models)}
        return np.array([place.get(judge, -1) for judge in self.judges], dtype=np.int64)


def canonical(name: str) -> tuple[str, int, str]:
    """The key of canonical order: revisions by slug and number, other names by themselves."""
    try:
        revision = Revision.parse(name)
    except InvalidName:
        return name, 0, name
    return revision.slug, revision.number, name


def _canonical_ranks(what: str, names: Sequence[str]) -> Codes | None:
    """Where each name stands in canonical order; None: they stand so already."""
    if len(set(names)) != len(names):
        seen: set[str] = set()
        doubled = next(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise BrokenVote(f"{what}: {doubled!r} is named twice")
    return ranks_of(names, canonical if what != "queries" else None)


def _in_order(names: Sequence[str], ranks: Codes | None) -> tuple[str, ...]:
    if ranks is None:
        return tuple(names)
    ordered = [""] * len(names)
    for name, rank in zip(names, ranks, strict=True):
        ordered[rank] = name
    return tuple(ordered)


def _checked_codes(column: str, values: npt.ArrayLike, below: int, length: int) -> Codes:
    codes = np.asarray(values)
    if codes.shape != (length,):
        raise BrokenVote(f"{column}: {codes.shape} values, where the outcomes have ({length},)")
    if not length:
        return np.zeros(0, dtype=np.int32)
    if codes.dtype.kind not in "iu":
        raise BrokenVote(f"{column}: indices are whole numbers, not {codes.dtype}")
    if codes.min() < 0 or codes.max() >= below:
        row = int(np.flatnonzero((codes < 0) | (codes >= below))[0])
        raise BrokenVote(f"row {row}: {column} {codes[row]} is none of 0 to {below - 1}")
    return codes.astype(np.int32, copy=False)


def _check_no_self_play(first: Codes, second: Codes, models: Sequence[str], ranks: Codes | None) -> None:
    if (first == second).any():
        row = int(np.flatnonzero(first == second)[0])
        raise BrokenVote(f"row {row}: {_in_order(models, ranks)[first[row]]} is compared with itself")


def _checked_weights(weight: npt.ArrayLike, length: int) -> tuple[IntArray, float]:
    weights = np.asarray(weight, dtype=np.float64)
    if weights.shape != (length,):
        raise BrokenVote(f"weight: {weights.shape} values, where the outcomes have ({length},)")
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise BrokenVote(f"row {row}: a weight is a number from 0 up, not {weights[row]}")
    return whole_units(weights)


def _outcomes_of(winner: Any) -> OutcomeCodes:
    (codes,), words = encoded(winner)
    if unknown := [word for word in words if word not in WINNERS]:
        row = int(np.flatnonzero(codes == words.index(unknown[0]))[0])
        raise BrokenVote(f"row {row}: winner {unknown[0]!r} is none of {', '.join(WINNERS)}")
    return np.array([WINNERS[word] for word in words], dtype=np.int8)[codes] if words else np.zeros(0, np.int8)


def _checked_seats(seats: npt.ArrayLike, length: int) -> SeatCodes:
    codes = np.asarray(seats)
    if codes.shape != (length, 2):
        raise BrokenVote(f"seats: {codes.shape} values, where the outcomes ask for ({length}, 2)")
    if length and codes.dtype.kind not in "iu":
        raise BrokenVote(f"seats: verdicts are whole numbers, not {codes.dtype}")
    wrong = ((codes < 0) | (codes > UNSAID)).any(axis=1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise BrokenVote(f"row {row}: seats {codes[row].tolist()} are none of 0 to {UNSAID}")
    return codes.astype(np.int8, copy=False)


def _seats_of(first: Any, outcome: OutcomeCodes) -> SeatCodes:
    (codes,), words = encoded(first)
    if len(codes) != len(outcome):
        raise BrokenVote(f"first: {len(codes)} values, where the outcomes have {len(outcome)}")
    if unknown := [word for word in words if word not in WHO_SAT_FIRST]:
        row = int(np.flatnonzero(codes == words.index(unknown[0]))[0])
        raise BrokenVote(f"row {row}: first {unknown[0]!r} is none of {', '.join(WHO_SAT_FIRST)}")
    order = np.array([WHO_SAT_FIRST[word] for word in words], dtype=np.int64)
    return of_one_look(outcome, order[codes])
