"""What the ranker keeps, and reads again."""

import json
from dataclasses import fields
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dearena.names import DimensionName
from dearena.ranking.insertion import Coarse, Fine, Settled
from dearena.ranking.ranking import Insertion, Seeding, Withdrawn
from dearena.ranking.rules import Rules, SeatPolicy
from dearena.v1 import common_pb2, query_selector_pb2
from services.ranker.documents import (
    Document,
    insertion_fields,
    insertion_record,
    ranking_record,
    round_document,
    round_record,
    rules_document,
    rules_in,
)
from services.ranker.peer_messages import dimension_version
from services.ranker.records import RoundEntrant, RoundRecord
from services.runtime.store import now


@pytest.mark.parametrize("phase", [Seeding(), Coarse(0, 3), Fine(2, 1, 4), Settled(1, 0), Withdrawn()])
def test_insertions_come_back_from_the_store_as_they_were(phase: object) -> None:
    insertion = Insertion("a@1", 7, phase, (2, 3), 1, 3, (1, 4), provisional=True)  # type: ignore[arg-type]
    document = insertion_fields(insertion) | {
        "created_at": now(),
        "settled_at": None,
        "judge_calls": 0,
        "costs": {},
        "traceparent": "",
        "dimension_version": 1,
    }
    assert insertion_record(document).insertion == insertion


def test_rules_of_an_earlier_version_keep_their_jury_and_take_the_defaults() -> None:
    earlier = {
        "seed_models": 3,
        "window": 2,
        "max_slides": 4,
        "jury": "exhaustive",
        "weighting": "uniform",
        "template": "pairwise@1",
        "allowed_providers": ["b", "a"],
    }
    assert rules_in(earlier) == Rules(3, 2, 4, "exhaustive", "uniform", "pairwise@1", frozenset({"a", "b"}))


COUNTS: Final = st.integers(0, 2**32 - 1)
SETTINGS: Final = st.builds(
    query_selector_pb2.RankingSettings,
    seed_models=COUNTS,
    window=COUNTS,
    max_slides=COUNTS,
    jury=st.sampled_from(["sequential", "exhaustive"]),
    weighting=st.sampled_from(["score", "uniform", "rank", "reliability"]),
    error=st.floats(0, 0.5, exclude_min=True),
    cap=COUNTS,
    most_rounds=COUNTS,
    target_calls=COUNTS,
    target_rank_width=COUNTS,
    target_cost=st.none() | st.builds(common_pb2.Money, currency=st.just("USD"), nano_units=st.integers(0, 2**63 - 1)),
    seats=st.sampled_from(common_pb2.SeatPolicy.values()),
    canary_every=COUNTS,
)


POLICIES = st.builds(
    query_selector_pb2.JudgingPolicy, exclude_family=st.booleans(), judge_providers=st.lists(st.text(), unique=True)
)


@given(settings=SETTINGS, providers=st.sets(st.text()), judging=POLICIES)
def test_what_the_selector_says_of_a_ranking_comes_back_from_the_store_as_it_was(
    settings: query_selector_pb2.RankingSettings, providers: set[str], judging: query_selector_pb2.JudgingPolicy
) -> None:
    told = query_selector_pb2.Dimension(
        name="projects/default/dimensions/algebra", ranking=settings, allowed_providers=providers, judging=judging
    )
    rules = dimension_version(told).rules
    assert rules_in(json.loads(json.dumps(rules_document(rules)))) == rules
    assert set(rules_document(rules)) == {field.name for field in fields(Rules)}
    # What is said is taken as it is; what is left open is a default, and never 0.
    numbers = ("seed_models", "window", "max_slides", "error", "cap", "most_rounds", "canary_every")
    assert all(getattr(rules, name) == (getattr(settings, name) or getattr(Rules(), name)) for name in numbers)
    assert (rules.target_calls, rules.target_rank_width) == (settings.target_calls, settings.target_rank_width)
    assert rules.target_cost_nano_units == settings.target_cost.nano_units
    policy = rules.judge_policy
    assert policy.allowed_providers == providers
    assert policy.exclude_family == judging.exclude_family
    assert policy.judge_providers == set(judging.judge_providers)
    assert (rules.seats is SeatPolicy.SINGLE) == (settings.seats == common_pb2.SEAT_POLICY_SINGLE)


def test_documents_of_an_earlier_version_can_be_read() -> None:
    name = {"project": "default", "dimension": "algebra"}
    earlier = {"jury": "exhaustive", "allowed_providers": []}
    counts = dict.fromkeys(("dimension_version", "version", "decisions", "open_round", "last_closed_round"), 1)
    record = ranking_record(
        {**name, **counts, "rules": earlier, "models": [], "newcomer": "a@1", "waiting": [], "waiting_reason": ""}
    )
    assert (record.newcomers, record.orders, record.first_round) == (["a@1"], 0, 1)
    insertion = insertion_fields(Insertion("a@1", 7, Seeding()))
    del insertion["interval"], insertion["provisional"]
    kept: Document = {
        "created_at": now(),
        "settled_at": None,
        "judge_calls": 0,
        "costs": {},
        "traceparent": "",
        "dimension_version": 1,
    }
    assert insertion_record(insertion | kept).insertion == Insertion("a@1", 7, Seeding())
    opened = RoundRecord(DimensionName("default", "algebra"), 1, 2, ("a@1", "b@1"), 6, "digest", "score", "")
    closed = {"settles": True, "closed_by_decision": 9, "judge_calls": 5, "costs": {"USD": 3}}
    found = round_document(opened) | closed | {"closed": True, "entrants": [{"model": "a@1", "retired": False}]}
    del found["canaries"], found["first_round"]
    read = round_record(found)
    assert read.first_round == 1
    assert list(read.entrants) == [RoundEntrant("a@1", retired=False, suspended=False)]
    assert [read.spent_on(model) for model in read.models] == [(3, {"USD": 2}), (2, {"USD": 1})]
