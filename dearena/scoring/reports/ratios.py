"""A share of votes, with an interval for votes that share their questions. Pure."""

from dataclasses import dataclass

import numpy as np

from dearena.scoring.arrays import BoolArray, Codes, IntArray
from dearena.scoring.intervals import quantile


@dataclass(frozen=True, slots=True)
class Share:
    """A share of votes.

    Attributes:
        value: from 0 to 1.
        low, high: interval of the share over new questions.
        votes: it is a share of.
    """

    value: float
    low: float
    high: float
    votes: int


def share_by_question(hit: BoolArray, question: Codes | IntArray, confidence: float) -> Share | None:
    """The share of hits, clustered by question; None of no votes.

    Wilson's interval (JASA 22, 1927) for as many votes as would be as sure were they independent, with Student's
    t for the questions. It has a width also where all votes agree: then each question counts
    once. Votes on a single question say nothing of others: 0 to 1.
    """
    votes = len(hit)
    if not votes:
        return None
    _, cluster = np.unique(question, return_inverse=True)
    counts, hits = np.bincount(cluster), np.bincount(cluster, hit)
    questions, value = len(counts), float(np.sum(hits)) / votes
    if questions <= 1:
        return Share(value, 0.0, 1.0, votes)
    variance = questions / (questions - 1) * float(np.sum((hits - value * counts) ** 2)) / votes**2
    if not 0 < value < 1:
        independent = float(questions)
    else:
        independent = min(value * (1 - value) / variance, votes) if variance > 0 else float(votes)
    reach = quantile(confidence, questions - 1) ** 2 / independent
    middle = (value + reach / 2) / (1 + reach)
    half = np.sqrt(reach * value * (1 - value) + reach**2 / 4) / (1 + reach)
    return Share(value, max(float(middle - half), 0.0), min(float(middle + half), 1.0), votes)
