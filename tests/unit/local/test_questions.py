"""Generated pools: what a query selector takes, and references that are right."""

import re

import pytest

from dearena.local import questions


@pytest.mark.parametrize("name", questions.POOLS)
def test_a_pool_has_as_many_different_questions_as_asked_for(name: str) -> None:
    pool = questions.POOLS[name](60)
    assert len({one["id"] for one in pool}) == len({one["text"] for one in pool}) == 60
    assert pool[:24] == questions.POOLS[name](24)


def test_an_equation_is_solved_by_its_reference() -> None:
    for one in questions.algebra(60):
        found = re.search(r"x: (\d+) x ([+-]) (\d+) = (-?\d+)\.", one["text"])
        assert found is not None
        factor, summand, right = int(found[1]), int(found[2] + found[3]), int(found[4])
        assert factor * int(one["reference"].removeprefix("x = ")) + summand == right


def test_things_are_shared_between_two_different_people() -> None:
    for one in questions.sharing(60):
        found = re.match(r"(\w+) had (\d+) \w+ and gave (\d+) of them to (\w+), who had (\d+)\.", one["text"])
        assert found is not None
        giver, taker = found[1], found[4]
        had, gave, got = int(found[2]), int(found[3]), int(found[5])
        assert giver != taker
        left = got + gave - (got + gave) // 2
        assert int(one["reference"]) == had - gave + left
