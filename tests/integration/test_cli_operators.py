"""What an operator orders and asks of the ranker, by the command line."""

import json
from typing import Any

import pytest

from dearena.cli import refine
from dearena.v1 import ranker_pb2, scorer_pb2
from tests.integration.test_cli_arena import Arena, arena

__all__ = ["arena"]


async def test_the_way_of_a_model_is_told(arena: Arena) -> None:
    arena.fake.insertions = [ranker_pb2.Insertion(model="kappa@1")]
    assert await arena.said("explain", "kappa@1", "-d", "algebra") == "kappa@1 came in\nand rests at place 2\n"
    told = json.loads(await arena.said("explain", "kappa@1", "-d", "algebra", "--json"))
    assert told["steps"][0]["text"] == told["text"]
    assert await arena.refused("explain", "mu@1", "-d", "algebra") == (
        "error: mu@1 has not been admitted to projects/default/dimensions/algebra\n"
    )
    assert "there is no model" in await arena.refused("explain", "nowhere", "-d", "algebra")


async def test_a_judge_is_suspended_and_reinstated_with_a_reason(arena: Arena) -> None:
    arena.fake.judges = [ranker_pb2.JudgeHealth(judge="mu@1", cells=12)]
    said = await arena.said("suspend", "mu@1", "-d", "algebra", "--reason", "its endpoint was swapped")
    assert said == "mu@1 is to be suspended as a judge in algebra\n"
    told = json.loads(await arena.said("reinstate", "mu@1", "-d", "algebra", "--reason", "it is back", "--json"))
    assert told == {"judge": "mu@1", "dimension": "algebra", "suspended": False, "reason": "it is back"}
    assert [request.reason for request in arena.fake.asked] == ["its endpoint was swapped", "it is back"]
    assert await arena.refused("suspend", "nu@1", "-d", "algebra", "--reason", "x") == (
        "error: nu@1 has not been admitted to projects/default/dimensions/algebra\n"
    )
    assert await arena.refused("suspend", "mu@1", "-d", "algebra", "--reason", " ") == "error: reason: must say why\n"


async def test_how_healthy_judges_are_is_listed(arena: Arena) -> None:
    assert await arena.said("judges", "algebra", "--health") == "no judge has been admitted yet\n"
    arena.fake.judges = [ranker_pb2.JudgeHealth(judge="mu@1", suspended=True, reason="is inverted", cells=12)]
    assert "suspended: is inverted" in await arena.said("judges", "algebra", "--health")
    (told,) = json.loads(await arena.said("judges", "algebra", "--health", "--json"))
    assert (told["judge"], told["suspended"], told["cells"]) == ("mu@1", True, 12)
    assert await arena.refused("judges", "algebra", "--health", "--worth") == (
        "error: --health: is told as it stands, without --version and --worth\n"
    )


async def test_a_refinement_is_ordered(arena: Arena) -> None:
    said = await arena.said("refine", "algebra", "--calls", "500")
    assert said == "500 judge calls are ordered for algebra; they are spent between insertions\n"
    assert json.loads(await arena.said("refine", "algebra", "--calls", "500", "--json")) == {
        "dimension": "algebra",
        "calls": 500,
    }
    assert await arena.refused("refine", "algebra", "--calls", "1") == ("error: calls: is 1; must be at least 2\n")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refine, "LOOK_AGAIN_SECONDS", 0.0)


def decision(number: int, kind: str, round_number: int = 0, **content: Any) -> ranker_pb2.Decision:
    found = ranker_pb2.Decision(
        number=number, kind=ranker_pb2.DecisionKind.Value(f"DECISION_KIND_{kind}"), round=round_number
    )
    found.content.update(content)
    return found


@pytest.mark.usefixtures("at_once")
async def test_a_refinement_is_followed_until_it_is_spent(arena: Arena) -> None:
    newcomers, closed = ["nu@1"], 3
    arena.fake.decisions = [
        decision(7, "ROUND_CLOSED", closed),
        decision(8, "REFINEMENT_ORDERED", calls=40),  # of somebody else, and long spent
    ]
    arena.fake.refined = [
        decision(9, "ROUND_OPENED", 4, cells=6),
        decision(10, "ROUND_CLOSED", 4, calls=12),
        decision(11, "REFINEMENT_ORDERED", calls=40),
        decision(12, "ROUND_OPENED", 5, cells=20, refines=True),
        decision(13, "ROUND_CLOSED", 5, calls=40),
    ]
    arena.fake.rankings = [
        ranker_pb2.Ranking(last_closed_round=closed),
        ranker_pb2.Ranking(last_closed_round=closed),
        ranker_pb2.Ranking(newcomers=newcomers, refinement_calls_left=40),
        ranker_pb2.Ranking(waiting_reason="WAITING(no newcomer)"),
    ]
    said = await arena.said("refine", "algebra", "--calls", "40", "--follow")
    assert said.splitlines() == [
        "40 judge calls are ordered for algebra; they are spent between insertions",
        "refinement is taken up · 40 calls left",
        "refinement round 5 asks 20 cells · 40 calls left",
        "refinement round 5 is closed · 0 calls left",
        "refinement waits for the places of nu@1 · 0 calls left",
    ]


async def test_a_quote_is_made_of_what_the_services_tell(arena: Arena) -> None:
    await arena.said("dimension", "create", "algebra", "pools/algebra.jsonl", "-k", "4")
    assert "algebra ranks 0 models, too few for a quote" in await arena.refused("quote", "algebra")
    names = [f"model-{number}@1" for number in range(5)]
    arena.fake.rankings = [ranker_pb2.Ranking(models=names)]
    arena.fake.judges = [ranker_pb2.JudgeHealth(judge=name) for name in names]
    arena.fake.boards = [
        scorer_pb2.Board(rows=[scorer_pb2.BoardRow(model=name, judge_weight=65_536) for name in names])
    ]
    told = json.loads(await arena.said("quote", "algebra", "--input-tokens", "9", "--output-tokens", "1", "--json"))
    assert (told["models"], told["queries"], told["quote"]["answers"]) == (5, 4, 4)
    assert set(told["rests_on"]) == {"calls", "tokens"}
    assert "there is no model" in await arena.refused("quote", "algebra", "--model", "nowhere")
