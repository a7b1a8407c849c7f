"""What a pilot has heard, counted: what can be read, and what was asked."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dearena.outcomes import Outcome
from dearena.selection.allocation import PilotPlan, next_batch
from services.query_selector.pilot_votes import (
    SAID,
    Asked,
    Heard,
    Question,
    asked_of,
    evidence_of,
    figures_of,
    order_of,
)

QUESTIONS = [Question("q1", "x"), Question("q2", "y"), Question("q3", "x")]
# By text "a-1@1" comes before "a@1", by slug after it.
MODELS = ["a@1", "a-1@1", "b@1"]


def heard(model_a: str, model_b: str, query: str, outcome: str = Outcome.A, *, round: int = 1) -> Heard:  # noqa: A002 - its name
    return Heard(round, model_a, model_b, "j@1", query, outcome, 2)


def test_only_what_can_be_read_is_evidence() -> None:
    rows = [
        heard("a@1", "a-1@1", "q1"),
        heard("a@1", "b@1", "q1", Outcome.FLIP),
        heard("a@1", "b@1", "q2", Outcome.TIE),
        heard("a@1", "left@1", "q1"),
        heard("a@1", "b@1", "elsewhere"),
    ]

    found = evidence_of(QUESTIONS, MODELS, rows)

    said = [
        (found.pool.queries[query], found.models[first], found.models[second], outcome)
        for query, first, second, outcome in zip(found.query, found.first, found.second, found.outcome, strict=True)
    ]
    assert said == [("q1", "a@1", "a-1@1", 1.0), ("q2", "a@1", "b@1", 0.5)]
    assert found.pool.categories == ("x", "y")


def test_what_was_asked_counts_whatever_came_of_it() -> None:
    pilot = evidence_of(QUESTIONS, MODELS, [])
    rows = [
        heard("a@1", "a-1@1", "q1", Outcome.INVALID, round=2),
        heard("a@1", "a-1@1", "q1", round=3),
        heard("a@1", "b@1", "q2", round=4),
        heard("a@1", "b@1", "q2", round=5),
    ]
    ordered = [Asked("a-1@1", "a@1", "q1", 2), Asked("a@1", "b@1", "q2", 1), Asked("a-1@1", "b@1", "q3", 3)]

    counted = asked_of(pilot, rows, ordered, seeded=2)

    # Columns by pairs of a-1, a and b: one while ranking and two ordered; two heard of one ordered; none heard.
    assert counted.tolist() == [[3, 0, 0], [0, 0, 2], [0, 3, 0]]


@given(st.integers(0, 2**64 - 1), st.integers(1, 200))
def test_an_order_asks_what_the_batch_holds(seed: int, batch: int) -> None:
    pilot = evidence_of(QUESTIONS, ["a@1", "b@1", "c@1", "d@1"], [])
    nothing = np.zeros((3, 6), dtype=np.int64)
    plan = PilotPlan(k=1, budget=1_000, most_a_pair=2, batch=batch, seed=seed)
    found = next_batch(pilot, nothing, plan)

    order = order_of(pilot, found.query, found.first, found.second)

    assert sum(one.votes for one in order) == len(found.query)
    assert len({one[:3] for one in order}) == len(order)
    # So that the next batch is another: all of it counts as asked.
    assert asked_of(pilot, [], order, seeded=0).sum() == len(found.query)


def test_a_pilot_goes_on_to_its_end_though_nothing_is_ever_heard() -> None:
    pilot = evidence_of(QUESTIONS, ["a@1", "b@1", "c@1", "d@1"], [])
    plan = PilotPlan(k=1, budget=30, most_a_pair=2, batch=10, seed=1)
    ordered: list[Asked] = []
    for _ in range(10):
        batch = next_batch(pilot, asked_of(pilot, [], ordered, seeded=0), plan)
        if batch.done:
            break
        ordered += order_of(pilot, batch.query, batch.first, batch.second)

    assert batch.done
    assert 0 < sum(one.votes for one in ordered) <= 30


def test_figures_tell_cells_from_votes() -> None:
    rows = [heard("a@1", "b@1", "q1"), heard("a@1", "b@1", "q2", Outcome.VOID), heard("a@1", "b@1", "q1", Outcome.TIE)]

    found = figures_of(rows, {"USD": 5}, 4)

    assert (found.cells, found.votes, found.heard_queries, found.judge_calls, found.open_queries) == (3, 2, 1, 6, 4)
    assert set(SAID) == {"A", "B", "TIE"}
