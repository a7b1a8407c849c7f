"""Scoring in plain Python, one vote at a time: slow, obvious, and of no shared code."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import exp, log
from typing import NamedTuple

Matrix = list[list[float]]


class Ballot(NamedTuple):
    """One vote; `half_win` is 1, 0 or 1/2."""

    judge: str
    first: str
    second: str
    query: str
    half_win: float
    weight: float = 1.0


def mean_of(difference: float, nu: float = 0.0) -> float:
    """Expected half-win; nu is Davidson's tie parameter, 0 the half rule."""
    up, down = exp(difference / 2), exp(-difference / 2)
    if nu == 0:
        return up / (up + down)
    return (up + nu / 2) / (up + down + nu)


def log_posterior(ballots: Iterable[Ballot], strengths: Mapping[str, float], nu: float, deviation: float) -> float:
    """What a fit makes as large as it can; the half rule counts a tie as half a vote either way."""
    total = -sum(strength**2 for strength in strengths.values()) / (2 * deviation**2)
    if nu:
        total -= log(nu) ** 2 / (2 * deviation**2)
    for ballot in ballots:
        d = strengths[ballot.first] - strengths[ballot.second]
        up, down = exp(d / 2), exp(-d / 2)
        if nu:
            chance = {1.0: up, 0.0: down, 0.5: nu}[ballot.half_win] / (up + down + nu)
            total += ballot.weight * log(chance)
        else:
            p = up / (up + down)
            total += ballot.weight * (ballot.half_win * log(p) + (1 - ballot.half_win) * log(1 - p))
    return total


def climb(ballots: Sequence[Ballot], models: Sequence[str], deviation: float) -> dict[str, float]:
    """The maximum under the half rule, one strength at a time, until nothing moves."""
    strengths = dict.fromkeys(models, 0.0)
    for _ in range(20_000):
        largest = 0.0
        for model in models:
            slope, curve = -strengths[model] / deviation**2, deviation**-2
            for ballot in ballots:
                if model in (ballot.first, ballot.second):
                    sign = 1 if model == ballot.first else -1
                    p = mean_of(strengths[ballot.first] - strengths[ballot.second])
                    slope += sign * ballot.weight * (ballot.half_win - p)
                    curve += ballot.weight / 4
            strengths[model] += slope / curve
            largest = max(largest, abs(slope / curve))
        if largest < 1e-12:
            return strengths
    raise AssertionError("the plain climb did not arrive")


def spread_by(
    key: Callable[[Ballot], object], ballots: Iterable[Ballot], models: Sequence[str], strengths: Mapping[str, float]
) -> tuple[Matrix, int]:
    """Sum over the clusters of the products of their summed scores, and the number of clusters."""
    sums: dict[object, dict[str, float]] = defaultdict(lambda: dict.fromkeys(models, 0.0))
    for ballot in ballots:
        pull = ballot.weight * (ballot.half_win - mean_of(strengths[ballot.first] - strengths[ballot.second]))
        sums[key(ballot)][ballot.first] += pull
        sums[key(ballot)][ballot.second] -= pull
    return [[sum(of[a] * of[b] for of in sums.values()) for b in models] for a in models], len(sums)


def two_way_filling(ballots: Sequence[Ballot], models: Sequence[str], strengths: Mapping[str, float]) -> Matrix:
    """Cameron, Gelbach and Miller: by question plus by judge minus by both."""
    by_question, questions = spread_by(lambda ballot: ballot.query, ballots, models, strengths)
    by_judge, judges = spread_by(lambda ballot: ballot.judge, ballots, models, strengths)
    by_both, _ = spread_by(lambda ballot: (ballot.query, ballot.judge), ballots, models, strengths)
    return [
        [
            by_question[a][b] * questions / (questions - 1) + by_judge[a][b] * judges / (judges - 1) - by_both[a][b]
            for b in range(len(models))
        ]
        for a in range(len(models))
    ]


def clusters_of(model: str, key: Callable[[Ballot], object], ballots: Iterable[Ballot]) -> int:
    """In how many clusters a model has a vote."""
    return len({key(ballot) for ballot in ballots if model in (ballot.first, ballot.second)})


def curvature(
    ballots: Iterable[Ballot], models: Sequence[str], strengths: Mapping[str, float], deviation: float
) -> Matrix:
    """Negative second derivative of the log-posterior under the half rule."""
    place = {model: index for index, model in enumerate(models)}
    matrix = [[deviation**-2 if a == b else 0.0 for b in range(len(models))] for a in range(len(models))]
    for ballot in ballots:
        p = mean_of(strengths[ballot.first] - strengths[ballot.second])
        a, b, curve = place[ballot.first], place[ballot.second], ballot.weight * p * (1 - p)
        matrix[a][a] += curve
        matrix[b][b] += curve
        matrix[a][b] -= curve
        matrix[b][a] -= curve
    return matrix


def decided_by_holm(p_values: Sequence[float], error: float) -> list[bool]:
    """Holm's step-down rule."""
    decided = [False] * len(p_values)
    for tested, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] >= error / (len(p_values) - tested):
            break
        decided[index] = True
    return decided
