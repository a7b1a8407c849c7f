"""What whoever reads a board must know, in words: one sentence for each thing. Pure."""

from collections.abc import Sequence
from math import exp
from typing import Final

FEW_CLUSTERS: Final = 10
"""Fewer questions or judges than this say little of all others, whatever quantile is taken."""

MOST_PARTS: Final = 5
MOST_NAMES: Final = 6
"""In a note."""


def no_votes(votes: int, silent: Sequence[str]) -> list[str]:
    """Of a board without votes that count, and of models without."""
    if not votes:
        return ["no vote is a preference: every strength is that of the prior"]
    return [f"without a vote that counts, and last for that: {listed(silent)}"] if silent else []


def connection(parts: Sequence[Sequence[str]]) -> list[str]:
    """Of parts that no vote joins; models without votes are none."""
    if len(parts) <= 1:
        return []
    joined = "; ".join(listed(part) for part in parts[:MOST_PARTS])
    more = f"; and {len(parts) - MOST_PARTS} more" if len(parts) > MOST_PARTS else ""
    return [f"not connected: no vote joins these {len(parts)} parts, ranks between them mean nothing: {joined}{more}"]


def bounds(undefeated: Sequence[str], winless: Sequence[str], *, bounded: bool, connected: bool) -> list[str]:
    """Of strengths that only the prior keeps finite."""
    found = []
    if undefeated:
        found.append(f"never lost, so that only the prior bounds the strength: {listed(undefeated)}")
    if winless:
        found.append(f"never won, so that only the prior bounds the strength: {listed(winless)}")
    if not bounded and not undefeated and not winless and connected:
        found.append("some models never lost to any of the others: only the prior bounds the distance between them")
    return found


def suspended(judges: Sequence[str]) -> list[str]:
    """Of judges whose votes are set aside."""
    return [f"suspended as judges, so that their votes count nothing: {listed(judges)}"] if judges else []


def unrest(fits: int, residual: float) -> list[str]:
    """Of judge weights that still move by `residual`, where the mean is 1."""
    return [f"the judge weights did not come to rest in {fits} fits: they still move by {residual:.2g}"]


def judges_as_given() -> list[str]:
    """Of a board whose judges part so much that what is learnt of them cannot be told from the strengths."""
    return ["the judges contradict one another too much to be learnt: the intervals take their weights as given"]


def first_seat(log_odds: float, low: float, high: float, votes: int) -> list[str]:
    """Of votes of one look, and of what the first seat is worth to their judges, for which strengths are corrected."""
    share = 100 / (1 + exp(-log_odds))
    worth = f"worth {log_odds:+.2f} log-odds ({low:+.2f} to {high:+.2f})"
    equals = f"of two equal models the first is preferred in {share:.0f} %"
    return [f"{votes:,} votes are of one look: strengths are corrected for the first seat, {worth}; {equals}"]


def clusters(method: str, *, questions: int, judges: int, sampled: int) -> list[str]:
    """Of intervals that rest on little.

    Args:
        method: what intervals are clustered by.
        questions, judges: how many there are.
        sampled: one in so many clusters by question and judge was looked at.
    """
    found = []
    if method == "vote":
        found.append("one question and one judge: intervals take votes as independent, and speak of these two alone")
    elif method != "question and judge":
        other = "judge" if method == "question" else "question"
        found.append(f"one {other} only: intervals are clustered by {method}, and speak of this {other} alone")
    counts = {"questions": questions, "judges": judges}
    few = [f"{count} {what}" for what, count in counts.items() if 1 < count < FEW_CLUSTERS]
    if few:
        found.append(f"only {' and '.join(few)}: intervals are rough, however wide")
    if sampled > 1:
        found.append(f"what votes share by question and judge at once was looked at in one of {sampled} places")
    return found


def listed(names: Sequence[str]) -> str:
    """Names, the first few of them."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
