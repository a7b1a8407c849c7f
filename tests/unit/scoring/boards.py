"""What is asked of every board, whatever the rule."""

from typing import Any

import numpy as np
import pytest

from dearena.scoring import Fit, FitSettings, Votes
from dearena.scoring.ties import TIE_RULES
from dearena.scoring.weightings import WEIGHTINGS

RULES = [FitSettings(weighting=weighting, ties=ties) for weighting in WEIGHTINGS for ties in TIE_RULES]
BITS = ("strengths", "covariance", "low", "high", "rank", "rank_low", "rank_high", "tallies")


def rule_name(rule: FitSettings) -> str:
    return f"{rule.weighting}-{rule.ties}"


every_rule = pytest.mark.parametrize("rule", RULES, ids=rule_name)


def assert_same_bits(one: Fit, other: Fit, *, by: tuple[str, ...] = BITS) -> None:
    assert one.models == other.models
    for name in by:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def assert_numbers(found: Fit) -> None:
    separation = found.separation()
    for values in (found.strengths, found.covariance, found.low, found.high, found.better, found.scores):
        assert np.all(np.isfinite(values))
    assert np.all(np.isfinite(found.independent_errors))
    assert np.isfinite(found.effective_votes)
    assert np.isfinite(separation.critical)
    assert np.all((found.low <= found.strengths) & (found.strengths <= found.high))
    models = len(found.models)
    assert sorted(found.rank) == list(range(1, models + 1))
    assert np.all((found.rank_low >= 1) & (found.rank_low <= found.rank))
    assert np.all((found.rank <= found.rank_high) & (found.rank_high <= models))
    assert np.all(separation.groups >= 1)


def codes(votes: Votes, **changed: Any) -> Votes:
    """The votes through the front door, some columns changed."""
    names = ("models", "judges", "queries", "judge", "first", "second", "query", "outcome", "weight")
    return Votes.of_codes(**{name: getattr(votes, name) for name in names} | changed)
