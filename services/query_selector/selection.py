"""Which questions of a pool become a dimension's queries: named methods behind one interface. Pure.

A new method is one function and one line in METHODS.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from dearena.faults import InvalidField
from dearena.pools.json_lines import Question

SelectionMethod = Callable[[Sequence[Question], int, int], Sequence[Question]]
"""Chooses k of the questions by a seed, 1 <= k <= len(questions). The same arguments give the same choice."""


def at_random(questions: Sequence[Question], k: int, seed: int) -> Sequence[Question]:
    """The k questions whose hashes, salted with the seed, come first.

    So a choice depends on what is asked, not on the order of the file, and a pool with one more
    question gives the same choice but for at most one.
    """
    return sorted(questions, key=lambda question: _lot(seed, question))[:k]


def _lot(seed: int, question: Question) -> bytes:
    return hashlib.sha256(f"{seed}/{question.query_hash}".encode()).digest()


METHODS: Final[Mapping[str, SelectionMethod]] = {"random": at_random}


def choose(questions: Sequence[Question], *, method: str, k: int, seed: int) -> tuple[Question, ...]:
    """The chosen questions in id order.

    Raises:
        InvalidField: no such method, or k is not within 1 .. the pool's size.
    """
    if method not in METHODS:
        raise InvalidField.of(
            "dimension.selection.method", f"{method!r} is not known; there is: {', '.join(sorted(METHODS))}"
        )
    if k < 1:
        raise InvalidField.of("dimension.selection.k", "must be at least 1")
    if k > len(questions):
        raise InvalidField.of("dimension.selection.k", f"is {k:,}, but the pool holds {len(questions):,}")
    return tuple(sorted(METHODS[method](questions, k, seed), key=lambda question: question.query_id))
