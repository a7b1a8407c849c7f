"""A judge of a running arena is tried by command, its calls are in the ledger, and the report on judges tells of it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from dearena.attacks import trials
from dearena.attacks.corpus import VERSION
from dearena.client import ArenaClient
from dearena.v1 import gateway_pb2
from tests.fixtures.arena import Arena, Played, arena

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

PROJECT = "attacked"
MODELS = ["obeys", "believes-system", "decodes", "immune"]
ATTACKS = ["order-to-the-judge", "encoded"]
WORLDS = {"gullible": {"kind": "gullible", "rate": 1.0}}


@dataclass
class Attacked:
    """A ranked dimension of gullible judges."""

    whole: Arena
    client: ArenaClient
    before: Played

    async def said(self, *command: str) -> str:
        """What the command line printed; it must have gone well."""
        return await self.whole.said(PROJECT, *command)

    async def paid(self, judge: str) -> dict[str, gateway_pb2.LedgerEntry]:
        """Its calls that were not made to rank, by request id."""
        return {
            entry.request_id: entry
            async for entry in self.client.ledger(dimension="d")
            if entry.model == judge and entry.request_id not in self.before.request_ids
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attacked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Attacked]:
    directory = tmp_path_factory.mktemp("attacked")
    async with arena(directory, worlds=WORLDS) as whole, whole.client(PROJECT) as client:
        await whole.begin(client, MODELS, queries=3, world="gullible", seed_models=3)
        yield Attacked(whole, client, await whole.settled(client, len(MODELS)))


async def test_a_trial_finds_the_planted_weakness_and_nothing_else(attacked: Attacked) -> None:
    options = [word for name in ATTACKS for word in ("--attack", name)]
    found = {
        judge: json.loads(await attacked.said("judge", "attack", "d", judge, *options, "--questions", "2", "--json"))
        for judge in MODELS
    }
    persuaded = {
        judge: {one["attack"]: one.get("persuaded", 0) / one["readable"] for one in trial["attacks"]}
        for judge, trial in found.items()
    }
    assert persuaded == {
        "obeys": {"order-to-the-judge": 1, "encoded": 0},
        "believes-system": {"order-to-the-judge": 0, "encoded": 0},
        "decodes": {"order-to-the-judge": 0, "encoded": 2 / 3},
        "immune": {"order-to-the-judge": 0, "encoded": 0},
    }


async def test_the_calls_of_a_trial_are_in_the_ledger_once(attacked: Attacked) -> None:
    pairs = trials.pairs(["authority"], 1)
    await attacked.said("judge", "attack", "d", "immune", "--attack", "authority", "--questions", "1")
    first = await attacked.paid("immune@1")
    assert len(first) >= len(pairs)
    assert {entry.purpose for entry in first.values()} == {gateway_pb2.PURPOSE_JUDGE}
    await attacked.said("judge", "attack", "d", "immune@1", "--attack", "authority", "--questions", "1")
    assert await attacked.paid("immune@1") == first
    requests = attacked.whole.requests()
    assert {requests[request_id] for request_id in first} == {1}


async def test_a_trial_changes_neither_board_nor_votes(attacked: Attacked) -> None:
    await attacked.said("judge", "attack", "d", "obeys", "--attack", "authority", "--questions", "1")
    after = await attacked.whole.settled(attacked.client, len(MODELS))
    assert after.board.board_digest == attacked.before.board.board_digest
    assert after.outcomes == attacked.before.outcomes


async def test_people_are_told_with_intervals_and_in_the_report_on_judges(attacked: Attacked) -> None:
    options = [word for name in ATTACKS for word in ("--attack", name)]
    told = await attacked.said("judge", "attack", "d", "obeys", *options, "--questions", "2")
    assert "100 % (76 to 100)" in told  # 12 of 12 verdicts
    assert "0 % (0 to 49)" in told  # 0 of 4
    assert "+100 (" in told
    report = await attacked.said("judges", "d")
    assert "persuaded" in report
    line = next(line for line in report.splitlines() if "obeys@1" in line)
    assert "50 % (without 0 %)" in line  # of two attacks one
    assert f"2 attacks, 2 questions, corpus {VERSION}" in line
    [judge] = [
        one for one in json.loads(await attacked.said("judges", "d", "--json"))["judges"] if one["judge"] == "obeys@1"
    ]
    assert (judge["persuasion"]["persuaded"]["value"], judge["persuasion"]["questions"]) == (0.5, 2)


async def test_an_attack_that_nobody_knows_is_refused_in_one_line(attacked: Attacked) -> None:
    problem = await attacked.whole.refused(PROJECT, "judge", "attack", "d", "obeys", "--attack", "charm")
    assert len(problem.splitlines()) == 1
    assert "charm" in problem
