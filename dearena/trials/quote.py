"""What an insertion will take, before it is paid for: calls, rounds, tokens, money, time, each with a range. Pure.

Ranges are for one insertion to come: at 80 %, between order statistics of insertions like it, those that a dimension
has had, or simulated ones while they are few. Whoever brings usage and pace says what they rest on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final

import numpy as np

from dearena.trials.newcomers import Taken

COVERAGE: Final = 0.8
"""Chance that an insertion to come lies in a range."""
FEWEST_OBSERVED: Final = 10
"""Fewer have no tenth at each end."""
PER_MILLION: Final = 1_000_000
NANO: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Range:
    """Of one figure: the median, and from where to where an insertion to come lies at 80 %."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Range":
        """Of at least one insertion. Between order statistics at p (n + 1), the chance does not depend on what
        insertions are like (Wilks, Annals of Mathematical Statistics 12, 1941); of few it is the whole of them.
        """
        tail = (1 - COVERAGE) / 2
        low, median, high = np.quantile(samples, [tail, 0.5, 1 - tail], method="weibull").tolist()
        return cls(median, low, high)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call takes, on the mean.

    Attributes:
        input_tokens, output_tokens: None where nobody knows.
        nano_units: by currency; of a call without a price nothing.
    """

    input_tokens: float | None = None
    output_tokens: float | None = None
    nano_units: Mapping[str, float] = field(default_factory=dict)


UNKNOWN: Final = Usage()


@dataclass(frozen=True, slots=True)
class CallPace:
    """How fast judges are.

    Attributes:
        seconds: of a call.
        concurrency: calls that a model takes at once.
    """

    seconds: float
    concurrency: int

    def of_calls(self, calls: int) -> float:
        """Seconds that one model needs for so many calls."""
        return ceil(calls / self.concurrency) * self.seconds


@dataclass(frozen=True, slots=True)
class RoundPace:
    """How long a round takes, in seconds."""

    seconds: float


Pace = CallPace | RoundPace | None


@dataclass(frozen=True, slots=True)
class Quote:
    """What one insertion will take.

    Attributes:
        judge_calls: of judges, canaries included.
        rounds: one waits for another.
        answers: calls of the newcomer itself.
        input_tokens, output_tokens: of judges and newcomer together; None where nobody knows.
        cost: likewise, in whole units by currency; empty where nothing has a price.
        seconds: None where nobody knows.
    """

    judge_calls: Range
    rounds: Range
    answers: int
    input_tokens: Range | None
    output_tokens: Range | None
    cost: Mapping[str, Range]
    seconds: Range | None


def quote(
    taken: Sequence[Taken], answers: int, *, judging: Usage = UNKNOWN, answering: Usage = UNKNOWN, pace: Pace = None
) -> Quote:
    """What an insertion like these will take.

    Args:
        taken: at least one.
        answers: that the newcomer has still to give.
        judging: a judge's call, on the mean of those that are asked.
        answering: a call of the newcomer.
        pace: for insertions that do not say how long they took.
    """
    calls = [float(one.judge_calls) for one in taken]
    currencies = sorted({*judging.nano_units, *answering.nano_units})
    return Quote(
        judge_calls=Range.of(calls),
        rounds=Range.of([one.rounds for one in taken]),
        answers=answers,
        input_tokens=_together(calls, judging.input_tokens, answers, answering.input_tokens),
        output_tokens=_together(calls, judging.output_tokens, answers, answering.output_tokens),
        cost={
            currency: Range.of(
                [
                    (one * judging.nano_units.get(currency, 0) + answers * answering.nano_units.get(currency, 0)) / NANO
                    for one in calls
                ]
            )
            for currency in currencies
        },
        seconds=_seconds(taken, answers, pace),
    )


def _together(calls: Sequence[float], a_call: float | None, answers: int, an_answer: float | None) -> Range | None:
    if a_call is None or (an_answer is None and answers):
        return None
    return Range.of([one * a_call + answers * (an_answer or 0) for one in calls])


def _seconds(taken: Sequence[Taken], answers: int, pace: Pace) -> Range | None:
    """By the clock, where every insertion has one; else round by round."""
    known = [one.seconds for one in taken if one.seconds is not None]
    if len(known) == len(taken):
        return Range.of(known)
    match pace:
        case None:
            return None
        case RoundPace(seconds):
            return Range.of([one.rounds * seconds for one in taken])
        case CallPace():
            return Range.of([pace.of_calls(answers) + sum(map(pace.of_calls, one.busiest)) for one in taken])


def price_of(currency: str, per_million_input: float, per_million_output: float, usage: Usage) -> Usage:
    """The usage with its cost, by prices per million tokens in whole units; as it is where tokens are not known."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return usage
    units = (usage.input_tokens * per_million_input + usage.output_tokens * per_million_output) / PER_MILLION
    return Usage(usage.input_tokens, usage.output_tokens, {currency: units * NANO} if units else {})


def mean_of(usages: Sequence[tuple[float, Usage]]) -> Usage:
    """The mean of usages with their weights, which add up to more than 0. Unknown where one of the tokens is."""
    total = sum(weight for weight, _ in usages)
    inputs = [(weight, one.input_tokens) for weight, one in usages if one.input_tokens is not None]
    outputs = [(weight, one.output_tokens) for weight, one in usages if one.output_tokens is not None]
    currencies = sorted({currency for _, one in usages for currency in one.nano_units})
    return Usage(
        sum(weight * tokens for weight, tokens in inputs) / total if len(inputs) == len(usages) else None,
        sum(weight * tokens for weight, tokens in outputs) / total if len(outputs) == len(usages) else None,
        {
            currency: sum(weight * one.nano_units.get(currency, 0) for weight, one in usages) / total
            for currency in currencies
        },
    )


def like_the_next(observed: Sequence[tuple[int, Taken]], models: int) -> list[Taken]:
    """Insertions that are measure for the next one: into a ranking at least half as long; none where they are few.

    Args:
        observed: with the number of models that were ranked then.
        models: that are ranked now.
    """
    alike = [one for ranked, one in observed if 2 * ranked >= models]
    return alike if len(alike) >= FEWEST_OBSERVED else []
