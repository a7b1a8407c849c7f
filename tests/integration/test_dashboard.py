"""The dashboard alone, over real HTTP and real gRPC: the services are fakes that say what a test puts into them."""

from __future__ import annotations  # gRPC's types are generic in its stubs only

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from dearena.client import Addresses, ArenaClient
from dearena.faults import ArenaFault, NotReady, ServiceUnavailable, UnknownDimension
from dearena.v1 import (
    common_pb2,
    judge_dispatcher_pb2,
    judge_dispatcher_pb2_grpc,
    query_selector_pb2,
    query_selector_pb2_grpc,
    ranker_pb2,
    ranker_pb2_grpc,
    scorer_pb2,
    scorer_pb2_grpc,
)
from services.dashboard.dashboard import serving
from services.dashboard.settings import DashboardSettings
from services.runtime.rpc import Server, Servicer
from tests.fixtures.waiting import eventually

ALGEBRA, PYTHON, EMPTY = (f"projects/default/dimensions/{slug}" for slug in ("algebra", "python", "zeta"))
HOSTILE = "<img src=x onerror=alert(1)>"
NOWHERE = "127.0.0.1:9"


@dataclass
class FakeServices(
    judge_dispatcher_pb2_grpc.JudgeDispatcherServiceServicer,
    query_selector_pb2_grpc.QuerySelectorServiceServicer,
    ranker_pb2_grpc.RankerServiceServicer,
    scorer_pb2_grpc.ScorerServiceServicer,
):
    """Selector, ranker, dispatcher and scorer; only what the dashboard reads."""

    dimensions: list[query_selector_pb2.Dimension] = field(default_factory=list)
    boards: dict[str, scorer_pb2.Board] = field(default_factory=dict)
    matrices: scorer_pb2.GetMatricesResponse = field(default_factory=scorer_pb2.GetMatricesResponse)
    ranking: ranker_pb2.Ranking = field(default_factory=ranker_pb2.Ranking)
    insertions: list[ranker_pb2.Insertion] = field(default_factory=list)
    steps: list[ranker_pb2.WatchInsertionResponse] = field(default_factory=list)
    judges: scorer_pb2.GetJudgeReportResponse = field(default_factory=scorer_pb2.GetJudgeReportResponse)
    persuasions: list[judge_dispatcher_pb2.Persuasion] | None = field(default_factory=list)
    """None: the judge dispatcher is away."""
    pairs: scorer_pb2.GetPairsResponse = field(default_factory=scorer_pb2.GetPairsResponse)
    reports: list[int] = field(default_factory=list)
    """Board versions that reports were asked for."""
    fault: ArenaFault | None = None
    """Raised by watches in place of their end."""
    hang: bool = False
    """Rankings and judge reports never come."""
    cursors: list[int] = field(default_factory=list)
    open_watches: int = 0

    async def ListDimensions(
        self, request: query_selector_pb2.ListDimensionsRequest, context: Any
    ) -> query_selector_pb2.ListDimensionsResponse:
        return query_selector_pb2.ListDimensionsResponse(dimensions=self.dimensions)

    async def GetLeaderboard(
        self, request: scorer_pb2.GetLeaderboardRequest, context: Any
    ) -> scorer_pb2.GetLeaderboardResponse:
        if request.dimension not in (dimension.name for dimension in self.dimensions):
            raise UnknownDimension(f"there is no dimension {request.dimension}")
        if request.dimension not in self.boards:
            raise NotReady("there is no settled board yet")
        return scorer_pb2.GetLeaderboardResponse(board=self.boards[request.dimension])

    async def GetMatrices(self, request: scorer_pb2.GetMatricesRequest, context: Any) -> scorer_pb2.GetMatricesResponse:
        return self.matrices

    async def GetJudgeReport(
        self, request: scorer_pb2.GetJudgeReportRequest, context: Any
    ) -> scorer_pb2.GetJudgeReportResponse:
        self.reports.append(request.board_version)
        if self.hang:
            await asyncio.Event().wait()
        return self.judges

    async def ListPersuasion(
        self, request: judge_dispatcher_pb2.ListPersuasionRequest, context: Any
    ) -> judge_dispatcher_pb2.ListPersuasionResponse:
        if self.persuasions is None:
            raise ServiceUnavailable("restarting")
        return judge_dispatcher_pb2.ListPersuasionResponse(persuasions=self.persuasions)

    async def GetPairs(self, request: scorer_pb2.GetPairsRequest, context: Any) -> scorer_pb2.GetPairsResponse:
        self.reports.append(request.board_version)
        return self.pairs

    async def GetRanking(self, request: ranker_pb2.GetRankingRequest, context: Any) -> ranker_pb2.GetRankingResponse:
        if self.hang:
            await asyncio.Event().wait()
        return ranker_pb2.GetRankingResponse(ranking=self.ranking)

    async def ListInsertions(
        self, request: ranker_pb2.ListInsertionsRequest, context: Any
    ) -> ranker_pb2.ListInsertionsResponse:
        # Two pages, to be turned.
        if request.page_token:
            return ranker_pb2.ListInsertionsResponse(insertions=self.insertions[1:])
        return ranker_pb2.ListInsertionsResponse(insertions=self.insertions[:1], next_page_token="more")

    async def WatchInsertion(
        self, request: ranker_pb2.WatchInsertionRequest, context: Any
    ) -> AsyncIterator[ranker_pb2.WatchInsertionResponse]:
        self.cursors.append(request.cursor)
        self.open_watches += 1
        try:
            for step in self.steps:
                if step.cursor > request.cursor:
                    yield step
            if self.fault:
                raise self.fault
            await asyncio.Event().wait()
        finally:
            self.open_watches -= 1


