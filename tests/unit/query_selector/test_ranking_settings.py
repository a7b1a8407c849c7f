"""Ranking settings: what is filled in, what is refused, and that what was stored earlier can be read."""

from dataclasses import asdict, replace
from math import inf, nan
from typing import Any

import pytest

from dearena.ranking import rules
from dearena.scoring.weightings import WEIGHTINGS
from dearena.v1 import common_pb2
from dearena.v1 import query_selector_pb2 as pb
from services.query_selector import messages
from services.query_selector import ranking_settings as settings
from services.query_selector.ranking_settings import Money, RankingSettings, filled

OPEN = RankingSettings()


def test_everything_left_open_is_filled_in() -> None:
    assert filled(OPEN, "ranking") == (
        RankingSettings(
            seed_models=5,
            window=1,
            max_slides=8,
            jury="sequential",
            weighting="score",
            error=0.05,
            cap=40,
            most_rounds=24,
            target_calls=0,
            target_rank_width=0,
            target_cost=None,
            seats="BOTH",
            canary_every=20,
        ),
        [],
    )


def test_the_defaults_are_those_of_the_rules() -> None:
    ranking, _ = filled(OPEN, "ranking")
    taken = rules.Rules(jury=ranking.jury)
    shared = set(asdict(ranking)) - {"target_cost"}
    assert {name: getattr(taken, name) for name in shared} == {name: getattr(ranking, name) for name in shared}
    assert set(settings.SEATS) == set(rules.SeatPolicy)
    assert set(settings.WEIGHTINGS) == set(WEIGHTINGS)


LEAST = RankingSettings(
    seed_models=2,
    window=1,
    max_slides=1,
    jury="exhaustive",
    weighting="uniform",
    error=1e-9,
    cap=4,
    most_rounds=2,
    target_calls=8,
    target_rank_width=1,
    target_cost=Money("EUR", 1),
    seats="SINGLE",
    canary_every=2,
)
MOST = RankingSettings(
    seed_models=1_000,
    window=1_000,
    max_slides=1_000,
    jury="sequential",
    weighting="reliability",
    error=0.5,
    cap=10_000,
    most_rounds=1_000,
    target_calls=2**32 - 1,
    target_rank_width=1_000,
    target_cost=Money("USD", 2**63 - 1),
    seats="BOTH",
    canary_every=10_000,
)


@pytest.mark.parametrize("asked", [LEAST, MOST])
def test_what_was_asked_for_is_kept(asked: RankingSettings) -> None:
    assert filled(asked, "ranking") == (asked, [])


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_every_weighting_that_there_is_may_be_asked_for(weighting: str) -> None:
    assert filled(replace(OPEN, weighting=weighting), "ranking")[1] == []


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"seed_models": 1}, "seed_models", "is 1; must be 2 to 1,000"),
        ({"seed_models": 2**32 - 1}, "seed_models", "is 4,294,967,295"),
        ({"window": 2**31}, "window", "must be 1 to 1,000"),
        ({"max_slides": 1_001}, "max_slides", "must be 1 to 1,000"),
        ({"jury": "grand"}, "jury", "'grand' is not known; there is: sequential, exhaustive"),
        ({"weighting": "wealth"}, "weighting", "'wealth' is not known"),
        ({"error": 0.5000001}, "error", "is 0.5000001; must be above 0 and at most 0.5"),
        ({"error": -0.05}, "error", "is -0.05"),
        ({"error": nan}, "error", "is nan"),
        ({"error": inf}, "error", "is inf"),
        ({"cap": 3}, "cap", "is 3; must be 4 to 10,000"),
        ({"cap": 10_001}, "cap", "is 10,001"),
        ({"most_rounds": 1}, "most_rounds", "must be 2 to 1,000"),
        ({"most_rounds": 1_001}, "most_rounds", "is 1,001"),
        ({"target_calls": 7}, "target_calls", "is 7; must be 0, for no target, or at least 8"),
        ({"target_rank_width": 1_001}, "target_rank_width", "must be 0 to 1,000"),
        ({"target_cost": Money("", 1)}, "target_cost.currency", "'' is not a currency code such as USD"),
        ({"target_cost": Money("usd", 0)}, "target_cost.currency", "'usd' is not"),
        ({"target_cost": Money("USD\n", 1)}, "target_cost.currency", "is not a currency code"),
        ({"target_cost": Money("USD", -1)}, "target_cost.nano_units", "is -1; must not be negative"),
        ({"seats": "3"}, "seats", "'3' is not known; there is: BOTH, SINGLE"),
        ({"canary_every": 1}, "canary_every", "must be 2 to 10,000"),
        ({"canary_every": 10_001}, "canary_every", "is 10,001"),
    ],
)
def test_a_setting_that_is_wrong_is_named_with_what_it_may_be(change: dict[str, Any], field: str, said: str) -> None:
    _, (violation,) = filled(replace(OPEN, **change), "dimension.ranking")
    assert violation.field == f"dimension.ranking.{field}"
    assert said in violation.description


def test_all_wrong_settings_are_told_at_once() -> None:
    _, violations = filled(replace(OPEN, cap=1, error=2.0, target_cost=Money("dollars", -1)), "r")
    assert {one.field for one in violations} == {
        "r.cap",
        "r.error",
        "r.target_cost.currency",
        "r.target_cost.nano_units",
    }


def test_a_target_of_nothing_is_no_target() -> None:
    assert filled(replace(OPEN, target_cost=Money("USD", 0)), "ranking")[0] == filled(OPEN, "ranking")[0]


@pytest.mark.parametrize("ranking", [LEAST, MOST])
def test_settings_come_back_from_the_store_as_they_were(ranking: RankingSettings) -> None:
    assert messages.ranking_of(asdict(ranking)) == ranking


def test_settings_of_an_earlier_version_keep_their_jury_and_take_the_defaults() -> None:
    earlier = {"seed_models": 3, "window": 2, "max_slides": 4, "jury": "exhaustive", "weighting": "uniform"}
    assert messages.ranking_of(earlier) == filled(RankingSettings(**earlier), "ranking")[0]  # type: ignore[arg-type]


def test_a_seat_policy_of_a_newer_contract_is_refused_and_not_taken_for_the_default() -> None:
    message = pb.Dimension()
    message.ranking.seats = 9  # type: ignore[assignment]
    _, (violation,) = filled(messages.declaration_of(message).ranking, "ranking")
    assert violation.field == "ranking.seats"
    message.ranking.seats = common_pb2.SEAT_POLICY_SINGLE
    assert filled(messages.declaration_of(message).ranking, "ranking")[0].seats == "SINGLE"
