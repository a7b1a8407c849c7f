"""When a judge is suspended while an arena runs: what it said, as whole numbers, and what is too much. Pure.

A rule holds a judge against the worst one that is still healthy (a coin, or the strongest liking for a seat) by a
likelihood ratio that is a mixture over all worse ones. Under the worst healthy judge such a ratio is a nonnegative
supermartingale that starts at 1: the chance that it ever reaches `RULES / ERROR` is at most `ERROR / RULES`, however
often one looks and whenever one stops (Ville's inequality). So a healthy judge is suspended with a chance of at most
`ERROR` in all its life, or until it is reinstated, which begins a new record. No rule has a smallest number of cells:
none of the ratios can get there with fewer than 16.

Shares (truncations preferred, a seat taken, replies unreadable) are mixed evenly over all shares above the healthy
bound. It holds for verdicts of unequal chances too, as long as none is above the bound given what went before. Of a
cell that is shown in both seat orders the mean of the two need only be below it: the ratio is linear in each, and a
product of two factors is largest where they are equal. Whether a judge votes against the order of the strengths is
weighed by the gap, since a near pair says little: `exp(t S - t^2 V / 2)`, with S the sum of the gaps against less those
with the order and V the sum of their squares, is a supermartingale for coins because `cosh(x) <= exp(x^2 / 2)`; it is
mixed over half-normal t. Gaps are those of the strengths frozen at the opening of a round, so that no vote has a part
in its own weight. Nor does it matter that who is suspected is asked more: only the past decides that.

Sources: H. Robbins, Statistical methods related to the law of the iterated logarithm, Ann. Math. Statist. 41 (1970),
for the mixtures; S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Time-uniform, nonparametric, nonasymptotic
confidence sequences, Ann. Statist. 49 (2021), for gaps of unequal weight and for looks at any time.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self

from scipy.special import betaincc, betaln, log_ndtr

from dearena import parts
from dearena.canaries import Sort
from dearena.outcomes import Outcome
from dearena.ranking.evidence import READABLE

ERROR: Final = 0.001
"""Chance that the worst judge that is still healthy is ever suspended."""

COIN: Final = 0.5
"""Of a judge that cannot tell anything; also the share of replies that a healthy judge may leave unreadable."""

STRONGEST_SEAT: Final = 0.85
"""Share of its verdicts that a healthy judge may give to one seat: 1.7 in log-odds, as if answers did not matter."""

WIDEST_GAP: Final = 2.0
"""In log-odds: of pairs further apart a sharp judge is nearly sure already, and one of them should not drown others."""

ONE: Final = parts.ONE
"""Gaps are counted in parts of so many, for sums that do not depend on an order."""

USUAL_TILT: Final = 0.5
"""Scale of the half-normal: the t of a judge for whom one unit of strength is one of log-odds."""


class Rule(StrEnum):
    """What a judge can be suspended for, in the order in which reasons are given."""

    UNREADABLE = "UNREADABLE"
    FIRST_SEAT = "FIRST_SEAT"
    SECOND_SEAT = "SECOND_SEAT"
    TRUNCATION = "TRUNCATION"
    INVERTED = "INVERTED"


LIMIT: Final = math.log(len(Rule) / ERROR)
"""Of a rule's logarithmic ratio: the error is shared evenly between rules."""


@dataclass(frozen=True, slots=True)
class JudgeRecord:
    """What a judge said since its admission or last reinstatement, in whole numbers; sums, whatever the order.

    Attributes:
        cells: with an outcome that is the judge's doing: all but VOID and SKIPPED; canaries too.
        canaries: those of them that were canaries.
        unreadable: INVALID outcomes.
        failed: FAILED outcomes; they are the endpoint's, and no rule counts them.
        first_seat, second_seat: seat verdicts that prefer an answer.
        canaries_passed: truncations seen through.
        canaries_open: readable canaries that say neither, all of the same answer among them.
        canaries_failed: truncations preferred.
        agreed, disagreed: votes with and against the order of the strengths, where these are known and differ.
        against: sum of the gaps of `disagreed` less those of `agreed`, in parts of 65,536.
        squares: sum of the squares of both, in parts of 65,536 squared.
    """

    cells: int = 0
    canaries: int = 0
    unreadable: int = 0
    failed: int = 0
    first_seat: int = 0
    second_seat: int = 0
    canaries_passed: int = 0
    canaries_open: int = 0
    canaries_failed: int = 0
    agreed: int = 0
    disagreed: int = 0
    against: int = 0
    squares: int = 0

    @property
    def votes(self) -> int:
        """Cells that were no canaries."""
        return self.cells - self.canaries

    def with_vote(self, outcome: Outcome, verdicts: Iterable[str], gap: float | None = None) -> Self:
        """The record with one vote more.

        Args:
            outcome: of the cell, at one attempt.
            verdicts: FIRST, SECOND or anything else, one a seat order that was shown.
            gap: strength of A less that of B in log-odds, frozen at the round's opening; None when one is unknown.
        """
        if outcome in NOT_JUDGED:
            return self
        asked = self._with_cell(outcome, verdicts)
        parts = 0 if gap is None else round(max(-WIDEST_GAP, min(WIDEST_GAP, gap)) * ONE)
        if outcome not in PREFERENCES or parts == 0:
            return asked
        agrees = (outcome is Outcome.A) == (parts > 0)
        return replace(
            asked,
            agreed=asked.agreed + agrees,
            disagreed=asked.disagreed + (not agrees),
            against=asked.against + (-abs(parts) if agrees else abs(parts)),
            squares=asked.squares + parts * parts,
        )

    def with_canary(self, canary: Sort, outcome: Outcome, verdicts: Iterable[str]) -> Self:
        """The record with one canary more; arguments as of `with_vote`."""
        if outcome in NOT_JUDGED:
            return self
        asked = self._with_cell(outcome, verdicts)
        told = canary is Sort.TRUNCATED
        passed, failed = told and outcome is Outcome.A, told and outcome is Outcome.B
        return replace(
            asked,
            canaries=asked.canaries + 1,
            canaries_passed=asked.canaries_passed + passed,
            canaries_failed=asked.canaries_failed + failed,
            canaries_open=asked.canaries_open + (outcome in READABLE and not passed and not failed),
        )

    def _with_cell(self, outcome: Outcome, verdicts: Iterable[str]) -> Self:
        seats = tuple(verdicts)
        return replace(
            self,
            cells=self.cells + 1,
            unreadable=self.unreadable + (outcome is Outcome.INVALID),
            failed=self.failed + (outcome is Outcome.FAILED),
            first_seat=self.first_seat + seats.count("FIRST"),
            second_seat=self.second_seat + seats.count("SECOND"),
        )