def dimension(name: str) -> query_selector_pb2.Dimension:
    return query_selector_pb2.Dimension(name=name, display_name=HOSTILE, state=query_selector_pb2.DIMENSION_STATE_READY)


def board(name: str, *models: str) -> scorer_pb2.Board:
    """Models, best first."""
    rows = [
        scorer_pb2.BoardRow(model=model, rank=rank, strength=-float(rank), votes=8, judge_weight=65_536)
        for rank, model in enumerate(models, start=1)
    ]
    return scorer_pb2.Board(dimension=name, board_version=7, rows=rows, outcomes=scorer_pb2.OutcomeCounts(a=2**40))


def step(cursor: int, why: str = "") -> ranker_pb2.WatchInsertionResponse:
    insertion = ranker_pb2.Insertion(model="kappa@1", phase=ranker_pb2.INSERTION_PHASE_COARSE, low=0, high=3)
    return ranker_pb2.WatchInsertionResponse(cursor=cursor, insertion=insertion, why=why)


@pytest.fixture
async def services() -> AsyncIterator[tuple[FakeServices, str]]:
    fake = FakeServices(  # type: ignore[abstract] # what is left out answers UNIMPLEMENTED
        dimensions=[dimension(name) for name in (ALGEBRA, PYTHON, EMPTY)],
        boards={
            ALGEBRA: board(ALGEBRA, "alpha@1", "beta@1", "gamma@1", "delta@1"),
            PYTHON: board(PYTHON, "gamma@1", "beta@1", "alpha@1"),
        },
    )
    servicers = [
        Servicer(
            query_selector_pb2_grpc.add_QuerySelectorServiceServicer_to_server, fake, "dearena.v1.QuerySelectorService"
        ),
        Servicer(
            judge_dispatcher_pb2_grpc.add_JudgeDispatcherServiceServicer_to_server,
            fake,
            "dearena.v1.JudgeDispatcherService",
        ),
        Servicer(ranker_pb2_grpc.add_RankerServiceServicer_to_server, fake, "dearena.v1.RankerService"),
        Servicer(scorer_pb2_grpc.add_ScorerServiceServicer_to_server, fake, "dearena.v1.ScorerService"),
    ]
    server = Server(servicers, traced=False, reflected=False)
    address = await server.start("127.0.0.1:0")
    yield fake, address
    await server.stop(0)


@pytest.fixture
def arena(services: tuple[FakeServices, str]) -> FakeServices:
    return services[0]


