"""A round's cells."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.canaries import Sort, truncation_hash
from dearena.ranking.asks import Ask, canary
from dearena.ranking.evidence import CANARY, EVEN_DRAW, VOTE
from dearena.ranking.pairs import Pair
from dearena.ranking.rounds import Cell, Material, cells_of, digest_of, messages_of, missing, sorts_of
from dearena.ranking.rules import SeatPolicy
from dearena.ranking.settle import put_in, sort_by_board
from tests.unit.ranking.planted import ALGEBRA

MODELS = ("alpha@1", "beta@1", "delta@1", "gamma@1")
QUERIES = ("q1", "q2", "q3")
PLAIN = Material(
    dimension=ALGEBRA,
    dimension_version=1,
    template_hash="template",
    queries={query: f"hash of {query}" for query in QUERIES},
    answers={model: {query: f"{model} on {query}" for query in QUERIES} for model in MODELS},
    judge_parameters={model: f"parameters of {model}" for model in MODELS},
)
ASKS = [
    Ask(Pair(*pair), judge, query, draw=EVEN_DRAW // 2)
    for pair in (("alpha@1", "beta@1"), ("alpha@1", "delta@1"))
    for judge in MODELS
    if judge not in pair
    for query in QUERIES
]
CANARIES = [canary("alpha@1", "gamma@1", query, truncated=query == "q2") for query in QUERIES]
CELLS = cells_of([*ASKS, *CANARIES], PLAIN)
FIRST = Ask(Pair("alpha@1", "beta@1"), "delta@1", "q1")


def answering(answer: str) -> Mapping[str, Mapping[str, str]]:
    """Answers of everybody, alpha's to q1 being this one."""
    return {**PLAIN.answers, "alpha@1": {**PLAIN.answers["alpha@1"], "q1": answer}}


def test_cells_stand_in_the_order_in_which_they_are_asked_each_with_an_id_of_its_own() -> None:
    told = [(cell.pair, cell.judge, cell.query_id, cell.draw, cell.kind) for cell in CELLS]
    assert told == [ask[:5] for ask in [*ASKS, *CANARIES]]
    assert len({cell.cell_id for cell in CELLS}) == len(CELLS)
    assert {cell.attempt for cell in CELLS} == {1}
    assert CELLS[0].query_hash == "hash of q1"
    assert (CELLS[0].answer_hash_a, CELLS[0].answer_hash_b) == ("alpha@1 on q1", "beta@1 on q1")
    assert CELLS[0].judge_parameters_hash == f"parameters of {CELLS[0].judge}"


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAIN, template_hash="other"),
        replace(PLAIN, templates={"q1": "other"}),
        replace(PLAIN, answers=answering("other")),
        replace(PLAIN, dimension_version=2),
        replace(PLAIN, seats=SeatPolicy.SINGLE),
        replace(PLAIN, judge_parameters={**PLAIN.judge_parameters, "delta@1": "other"}),
        replace(PLAIN, queries={**PLAIN.queries, "q1": "other"}),
    ],
)
def test_a_cells_identity_holds_all_that_makes_it_another_question(other: Material) -> None:
    (same,), (changed,) = cells_of([FIRST], PLAIN), cells_of([FIRST], other)
    assert same.cell_id == CELLS[0].cell_id != changed.cell_id


def test_a_query_may_have_a_template_of_its_own() -> None:
    cells = cells_of([*ASKS, *CANARIES], replace(PLAIN, templates={"q2": "other"}))
    assert {(cell.query_id, cell.template_hash) for cell in cells} == {
        ("q1", "template"),
        ("q2", "other"),
        ("q3", "template"),
    }
    assert [cell.cell_id for cell in cells if cell.query_id != "q2"] == [
        cell.cell_id for cell in CELLS if cell.query_id != "q2"
    ]


def test_the_chance_of_the_draw_is_told_and_no_part_of_the_identity() -> None:
    even, rare = cells_of([FIRST, FIRST._replace(draw=7)], PLAIN)
    assert (even.draw, rare.draw) == (EVEN_DRAW, 7)
    assert even.cell_id == rare.cell_id


