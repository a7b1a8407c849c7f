"""What lies between two boards adds up, and what alone has changed is what is named."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dearena.scoring import FitSettings, Votes, fit
from dearena.scoring.reports.changes import Changes, VersionInputs, changes
from dearena.scoring.style import Style
from dearena.scoring.weightings import WEIGHTINGS
from tests.unit.scoring.worlds import MODELS, ballots, planted, votes_of

UNIFORM = FitSettings(weighting="uniform")
SCORE = FitSettings(weighting="score")
PARTS = ("settings", "new_models", "new_votes", "weights", "left")

RULES = st.builds(
    FitSettings,
    weighting=st.sampled_from(WEIGHTINGS),
    ties=st.sampled_from(("half", "davidson")),
    prior_deviation=st.sampled_from((1.0, 3.0)),
)


def contestants_who_judge(seed: int, votes: int) -> Votes:
    """Seven models judge one another, and two outsiders judge as well."""
    _, found = planted(seed, models=7, judges=9, queries=10, votes=votes)
    concerned = (found.judge == found.first) | (found.judge == found.second)
    names = (*found.models, "outside-1", "outside-2")
    judge = np.where(concerned, 7 + found.query % 2, found.judge)
    return Votes.of_codes(
        models=found.models,
        judges=names,
        queries=found.queries,
        judge=judge,
        first=found.first,
        second=found.second,
        query=found.query,
        outcome=found.outcome,
    )


def without_names(votes: Votes, unwanted: str) -> Votes:
    """The log before a model came: neither votes on it nor by it, and nowhere its name."""
    model, judge = votes.models.index(unwanted), votes.judges.index(unwanted)
    rows = votes.where(np.flatnonzero((votes.first != model) & (votes.second != model) & (votes.judge != judge)))
    models, judges = list(rows.models), list(rows.judges)
    models.remove(unwanted)
    judges.remove(unwanted)
    return Votes.of_codes(
        models=models,
        judges=judges,
        queries=rows.queries,
        judge=rows.judge - (rows.judge > judge),
        first=rows.first - (rows.first > model),
        second=rows.second - (rows.second > model),
        query=rows.query,
        outcome=rows.outcome,
    )


def named(found: Changes) -> set[str]:
    """Parts in which anything has changed."""
    split = [parts for change in found.models for parts in (change.rank, change.strength)]
    return {part for part in PARTS for parts in split if getattr(parts, part)}


def assert_adds_up(found: Changes) -> None:
    for change in found.models:
        assert change.rank.whole == change.rank_after - change.rank_before
        assert change.strength.whole == round(change.strength_after * 1e9) - round(change.strength_before * 1e9)


@given(
    before=ballots(max_size=25),
    after=ballots(max_size=25),
    grows=st.booleans(),
    rules=st.tuples(RULES, RULES),
    retired=st.tuples(*[st.frozensets(st.sampled_from(MODELS), max_size=2)] * 2),
)
@settings(deadline=None, max_examples=60)
def test_the_parts_add_up_to_the_whole(before, after, grows, rules, retired):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    old = VersionInputs(votes_of(before), rules[0], retired=retired[0])
    new = VersionInputs(votes_of([*before, *after] if grows else after), rules[1], retired=retired[1])
    found = changes(old, new)
    assert_adds_up(found)
    boards = [fit(version.votes, version.settings) for version in (old, new)]
    for change in found.models:
        for board, version, rank in zip(boards, (old, new), (change.rank_before, change.rank_after), strict=True):
            order = [board.models[model] for model in board.order if board.models[model] not in version.retired]
            assert order.index(change.model) + 1 == rank
    ranked = [set(board.models) - version.retired for board, version in zip(boards, (old, new), strict=True)]
    assert {change.model for change in found.models} == ranked[0] & ranked[1]
    assert set(found.came) == ranked[1] - ranked[0]
    assert set(found.left) == ranked[0] - ranked[1]


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_nothing_has_changed_between_a_version_and_itself(weighting: str) -> None:
    version = VersionInputs(contestants_who_judge(1, 400), FitSettings(weighting=weighting))
    found = changes(version, version)
    assert not named(found)
    assert not found.came
    assert not found.left


@pytest.mark.parametrize(
    "other",
    [
        replace(SCORE, weighting="uniform"),
        replace(SCORE, weighting="reliability"),
        replace(SCORE, ties="davidson"),
        replace(SCORE, prior_deviation=0.3),
    ],
    ids=lambda rule: f"{rule.weighting}-{rule.ties}-{rule.prior_deviation}",
)
def test_settings_alone_are_the_settings(other: FitSettings) -> None:
    votes = contestants_who_judge(2, 300)
    found = changes(VersionInputs(votes, SCORE), VersionInputs(votes, other))
    assert named(found) == {"settings"}
    assert_adds_up(found)


def test_style_control_is_a_setting() -> None:
    votes = contestants_who_judge(3, 300)
    values = np.random.default_rng(0).lognormal(6, 0.6, (len(votes.queries), len(votes.models), 1))
    style = Style(("characters",), votes.models, votes.queries, values)
    found = changes(VersionInputs(votes, SCORE), VersionInputs(votes, SCORE, style))
    assert named(found) == {"settings"}


def test_new_votes_alone_are_the_new_votes_where_weights_do_not_move() -> None:
    votes = contestants_who_judge(4, 600)
    earlier = votes.where(slice(0, 200))
    found = changes(VersionInputs(earlier, UNIFORM), VersionInputs(votes, UNIFORM))
    assert named(found) == {"new_votes"}
    assert any(change.rank.new_votes for change in found.models)
    assert_adds_up(found)


@pytest.mark.parametrize("weighting", ["score", "rank", "reliability"])
def test_new_votes_move_weights_too_where_these_follow_strengths(weighting: str) -> None:
    votes, rule = contestants_who_judge(4, 600), FitSettings(weighting=weighting)
    found = changes(VersionInputs(votes.where(slice(0, 200)), rule), VersionInputs(votes, rule))
    assert named(found) == {"new_votes", "weights"}
    assert_adds_up(found)


def test_a_new_model_alone_is_the_new_model_where_weights_do_not_move() -> None:
    votes = contestants_who_judge(5, 700)
    newcomer = votes.models[3]
    found = changes(VersionInputs(without_names(votes, newcomer), UNIFORM), VersionInputs(votes, UNIFORM))
    assert named(found) == {"new_models"}
    assert found.came == (newcomer,)
    assert not found.left
    assert_adds_up(found)
    place_of_newcomer = int(fit(votes, UNIFORM).rank[3])
    for change in found.models:
        assert change.came_above == (change.rank_after > place_of_newcomer)


@pytest.mark.parametrize("weighting", ["score", "rank", "reliability"])
def test_a_new_model_moves_weights_too_where_these_follow_strengths(weighting: str) -> None:
    votes, rule = contestants_who_judge(5, 700), FitSettings(weighting=weighting)
    found = changes(VersionInputs(without_names(votes, votes.models[3]), rule), VersionInputs(votes, rule))
    assert named(found) == {"new_models", "weights"}
    assert_adds_up(found)


def test_a_model_that_retires_lets_those_below_rise_and_changes_nothing_else() -> None:
    votes = contestants_who_judge(6, 500)
    second = votes.models[int(fit(votes, SCORE).order[1])]
    found = changes(VersionInputs(votes, SCORE), VersionInputs(votes, SCORE, retired=frozenset({second})))
    assert named(found) == {"left"}
    assert found.left == (second,)
    for change in found.models:
        assert change.rank.left == (-1 if change.rank_before > 2 else 0)
    back = changes(VersionInputs(votes, SCORE, retired=frozenset({second})), VersionInputs(votes, SCORE))
    assert back.came == (second,)
    assert named(back) == {"new_models"}


def test_all_at_once_adds_up() -> None:
    votes = contestants_who_judge(7, 900)
    earlier = without_names(votes, votes.models[2]).where(slice(0, 250))
    best = earlier.models[int(fit(earlier, SCORE).order[0])]
    found = changes(
        VersionInputs(earlier, SCORE),
        VersionInputs(votes, replace(SCORE, ties="davidson", prior_deviation=0.2), retired=frozenset({best})),
    )
    assert found.came == (votes.models[2],)
    assert found.left == (best,)
    assert named(found) == set(PARTS)
    assert_adds_up(found)


def test_votes_that_weigh_keep_their_weight() -> None:
    votes = contestants_who_judge(8, 500)
    newcomer = votes.models[0]
    weighed = replace(votes, weight=1 + np.arange(len(votes), dtype=np.int64) % 3, unit=0.5)
    rows = (votes.first != 0) & (votes.second != 0) & (votes.judge != votes.judges.index(newcomer))
    found = changes(VersionInputs(weighed.where(np.flatnonzero(rows)), UNIFORM), VersionInputs(weighed, UNIFORM))
    # Its name stood in the log before: its votes are new ones, and it was ranked last.
    assert named(found) == {"new_votes"}
    assert_adds_up(found)


def test_an_empty_log_is_a_version_too() -> None:
    votes = contestants_who_judge(9, 100)
    nothing = VersionInputs(votes_of([]), SCORE)
    found = changes(nothing, VersionInputs(votes, SCORE))
    assert not found.models
    assert found.came == votes.models
    assert changes(VersionInputs(votes, SCORE), nothing).left == votes.models
