"""Cells by 64 bits: found again, and told from others."""

from hashlib import sha256

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dearena.scoring.boards.growing import Growing
from dearena.scoring.boards.marks import MarkSet, marks_of

digests = st.integers(0, 2**32).map(lambda number: sha256(str(number).encode()).hexdigest())
ids = st.one_of(digests, st.text(max_size=70), st.text("0123456789abcdef ", min_size=64, max_size=64))


def test_the_mark_of_a_digest_is_its_beginning() -> None:
    digest = "00000000000000ff" + "7" * 48
    assert marks_of([digest, "f" * 64]).tolist() == [255, 2**64 - 1]


@given(cell_ids=st.lists(ids, unique=True))
def test_a_cell_has_the_same_mark_whatever_it_is_read_with(cell_ids: list[str]) -> None:
    together = marks_of(cell_ids)
    assert together.dtype == np.uint64
    assert together.tolist() == [int(marks_of([cell_id])[0]) for cell_id in cell_ids]


@given(rounds=st.lists(st.sets(st.integers(0, 300), max_size=30)))
def test_a_set_of_marks_is_a_set(rounds: list[set[int]]) -> None:
    marks, known = MarkSet(), set[int]()
    for numbers in rounds:
        fresh = sorted(numbers - known, reverse=True)
        assert marks.has(np.array(sorted(numbers), dtype=np.uint64)).tolist() == [n in known for n in sorted(numbers)]
        marks.add(np.array(fresh, dtype=np.uint64))
        known.update(fresh)
        assert len(marks) == len(known)


def test_runs_are_few() -> None:
    marks = MarkSet()
    for number in range(1000):
        marks.add(np.array([number], dtype=np.uint64))
    assert len(marks._runs) <= 10


@given(parts=st.lists(st.lists(st.integers(-9, 9), max_size=9)))
def test_a_column_grows_and_what_was_seen_of_it_stays(parts: list[list[int]]) -> None:
    column, everything = Growing(np.int32), list[int]()
    for part in parts:
        before = column.values
        column.extend(np.array(part))
        assert before.tolist() == everything
        everything += part
        assert column.values.tolist() == everything
        assert len(column) == len(everything)
