"""What single judge calls are counted as."""

import json
from collections.abc import Sequence

import pytest

from dearena.local import llm_report
from dearena.local.llm_report import Verdicts
from dearena.v1 import common_pb2
from dearena.v1.judge_dispatcher_pb2 import Comparison, SeatRecord


def comparison(judge: str, verdicts: Sequence[str], *, tokens: int = 0, milliseconds: int = 0) -> Comparison:
    seats = []
    for verdict in verdicts:
        seat = SeatRecord(
            verdict=common_pb2.SeatVerdict.Value(f"SEAT_VERDICT_{verdict}"),
            usage=common_pb2.TokenUsage(output_tokens=tokens),
        )
        seat.latency.FromMilliseconds(milliseconds)
        seats.append(seat)
    return Comparison(cell=common_pb2.Cell(judge=judge), seats=seats)


def test_each_seat_order_is_a_verdict_and_what_cannot_be_read_is_none() -> None:
    said = llm_report.verdicts_of(
        [
            comparison("a@1", ["FIRST", "FIRST"], tokens=40, milliseconds=1500),
            comparison("a@1", ["SECOND", "TIE"]),
            comparison("a@1", ["UNREADABLE", "NONE"]),
            comparison("b@1", ["FIRST"]),
            comparison("c@1", []),
        ]
    )
    assert said == {
        "a@1": Verdicts(first=2, second=1, tie=1, unreadable=1, missing=1, tokens=80, seconds=3.0),
        "b@1": Verdicts(first=1),
    }
    assert said["a@1"].calls == 6
    assert said["a@1"].share_readable == pytest.approx(4 / 6)


def test_a_tie_prefers_no_seat() -> None:
    assert Verdicts(first=3, second=1, tie=4).share_first == 0.75
    assert Verdicts(tie=4).share_first is None


def test_a_judge_that_was_not_asked_has_no_shares() -> None:
    assert Verdicts().share_readable is None
    assert llm_report.table({"a@1": Verdicts(), "b@1": Verdicts(first=1)}).row_count == 2
    assert json.loads(json.dumps(llm_report.summary({"a@1": Verdicts()})))["a@1"]["share_first"] is None
