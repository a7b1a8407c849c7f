"""A recording as a world: who is in it, what can be asked of it, and what comes of asking."""

from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dearena.faults import InvalidField
from dearena.outcomes import Outcome
from dearena.ranking.pairs import Pair
from dearena.trials.recorded import NotRecorded, Recorded
from dearena.vote_files import read
from tests.unit.trials.recordings import columns, recording

MULTIVAC = Path(__file__).parents[4] / "shared" / "data" / "multivac"


def row(**changes: Any) -> dict[str, Any]:
    return {"judge": "c", "model_a": "b", "model_b": "a", "query_id": "q1", "winner": "a"} | changes


def triangle(**changes: Any) -> list[dict[str, Any]]:
    """Three models, each pair judged once."""
    return [row(**changes), row(judge="b", model_a="a", model_b="c"), row(judge="a", model_a="b", model_b="c")]


def test_models_of_few_queries_are_left_out_and_judges_are_not() -> None:
    rows = recording()
    world = Recorded.of(columns(rows), least_queries=12)
    assert world.models == ("alpha-1@1", "beta@1", "delta@1", "epsilon@1", "gamma-x@1")
    assert "outside@1" in world.judges
    assert len(world) == len(rows) - 1  # the rare model's one vote
    assert world.names["gamma-x@1"] == "Gamma (x)"
    assert world.truth is None


def test_a_model_counts_queries_on_which_it_was_compared_not_those_that_it_judged() -> None:
    rows = [row(query_id=f"q{number}", judge="d") for number in range(3)]
    rows += [row(query_id=f"q{number}", judge="a", model_b="c") for number in range(3)]
    rows += [row(query_id="q0", judge="a", model_a="d", model_b="c")]
    assert Recorded.of(columns(rows), least_queries=3).models == ("a@1", "b@1", "c@1")


def test_what_was_recorded_is_what_is_heard_and_nothing_else_can_be_asked() -> None:
    rows = recording()
    world = Recorded.of(columns(rows), least_queries=12)
    name = dict(world.names)
    known = {(frozenset((one["model_a"], one["model_b"])), one["judge"], one["query_id"]): one for one in rows}
    heard = 0
    for (one, other), judge, query in product(combinations(world.models, 2), world.judges, world.queries):
        pair = Pair.of(one, other)
        recorded = known.get((frozenset((name[one], name[other])), name[judge], query))
        assert world.askable(pair, judge, query) == (recorded is not None)
        if recorded is None:
            with pytest.raises(NotRecorded):
                world.judge(pair, judge, query)
            continue
        heard += 1
        winner = {"a": recorded["model_a"], "b": recorded["model_b"], "tie": None}[recorded["winner"]]
        expected = {name[pair.model_a]: Outcome.A, name[pair.model_b]: Outcome.B, None: Outcome.TIE}[winner]
        assert world.judge(pair, judge, query).outcome is expected
        assert world.judge(pair, judge, query).judge_calls == 2
        at = world.row(pair, judge, query)
        assert world.queries[world.votes.query[at]] == query
        assert world.judges[world.votes.judge[at]] == judge
    assert heard == len(world)


def test_nobody_unknown_can_be_asked() -> None:
    world = Recorded.of(columns(triangle()), least_queries=1)
    pair = Pair.of("a@1", "b@1")
    assert world.askable(pair, "c@1", "q1")
    assert not world.askable(pair, "x@1", "q1")
    assert not world.askable(pair, "c@1", "q2")
    assert not world.askable(Pair.of("a@1", "x@1"), "c@1", "q1")


def test_outcomes_that_say_nothing_are_gaps_and_flips_are_not() -> None:
    rows = [row(winner=None, outcome="FLIP"), *triangle()[1:], row(query_id="q2", winner=None, outcome="FAILED")]
    world = Recorded.of(columns(rows), least_queries=1)
    assert world.judge(Pair.of("a@1", "b@1"), "c@1", "q1").outcome is Outcome.FLIP
    assert world.queries == ("q1",)


def test_queries_of_one_question_stay_apart_and_are_one_cluster() -> None:
    rows = triangle() + triangle(query_id="q2")[:1]
    world = Recorded.of(columns(rows), least_queries=1, question_of={"q1": "same", "q2": "same"})
    assert world.queries == ("q1", "q2")
    assert world.votes.question_count == 1


def test_names_of_revisions_stay_as_they_are() -> None:
    rows = [row(model_a="b@2"), row(judge="b@2", model_a="a", model_b="c"), row(judge="a", model_a="b@2", model_b="c")]
    assert Recorded.of(columns(rows), least_queries=1).models == ("a@1", "b@2", "c@1")


@pytest.mark.parametrize(
    ("rows", "arguments", "complaint"),
    [
        (triangle(), {"least_queries": 2}, "0 models were compared on 2 queries or more, of 3 in all"),
        (triangle(), {"dimension": "chess", "least_queries": 1}, "'chess' is none of those in the file: (none)"),
        (
            [one | {"dimension": name} for one, name in zip(triangle(), "xyx", strict=True)],
            {"least_queries": 1},
            "the file has several, of which one is to be named: x, y",
        ),
        (triangle() + triangle()[:1], {"least_queries": 1}, "1 rows repeat the judge, pair and query of another"),
        (
            [*triangle(), row(judge="C", query_id="q2")],
            {"least_queries": 1},
            "'c' and 'C' would both be called c@1",
        ),
        ([*triangle(), row(judge="友", query_id="q2")], {"least_queries": 1}, "'友' cannot stand for a model"),
    ],
)
def test_what_cannot_be_replayed_is_said(rows: list[dict[str, Any]], arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidField) as caught:
        Recorded.of(columns(rows), **arguments)
    assert complaint in str(caught.value)


@pytest.mark.skipif(not MULTIVAC.is_dir(), reason="the recorded votes of shared/data/multivac are not here")
def test_nine_or_ten_real_models_are_compared_often_enough() -> None:
    votes = read(MULTIVAC / "votes.jsonl.gz")
    worlds = {dimension: Recorded.of(votes, dimension) for dimension in votes.dimensions}
    assert {dimension: len(world.models) for dimension, world in worlds.items()} == {
        "code": 9,
        "reasoning": 9,
        "analysis": 10,
        "meta_alignment": 10,
    }
    for world in worlds.values():
        met = np.zeros((len(world.models), len(world.queries)), dtype=bool)
        met[world.votes.first, world.votes.query] = met[world.votes.second, world.votes.query] = True
        assert met.sum(axis=1).min() >= 29  # all but those that met left-out models only
