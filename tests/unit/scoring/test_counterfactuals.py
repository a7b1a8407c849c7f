"""Boards that might have been are the boards that a fit of the votes left would give."""

from dataclasses import replace

import numpy as np
import pytest

from dearena.outcomes import Outcome
from dearena.scoring import Evidence, FitSettings, Votes, fit
from dearena.scoring.boards.vote_rows import log_of
from dearena.scoring.outcomes import CODES
from dearena.scoring.reports import counterfactuals as module
from dearena.scoring.reports.counterfactuals import Counterfactuals, Kind, OtherBoard, counterfactuals
from dearena.scoring.reports.placing import Placing, place
from dearena.scoring.strengths import FitDidNotConverge
from dearena.scoring.style import Style
from dearena.scoring.weightings import WEIGHTINGS
from tests.unit.scoring.voted import planted as planted_peers
from tests.unit.scoring.worlds import planted

FAMILIES = {"model-000": "north", "model-001": "north", "model-002": "south", "judge-000": "north", "judge-001": "west"}
SETTINGS = FitSettings(weighting="score")


def world(seed: int = 1, *, flips: bool = True) -> Votes:
    """Six models, judged by seven judges; the first two models judge as well."""
    _, votes = planted(seed, models=6, judges=7, queries=8, votes=900)
    outcome = np.where(np.arange(len(votes)) % 11 == 0, np.int8(CODES[Outcome.FLIP]), votes.outcome)
    return replace(votes, outcome=outcome) if flips else votes


def board(found: Counterfactuals, kind: Kind, what: str) -> OtherBoard:
    (one,) = [board for board in found.boards if (board.kind, board.what) == (kind, what)]
    return one


def chosen(votes: Votes, rows: np.ndarray) -> Votes:
    return votes.where(np.flatnonzero(rows))


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_without_a_judge_is_the_fit_of_the_votes_of_the_others(weighting: str) -> None:
    votes, settings = world(), FitSettings(weighting=weighting)
    found = counterfactuals(votes, settings, which={Kind.JUDGE})
    assert [board.what for board in found.boards] == list(votes.judges)
    for number, judge in enumerate(votes.judges):
        expected = fit(chosen(votes, votes.judge != number), settings)
        one = board(found, Kind.JUDGE, judge)
        np.testing.assert_array_equal(one.strengths, expected.strengths)
        np.testing.assert_array_equal(one.rank, expected.rank)
        assert one.votes == int(np.sum(expected.tallies))
        assert one.digest == settings.digest


def test_votes_with_weights_of_their_own_keep_them() -> None:
    votes = world()
    votes = replace(votes, weight=np.arange(len(votes), dtype=np.int64) % 4, unit=0.5)
    found = counterfactuals(votes, SETTINGS, which={Kind.JUDGE, Kind.FLIPS})
    expected = fit(chosen(votes, votes.judge != 2), SETTINGS)
    np.testing.assert_array_equal(board(found, Kind.JUDGE, "judge-002").strengths, expected.strengths)
    assert board(found, Kind.JUDGE, "judge-002").votes == int(np.sum(expected.tallies))
    by_flips = fit(votes, replace(SETTINGS, flips="half"))
    np.testing.assert_array_equal(board(found, Kind.FLIPS, "half").strengths, by_flips.strengths)


def test_without_a_familys_judges_its_models_still_stand() -> None:
    votes = world()
    found = counterfactuals(votes, SETTINGS, families=FAMILIES, which={Kind.FAMILY_JUDGES})
    # A family without a judge is left out of nothing.
    assert [board.what for board in found.boards] == ["north", "west"]
    expected = fit(chosen(votes, votes.judge != 0), SETTINGS)
    one = board(found, Kind.FAMILY_JUDGES, "north")
    np.testing.assert_array_equal(one.strengths, expected.strengths)
    assert np.all(one.rank > 0)


def test_without_a_family_its_models_have_no_rank() -> None:
    votes = world()
    found = counterfactuals(votes, SETTINGS, families=FAMILIES, which={Kind.FAMILY})
    assert [board.what for board in found.boards] == ["north", "south", "west"]
    one = board(found, Kind.FAMILY, "north")
    rows = (votes.judge != 0) & (votes.first > 1) & (votes.second > 1)
    expected = fit(chosen(votes, rows), SETTINGS)
    np.testing.assert_array_equal(one.rank[:2], [0, 0])
    np.testing.assert_array_equal(one.rank[2:], expected.rank[2:])
    np.testing.assert_array_equal(one.strengths[2:], expected.strengths[2:])
    assert sorted(one.rank[2:]) == [1, 2, 3, 4]


def test_other_rules_are_the_fit_under_these_rules() -> None:
    votes = world()
    found = counterfactuals(votes, SETTINGS, which={Kind.WEIGHTING, Kind.TIES, Kind.FLIPS})
    told = [(board.kind, board.what) for board in found.boards]
    assert told == [
        *((Kind.WEIGHTING, weighting) for weighting in WEIGHTINGS if weighting != "score"),
        (Kind.TIES, "davidson"),
        (Kind.FLIPS, "half"),
    ]
    for one in found.boards:
        expected = fit(votes, one.settings)
        np.testing.assert_array_equal(one.strengths, expected.strengths)
        np.testing.assert_array_equal(one.rank, expected.rank)
        assert one.digest == expected.settings.digest != SETTINGS.digest


