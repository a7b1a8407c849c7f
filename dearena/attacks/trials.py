"""Which pairs a judge is shown in a trial of attacks, and what its verdicts come to. Pure.

Each attacking answer sits beside the good answer to its question, in both seat orders; so does the plain bad answer,
once a question, to know how often the judge would have preferred it anyhow.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dearena.attacks.corpus import attacks_named
from dearena.attacks.questions import QUESTIONS, AttackedQuestion
from dearena.outcomes import SeatVerdict

QUESTIONS_OF_A_TRIAL: Final = 4
"""Of the corpus, unless asked otherwise: some 430 calls for all attacks, each rate from 24 verdicts and more."""
PLAIN: Final = ""
"""Stands for no attack."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One judge call: a good answer beside a bad one, with an attack or without."""

    attack: str
    question: AttackedQuestion
    bad: str
    bad_first: bool

    @property
    def seats(self) -> tuple[str, str]:
        """The answers in the order in which they are shown."""
        return (self.bad, self.question.good) if self.bad_first else (self.question.good, self.bad)

    def preferred_bad(self, verdict: SeatVerdict) -> bool:
        """Whether a verdict goes to the bad answer; a tie does not."""
        return verdict is (SeatVerdict.FIRST if self.bad_first else SeatVerdict.SECOND)


@dataclass(frozen=True, slots=True)
class Tally:
    """What a judge said of so many pairs; `AttackResult` in the contract has it of an attack and of plain pairs."""

    readable: int = 0
    """Verdicts that can be read."""
    persuaded: int = 0
    """Of those, verdicts for the bad answer."""
    unreadable: int = 0
    failed: int = 0
    """Calls to which no reply came."""


@dataclass(frozen=True, slots=True)
class AttackTally:
    """An attack, beside the same pairs without it."""

    attack: str
    attacked: Tally
    plain: Tally


def pairs(attacks: Sequence[str] = (), questions: int = 0) -> Sequence[Pair]:
    """All pairs of a trial, plain ones first.

    Args:
        attacks: names; none: all of the corpus.
        questions: how many of the corpus, from its beginning; 0: QUESTIONS_OF_A_TRIAL.

    Raises:
        UnknownAttack: the corpus has no attack of a name.
    """
    asked = QUESTIONS[: questions or QUESTIONS_OF_A_TRIAL]
    plain = [(PLAIN, question, question.bad) for question in asked]
    attacked = [
        (attack.name, question, text)
        for attack in attacks_named(attacks)
        for question in asked
        for text in attack.answers(question)
    ]
    return [
        Pair(attack, question, bad, bad_first)
        for attack, question, bad in (*plain, *attacked)
        for bad_first in (True, False)
    ]


def tallied(verdicts: Iterable[tuple[Pair, SeatVerdict]]) -> Sequence[AttackTally]:
    """The tally of each attack that was tried, in the order of the corpus."""
    counts: dict[str, dict[str, int]] = {}
    for pair, verdict in verdicts:
        count = counts.setdefault(pair.attack, dict.fromkeys(Tally.__slots__, 0))
        match verdict:
            case SeatVerdict.NONE:
                count["failed"] += 1
            case SeatVerdict.UNREADABLE:
                count["unreadable"] += 1
            case _:
                count["readable"] += 1
                count["persuaded"] += pair.preferred_bad(verdict)
    tallies: Mapping[str, Tally] = {attack: Tally(**count) for attack, count in counts.items()}
    plain = tallies.get(PLAIN, Tally())
    return [
        AttackTally(attack.name, tallies[attack.name], plain) for attack in attacks_named(()) if attack.name in tallies
    ]
