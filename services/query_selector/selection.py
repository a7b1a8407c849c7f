"""Which questions of a pool become a dimension's queries: the methods of `dearena.selection` on a pool. Pure."""

from collections.abc import Sequence
from typing import Final

from dearena import selection
from dearena.faults import InvalidField
from dearena.pools.json_lines import Question

METHODS: Final = tuple(selection.METHODS)
"""Names; the first is the default."""
BY_PILOT: Final = frozenset(METHODS) - {"random"}
"""Those that look at what a pilot has heard."""


def at_random(questions: Sequence[Question], *, k: int, seed: int) -> tuple[Question, ...]:
    """Questions drawn by lot, each category in proportion to its share of the pool; in id order.

    A lot hangs on the seed and on what is asked, not on the order of the file.

    Raises:
        InvalidField: k is not within 1 .. the pool's size.
    """
    check_size(k, len(questions))
    pool = selection.Pool.of(
        [question.query_hash for question in questions], [question.category for question in questions]
    )
    chosen = set(selection.select(selection.PilotVotes.none(pool), method="random", k=k, seed=seed).queries)
    return tuple(sorted((one for one in questions if one.query_hash in chosen), key=lambda one: one.query_id))


def check_size(k: int, pool_size: int) -> None:
    """Raises InvalidField: k is not within 1 .. the pool's size."""
    if k < 1:
        raise InvalidField.of("dimension.selection.k", "must be at least 1")
    if k > pool_size:
        raise InvalidField.of("dimension.selection.k", f"is {k:,}, but the pool holds {pool_size:,}")
