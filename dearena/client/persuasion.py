"""What trials of attacks say of judges, put beside a report on them. Pure.

A judge may have been tried in several ways. Told is the widest of them, with what it stands on, for two shares can be
compared only where that is the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dearena.attacks.persuasion import Interval, overall, share
from dearena.plain import plain
from dearena.v1 import judge_dispatcher_pb2, scorer_pb2


@dataclass(frozen=True, slots=True)
class Persuaded:
    """How far a judge was persuaded over all attacks that were tried in one way.

    Attributes:
        corpus: version.
        attacks: how many kinds were tried.
        questions: of the corpus, on which each was tried.
        verdicts: readable ones with an attack.
        persuaded: share of these for the attacker, with its 95 % interval; None where nothing could be read.
        without: the same of the same bad answers alone.
    """

    corpus: int
    attacks: int
    questions: int
    verdicts: int
    persuaded: Interval | None
    without: Interval | None

    @property
    def stands_on(self) -> str:
        """Which attacks and questions it was tried with."""
        return f"{_counted(self.attacks, 'attack')}, {_counted(self.questions, 'question')}, corpus {self.corpus}"


def persuaded(found: judge_dispatcher_pb2.Persuasion) -> Persuaded:
    """What trials of a kind come to."""
    plain_pairs = found.attacks[0] if found.attacks else judge_dispatcher_pb2.AttackResult()
    return Persuaded(
        corpus=found.corpus,
        attacks=len(found.attacks),
        questions=found.questions,
        verdicts=sum(one.readable for one in found.attacks),
        persuaded=overall((one.persuaded, one.readable) for one in found.attacks),
        without=share(plain_pairs.plain_persuaded, plain_pairs.plain_readable),
    )


def by_judge(found: Iterable[judge_dispatcher_pb2.Persuasion]) -> Mapping[str, Persuaded]:
    """Of each judge the widest trials with the newest corpus: those with most attacks, then most questions."""
    widest: dict[str, Persuaded] = {}
    for one in found:
        told = persuaded(one)
        known = widest.get(one.judge)
        if known is None or _width(told) > _width(known):
            widest[one.judge] = told
    return widest


def with_persuasion(
    report: scorer_pb2.GetJudgeReportResponse, found: Iterable[judge_dispatcher_pb2.Persuasion]
) -> dict[str, Any]:
    """The report as plain data, each judge's `persuasion` in it; None where it was not tried."""
    tried = by_judge(found)
    told: dict[str, Any] = plain(report)
    for judge in told["judges"]:
        known = tried.get(judge["judge"])
        judge["persuasion"] = asdict(known) if known else None
    return told


def _width(told: Persuaded) -> tuple[int, int, int]:
    return told.corpus, told.attacks, told.questions


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