@asynccontextmanager
async def dashboard(address: str, **settings: Any) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser, and a dashboard that reads from an address."""
    given = DashboardSettings(listen="127.0.0.1:0", project="default", **settings)
    client = ArenaClient(
        Addresses(query_selector=address, ranker=address, judge_dispatcher=address, scorer=address),
        call_seconds=given.call_seconds,
    )
    async with serving(given, client) as url, aiohttp.ClientSession(base_url=url) as browser:
        yield browser


@pytest.fixture
async def browser(services: tuple[FakeServices, str]) -> AsyncIterator[aiohttp.ClientSession]:
    async with dashboard(services[1]) as browser:
        yield browser


async def read(browser: aiohttp.ClientSession, path: str, status: int = 200) -> Any:
    async with browser.get(path) as reply:
        assert reply.status == status, await reply.text()
        assert reply.content_type == "application/json"
        # Strict: Python would read NaN, which no browser does.
        return json.loads(await reply.text(), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


@dataclass
class Event:
    """What a browser's EventSource makes of one event."""

    id: str = ""
    kind: str = "message"
    data: Any = None


async def next_event(reply: aiohttp.ClientResponse) -> Event:
    """The next event with data; comments and `retry` are passed over."""
    event = Event()
    async with asyncio.timeout(10):
        async for raw in reply.content:
            name, _, value = raw.decode().rstrip("\n").partition(": ")
            match name:
                case "id":
                    event.id = value
                case "event":
                    event.kind = value
                case "data":
                    event.data = json.loads(value)
                case "" if event.data is not None:
                    return event
    raise AssertionError("the stream ended")


