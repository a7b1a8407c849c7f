"""A round's cells: a finite list in a fixed order, and which of them still miss an outcome. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final, NamedTuple

from dearena import identity
from dearena.canaries import Sort, sort_of, truncation_hash
from dearena.names import DimensionName
from dearena.ranking.asks import Ask
from dearena.ranking.evidence import CANARY, EVEN_DRAW, VOTE
from dearena.ranking.pairs import Pair
from dearena.ranking.rules import SeatPolicy

CELLS_A_MESSAGE: Final = 8
"""Few, so that a judge's work spreads over dispatchers and a message is not held for long."""


class Cell(NamedTuple):
    """One judge asked about two models' answers to one query; fields as in common.proto.

    `draw`, the chance with which the judge was drawn over that of an even draw in parts of 65,536, is no
    part of a cell's identity; `kind` and `seat_policy` are, by name without prefix.
    """

    cell_id: identity.Digest
    attempt: int
    query_id: str
    query_hash: identity.Digest
    pair: Pair
    answer_hash_a: str
    answer_hash_b: str
    judge: str
    template_hash: identity.Digest
    judge_parameters_hash: identity.Digest
    draw: int = EVEN_DRAW
    kind: str = VOTE
    seat_policy: str = SeatPolicy.BOTH


@dataclass(frozen=True, slots=True)
class Material:
    """What cells are made of, beside who is asked about what.

    Attributes:
        queries: hash by query id, in order of ids.
        answers: of each contestant, the answer's hash by query id; none where it has no usable answer.
        templates: hash of the template by query id, where it is not `template_hash`.
        judge_parameters: hash by judge.
        seats: seat orders a cell.
    """

    dimension: DimensionName
    dimension_version: int
    template_hash: identity.Digest
    queries: Mapping[str, identity.Digest]
    answers: Mapping[str, Mapping[str, identity.Digest]]
    judge_parameters: Mapping[str, identity.Digest]
    seats: SeatPolicy = SeatPolicy.BOTH
    templates: Mapping[str, identity.Digest] = field(default_factory=dict)


def cells_of(asks: Iterable[Ask], material: Material) -> tuple[Cell, ...]:
    """Make the cells of a round, in the order in which they are asked.

    Whatever a jury wants has no outcome yet, so each is asked for the first time.
    """
    return tuple(_cell(ask, material) for ask in asks)


def sorts_of(cells: Iterable[Cell]) -> dict[identity.Digest, Sort]:
    """Which canary each canary among these cells is, by cell id."""
    found = ((cell.cell_id, sort_of(cell.answer_hash_a, cell.answer_hash_b)) for cell in cells if cell.kind == CANARY)
    return {cell_id: sort for cell_id, sort in found if sort is not None}


def _cell(ask: Ask, material: Material) -> Cell:
    pair, seat_policy = ask.pair, str(material.seats)
    query_hash = material.queries[ask.query_id]
    answer_hash_a, answer_hash_b = (material.answers[model].get(ask.query_id, "") for model in pair)
    if ask.truncated:
        answer_hash_b = truncation_hash(answer_hash_a)
    template_hash = material.templates.get(ask.query_id, material.template_hash)
    judge_parameters_hash = material.judge_parameters[ask.judge]
    cell_id = identity.cell_id(
        project=material.dimension.project,
        dimension=material.dimension.slug,
        dimension_version=material.dimension_version,
        query_hash=query_hash,
        model_a=pair.model_a,
        model_b=pair.model_b,
        answer_hash_a=answer_hash_a,
        answer_hash_b=answer_hash_b,
        judge=ask.judge,
        template_hash=template_hash,
        judge_parameters_hash=judge_parameters_hash,
        seat_policy=seat_policy,
        kind=ask.kind,
    )
    return Cell(
        cell_id=cell_id,
        attempt=1,
        query_id=ask.query_id,
        query_hash=query_hash,
        pair=pair,
        answer_hash_a=answer_hash_a,
        answer_hash_b=answer_hash_b,
        judge=ask.judge,
        template_hash=template_hash,
        judge_parameters_hash=judge_parameters_hash,
        draw=ask.draw,
        kind=ask.kind,
        seat_policy=seat_policy,
    )


def digest_of(cells: Iterable[Cell]) -> identity.Digest:
    """Identity of a round's list of cells."""
    return identity.digest_of([[cell.cell_id, cell.attempt] for cell in cells])


def missing(cells: Iterable[Cell], with_outcome: Collection[tuple[str, int]]) -> tuple[Cell, ...]:
    """Cells without an outcome at the attempt that the round waits for; FAILED is an outcome.

    Args:
        cells: of the round.
        with_outcome: (cell id, attempt) of the log's rows.
    """
    return tuple(cell for cell in cells if (cell.cell_id, cell.attempt) not in with_outcome)


def messages_of(cells: Iterable[Cell], largest: int = CELLS_A_MESSAGE) -> Iterator[tuple[str, int, tuple[Cell, ...]]]:
    """Parcels of cells of one judge each, as (judge, number among the judge's, cells), judges taking turns.

    In turns, so that no judge waits until another's work has been sent.
    """
    by_judge: dict[str, list[Cell]] = {}
    for cell in cells:
        by_judge.setdefault(cell.judge, []).append(cell)
    for number, row in enumerate(zip_longest(*(_parcels(own, largest) for own in by_judge.values()))):
        yield from ((parcel[0].judge, number, parcel) for parcel in row if parcel is not None)


def _parcels(cells: Sequence[Cell], largest: int) -> Iterator[tuple[Cell, ...]]:
    for start in range(0, len(cells), largest):
        yield tuple(cells[start : start + largest])
