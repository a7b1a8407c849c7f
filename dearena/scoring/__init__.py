"""Scores from votes: Bradley-Terry strengths, judge weights, and intervals that are honest under a jury.

    from dearena.scoring import FitSettings, Votes, fit

    votes = Votes.of_columns(judge=[...], model_a=[...], model_b=[...], query=[...], winner=[...])
    found = fit(votes, FitSettings(weighting="reliability"))

Pure: no I/O, no clock, no hidden randomness.
"""

from dearena.outcomes import Outcome
from dearena.scoring.broken import BrokenVote
from dearena.scoring.evidence import Evidence
from dearena.scoring.fit import Fit, fit
from dearena.scoring.settings import FitSettings
from dearena.scoring.style import Style
from dearena.scoring.votes import Votes

__all__ = ["BrokenVote", "Evidence", "Fit", "FitSettings", "Outcome", "Style", "Votes", "fit"]