async def test_the_page_is_served_with_its_policy(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/") as reply:
        assert reply.status == 200
        assert reply.content_type == "text/html"
        assert "default-src 'none'; script-src 'sha256-" in reply.headers["Content-Security-Policy"]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "<title>dearena</title>" in await reply.text()


async def test_health_asks_no_service() -> None:
    async with dashboard(NOWHERE) as browser:
        assert (await read(browser, "/health"))["status"] == "ok"


async def test_dimensions_have_slugs(browser: aiohttp.ClientSession) -> None:
    found = (await read(browser, "/api/dimensions"))["dimensions"]
    assert [one["slug"] for one in found] == ["algebra", "python", "zeta"]
    assert found[0]["state"] == "READY"


async def test_a_board_is_said_in_the_names_of_the_contract(browser: aiohttp.ClientSession) -> None:
    found = await read(browser, "/api/dimensions/algebra/board")
    assert found["board_version"] == 7
    assert [row["model"] for row in found["rows"]] == ["alpha@1", "beta@1", "gamma@1", "delta@1"]
    assert found["rows"][0]["judge_weight"] == 65_536
    # Numbers stay numbers, also those of 64 bits, which protobuf's own JSON makes strings.
    assert found["outcomes"]["a"] == 2**40
    assert found["judge_cost"] is None


async def test_where_two_never_met_the_win_rate_is_null(browser: aiohttp.ClientSession, arena: FakeServices) -> None:
    nan = float("nan")
    arena.matrices = scorer_pb2.GetMatricesResponse(
        board_version=7, models=["alpha@1", "beta@1"], win_rate=[nan, 0.75, 0.25, nan], comparisons=[0, 8, 8, 0]
    )
    assert await read(browser, "/api/dimensions/algebra/matrices") == {
        "board_version": 7,
        "models": ["alpha@1", "beta@1"],
        "win_rate": [None, 0.75, 0.25, None],
        "comparisons": [0, 8, 8, 0],
    }


async def test_judges_are_said_as_far_as_the_votes_tell(browser: aiohttp.ClientSession, arena: FakeServices) -> None:
    seats = scorer_pb2.Share(value=0.625, low=0.5, high=0.75, votes=80)
    judge = scorer_pb2.JudgeReport(
        judge="alpha@1",
        outcomes=scorer_pb2.OutcomeCounts(a=2**40, flip=3),
        first_seat=seats,
        weight=1.5,
        notes=[HOSTILE],
    )
    arena.judges = scorer_pb2.GetJudgeReportResponse(board_version=7, judges=[judge])
    found = await read(browser, "/api/dimensions/algebra/judges")
    (told,) = found["judges"]
    assert (found["board_version"], arena.reports) == (7, [7])
    assert told["outcomes"]["a"] == 2**40
    assert told["first_seat"] == {"value": 0.625, "low": 0.5, "high": 0.75, "votes": 80}
    assert (told["agreement"], told["family"], told["notes"]) == (None, None, [HOSTILE])


async def test_how_far_attacks_persuade_a_judge_is_said_while_the_dispatcher_can_be_asked(
    browser: aiohttp.ClientSession, arena: FakeServices
) -> None:
    arena.judges = scorer_pb2.GetJudgeReportResponse(
        board_version=7, judges=[scorer_pb2.JudgeReport(judge=judge) for judge in ("alpha@1", "beta@1")]
    )
    attacked = judge_dispatcher_pb2.AttackResult(attack="encoded", readable=8, persuaded=6, plain_readable=8)
    arena.persuasions = [
        judge_dispatcher_pb2.Persuasion(judge="beta@1", corpus=2, questions=1, attacks=[attacked]),
    ]
    alpha, beta = (await read(browser, "/api/dimensions/algebra/judges"))["judges"]
    assert alpha["persuasion"] is None
    assert (beta["persuasion"]["persuaded"]["value"], beta["persuasion"]["without"]["value"]) == (0.75, 0)
    assert (beta["persuasion"]["attacks"], beta["persuasion"]["questions"], beta["persuasion"]["corpus"]) == (1, 1, 2)
    arena.persuasions = None
    found = await read(browser, "/api/dimensions/algebra/judges")
    assert [judge["persuasion"] for judge in found["judges"]] == [None, None]


async def test_confidence_is_said_row_by_row(browser: aiohttp.ClientSession, arena: FakeServices) -> None:
    arena.pairs = scorer_pb2.GetPairsResponse(
        board_version=7,
        models=["alpha@1", "beta@1"],
        better=[0.5, 0.9, 0.1, 0.5],
        votes_needed=[0, 40, 40, 0],
        votes=16,
    )
    found = await read(browser, "/api/dimensions/algebra/pairs")
    assert (found["better"], found["votes_needed"], found["votes"]) == ([0.5, 0.9, 0.1, 0.5], [0, 40, 40, 0], 16)


async def test_a_report_that_takes_long_is_to_be_asked_for_again(services: tuple[FakeServices, str]) -> None:
    services[0].hang = True
    async with dashboard(services[1], call_seconds=0.2) as browser:
        fault = (await read(browser, "/api/dimensions/algebra/judges", 503))["fault"]
    assert "ask again later" in fault["message"]


async def test_the_ranking_says_who_is_inserted_and_who_waits(
    browser: aiohttp.ClientSession, arena: FakeServices
) -> None:
    arena.ranking = ranker_pb2.Ranking(models=["alpha@1"], newcomer="kappa@1", waiting=["mu@1"], open_round=4)
    found = await read(browser, "/api/dimensions/algebra/ranking")
    assert (found["models"], found["newcomer"], found["waiting"]) == (["alpha@1"], "kappa@1", ["mu@1"])


async def test_all_pages_of_insertions_are_turned(browser: aiohttp.ClientSession, arena: FakeServices) -> None:
    money = common_pb2.Money(currency="USD", nano_units=12_500_000)
    arena.insertions = [
        ranker_pb2.Insertion(model="alpha@1", phase=ranker_pb2.INSERTION_PHASE_SETTLED, rank=1),
        ranker_pb2.Insertion(model="kappa@1", phase=ranker_pb2.INSERTION_PHASE_FINE, judge_calls=48, cost=money),
    ]
    found = (await read(browser, "/api/dimensions/algebra/insertions"))["insertions"]
    assert [(one["model"], one["phase"]) for one in found] == [("alpha@1", "SETTLED"), ("kappa@1", "FINE")]
    assert found[1]["cost"] == {"currency": "USD", "nano_units": 12_500_000}


async def test_correlations_are_between_dimensions_that_have_a_board(
    browser: aiohttp.ClientSession, arena: FakeServices
) -> None:
    arena.boards[PYTHON].rows.add(model="delta@1", strength=9.0, votes=5, retired=True)
    assert await read(browser, "/api/correlations") == {
        "dimensions": ["algebra", "python"],
        "spearman": [[1.0, -1.0], [-1.0, 1.0]],
        "common": [[4, 3], [3, 3]],
    }


async def test_a_watch_says_every_step_with_its_cursor(browser: aiohttp.ClientSession, arena: FakeServices) -> None:
    arena.steps = [step(1, HOSTILE), step(2), step(3, "beats gamma 83.5 : 12.5\nand more")]
    async with browser.get("/api/dimensions/algebra/watch") as reply:
        assert reply.content_type == "text/event-stream"
        events = [await next_event(reply) for _ in arena.steps]
    assert [event.id for event in events] == ["1", "2", "3"]
    assert [event.data["why"] for event in events] == [HOSTILE, "", "beats gamma 83.5 : 12.5\nand more"]
    assert events[0].data["insertion"]["model"] == "kappa@1"
    assert events[0].data["insertion"]["phase"] == "COARSE"


async def test_a_watch_resumes_after_the_last_event_seen(browser: aiohttp.ClientSession, arena: FakeServices) -> None:
    arena.steps = [step(1), step(2), step(3)]
    async with browser.get("/api/dimensions/algebra/watch") as reply:
        await next_event(reply)
        last = (await next_event(reply)).id
    async with browser.get("/api/dimensions/algebra/watch", headers={"Last-Event-ID": last}) as reply:
        assert (await next_event(reply)).id == "3"
    assert arena.cursors == [0, 2]


async def test_a_browser_that_leaves_ends_its_watch(services: tuple[FakeServices, str]) -> None:
    """At once: not when the next sign of life fails to reach it."""
    arena, address = services
    arena.steps = [step(1)]
    async with dashboard(address, heartbeat_seconds=3600) as browser:
        async with browser.get("/api/dimensions/algebra/watch") as reply:
            await next_event(reply)
            assert arena.open_watches == 1
            assert (await read(browser, "/health"))["watchers"] == 1
        await eventually(lambda: arena.open_watches == 0)

        async def watchers() -> Any:
            return (await read(browser, "/health"))["watchers"]

        await eventually(watchers, equals=0)


async def test_a_silent_watch_gives_signs_of_life(services: tuple[FakeServices, str]) -> None:
    async with (
        dashboard(services[1], heartbeat_seconds=0.02) as browser,
        browser.get("/api/dimensions/algebra/watch") as reply,
        asyncio.timeout(10),
    ):
        lines = [(await reply.content.readline()).decode() for _ in range(6)]
    assert lines == ["retry: 2000\n", "\n", ": still here\n", "\n", ": still here\n", "\n"]


async def test_a_fault_in_a_watch_is_an_event_and_the_end(browser: aiohttp.ClientSession, arena: FakeServices) -> None:
    arena.steps, arena.fault = [step(1)], UnknownDimension("there is no dimension algebra")
    async with browser.get("/api/dimensions/algebra/watch") as reply:
        await next_event(reply)
        fault = await next_event(reply)
        assert await reply.content.read() == b""
    assert fault.kind == "fault"
    assert fault.id == ""  # the cursor stays where it was
    assert fault.data == {
        "fault": {"status": 404, "reason": "UNKNOWN_DIMENSION", "message": "there is no dimension algebra"}
    }


async def test_a_watch_outlives_a_ranker_that_was_away(browser: aiohttp.ClientSession, arena: FakeServices) -> None:
    arena.steps, arena.fault = [step(1)], ServiceUnavailable("away for a moment")
    async with browser.get("/api/dimensions/algebra/watch") as reply:
        await next_event(reply)
        await eventually(lambda: len(arena.cursors) > 1)
        arena.steps.append(step(2))
        assert (await next_event(reply)).id == "2"
    assert set(arena.cursors[1:]) == {1}


async def test_only_so_many_browsers_watch_at_once(services: tuple[FakeServices, str]) -> None:
    async with dashboard(services[1], watchers=1) as browser, browser.get("/api/dimensions/algebra/watch"):
        found = await read(browser, "/api/dimensions/algebra/watch", 503)
    assert "1 browsers watch already" in found["fault"]["message"]


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/api/dimensions/zeta/board", 409, "NOT_READY"),
        ("/api/dimensions/omega/board", 404, "UNKNOWN_DIMENSION"),
        ("/api/dimensions/zeta/judges", 409, "NOT_READY"),
        ("/api/dimensions/omega/pairs", 404, "UNKNOWN_DIMENSION"),
        ("/api/dimensions/Not%20a%20slug/board", 400, "INVALID_FIELD"),
        ("/api/dimensions/%3Cscript%3E/watch", 400, "INVALID_FIELD"),
        ("/api/nothing", 404, "HTTP"),
    ],
)
async def test_what_goes_wrong_is_one_sentence(
    browser: aiohttp.ClientSession, path: str, status: int, reason: str
) -> None:
    fault = (await read(browser, path, status))["fault"]
    assert fault["reason"] == reason
    assert fault["message"]


