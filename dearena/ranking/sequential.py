"""The jury that stops: a few cells at a time, until the pair is decided at the stated error or the cap is reached.

Cells come in an order that depends on names, on how often answers and judges have been used, and on the weights of
boards: distinct queries, evenly used, and judges in proportion to their weight (`draws`). A pair's own verdicts reach
that order through the boards they are on, through where the newcomer is taken to stand (it says which pairs are asked,
and which judges are outside the window), and through suspensions. A vote counts 1, whoever cast it: the weight is in
the draw. The test is `sign_flips.decide`: the stated error is the chance that a pair whose true gap is 0 is ever
decided, over draws of queries, given the jury, for the life of the pair. It is of one pair, not of a board. Pure.
"""

from collections.abc import Mapping, Sequence
from math import ceil, sqrt
from typing import Final

from dearena.outcomes import Outcome
from dearena.ranking.draws import Panel, anybody_left, draw
from dearena.ranking.evidence import READABLE, Ballot, Heard
from dearena.ranking.jury import Hearing, Patience, Ruling
from dearena.ranking.lots import lot
from dearena.ranking.pairs import Pair
from dearena.ranking.sign_flips import Decided, decide
from dearena.ranking.verdict import counted_verdict

_VERDICTS: Final = {Outcome.A: 1, Outcome.B: -1, Outcome.TIE: 0, Outcome.FLIP: 0}

MOST_ATTEMPTS: Final = 3
"""Cells asked of a pair, at most so many times its cap: judges that fail are replaced, but not without end."""
Z_OF_DECISION: Final = 2.3
"""Standardised sum at which the test usually decides; only guesses how many more votes that will take."""


def sequential(hearing: Hearing) -> Ruling:
    """The verdict as the evidence stands, and the next batch if the pair may yet be decided by it."""
    patience = hearing.patience
    votes = _numbered(_in_order_of_asking(hearing.pair, hearing.evidence), hearing.silent)
    found = decide(votes, patience.error, patience.cap)
    verdict = counted_verdict(
        hearing.pair,
        (heard.outcome for ballot, heard in hearing.evidence.items() if ballot.judge not in hearing.silent),
        queries=len({query for query, _ in votes}),
        sign=found.sign,
        error=patience.error,
    )
    missing = _missing(votes, found, patience)
    if not missing:
        return Ruling(verdict)
    # A dimension may simply have no more cells than that; evidence falls short where cells came to nothing.
    fell_short = any(heard.outcome not in READABLE for heard in hearing.evidence.values())
    attempts_left = MOST_ATTEMPTS * patience.cap - len(hearing.evidence)
    if attempts_left <= 0:
        return Ruling(verdict, short=fell_short)
    judges, asked = _delivering(hearing), hearing.evidence.keys()
    if hearing.shown is None:
        left = anybody_left(hearing.pair, judges, hearing.queries, asked, hearing.askable)
        return Ruling(verdict, waits=left, short=fell_short and not left)
    missing = min(missing, attempts_left)
    panel = Panel.of(judges, hearing.weights, hearing.costs)
    wanted = draw(hearing.pair, panel, hearing.queries, asked, hearing.shown, missing, hearing.salt, hearing.askable)
    return Ruling(verdict, waits=bool(wanted), wanted=tuple(wanted), short=fell_short and not wanted)


def _delivering(hearing: Hearing) -> tuple[str, ...]:
    """Judges without those that have failed on this pair: the next ones take their place. All, when all have failed."""
    failed = {ballot.judge for ballot, heard in hearing.evidence.items() if heard.outcome is Outcome.FAILED}
    return tuple(judge for judge in hearing.judges if judge not in failed) or hearing.judges


def _in_order_of_asking(pair: Pair, evidence: Mapping[Ballot, Heard]) -> list[tuple[Ballot, Heard]]:
    """Readable outcomes by round, and within a round in an order that does not depend on what they are."""
    readable = ((ballot, heard) for ballot, heard in evidence.items() if heard.outcome in READABLE)
    return sorted(readable, key=lambda one: (one[1].round, lot(*pair, *one[0]), one[0]))


def _numbered(order: Sequence[tuple[Ballot, Heard]], silent: frozenset[str]) -> list[tuple[int, int]]:
    """(query, verdict), queries numbered as they come.

    A judge that is suspended has said nothing: its votes keep their places, as ties. Were they taken out, looks that
    have been taken would be taken again on other votes, and the error of all looks would no longer hold.
    """
    numbers: dict[str, int] = {}
    return [
        (
            numbers.setdefault(ballot.query_id, len(numbers)),
            0 if ballot.judge in silent else _VERDICTS[heard.outcome],
        )
        for ballot, heard in order
    ]


def _missing(votes: Sequence[tuple[int, int]], found: Decided, patience: Patience) -> int:
    """How many more votes to ask for; 0 when the pair is decided, or says enough for now."""
    if found.sign or len(votes) >= patience.cap:
        return 0
    cap = patience.cap
    if patience.direction_error is not None:
        cap = min(cap, patience.direction_cap)
        if len(votes) >= cap or decide(votes, patience.direction_error, cap).sign:
            return 0
    return min(cap - len(votes), _batch(votes, patience.batch))


def _batch(votes: Sequence[tuple[int, int]], least: int) -> int:
    """The size of the next batch: as many more votes as would decide a pair this close, by what is known of it.

    A standardised sum grows as the root of the number of votes; so a pair that is clear soon takes a few more,
    and one that will not be decided any more takes all it may in one go, since every batch is a wait.
    """
    if not votes:
        return least
    by_query: dict[int, int] = {}
    for query, verdict in votes:
        by_query[query] = by_query.get(query, 0) + verdict
    size = abs(sum(by_query.values()))
    if not size:
        # Nearly what the smallest sum that is none would take.
        return len(votes) * len(votes)
    z = size / sqrt(sum(one * one for one in by_query.values()))
    return max(least, ceil(len(votes) * ((Z_OF_DECISION / z) ** 2 - 1)))