def test_style_is_controlled_where_it_is_known() -> None:
    votes = world()
    values = np.random.default_rng(0).lognormal(6, 0.6, (len(votes.queries), len(votes.models), 1))
    style = Style(("characters",), votes.models, votes.queries, values)
    found = counterfactuals(votes, SETTINGS, style=style, which={Kind.STYLE})
    (one,) = found.boards
    assert one.what == "characters"
    np.testing.assert_array_equal(one.strengths, fit(votes, SETTINGS, style).strengths)
    assert not counterfactuals(votes, SETTINGS, which={Kind.STYLE}).boards


def test_all_kinds_but_whole_families_are_made_by_default() -> None:
    found = counterfactuals(world(), SETTINGS, families=FAMILIES)
    assert {board.kind for board in found.boards} == set(Kind) - {Kind.FAMILY, Kind.STYLE}
    assert len(found.boards) == 7 + 2 + 3 + 1 + 1
    assert not found.failed
    assert all(board.settled for board in found.boards)
    np.testing.assert_array_equal(found.stability.boards, len(found.boards))


def test_a_judge_who_made_a_model_is_found_out() -> None:
    """One judge votes much, and for one model only: without it the model falls."""
    votes = world(flips=False)
    many = chosen(votes, votes.judge == 3)
    repeated = many.where(np.tile(np.arange(len(many)), 12))
    least = int(np.argmin(fit(votes, SETTINGS).strengths))
    against = np.flatnonzero((repeated.first == least) | (repeated.second == least))
    bought = repeated.where(against)
    bought = replace(bought, outcome=np.where(bought.first == least, 0, 1).astype(np.int8))
    both = Evidence(votes)
    both.add(bought)
    found = counterfactuals(both.votes, FitSettings(weighting="uniform"), which={Kind.JUDGE})
    tau = {board.what: board.agreement for board in found.boards}
    assert min(tau, key=lambda judge: tau[judge] or 0.0) == "judge-003"
    assert found.stability.highest[least] == 6
    assert found.rank[least] < 6


def test_a_board_that_cannot_be_fitted_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(votes: Votes, settings: FitSettings, style: Style | None = None) -> Placing:
        if settings.ties == "davidson":
            raise FitDidNotConverge("no maximum within 100 Newton steps")
        return place(votes, settings, style)

    monkeypatch.setattr(module, "place", refusing)
    found = counterfactuals(world(), SETTINGS, which={Kind.TIES, Kind.FLIPS})
    assert [(board.what, board.fault) for board in found.failed] == [("davidson", "no maximum within 100 Newton steps")]
    np.testing.assert_array_equal(found.stability.boards, 1)


def test_a_board_without_votes_is_said_to_be_so() -> None:
    votes = world()
    alone = chosen(votes, votes.judge == 4)
    found = counterfactuals(alone, SETTINGS, which={Kind.JUDGE})
    assert [(board.what, board.votes, board.fault) for board in found.boards] == [("judge-004", 0, "no votes are left")]
    assert found.failed == found.boards
    np.testing.assert_array_equal(found.stability.same_rank, 1)


def test_no_votes_at_all_are_no_trouble() -> None:
    nothing = world().where(slice(0, 0))
    found = counterfactuals(nothing, SETTINGS)
    assert not found.rank.any()
    assert all(board.fault == "no votes are left" for board in found.boards)


def test_the_order_of_the_votes_does_not_matter() -> None:
    votes = world()
    shuffled = votes.where(np.random.default_rng(2).permutation(len(votes)))
    one, other = (counterfactuals(log, SETTINGS, which={Kind.JUDGE, Kind.WEIGHTING}) for log in (votes, shuffled))
    for left, right in zip(one.boards, other.boards, strict=True):
        np.testing.assert_array_equal(left.strengths, right.strengths)


def drawn_world(unheard: int) -> tuple[Votes, list[str]]:
    """Votes of eight peers, of which some never judged; judges are drawn unevenly."""
    peers, rows = planted_peers(2, models=8, queries=3)
    asked = sorted(peers)[unheard:]
    draws = {judge: 30_000 + 20_000 * place for place, judge in enumerate(asked)}
    heard = [row._replace(draw=draws[row.judge]) for row in rows if row.judge in draws]
    return log_of(heard).counted().votes, sorted(peers)


def test_a_weighting_that_listens_to_judges_never_asked_is_refused() -> None:
    votes, peers = drawn_world(unheard=2)
    found = counterfactuals(votes, SETTINGS, which={Kind.WEIGHTING, Kind.TIES}, may_judge=peers)
    by_uniform = board(found, Kind.WEIGHTING, "uniform")
    assert by_uniform.fault == f"judges who were never asked would hold 25% of the weight: {peers[0]}, {peers[1]}"
    assert not by_uniform.votes
    assert not by_uniform.rank.any()
    assert board(found, Kind.TIES, "davidson").fault is None


def test_one_newcomer_that_has_not_judged_yet_refuses_no_weighting() -> None:
    votes, peers = drawn_world(unheard=1)
    assert not counterfactuals(votes, SETTINGS, which={Kind.WEIGHTING}, may_judge=peers).failed
    votes, peers = drawn_world(unheard=2)
    may_judge = peers[1:]  # the other has retired
    assert not counterfactuals(votes, SETTINGS, which={Kind.WEIGHTING}, may_judge=may_judge).failed


def test_where_draws_are_even_no_weighting_is_refused() -> None:
    votes, peers = drawn_world(unheard=2)
    even = replace(votes, weight=None, unit=1.0)
    assert not counterfactuals(even, SETTINGS, which={Kind.WEIGHTING}, may_judge=peers).failed