NOT_JUDGED: Final = frozenset({Outcome.VOID, Outcome.SKIPPED})
"""The judge was not asked."""

PREFERENCES: Final = frozenset({Outcome.A, Outcome.B})


def suspension(record: JudgeRecord) -> str | None:
    """Why the judge is to be suspended, in words that follow its name; None when it is not."""
    for rule, found in evidence(record).items():
        if found >= LIMIT:
            return _reason(rule, record)
    return None


def evidence(record: JudgeRecord) -> dict[Rule, float]:
    """The logarithm of each rule's likelihood ratio, in the order of `Rule`.

    0 says nothing; from `LIMIT` on the judge is to be suspended.

    Inverted is who votes against the order of the strengths and does not see through truncations either; the two are
    independent looks at one judge, and their ratios are multiplied.
    """
    canaries = log_ratio_of_share(record.canaries_failed, record.canaries_passed, COIN)
    return {
        Rule.UNREADABLE: log_ratio_of_share(record.unreadable, record.cells - record.failed - record.unreadable, COIN),
        Rule.FIRST_SEAT: log_ratio_of_share(record.first_seat, record.second_seat, STRONGEST_SEAT),
        Rule.SECOND_SEAT: log_ratio_of_share(record.second_seat, record.first_seat, STRONGEST_SEAT),
        Rule.TRUNCATION: canaries,
        Rule.INVERTED: canaries + log_ratio_of_gaps(record.against / ONE, record.squares / ONE**2),
    }


# A record is asked about several times a round, and most of its counts have not changed.
@lru_cache(maxsize=65_536)
def log_ratio_of_share(bad: int, good: int, bound: float) -> float:
    """Logarithm of the likelihood of `bad` among all, mixed evenly over shares from `bound` to 1, over that at `bound`.

    Minus infinity where it is too small for a float.
    """
    above = float(betaincc(bad + 1, good + 1, bound))
    if above == 0:
        return -math.inf
    mixed = float(betaln(bad + 1, good + 1)) + math.log(above) - math.log1p(-bound)
    return mixed - bad * math.log(bound) - good * math.log1p(-bound)


def log_ratio_of_gaps(against: float, squares: float) -> float:
    """Logarithm of `exp(t against - t^2 squares / 2)`, mixed over half-normal t of scale `USUAL_TILT`.

    Args:
        against: sum of the gaps of votes against the order, less those with it, in log-odds.
        squares: sum of their squares.
    """
    precision = USUAL_TILT**-2
    spread = squares + precision
    upper = float(log_ndtr(against / math.sqrt(spread)))
    return math.log(2) + 0.5 * math.log(precision / spread) + against**2 / (2 * spread) + upper


def _reason(rule: Rule, record: JudgeRecord) -> str:
    canaries = f"{record.canaries_failed} of {record.canaries_failed + record.canaries_passed} canaries"
    seats = record.first_seat + record.second_seat
    match rule:
        case Rule.UNREADABLE:
            return f"cannot be read: {record.unreadable} of {record.cells - record.failed} replies"
        case Rule.FIRST_SEAT:
            return f"takes the first seat: {record.first_seat} of {seats} verdicts"
        case Rule.SECOND_SEAT:
            return f"takes the second seat: {record.second_seat} of {seats} verdicts"
        case Rule.TRUNCATION:
            return f"prefers an answer's truncation to the answer: {canaries}"
        case Rule.INVERTED:
            votes = f"{record.disagreed} of {record.disagreed + record.agreed} votes"
            return f"is inverted: {votes} against the order of the strengths, truncation preferred in {canaries}"
