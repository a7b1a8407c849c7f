"""The cells of a round, in chunks."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from dearena.identity import text_hash
from dearena.ranking.pairs import Pair
from dearena.ranking.rounds import Cell
from services.ranker.cell_chunks import cells_in, chunks_of

CELLS = [
    Cell(
        cell_id=text_hash(f"{pair} {judge} {query}"),
        attempt=attempt,
        query_id=query,
        query_hash=text_hash(query),
        pair=pair,
        # An answer that was never usable has no hash.
        answer_hash_a=text_hash(f"{pair.model_a} on {query}") if query == "q1" else "",
        answer_hash_b=text_hash(f"{pair.model_b} on {query}"),
        judge=judge,
        template_hash=text_hash("template"),
        judge_parameters_hash=text_hash(f"parameters of {judge}"),
        draw=20_000 + attempt,
        kind="CANARY" if query == "q3" else "VOTE",
        seat_policy="SINGLE" if judge == "gamma@1" else "BOTH",
    )
    for pair in (Pair("alpha@1", "beta@1"), Pair("alpha@1", "delta@1"))
    for judge, (query, attempt) in product(("epsilon@1", "gamma@1"), (("q1", 1), ("q2", 2), ("q3", 1)))
]


@given(st.lists(st.sampled_from(CELLS), unique=True), st.integers(1, 7))
def test_cells_come_back_from_chunks_as_they_were(cells: list[Cell], size: int) -> None:
    chunks = list(chunks_of(cells, size))
    assert [cell for chunk in chunks for cell in cells_in(chunk)] == cells
    assert all(len(chunk["cell_id"]) == size for chunk in chunks[:-1])


def test_a_chunk_from_before_draws_holds_votes_of_even_draw_in_both_orders() -> None:
    [chunk] = chunks_of(CELLS)
    del chunk["draw"], chunk["sort"], chunk["tables"]["sorts"]
    assert list(cells_in(chunk)) == [cell._replace(draw=2**16, kind="VOTE", seat_policy="BOTH") for cell in CELLS]
