"""Outcomes as columns: what many readers fetch often, in few bytes. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dearena import parts
from dearena.outcomes import Outcome, SeatVerdict

EVEN_DRAW = parts.ONE
"""The `draw` of a cell that does not say: every judge had the same chance."""
VOTE = "VOTE"
"""The kind of cells that count in a board, as in common.proto without its prefix."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One outcome, as the scorer and the ranker need it."""

    sequence: int
    round: int
    cell_id: str
    attempt: int
    query_id: str
    model_a: str
    model_b: str
    judge: str
    outcome: Outcome
    judge_calls: int
    cost_nano_units: int
    currency: str
    """Empty when the cost is zero."""
    a_first: SeatVerdict = SeatVerdict.NONE
    """What the judge said with model_a in the first seat; NONE where that was not asked."""
    b_first: SeatVerdict = SeatVerdict.NONE
    draw: int = EVEN_DRAW
    """Chance with which the judge was drawn over that of an even draw, in parts of 65,536."""
    kind: str = VOTE
    trace_id: str = ""
    """Of the cell; empty where none was recorded, or it was not asked for."""


@dataclass(slots=True)
class Columns:
    """Votes by column, all of one length; models and queries are indexes into the string tables."""

    models: list[str] = field(default_factory=list)
    query_ids: list[str] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)
    round: list[int] = field(default_factory=list)
    cell_id: list[str] = field(default_factory=list)
    attempt: list[int] = field(default_factory=list)
    model_a: list[int] = field(default_factory=list)
    model_b: list[int] = field(default_factory=list)
    judge: list[int] = field(default_factory=list)
    query: list[int] = field(default_factory=list)
    outcome: list[Outcome] = field(default_factory=list)
    judge_calls: list[int] = field(default_factory=list)
    cost_nano_units: list[int] = field(default_factory=list)
    currency: str = ""
    a_first: list[SeatVerdict] = field(default_factory=list)
    b_first: list[SeatVerdict] = field(default_factory=list)
    draw: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    trace_id: list[str] = field(default_factory=list)


def in_columns(votes: Sequence[Vote]) -> Iterator[Columns]:
    """Turn votes into columns, in their order.

    One batch, unless costs change their currency on the way: a batch has one currency.
    """
    start = 0
    currency = ""
    for place, vote in enumerate(votes):
        if vote.currency and currency and vote.currency != currency:
            yield _columns_of(votes[start:place], currency)
            start, currency = place, vote.currency
        currency = currency or vote.currency
    if votes:
        yield _columns_of(votes[start:], currency)


def _columns_of(votes: Sequence[Vote], currency: str) -> Columns:
    columns = Columns(currency=currency)
    models = _Table(columns.models)
    queries = _Table(columns.query_ids)
    for vote in votes:
        columns.sequence.append(vote.sequence)
        columns.round.append(vote.round)
        columns.cell_id.append(vote.cell_id)
        columns.attempt.append(vote.attempt)
        columns.model_a.append(models.index(vote.model_a))
        columns.model_b.append(models.index(vote.model_b))
        columns.judge.append(models.index(vote.judge))
        columns.query.append(queries.index(vote.query_id))
        columns.outcome.append(vote.outcome)
        columns.judge_calls.append(vote.judge_calls)
        columns.cost_nano_units.append(vote.cost_nano_units)
        columns.a_first.append(vote.a_first)
        columns.b_first.append(vote.b_first)
        columns.draw.append(vote.draw)
        columns.kind.append(vote.kind)
        columns.trace_id.append(vote.trace_id)
    return columns


class _Table:
    """Strings in the order in which they first came, each once."""

    def __init__(self, strings: list[str]) -> None:
        self._strings = strings
        self._places: dict[str, int] = {}

    def index(self, string: str) -> int:
        place = self._places.get(string)
        if place is None:
            place = self._places[string] = len(self._strings)
            self._strings.append(string)
        return place
