"""`dearena audit`: what the log proves, as a person and a program are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from dearena.cli.app import app
from dearena.ranking.audit import Judged
from dearena.v1 import common_pb2, judge_dispatcher_pb2
from services.ranker.messages import decision_message
from tests.integration.arena_fakes import FakeArena, faking
from tests.unit.ranking.test_judge_policy import POLICY, judged, peopled

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
async def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeArena]:
    with capture_logs():
        async with faking() as said:
            rooms = ("gateway", "query_selector", "ranker", "scorer", "judge_dispatcher")
            (tmp_path / ".dearena").mkdir()
            (tmp_path / ".dearena" / "endpoints.json").write_text(json.dumps(dict.fromkeys(rooms, said.address)))
            monkeypatch.chdir(tmp_path)
            yield said


async def ended(*args: str) -> tuple[int, str]:
    result = await asyncio.to_thread(CliRunner().invoke, app, args)
    return result.exit_code, result.stdout


def batch_of(outcomes: list[Judged]) -> judge_dispatcher_pb2.ListVotesResponse:
    """Outcomes as the dispatcher streams them."""
    models = sorted({model for one in outcomes for model in (one.judge, one.model_a, one.model_b)})
    queries = sorted({one.query_id for one in outcomes})
    return judge_dispatcher_pb2.ListVotesResponse(
        models=models,
        query_ids=queries,
        sequence=range(1, len(outcomes) + 1),
        round=[one.round for one in outcomes],
        cell_id=[one.cell_id for one in outcomes],
        attempt=[1] * len(outcomes),
        model_a=[models.index(one.model_a) for one in outcomes],
        model_b=[models.index(one.model_b) for one in outcomes],
        judge=[models.index(one.judge) for one in outcomes],
        query=[queries.index(one.query_id) for one in outcomes],
        outcome=[common_pb2.OUTCOME_A] * len(outcomes),
        judge_calls=[one.judge_calls for one in outcomes],
        cost_nano_units=[0] * len(outcomes),
        kind=[common_pb2.CellKind.Value(f"CELL_KIND_{one.kind}") for one in outcomes],
    )


async def test_a_log_that_obeys_its_policy_is_proven_and_one_that_does_not_exits_1(fake: FakeArena) -> None:
    played = peopled(POLICY)
    played.rest()
    outcomes = judged(played)
    fake.decisions = [decision_message(decision, MOMENT) for decision in played.log]
    fake.batches = [batch_of(outcomes)]
    code, said = await ended("audit", "algebra")
    assert code == 0
    assert "\nproven: no model judged itself, nor what it may not" in said
    assert "only models of in-house judge, and none judges its own family" in said
    told = json.loads((await ended("audit", "algebra", "--json"))[1])
    assert told["proven"] is True
    assert (told["votes"] + told["canaries"], told["offences"]) == (len(outcomes), [])
    assert told["policies"] == [{"from_round": 1, **POLICY.judge_policy.content()}]
    assert set(fake.asked[-1].kinds) == {common_pb2.CELL_KIND_VOTE, common_pb2.CELL_KIND_CANARY}
    (seen,) = told["providers"]
    assert (seen["provider"], seen["cells"]) == ("in-house", len(outcomes))
    assert 0 < seen["answers_of_other_providers"] < seen["answers"]

    planted = outcomes[-1]._replace(judge=outcomes[-1].model_a)
    fake.batches = [batch_of([*outcomes[:-1], planted])]
    code, out = await ended("audit", "algebra")
    assert code == 1
    assert "NOT proven: 1 outcomes that the log forbids" in out
    assert f"{planted.judge} on" in out
    assert "judges itself" in out
    code, out = await ended("audit", "algebra", "--json")
    assert code == 1
    (offence,) = json.loads(out)["offences"]
    assert (offence["cell_id"], offence["objection"]) == (planted.cell_id, "ITSELF")
