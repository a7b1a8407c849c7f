"""Near-duplicates: what is the same question, which one stays, and that nothing but the questions decides."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dearena.generators import generate, kinds
from dearena.pools.near_duplicates import NEXT_TURN, Group, near_duplicates

LONG = "Explain in two or three sentences why the sky looks blue at noon and red in the evening to whoever is there"

words = st.sampled_from(
    ["red", "green", "blue", "sevn", "seven", "7", "8", "why", "is", "the", "sky", "please", "Anna"]
)
texts = st.lists(st.lists(words, min_size=1, max_size=8).map(" ".join), min_size=1, max_size=20)


@pytest.mark.parametrize(
    "other",
    [
        LONG.upper(),
        f"  {LONG}?!",
        LONG.replace(" ", "\n"),
        LONG.replace(" ", "\N{NO-BREAK SPACE} "),
        LONG.replace(" noon", " noon,"),
        f"Please, {LONG}",
        f"{LONG}. Thank you!",
        LONG.replace("sentences", "sentenecs"),
        LONG.replace("evening", "evning").replace("there", "theer"),
        f"\ufeff{LONG}\u200b",
    ],
)
def test_another_guise_is_the_same(other: str) -> None:
    assert near_duplicates([LONG, "Something else entirely", other]) == (Group(0, (2,)),)
    assert near_duplicates([other, "Something else entirely", LONG]) == (Group(0, (2,)),)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Waht is the name of the largest city of this land", "What is the name of the largest city of this land"),
        ("What’s “it” called in the book – and why", 'what\'s "it" called in the book - and why?'),  # noqa: RUF001
        ("Wie hoch ist der Berg, und wo liegt er genau", "Wie hoch ist der Berg, und wo liegt er gneau"),
        ("Quelle est la couleur du ciel dans la nuit", "S’il vous plaît, quelle est la couleur du ciel dans la nuit"),  # noqa: RUF001
    ],
)
def test_the_start_of_a_sentence_and_other_languages_have_typos_too(one: str, other: str) -> None:
    further = "And what is here? Ist dies genau der Ort?"  # in which the words stand that are meant
    assert near_duplicates([one, other, further]) == (Group(0, (1,)),)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{LONG} in the year 1900", f"{LONG} in the year 1901"),
        (f"{LONG} 3.5", f"{LONG} 35"),
        (f"{LONG} .5", f"{LONG} 5"),
        ("What is the value of 5! in this row of the table", "What is the value of 5 in this row of the table"),
        (LONG, LONG.replace("blue", "black")),
        (LONG, LONG.replace("looks blue", "does not look blue")),
        (LONG, LONG.replace("sky", "Sky over Rome")),
        (f"{LONG}, said Anna", f"{LONG}, said Anno"),
        (f"{LONG}, said Hiro", f"{LONG}, said Hero"),
        ("Is a relation that is asymmetric one of these", "Is a relation that is symmetric one of these"),
        ("What is the mass of a mole of butane in grams", "What is the mass of a mole of butene in grams"),
        ("Is a million of it in the box", "Is a billion of it in the box"),
        ('How many letters are there in "thier" and in what', 'How many letters are there in "their" and in what'),
        ("What does `print(a)` show in the end of it", "What does `print(A)` show in the end of it"),
        ("What is this:\n```\nif a:\n    b\nc\n```", "What is this:\n```\nif a:\n    b\n    c\n```"),
        (f"{LONG}{NEXT_TURN}and then", f"{LONG} and then"),
        ("法国的首都是什么", "德国的首都是什么"),
        ("Draw butane", "Draw butan"),
        ("What is the capital of France", "What is the capital of Spain"),
        ("a", "b"),
        ("😀", "😡"),
        ("?", "!"),
    ],
)
def test_other_questions_are_not_the_same(one: str, other: str) -> None:
    assert near_duplicates([one, other]) == ()


def test_other_references_make_other_questions() -> None:
    assert near_duplicates([LONG, LONG, LONG], ["yes", "no", "Yes."]) == (Group(0, (2,)),)
    mistyped = LONG.replace("noon", "nooon")
    assert near_duplicates([LONG, mistyped, mistyped], ["yes", "no", "yes"]) == (Group(0, (2,)),)


def test_who_is_the_same_by_way_of_a_third_is_in_the_group() -> None:
    one, other = LONG.replace("evening", "evning"), LONG.replace("sentences", "sentencs")
    assert near_duplicates([one, other]) == ()
    assert near_duplicates([one, other, LONG]) == (Group(0, (1, 2)),)


def test_a_question_of_many_unknown_words_ends() -> None:
    unknown = " ".join(["the of and is"] + [f"abou{letter}" for letter in "abcdefghijklmnopqrs"] * 50)
    start = time.perf_counter()
    assert near_duplicates([unknown, "the about is of and", *(f"{unknown} {number}" for number in range(50))]) == ()
    assert time.perf_counter() - start < 30


@given(texts=texts, seed=st.integers(0, 1_000))
def test_groups_do_not_depend_on_the_order(texts: list[str], seed: int) -> None:
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)
    straight = {frozenset((one.stays, *one.others)) for one in near_duplicates(texts)}
    shuffled = near_duplicates([texts[index] for index in order])
    assert {frozenset(order[place] for place in (one.stays, *one.others)) for one in shuffled} == straight
    assert all(one.stays < min(one.others) for one in shuffled)


@given(texts=texts)
def test_merging_again_changes_nothing(texts: list[str]) -> None:
    left_out = {index for group in near_duplicates(texts) for index in group.others}
    assert near_duplicates([text for index, text in enumerate(texts) if index not in left_out]) == ()


@settings(max_examples=30)
@given(text=st.text(max_size=60), other=st.text(max_size=60))
def test_any_text_can_be_looked_at(text: str, other: str) -> None:
    assert near_duplicates([text, other, text])[0].stays == 0


@pytest.mark.parametrize("kind", kinds())
def test_no_generated_question_is_taken_for_another(kind: str) -> None:
    pool = generate(kind, 3_000, seed=7)
    assert near_duplicates([one.text for one in pool], [one.reference for one in pool]) == ()
    # Without references, more would look alike; still none is.
    assert near_duplicates([one.text for one in pool]) == ()


def test_time_grows_with_the_length_of_a_pool_of_one_wording() -> None:
    def seconds(size: int) -> float:
        pool = [f"{LONG}, and what does that say of the colours {number} and {number * 7}" for number in range(size)]
        start = time.process_time()
        assert near_duplicates(pool) == ()
        return time.process_time() - start

    seconds(10)  # reads the dictionary
    assert seconds(16_000) < 8 * max(seconds(4_000), 0.1)  # four times; by pairs, sixteen
