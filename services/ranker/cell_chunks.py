"""Cells as documents: chunks far below what one document may hold, by column, with tables of what repeats.

A chunk can be read without any other. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from dearena.ranking.evidence import EVEN_DRAW
from dearena.ranking.pairs import Pair
from dearena.ranking.rounds import Cell

T = TypeVar("T")

CELLS_A_CHUNK: Final = 5_000
"""At about 150 bytes a cell and 70 an answer: 0.8 MB, and a few MB for a window of many neighbours."""

_FIRST_SORT: Final = {"kind": "VOTE", "seat_policy": "BOTH"}
"""What all cells were before chunks said so."""


def chunks_of(cells: Iterable[Cell], size: int = CELLS_A_CHUNK) -> Iterator[dict[str, Any]]:
    """Cells in chunks, in order."""
    remaining = iter(cells)
    while chunk := list(islice(remaining, size)):
        yield _chunk(chunk)


def _chunk(cells: Sequence[Cell]) -> dict[str, Any]:
    pairs = _places(cell.pair for cell in cells)
    queries = _places((cell.query_id, cell.query_hash) for cell in cells)
    judges = _places((cell.judge, cell.judge_parameters_hash) for cell in cells)
    templates = _places(cell.template_hash for cell in cells)
    answers = _places(hashed for cell in cells for hashed in (cell.answer_hash_a, cell.answer_hash_b))
    sorts = _places((cell.kind, cell.seat_policy) for cell in cells)
    return {
        "tables": {
            "pairs": [list(pair) for pair in pairs],
            "queries": [list(query) for query in queries],
            "judges": [list(judge) for judge in judges],
            "templates": list(templates),
            "answers": list(answers),
            "sorts": [{"kind": kind, "seat_policy": seat_policy} for kind, seat_policy in sorts],
        },
        "cell_id": [cell.cell_id for cell in cells],
        "attempt": [cell.attempt for cell in cells],
        "pair": [pairs[cell.pair] for cell in cells],
        "query": [queries[cell.query_id, cell.query_hash] for cell in cells],
        "judge": [judges[cell.judge, cell.judge_parameters_hash] for cell in cells],
        "template": [templates[cell.template_hash] for cell in cells],
        "answer_a": [answers[cell.answer_hash_a] for cell in cells],
        "answer_b": [answers[cell.answer_hash_b] for cell in cells],
        "draw": [cell.draw for cell in cells],
        "sort": [sorts[cell.kind, cell.seat_policy] for cell in cells],
    }


def cells_in(chunk: Mapping[str, Any]) -> Iterator[Cell]:
    """The cells of a chunk, in order. One written before cells had draws and sorts holds votes of even draw."""
    tables = chunk["tables"]
    pairs = [Pair(*pair) for pair in tables["pairs"]]
    sorts = tables.get("sorts", [_FIRST_SORT])
    many = len(chunk["cell_id"])
    columns = ("cell_id", "attempt", "pair", "query", "judge", "template", "answer_a", "answer_b")
    for cell_id, attempt, pair, query, judge, template, answer_a, answer_b, draw, sort in zip(
        *(chunk[column] for column in columns),
        chunk.get("draw", [EVEN_DRAW] * many),
        chunk.get("sort", [0] * many),
        strict=True,
    ):
        query_id, query_hash = tables["queries"][query]
        judge_model, judge_parameters_hash = tables["judges"][judge]
        yield Cell(
            cell_id=cell_id,
            attempt=attempt,
            query_id=query_id,
            query_hash=query_hash,
            pair=pairs[pair],
            answer_hash_a=tables["answers"][answer_a],
            answer_hash_b=tables["answers"][answer_b],
            judge=judge_model,
            template_hash=tables["templates"][template],
            judge_parameters_hash=judge_parameters_hash,
            draw=draw,
            **sorts[sort],
        )


def _places(things: Iterable[T]) -> dict[T, int]:
    """Each thing once, with its place, in the order in which they first came."""
    places: dict[T, int] = {}
    for thing in things:
        places.setdefault(thing, len(places))
    return places
