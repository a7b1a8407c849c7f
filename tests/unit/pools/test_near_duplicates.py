"""Near-duplicates: what is near, which one stays, and that nothing but the questions decides."""

import random
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.pools import near_duplicates as near
from dearena.pools.near_duplicates import Group, near_duplicates

LONG = "Explain in two or three sentences why the sky looks blue at noon and red in the evening to whoever is there"

words = st.sampled_from(["red", "green", "blue", "seven", "7", "8", "why", "is", "the", "sky"])
texts = st.lists(st.lists(words, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=20)


@pytest.mark.parametrize(
    "other",
    [
        LONG.upper(),
        f"  {LONG}?!",
        LONG.replace(" ", "\n"),
        LONG.replace("Explain", "Tell"),
        LONG.replace(" noon", " noon,"),
    ],
)
def test_another_guise_is_near(other: str) -> None:
    assert near_duplicates([LONG, "Something else entirely", other]) == (Group(0, (2,)),)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{LONG} in the year 1900", f"{LONG} in the year 1901"),
        (f"{LONG} 3.5", f"{LONG} 35"),
        (LONG, "What is the capital of France"),
        ("a", "b"),
        ("😀", "😡"),
        ("?", "!"),
    ],
)
def test_other_questions_are_not_near(one: str, other: str) -> None:
    assert near_duplicates([one, other]) == ()


def test_other_references_make_other_questions() -> None:
    assert near_duplicates([LONG, LONG, LONG], ["yes", "no", "Yes."]) == (Group(0, (2,)),)


def test_who_is_near_by_way_of_a_third_is_in_the_group() -> None:
    rng = random.Random(5)
    letters = [rng.choice("abcdefghijklmnop") for _ in range(200)]
    texts = []
    for start in (0, 12, 24):
        changed = letters.copy()
        changed[start : start + 12] = "zyxwvutsrqzy"
        texts.append("".join(changed))
    alone = near._Shingles(texts)
    assert alone.similarity(0, 1) >= near.SIMILARITY <= alone.similarity(1, 2)
    assert near_duplicates(texts) == (Group(0, (1, 2)),)


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


def test_similarity_is_that_of_sets() -> None:
    rng = random.Random(3)
    for _ in range(50):
        base = [rng.choice("abcdef ") for _ in range(80)]
        changed = [rng.choice("xyz") if rng.random() < 0.03 else letter for letter in base]
        one, other = "".join(base).strip(), "".join(changed).strip()
        first, second = ({text[at : at + 5] for at in range(len(text) - 4)} for text in (one, other))
        expected = len(first & second) / len(first | second)
        found = near._Shingles([one, other]).similarity(0, 1)
        assert found == (pytest.approx(expected) if expected >= near.SIMILARITY else pytest.approx(found))
        assert (found >= near.SIMILARITY) == (expected >= near.SIMILARITY)


def test_hashes_agree_as_often_as_sets_do() -> None:
    letters = "".join(f"{number:05}"[::-1] for number in range(600))
    one, other = letters, letters[: len(letters) // 2] + letters[: len(letters) // 2 : -1]
    first, second = ({text[at : at + 5] for at in range(len(text) - 4)} for text in (one, other))
    signatures = near._Shingles([one, other]).signatures()
    agreeing = float(np.mean(signatures[0] == signatures[1]))
    assert agreeing == pytest.approx(len(first & second) / len(first | second), abs=0.18)


def test_a_block_of_texts_is_hashed_as_each_alone() -> None:
    texts = ["ab", "abcde", "abcdefgh", "x" * 40, "😀 and more"]
    together = near._Shingles(texts).signatures()
    for index, text in enumerate(texts):
        assert (near._Shingles([text]).signatures()[0] == together[index]).all()


def test_a_large_pool_takes_seconds() -> None:
    rng = random.Random(1)
    vocabulary = ["".join(rng.choice("abcdefghijklmnoprstuvw") for _ in range(rng.randint(2, 9))) for _ in range(3_000)]
    texts = [" ".join(rng.choice(vocabulary) for _ in range(25)) for _ in range(10_000)]
    planted = {index: f"{texts[index].upper()} !" for index in rng.sample(range(9_000), 200)}
    start = time.perf_counter()
    groups = near_duplicates([*texts, *planted.values()])
    assert {group.stays for group in groups} == set(planted)
    assert time.perf_counter() - start < 30
