"""How many canaries a judge gets with its next votes, and of which sort. Pure.

A canary costs as much as a vote and moves no board, so that a judge gets few, the first with its first vote. A record
that raises suspicion, by the rules of `health` at a looser level, brings many at once: whoever is bad is out soon, and
whoever is not has shown it. Only the record decides; a round planned again asks the same.
"""

import math
from typing import Final

from dearena.canaries import Sort
from dearena.ranking.health import JudgeRecord, Rule, evidence

SUSPICION: Final = math.log(1.4)
"""A rule's logarithmic ratio from which a judge is watched closely: its first truncation preferred is enough.

So loose a level costs little: a healthy judge passes the next ones, and the ratio falls again.
"""

EVERY_UNDER_SUSPICION: Final = 1
"""Votes a canary, while a record raises suspicion: what such a judge votes does harm, what it says to canaries not."""

SAME_ANSWER_EVERY: Final = 3
"""Every third canary is one of the same answer: a truncation says more, about more kinds of judges."""


def suspicious(record: JudgeRecord) -> bool:
    """Whether a judge is to be watched closely."""
    return max(evidence(record).values()) >= SUSPICION


def canaries_due(record: JudgeRecord, planned_votes: int, every: int) -> int:
    """How many canaries a judge gets with its next `planned_votes` votes.

    Args:
        record: of all its closed rounds.
        planned_votes: of the round being opened.
        every: votes a canary, of a judge that raises no suspicion.
    """
    pace = EVERY_UNDER_SUSPICION if suspicious(record) else every
    return -(-(record.votes + planned_votes) // pace) - -(-record.votes // pace)


def next_canaries(record: JudgeRecord, count: int) -> tuple[Sort, ...]:
    """Of which sorts the next `count` canaries are.

    Two truncations, then one of the same answer; truncations only while it is about them that there is suspicion.
    """
    found = evidence(record)
    about_truncations = max(found[Rule.TRUNCATION], found[Rule.INVERTED]) >= SUSPICION
    return tuple(
        Sort.SAME if not about_truncations and number % SAME_ANSWER_EVERY == SAME_ANSWER_EVERY - 1 else Sort.TRUNCATED
        for number in range(record.canaries, record.canaries + count)
    )