async def test_an_id_that_was_never_given_out_is_refused(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/api/dimensions/algebra/watch", headers={"Last-Event-ID": "seven"}) as reply:
        assert reply.status == 400
        assert (await reply.json())["fault"]["reason"] == "INVALID_CURSOR"


async def test_a_service_that_is_away_is_named() -> None:
    async with dashboard(NOWHERE) as browser:
        fault = (await read(browser, "/api/dimensions/algebra/ranking", 503))["fault"]
    assert fault["reason"] == "SERVICE_UNAVAILABLE"
    assert f"the ranker at {NOWHERE} cannot be reached" in fault["message"]


async def test_a_service_that_does_not_answer_is_not_waited_for(services: tuple[FakeServices, str]) -> None:
    services[0].hang = True
    async with dashboard(services[1], call_seconds=0.2) as browser:
        fault = (await read(browser, "/api/dimensions/algebra/ranking", 503))["fault"]
    assert "did not answer in time" in fault["message"]


@pytest.mark.parametrize("path", ["/", "/api/dimensions", "/api/dimensions/algebra/board"])
async def test_it_only_reads(browser: aiohttp.ClientSession, path: str) -> None:
    async with browser.post(path, json={}) as reply:
        assert reply.status == 405
        assert reply.headers["Allow"] == "GET,HEAD"


async def test_the_process_says_where_it_is_and_leaves_in_order(services: tuple[FakeServices, str]) -> None:
    """Also while somebody watches: a watch has no end of its own to wait for."""
    environment = {
        "DEARENA_DASHBOARD_LISTEN": "127.0.0.1:0",
        "DEARENA_DASHBOARD_DRAIN_SECONDS": "60",
        **{f"DEARENA_{name}_ADDRESS": services[1] for name in ("QUERY_SELECTOR", "RANKER", "SCORER")},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.dashboard", env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout
        async with asyncio.timeout(20):
            said = (await process.stdout.readline()).decode().split()
        assert said[:2] == ["dashboard", "at"]
        services[0].steps = [step(1)]
        async with (
            aiohttp.ClientSession(base_url=said[2]) as browser,
            browser.get("/api/dimensions/algebra/watch") as reply,
        ):
            await next_event(reply)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                assert await reply.content.read() == b""
                assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_port_that_is_taken_is_said_in_one_sentence(browser: aiohttp.ClientSession) -> None:
    taken = f"127.0.0.1:{browser._base_url.port}"  # type: ignore[union-attr]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.dashboard",
        env={"DEARENA_DASHBOARD_LISTEN": taken},
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().startswith("the dashboard cannot start: ")
    assert "Traceback" not in said.decode()


@pytest.mark.parametrize(("name", "value"), [("DEARENA_DASHBOARD_LISTEN", "here"), ("DEARENA_PROJECT", "Mine!")])
async def test_a_wrong_setting_is_told_in_one_line(name: str, value: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.dashboard"), env=os.environ | {name: value}, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        _, told = await process.communicate()
    assert process.returncode == 1
    assert told.decode().startswith("the dashboard cannot start: ")
    assert told.count(b"\n") == 1
