"""Votes out of their columns."""

import pytest

from dearena.client.votes import rows_of
from dearena.v1 import common_pb2
from dearena.v1.judge_dispatcher_pb2 import ListVotesResponse

BATCH = ListVotesResponse(
    models=["alpha@1", "beta@1", "gamma@2"],
    query_ids=["q1", "q2"],
    sequence=[4, 7],
    round=[1, 2],
    cell_id=["c1", "c2"],
    attempt=[1, 3],
    model_a=[0, 0],
    model_b=[1, 2],
    judge=[2, 1],
    query=[1, 0],
    outcome=[common_pb2.OUTCOME_B, common_pb2.OUTCOME_FLIP],
    judge_calls=[2, 2],
    cost_nano_units=[500, 0],
    currency="USD",
)


def test_each_row_names_what_its_indexes_point_at() -> None:
    first, second = rows_of(BATCH)
    assert (first.model_a, first.model_b, first.judge, first.query_id) == ("alpha@1", "beta@1", "gamma@2", "q2")
    assert (first.sequence, first.round, first.cell_id, first.attempt) == (4, 1, "c1", 1)
    assert (first.outcome, first.judge_calls, first.cost_nano_units, first.currency) == ("B", 2, 500, "USD")
    assert (second.model_b, second.judge, second.query_id, second.outcome) == ("gamma@2", "beta@1", "q1", "FLIP")


def test_a_draw_that_is_not_told_is_even() -> None:
    assert [row.draw for row in rows_of(BATCH)] == [65_536, 65_536]
    batch = ListVotesResponse()
    batch.CopyFrom(BATCH)
    batch.draw[:] = [0, 13_107]
    assert [row.draw for row in rows_of(batch)] == [65_536, 13_107]


@pytest.mark.parametrize("outcome", [value.name for value in common_pb2.Outcome.DESCRIPTOR.values[1:]])
def test_only_a_decision_has_a_winner(outcome: str) -> None:
    batch = ListVotesResponse()
    batch.CopyFrom(BATCH)
    batch.outcome[0] = common_pb2.Outcome.Value(outcome)
    row, _ = rows_of(batch)
    assert row.outcome == outcome.removeprefix("OUTCOME_")
    assert row.winner == {"A": "a", "B": "b", "TIE": "tie"}.get(row.outcome)


def test_an_outcome_that_is_not_known_here_is_no_decision() -> None:
    batch = ListVotesResponse()
    batch.CopyFrom(BATCH)
    batch.outcome[0] = 99  # type: ignore[call-overload] # of a later version
    row, _ = rows_of(batch)
    assert (row.outcome, row.winner) == ("99", None)


def test_columns_of_unequal_length_are_noticed() -> None:
    batch = ListVotesResponse()
    batch.CopyFrom(BATCH)
    batch.outcome.append(common_pb2.OUTCOME_A)
    with pytest.raises(ValueError, match="longer"):
        list(rows_of(batch))


def test_who_sat_first_is_told_of_one_look_only() -> None:
    batch = ListVotesResponse()
    batch.CopyFrom(BATCH)
    none = common_pb2.SEAT_VERDICT_NONE
    batch.a_first[:] = [none, common_pb2.SEAT_VERDICT_SECOND]
    batch.b_first[:] = [common_pb2.SEAT_VERDICT_FIRST, common_pb2.SEAT_VERDICT_FIRST]
    assert [row.first for row in rows_of(batch)] == ["b", None]
    batch.a_first[:], batch.b_first[:] = [common_pb2.SEAT_VERDICT_TIE, none], [none, none]
    assert [row.first for row in rows_of(batch)] == ["a", None]
    assert [row.first for row in rows_of(BATCH)] == [None, None]
