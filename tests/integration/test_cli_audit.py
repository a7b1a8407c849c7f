"""`dearena audit`: what the log proves, as a person and a program are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from dearena.cli.app import app
from dearena.ranking.audit import Judged
from dearena.ranking.decisions import Decision, DecisionKind
from dearena.v1 import common_pb2, gateway_pb2, judge_dispatcher_pb2, query_selector_pb2
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


def says(fake: FakeArena, log: list[Decision], outcomes: list[Judged]) -> None:
    """The arena of this log, whose ledger holds the calls of these outcomes."""
    fake.decisions = [decision_message(decision, MOMENT) for decision in log]
    fake.batches = [batch_of(outcomes)]
    fake.dimension = query_selector_pb2.Dimension(
        allowed_providers=sorted(POLICY.allowed_providers),
        judging=query_selector_pb2.JudgingPolicy(judge_providers=["in-house"], exclude_family=True),
    )
    fake.ledger_sums = [called(one.judge, one.judge_calls, one.model_a) for one in outcomes]


def called(judge: str, calls: int, *models: str) -> gateway_pb2.LedgerSum:
    return gateway_pb2.LedgerSum(model=judge, purpose=gateway_pb2.PURPOSE_JUDGE, on_behalf_of=models, calls=calls)


def without_policy(decision: Decision) -> Decision:
    told = {name: said for name, said in decision.content.items() if name != "policy"}
    return replace(decision, content=told)


async def test_what_cannot_be_proven_is_said_in_the_last_line_and_by_the_exit_status(fake: FakeArena) -> None:
    played = peopled(POLICY, models=6)
    played.rest()
    outcomes = judged(played)
    judge = outcomes[0].judge
    opened = [one for one in played.log if one.kind is DecisionKind.ROUND_OPENED]

    says(fake, played.log, outcomes)
    answers = gateway_pb2.LedgerSum(model="planted@1", purpose=gateway_pb2.PURPOSE_ANSWER, calls=9)
    fake.ledger_sums += [called(judge, 24), answers]
    code, said = await ended("audit", "algebra")
    assert (code, said.splitlines()[-1]) == (0, "proven: no model judged itself, nor what it may not")
    assert "24 judge calls were trials of attacks" in said
    nobody = sorted(model for model, one in played.state.admitted.items() if not one.family)
    assert f"of no family, and so kept from nobody: {', '.join(nobody)}" in said

    fake.ledger_sums.append(called(judge, 3, outcomes[0].model_a))
    code, said = await ended("audit", "algebra")
    assert code == 3
    assert f"3 calls of {judge}, of in-house, have no outcome" in said
    assert said.splitlines()[-1] == (
        "nothing speaks against it, but not all of it can be proven: "
        "3 judge calls have no outcome that tells whose answers they showed"
    )
    told = json.loads((await ended("audit", "algebra", "--json"))[1])
    assert (told["proven"], told["finding"], told["calls_of_trials"]) == (False, "IN_PART", 24)
    assert told["calls_without_outcome"] == [
        {"judge": judge, "providers": ["in-house"], "calls": 3, "forbidden": False}
    ]

    says(fake, [without_policy(one) if one == opened[0] else one for one in played.log], outcomes)
    code, said = await ended("audit", "algebra")
    assert code == 3
    assert said.splitlines()[-1].endswith("proven: 1 rounds were opened before policies were logged")

    says(fake, [without_policy(one) if one == opened[1] else one for one in played.log], outcomes)
    code, said = await ended("audit", "algebra")
    assert code == 1
    assert said.splitlines()[-1] == "NOT proven: 1 rounds without a policy after the log had told one"


async def test_a_log_that_obeys_its_policy_is_proven_and_one_that_does_not_exits_1(fake: FakeArena) -> None:
    played = peopled(POLICY)
    played.rest()
    outcomes = judged(played)
    says(fake, played.log, outcomes)
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
    assert "NOT proven: 1 outcomes that the log or the dimension's policy forbids" in out
    assert f"{planted.judge} on" in out
    assert "judges itself" in out
    code, out = await ended("audit", "algebra", "--json")
    assert code == 1
    (offence,) = json.loads(out)["offences"]
    assert (offence["cell_id"], offence["objection"]) == (planted.cell_id, "ITSELF")
