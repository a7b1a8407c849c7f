"""A round's cells."""

from hypothesis import given
from hypothesis import strategies as st

from dearena.ranking.evidence import Ballot
from dearena.ranking.pairs import Pair
from dearena.ranking.rounds import Cell, Material, cells_of, digest_of, messages_of, missing
from dearena.ranking.settle import put_in, sort_by_board
from tests.unit.ranking.planted import ALGEBRA

MODELS = ("alpha@1", "beta@1", "delta@1", "gamma@1")
QUERIES = ("q1", "q2", "q3")


def material(**changes: str) -> Material:
    """Answers of everybody to everything; changes are of the template and of alpha's answer to q1."""
    answers = {model: {query: f"{model} on {query}" for query in QUERIES} for model in MODELS}
    answers["alpha@1"]["q1"] = changes.get("answer", answers["alpha@1"]["q1"])
    return Material(
        dimension=ALGEBRA,
        dimension_version=1,
        template_hash=changes.get("template", "template"),
        queries={query: f"hash of {query}" for query in QUERIES},
        answers=answers,
        judge_parameters={model: f"parameters of {model}" for model in MODELS},
    )


WANTED = [
    (Pair(*pair), Ballot(judge, query))
    for pair in (("alpha@1", "beta@1"), ("alpha@1", "delta@1"))
    for judge in MODELS
    if judge not in pair
    for query in QUERIES
]
CELLS = cells_of(WANTED, material())


def test_cells_stand_in_the_order_in_which_they_are_wanted_each_with_an_id_of_its_own() -> None:
    assert [(cell.pair, Ballot(cell.judge, cell.query_id)) for cell in CELLS] == WANTED
    assert len({cell.cell_id for cell in CELLS}) == len(CELLS)
    assert {cell.attempt for cell in CELLS} == {1}
    assert CELLS[0].answer_hash_a == "alpha@1 on q1"
    assert CELLS[0].answer_hash_b == "beta@1 on q1"
    assert CELLS[0].judge_parameters_hash == f"parameters of {CELLS[0].judge}"


def test_a_cells_identity_holds_all_that_makes_it_another_question() -> None:
    same, other_template, other_answer = (
        cells_of(WANTED[:1], made)[0] for made in (material(), material(template="t"), material(answer="a"))
    )
    assert same == CELLS[0]
    assert len({same.cell_id, other_template.cell_id, other_answer.cell_id}) == 3


def test_a_model_without_a_usable_answer_gets_a_cell_that_says_so() -> None:
    (cell,) = cells_of(WANTED[:1], material(answer=""))
    assert cell.answer_hash_a == ""


def test_the_digest_is_of_the_cells_in_their_order() -> None:
    assert digest_of(CELLS) == digest_of(cells_of(WANTED, material()))
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
