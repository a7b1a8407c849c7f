"""Selection methods: the same choice for the same question set, whatever the file looks like."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.faults import InvalidField
from dearena.pools.json_lines import Question
from services.query_selector.selection import at_random

POOL = [Question.of(f"q{number:03}", [f"What is {number} squared?"]) for number in range(60)]

seeds = st.integers(min_value=0, max_value=2**64 - 1)


@given(shuffled=st.permutations(POOL), k=st.integers(min_value=1, max_value=len(POOL)), seed=seeds)
def test_a_choice_does_not_depend_on_the_order_of_the_file(shuffled: list[Question], k: int, seed: int) -> None:
    chosen = at_random(shuffled, k=k, seed=seed)
    assert chosen == at_random(POOL, k=k, seed=seed)
    assert len(set(chosen)) == k
    assert list(chosen) == sorted(chosen, key=lambda question: question.query_id)


@given(k=st.integers(min_value=1, max_value=20), seed=seeds, text=st.text(min_size=1))
def test_one_more_question_changes_at_most_one_choice(k: int, seed: int, text: str) -> None:
    before = set(at_random(POOL, k=k, seed=seed))
    after = set(at_random([*POOL, Question.of("new", [text])], k=k, seed=seed))
    assert len(before - after) <= 1


def test_seeds_choose_differently_and_evenly() -> None:
    drawn = [at_random(POOL, k=6, seed=seed) for seed in range(500)]
    assert len(set(drawn)) == 500
    times = [sum(question in chosen for chosen in drawn) for question in POOL]
    # 500 draws of 6 in 60: 50 each, standard deviation 6.7.
    assert 50 - 5 * 6.7 < min(times) <= max(times) < 50 + 5 * 6.7


def test_a_choice_stays_what_it_was() -> None:
    """Boards depend on it: another choice for the same seed would make old ones unrepeatable."""
    assert [question.query_id for question in at_random(POOL, k=4, seed=7)] == [
        "q002",
        "q017",
        "q045",
        "q048",
    ]


@pytest.mark.parametrize(("k", "description"), [(0, "must be at least 1"), (61, "is 61, but the pool holds 60")])
def test_what_cannot_be_chosen_is_told(k: int, description: str) -> None:
    with pytest.raises(InvalidField) as caught:
        at_random(POOL, k=k, seed=0)
    assert [(one.field, one.description) for one in caught.value.violations] == [("dimension.selection.k", description)]


def test_categories_have_their_share() -> None:
    pool = [
        Question.of(f"q{number:03}", [f"Is {number} even?"], category="abc"[number % 4 % 3]) for number in range(80)
    ]
    chosen = at_random(pool, k=20, seed=3)
    assert Counter(question.category for question in chosen) == {"a": 10, "b": 5, "c": 5}
