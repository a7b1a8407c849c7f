"""Pools by seed: what holds for every kind."""

import json
from itertools import islice

import pytest

from dearena import generators
from dearena.faults import InvalidField
from dearena.generators import generate, registry, stream
from dearena.generators.draws import Draws
from dearena.generators.question import Draft, Kind
from dearena.identity import digest_of
from tests.unit.generators.pools import ten_thousand

KINDS = generators.kinds()

PINNED = {
    "algebra": (1, "98e3b9d410411526d63654eded612413e4eab5ff7e5221faa637885b62db5eba"),
    "geometry": (1, "b0a38432e4bacc2504d5c898d64ee4aff10dd54ad4f837dc2ebd112a82da8fb6"),
    "probability": (1, "c33eb284d3d47e6a24d7c9a4f020dc71288ac70ec92a77e358b57a0345171bb5"),
    "boolean-logic": (1, "d9dbc05074dfdadd253781031377f1bae1e75b0987d22aebb5984f5fcf27ad73"),
    "social-reasoning": (1, "00c08f201b68ec8b6b6437e567f8e92038969a3fc1019756e9a9b6f1e5591264"),
    "reading-python": (1, "57b87cd1666c5dc9c6420add22cb7ecace458deacf06b5ab5fd49e49b6912195"),
    "string-puzzles": (1, "daa1d9d810b008dd1707fd12ccb3a3e9e1b0ce38f1053b1899092a35d148c566"),
    "dates-and-units": (1, "ffbb5fcddbb482911c38bde27485b73baf62d6e4b23f59a7a19f38bfb6c0760b"),
}
"""Version, and digest of the first 100 questions at seed 7. Another digest wants another version: pools that
were made are told by it."""


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_drawn_changes_with_the_version_only(kind: str) -> None:
    digest = digest_of([question.line() for question in generate(kind, 100, seed=7)])
    assert (generators.generator_version(kind), digest) == PINNED[kind]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("difficulty", [None, 2])
def test_more_of_a_pool_leaves_what_came_before_unchanged(kind: str, difficulty: int | None) -> None:
    whole = generate(kind, 600, 3, difficulty)
    assert whole[:300] == generate(kind, 300, 3, difficulty)
    assert whole == tuple(islice(stream(kind, 3, difficulty), 600))


@pytest.mark.parametrize("kind", KINDS)
def test_another_seed_gives_another_pool(kind: str) -> None:
    keys = {question.key for question in generate(kind, 200, seed=1)}
    others = {question.key for question in generate(kind, 200, seed=2)}
    assert len(keys & others) < 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("difficulty", range(1, 6))
def test_a_level_alone_has_questions_of_that_level_only(kind: str, difficulty: int) -> None:
    assert {question.difficulty for question in generate(kind, 50, 1, difficulty)} == {difficulty}


@pytest.mark.parametrize("kind", KINDS)
def test_any_beginning_of_a_pool_is_balanced(kind: str) -> None:
    pool = ten_thousand(kind)[:500]
    for level in range(1, 6):
        assert sum(question.difficulty == level for question in pool) == 100
    categories = [question.category for question in pool]
    share = 500 / len(set(categories))
    assert all(share / 3 < categories.count(category) < share * 3 for category in set(categories))


@pytest.mark.parametrize("kind", KINDS)
def test_each_question_tells_the_form_of_its_answer(kind: str) -> None:
    for question in ten_thousand(kind):
        assert "Answer " in question.turns[-1]
        assert question.reference
        assert question.reference == question.reference.strip()
        assert not any("{" in turn and "}" in turn for turn in question.turns) or kind == "reading-python"


@pytest.mark.parametrize("kind", KINDS)
def test_no_single_answer_is_right_for_most_of_a_category(kind: str) -> None:
    answers: dict[str, list[str]] = {}
    for question in ten_thousand(kind):
        answers.setdefault(question.category, []).append(question.reference)
    for category, references in answers.items():
        most = max(references.count(reference) for reference in set(references))
        assert most <= 0.6 * len(references), f"{category}: one answer is right {most} times of {len(references)}"


def test_a_question_is_a_line_of_a_pool() -> None:
    single, *_ = (question for question in generate("algebra", 20, 7) if len(question.turns) == 1)
    double, *_ = (question for question in generate("algebra", 20, 7) if len(question.turns) == 2)
    assert json.loads(json.dumps(single.line())) == {
        "id": single.id,
        "text": single.text,
        "reference": single.reference,
        "category": single.category,
        "difficulty": single.difficulty,
        "source": "generated:algebra@1",
    }
    assert double.line()["turns"] == list(double.turns)


def test_a_kind_that_runs_out_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def coin(draws: Draws, level: int) -> Draft:
        side = draws.pick(("heads", "tails"))
        return Draft("coin", f"Which side is {side}? Answer with a word.", side, side)

    monkeypatch.setitem(registry._KINDS, "coins", Kind("coins", 1, (coin,)))
    assert {question.reference for question in generate("coins", 2, 1)} == {"heads", "tails"}
    with pytest.raises(InvalidField, match=r"too few distinct questions of difficulty 3: after 2 questions"):
        generate("coins", 3, 1)


def test_equal_texts_are_one_question_whatever_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def same(draws: Draws, level: int) -> Draft:
        return Draft("same", "What is 1 + 1? Answer with an integer.", "2", draws.between(1, 10**9))

    monkeypatch.setitem(registry._KINDS, "same", Kind("same", 1, (same,)))
    with pytest.raises(InvalidField):
        generate("same", 2, 1)


def test_a_family_that_makes_no_puzzle_is_no_loop_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(draws: Draws, level: int) -> None:
        return None

    monkeypatch.setitem(registry._KINDS, "none", Kind("none", 1, (none,)))
    with pytest.raises(InvalidField):
        generate("none", 1, 1)


@pytest.mark.parametrize(
    ("kind", "size", "difficulty", "field"),
    [
        ("alchemy", 1, None, "kind"),
        ("algebra", 0, None, "size"),
        ("algebra", -1, None, "size"),
        ("algebra", 1, 0, "difficulty"),
        ("algebra", 1, 6, "difficulty"),
    ],
)
def test_what_cannot_be_asked_for_is_told_by_field(kind: str, size: int, difficulty: int | None, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        generate(kind, size, 1, difficulty)
    assert [violation.field for violation in refused.value.violations] == [field]


def test_draws_are_the_same_everywhere() -> None:
    draws = Draws("algebra", 7, 0)
    assert [draws.between(0, 99) for _ in range(5)] == [5, 95, 80, 86, 38]
    assert draws.shuffled("abcdef") == ["b", "c", "d", "e", "a", "f"]
    assert [draws.nonzero(-3, 3) for _ in range(8)] == [-1, 1, 1, 2, 2, 1, 1, 1]
    assert [draws.chance(1, 3) for _ in range(8)] == [False, False, False, False, True, False, False, False]