@pytest.mark.parametrize("seats", SeatPolicy)
def test_every_cell_has_the_seat_orders_of_its_round(seats: SeatPolicy) -> None:
    cells = cells_of([FIRST, CANARIES[0]], replace(PLAIN, seats=seats))
    assert [cell.seat_policy for cell in cells] == [seats.value, seats.value]
    assert all(type(cell.seat_policy) is str for cell in cells)


def test_a_canary_shows_one_answer_twice_or_beside_its_truncation() -> None:
    same, cut = cells_of(CANARIES[:2], PLAIN)
    assert {same.kind, cut.kind} == {CANARY}
    assert same.pair == cut.pair == Pair("alpha@1", "alpha@1")
    assert (same.answer_hash_a, same.answer_hash_b) == ("alpha@1 on q1", "alpha@1 on q1")
    assert (cut.answer_hash_a, cut.answer_hash_b) == ("alpha@1 on q2", truncation_hash("alpha@1 on q2"))
    other = cells_of([CANARIES[0]._replace(truncated=True), CANARIES[0]._replace(kind=VOTE)], PLAIN)
    assert len({same.cell_id, *(cell.cell_id for cell in other)}) == 3


def test_the_sorts_of_canaries_are_told_by_their_cells_alone() -> None:
    cut = [ask.truncated for ask in CANARIES]
    by_id = dict(zip((cell.cell_id for cell in CELLS[len(ASKS) :]), cut, strict=True))
    assert sorts_of(CELLS) == {
        cell_id: Sort.TRUNCATED if truncated else Sort.SAME for cell_id, truncated in by_id.items()
    }


def test_a_model_without_a_usable_answer_gets_a_cell_that_says_so() -> None:
    (cell,) = cells_of([FIRST], replace(PLAIN, answers={**PLAIN.answers, "alpha@1": {}}))
    assert cell.answer_hash_a == ""
    assert cell.answer_hash_b == "beta@1 on q1"


def test_the_digest_is_of_the_cells_in_their_order() -> None:
    assert digest_of(CELLS) == digest_of(cells_of([*ASKS, *CANARIES], PLAIN))
    assert len({digest_of(CELLS), digest_of(CELLS[1:]), digest_of(CELLS[::-1]), digest_of(())}) == 4


def test_what_is_missing_is_missing_at_its_attempt_and_failures_are_outcomes() -> None:
    there = {(cell.cell_id, 1) for cell in CELLS[2:]} | {(CELLS[0].cell_id, 2)}
    assert missing(CELLS, there) == CELLS[:2]


@given(st.lists(st.sampled_from(CELLS), unique=True), st.integers(1, 4))
def test_messages_hold_few_cells_of_one_judge_and_all_cells_once(cells: list[Cell], largest: int) -> None:
    sent = list(messages_of(cells, largest))
    assert sorted(cell for _, _, parcel in sent for cell in parcel) == sorted(cells)
    for judge, _, parcel in sent:
        assert {cell.judge for cell in parcel} == {judge}
        assert 1 <= len(parcel) <= largest
    names = [(judge, number) for judge, number, _ in sent]
    assert len(set(names)) == len(names)
    # Judges take turns: nobody's second message goes before another's first.
    assert [number for _, number in names] == sorted(number for _, number in names)


@given(st.permutations("abcdef"), st.permutations("cdefgh"))
def test_who_is_not_on_the_board_keeps_its_place_among_the_others(ranking: list[str], board: list[str]) -> None:
    found = sort_by_board(ranking, board)
    assert sorted(found) == sorted(ranking)
    assert [model for model in found if model in board] == [model for model in board if model in ranking]
    assert all(found[place] == model for place, model in enumerate(ranking) if model not in board)


def test_a_model_is_put_in_before_whoever_has_its_place() -> None:
    assert put_in("abc", "x", 0) == ("x", "a", "b", "c")
    assert put_in("abc", "x", 2) == ("a", "b", "x", "c")
    assert put_in("abc", "x", 3) == ("a", "b", "c", "x")
    assert put_in("", "x", 0) == ("x",)
