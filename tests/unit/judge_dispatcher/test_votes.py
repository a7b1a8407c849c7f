"""Votes in columns: nothing lost, nothing mixed up."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dearena.outcomes import Outcome, SeatVerdict
from services.judge_dispatcher.votes import Columns, Vote, in_columns

revisions = st.sampled_from(["alpha@1", "alpha@2", "beta@1", "gamma@1"])
counts = st.integers(0, 2**40)
costs = st.one_of(st.just((0, "")), st.tuples(st.integers(1, 2**50), st.sampled_from(["EUR", "USD"])))
votes = st.builds(
    lambda cost, **fields: Vote(cost_nano_units=cost[0], currency=cost[1], **fields),
    cost=costs,
    sequence=counts,
    round=st.integers(1, 100),
    cell_id=st.text("0123456789abcdef", min_size=4, max_size=4),
    attempt=st.integers(1, 3),
    query_id=st.sampled_from(["q1", "q2", "alpha@1"]),
    model_a=revisions,
    model_b=revisions,
    judge=revisions,
    outcome=st.sampled_from(Outcome),
    judge_calls=st.integers(0, 2),
    a_first=st.sampled_from(SeatVerdict),
    b_first=st.sampled_from(SeatVerdict),
    draw=st.integers(1, 2**20),
    kind=st.sampled_from(["CANARY", "VOTE"]),
)


def rows(columns: Columns) -> list[Vote]:
    return [
        Vote(
            sequence=columns.sequence[i],
            round=columns.round[i],
            cell_id=columns.cell_id[i],
            attempt=columns.attempt[i],
            query_id=columns.query_ids[columns.query[i]],
            model_a=columns.models[columns.model_a[i]],
            model_b=columns.models[columns.model_b[i]],
            judge=columns.models[columns.judge[i]],
            outcome=columns.outcome[i],
            judge_calls=columns.judge_calls[i],
            cost_nano_units=columns.cost_nano_units[i],
            currency=columns.currency if columns.cost_nano_units[i] else "",
            a_first=columns.a_first[i],
            b_first=columns.b_first[i],
            draw=columns.draw[i],
            kind=columns.kind[i],
        )
        for i in range(len(columns.sequence))
    ]


@given(st.lists(votes))
def test_columns_hold_the_votes_in_their_order(wanted: list[Vote]) -> None:
    assert [vote for columns in in_columns(wanted) for vote in rows(columns)] == wanted


@given(st.lists(votes))
def test_a_string_stands_in_its_table_once(wanted: list[Vote]) -> None:
    for columns in in_columns(wanted):
        for table in (columns.models, columns.query_ids):
            assert len(set(table)) == len(table)


@given(st.lists(votes))
def test_votes_of_one_currency_are_one_batch(wanted: list[Vote]) -> None:
    currencies = [vote.currency for vote in wanted if vote.currency]
    changes = sum(one != other for one, other in pairwise(currencies))
    assert len(list(in_columns(wanted))) == changes + (1 if wanted else 0)
