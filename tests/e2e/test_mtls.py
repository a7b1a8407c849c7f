"""A whole arena in which everything speaks mutual TLS: it plays to a settled board, and lets nobody else in."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from dearena.client import ArenaClient, Tls
from dearena.faults import ServiceUnavailable
from tests.fixtures.arena import Arena, arena
from tests.fixtures.certificates import Authority, environment_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

PROJECT = "sealed"
MODELS = ("alpha", "bravo", "carol")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def operator(authority: Authority) -> Tls:
    return authority.issue("operator", "operator.example")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    environment = {**environment_of(authority.issue("services")), "DEARENA_PROJECT": PROJECT}
    async with arena(tmp_path_factory.mktemp("sealed"), environment=environment, dashboard=True) as running:
        yield running


async def test_a_dimension_is_played_to_a_settled_board(whole: Arena, operator: Tls) -> None:
    async with ArenaClient(whole.stack.addresses, project=PROJECT, tls=operator) as client:
        await whole.begin(client, MODELS, queries=4, seed_models=3)
        played = await whole.settled(client, len(MODELS))

    assert {row.model.split("@")[0].rpartition("/")[2] for row in played.board.rows} == set(MODELS)
    assert played.outcomes


async def test_the_command_line_shows_it(whole: Arena, operator: Tls, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, path in environment_of(operator).items():
        monkeypatch.setenv(name, path)
    board = json.loads(await whole.said(PROJECT, "leaderboard", "d", "--json"))
    assert len(board["rows"]) == len(MODELS)


async def test_the_dashboard_shows_it(whole: Arena) -> None:
    def rows() -> int:
        url = f"{whole.stack.endpoints.dashboard_url}/api/dimensions/d/board"
        with urllib.request.urlopen(url, timeout=10) as reply:
            return len(json.load(reply)["rows"])

    assert await asyncio.to_thread(rows) == len(MODELS)


async def test_the_command_line_says_what_is_missing(
    whole: Arena, operator: Tls, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in environment_of(operator):
        monkeypatch.delenv(name, raising=False)
    assert "it may speak TLS only, for which DEARENA_TLS_CA_FILE is set here" in await whole.refused(PROJECT, "models")
    monkeypatch.setenv("DEARENA_TLS_CA_FILE", str(authority.file))
    assert "it may ask for a certificate" in await whole.refused(PROJECT, "models")
    monkeypatch.setenv("DEARENA_TLS_CERT_FILE", operator.cert_file)
    told = await whole.refused(PROJECT, "models")
    assert "DEARENA_TLS_KEY_FILE: must be set where DEARENA_TLS_CERT_FILE is" in told


async def test_no_service_answers_in_plaintext(whole: Arena) -> None:
    asked: dict[str, Callable[[ArenaClient], Awaitable[object]]] = {
        "gateway": lambda client: client.get_model("alpha"),
        "query_selector": lambda client: client.get_dimension("d"),
        "ranker": lambda client: client.ranking("d"),
        "judge_dispatcher": lambda client: client.comparison("d", "none"),
        "scorer": lambda client: client.leaderboard("d"),
    }
    assert set(asked) == set(whole.stack.services)
    async with ArenaClient(whole.stack.addresses, project=PROJECT, tls=Tls()) as client:
        for service, ask in asked.items():
            with pytest.raises(ServiceUnavailable, match=f"the {service.replace('_', ' ')} at .* may speak TLS only"):
                await ask(client)


async def test_a_renewal_meets_services_that_stay_up(whole: Arena, authority: Authority, operator: Tls) -> None:
    pids = {service: whole.stack.pid_of(service) for service in whole.stack.services}
    authority.issue("services")
    async with ArenaClient(whole.stack.addresses, project=PROJECT, tls=operator) as client:
        await whole.register(client, "delta")
        played = await whole.settled(client, len(MODELS) + 1)
    assert len(played.board.rows) == len(MODELS) + 1
    assert {service: whole.stack.pid_of(service) for service in whole.stack.services} == pids
