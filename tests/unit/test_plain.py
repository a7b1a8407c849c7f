"""Messages as JSON for programs."""

import json
from datetime import timedelta

import pytest

from dearena.plain import plain
from dearena.v1 import common_pb2, gateway_pb2, judge_dispatcher_pb2, ranker_pb2, scorer_pb2


def test_large_numbers_stay_numbers_and_enums_lose_their_prefix() -> None:
    counts = scorer_pb2.OutcomeCounts(a=2**40)
    found = plain(scorer_pb2.Board(outcomes=counts, judge_calls=7, judge_cost=common_pb2.Money(nano_units=5)))
    assert found["outcomes"]["a"] == 2**40
    assert (found["judge_calls"], found["judge_cost"]) == (7, {"currency": "", "nano_units": 5})
    assert plain(ranker_pb2.Insertion(phase=ranker_pb2.INSERTION_PHASE_COARSE))["phase"] == "COARSE"


def test_absent_messages_and_options_are_null_and_the_rest_is_there() -> None:
    found = plain(gateway_pb2.Model(labels={"team": "core"}, may_judge=False))
    assert (found["endpoint"], found["timeout"], found["may_judge"]) == (None, None, False)
    assert (found["labels"], found["concurrency"], found["state"]) == ({"team": "core"}, 0, "UNSPECIFIED")
    assert plain(gateway_pb2.Model())["may_judge"] is None


def test_times_and_free_content_are_readable() -> None:
    decision = ranker_pb2.Decision(kind=ranker_pb2.DECISION_KIND_ROUND_OPENED)
    decision.time.FromJsonString("2026-11-24T10:00:00.250Z")
    decision.content.update({"cells": 96, "pairs": [["a@1", "b@1"]]})
    found = plain(decision)
    assert found["time"] == "2026-11-24T10:00:00.250Z"
    assert found["content"] == {"cells": 96, "pairs": [["a@1", "b@1"]]}
    assert found["kind"] == "ROUND_OPENED"
    seat = judge_dispatcher_pb2.SeatRecord()
    seat.latency.FromTimedelta(timedelta(milliseconds=1500))
    assert plain(seat)["latency"] == 1.5


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_null_so_that_it_is_json(number: float) -> None:
    found = plain(scorer_pb2.GetMatricesResponse(win_rate=[0.5, number]))
    assert found["win_rate"] == [0.5, None]
    json.dumps(found, allow_nan=False)


def test_numbers_of_free_content_are_whole_again_and_null_where_they_are_none() -> None:
    decision = ranker_pb2.Decision()
    decision.content.update({"places": 5, "none": None, "seen": True, "deep": [{"share": 0.5, "far": 1e300}]})
    decision.content.fields["odd"].number_value = float("nan")
    decision.content.fields["deep"].list_value.values.add().number_value = float("-inf")
    found = json.dumps(plain(decision)["content"], allow_nan=False, sort_keys=True)
    assert (
        found == '{"deep": [{"far": 1e+300, "share": 0.5}, null], "none": null, "odd": null, "places": 5, "seen": true}'
    )


def test_an_enum_from_a_newer_service_is_its_number() -> None:
    newer = ranker_pb2.Insertion.FromString(b"\x18\x63")
    assert plain(newer)["phase"] == "99"
