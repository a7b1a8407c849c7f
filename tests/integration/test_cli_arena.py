"""The command line against a real gateway and a real query selector, on real servers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from dearena.cli.app import app
from dearena.client import Addresses, ArenaClient
from dearena.v1 import common_pb2, judge_dispatcher_pb2, ranker_pb2, scorer_pb2
from services.gateway.room import build as build_gateway
from services.gateway.settings import GatewaySettings
from services.query_selector.room import build as build_query_selector
from services.query_selector.settings import QuerySelectorSettings
from services.runtime.lifecycle import running
from tests.integration.arena_fakes import AWAY, FakeArena, faking

POOL = "".join(json.dumps({"id": f"q{number:02}", "text": f"What is {number} squared?"}) + "\n" for number in range(9))

ARENA = """\
models:
  - slug: kappa
    endpoint: {base_url: "http://127.0.0.1:9/v1/", upstream_model: kappa-7b}
    price: {per_million_input_tokens: 0.15, per_million_output_tokens: 0.60}
  - slug: lambda
    display_name: Lambda
    endpoint: {base_url: "http://127.0.0.1:9/v1", upstream_model: lambda}
    answer_parameters: {temperature: 0.5, extra_body: {top_k: 40}}
    timeout_seconds: 0.5
    labels: {team: core}
dimensions:
  - slug: algebra
    pool: pools/algebra.jsonl
    selection: {k: 4, seed: 7}
"""


@dataclass
class Arena:
    """The services, and a directory from which the command line finds them."""

    directory: Path
    fake: FakeArena
    client: ArenaClient

    async def dearena(self, *args: str) -> Result:
        """Run the command line in the arena's directory."""
        return await asyncio.to_thread(CliRunner().invoke, app, args)

    async def said(self, *args: str) -> str:
        """What it printed; it must have gone well."""
        result = await self.dearena(*args)
        assert result.exit_code == 0, result.output
        return result.stdout

    async def refused(self, *args: str) -> str:
        """What it said on standard error; it must have exited 1, without a traceback."""
        result = await self.dearena(*args)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        assert isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.stderr
        return result.stderr


@pytest.fixture
async def arena(
    arena_settings: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Arena]:
    async with AsyncExitStack() as stack:
        # The services log to the standard output of this process, which is the command line's too.
        stack.enter_context(capture_logs())
        fake = await stack.enter_async_context(faking())
        selector = await stack.enter_async_context(
            running("query_selector", arena_settings(QuerySelectorSettings), build_query_selector)
        )
        # Nobody listens at the endpoints of these tests, and that is to be found out soon.
        gateway_settings = arena_settings(
            GatewaySettings,
            query_selector_address=selector.address,
            allow_private="127.0.0.0/8",
            key_directory="/run/secrets",
            http_attempts=1,
            answer_attempts=1,
            drain_seconds=0.2,
        )
        gateway = await stack.enter_async_context(running("gateway", gateway_settings, build_gateway))
        addresses = {
            "gateway": gateway.address,
            "query_selector": selector.address,
            **dict.fromkeys(("ranker", "scorer", "judge_dispatcher"), fake.address),
        }
        (tmp_path / ".dearena").mkdir()
        (tmp_path / ".dearena" / "endpoints.json").write_text(json.dumps(addresses))
        (tmp_path / "pools").mkdir()
        (tmp_path / "pools" / "algebra.jsonl").write_text(POOL)
        (tmp_path / "arena.yaml").write_text(ARENA)
        monkeypatch.chdir(tmp_path)
        client = await stack.enter_async_context(ArenaClient(Addresses.find(environment={}, directory=tmp_path)))
        yield Arena(tmp_path, fake, client)


KAPPA = ("register", "kappa", "--url", "http://127.0.0.1:9/v1", "--model", "kappa-7b")


async def test_a_model_is_registered_listed_and_retired(arena: Arena) -> None:
    said = await arena.said(
        *KAPPA, "--price-in", "0.15", "--label", "team=core", "--temperature", "0.5", "--no-judging"
    )
    assert "kappa@1 is registered" in said
    (listed,) = json.loads(await arena.said("models", "--json"))
    assert (listed["name"], listed["revision"], listed["may_judge"]) == ("projects/default/models/kappa", 1, False)
    assert listed["price"]["per_million_input_tokens"] == {"currency": "USD", "nano_units": 150_000_000}
    assert (listed["answer_parameters"]["temperature"], listed["answer_parameters"]["max_tokens"]) == (0.5, 2048)
    assert "kappa@1" in await arena.said("models")

    assert await arena.said("retire", "kappa") == "kappa is retired\n"
    assert "no models yet" in await arena.said("models")
    (retired,) = json.loads(await arena.said("models", "--all", "--json"))
    assert retired["state"] == "RETIRED"


async def test_what_is_wrong_with_a_model_is_one_clear_line(arena: Arena) -> None:
    await arena.said(*KAPPA)
    assert "error: " in (taken := await arena.refused(*KAPPA))
    assert "kappa" in taken
    told = await arena.refused("register", "x", "--url", "ftp://x", "--model", "y")
    assert "base_url: must begin with http:// or https://" in told
    assert len(told.splitlines()) == 1
    assert "GPT 5" in await arena.refused("register", "GPT 5", "--url", "http://x", "--model", "y")
    assert "--price-in" in await arena.refused(*KAPPA, "--price-in", "cheap")
    assert "must be from 0 to 1,000,000" in await arena.refused(*KAPPA, "--price-out", "1e30")
    assert "unicode string" in await arena.refused(*KAPPA, "--family", "\udcff")
    assert "'core' is not of the form NAME=VALUE" in await arena.refused(*KAPPA, "--label", "core")
    assert "nowhere" in await arena.refused("retire", "nowhere")


async def test_a_check_registers_nothing(arena: Arena) -> None:
    assert await arena.said(*KAPPA, "--check") == "kappa can be registered\n"
    assert json.loads(await arena.said("models", "--json")) == []


async def test_a_dimension_is_created_and_listed(arena: Arena) -> None:
    create = ("dimension", "create", "algebra", "pools/algebra.jsonl", "-k", "4", "--seed", "7")
    assert await arena.said(*create, "--check") == "algebra can be created, with 4 of 9 questions\n"
    assert "no dimensions yet" in await arena.said("dimension", "list")
    assert "algebra is created, with 4 of 9 questions: ready" in await arena.said(*create)
    (listed,) = json.loads(await arena.said("dimension", "list", "--json"))
    assert (listed["name"], listed["query_count"]) == ("projects/default/dimensions/algebra", 4)
    assert "algebra" in await arena.said("dimension", "list")
    assert "there is a dimension projects/default/dimensions/algebra already" in await arena.refused(*create)


async def test_a_dimension_is_made_of_a_table_or_of_generated_questions(arena: Arena) -> None:
    (arena.directory / "asked.csv").write_text("question,answer\nWhy?,So.\nHow?,Thus.\n", encoding="utf-8")
    columns = ("--map", "text=question", "--map", "reference=answer")
    said = await arena.said("dimension", "create", "asked", "--pool", "asked.csv", *columns, "-k", "2")
    assert "asked is created, with 2 of 2 questions" in said
    queries = [query async for query in arena.client.queries("asked")]
    assert {(query.turns[0], query.reference) for query in queries} == {("Why?", "So."), ("How?", "Thus.")}
    generated = ("--generate", "algebra", "--size", "30", "--seed", "3", "--difficulty", "2")
    said = await arena.said("dimension", "create", "made", *generated, "-k", "5")
    assert "made is created, with 5 of 30 questions" in said


async def test_how_a_dimension_is_ranked_is_said_and_shown(arena: Arena) -> None:
    said = {
        "--jury": "exhaustive",
        "--error": "0.01",
        "--cap": "80",
        "--most-rounds": "12",
        "--target-calls": "5000",
        "--target-rank-width": "3",
        "--target-cost": "0.50 USD",
        "--seats": "single",
        "--canary-every": "10",
    }
    create = ("dimension", "create", "algebra", "pools/algebra.jsonl", "-k", "4", "--seed", "7")
    await arena.said(*create, *(word for option in said.items() for word in option))
    ranking = json.loads(await arena.said("dimension", "show", "algebra", "--json"))["ranking"]
    assert (ranking["jury"], ranking["error"], ranking["cap"], ranking["most_rounds"]) == ("exhaustive", 0.01, 80, 12)
    assert (ranking["target_calls"], ranking["target_rank_width"], ranking["canary_every"]) == (5_000, 3, 10)
    assert ranking["target_cost"] == {"currency": "USD", "nano_units": 500_000_000}
    assert ranking["seats"] == "SINGLE"
    text = await arena.said("dimension", "show", "algebra")
    assert "0.50 USD an insertion" in text
    assert "single" in text
    (arena.directory / "arena.yaml").write_text(
        ARENA + "    ranking: {jury: exhaustive, error: 0.01, cap: 80, most_rounds: 12, target_calls: 5000,\n"
        "      target_rank_width: 3, target_cost: 0.5 USD, seats: single, canary_every: 10}\n"
    )
    assert (await actions(arena))["algebra"] == "unchanged"


async def test_a_target_that_is_no_money_is_refused_by_name(arena: Arena) -> None:
    create = ("dimension", "create", "algebra", "pools/algebra.jsonl", "-k", "4")
    told = await arena.refused(*create, "--target-cost", "a dollar")
    assert told.startswith("error: --target-cost: 'a dollar' is not an amount such as '0.50 USD'")
    told = await arena.refused(*create, "--cap", "3")
    assert told == "error: dimension.ranking.cap: is 3; must be 4 to 10,000\n"


async def test_a_broken_pool_is_told_line_by_line(arena: Arena) -> None:
    (arena.directory / "broken.jsonl").write_text(POOL + '{"id": "q00", "text": "Why?"}\n{"id": "x"}\n')
    told = await arena.refused("dimension", "create", "x", "broken.jsonl", "-k", "4")
    assert told.splitlines() == [
        'error: pool line 10: id "q00" stands in line 1 already (and 1 more broken line)',
        "  pool line 11: has neither text nor turns",
    ]
    assert await arena.refused("dimension", "create", "x", "nowhere.jsonl", "-k", "4") == (
        "error: nowhere.jsonl: No such file or directory\n"
    )
    told = await arena.refused("dimension", "create", "x", "pools/algebra.jsonl", "-k", "10")
    assert told == "error: dimension.selection.k: is 10, but the pool holds 9\n"


async def actions(arena: Arena, *args: str) -> dict[str, Any]:
    lines = (await arena.said("apply", "-f", "arena.yaml", "--json", *args)).splitlines()
    return {change["slug"]: change["action"] for change in map(json.loads, lines)}


async def test_a_file_applied_again_changes_nothing(arena: Arena) -> None:
    assert await arena.said("apply", "-f", "arena.yaml", "--check") == (
        "arena.yaml is in order: 2 models, 1 dimensions\n"
    )
    created = {"algebra": "created", "kappa": "created", "lambda": "created"}
    assert await actions(arena) == created
    before = [model async for model in arena.client.models()]
    assert await actions(arena) == dict.fromkeys(created, "unchanged")
    after = [model async for model in arena.client.models()]
    assert [model.etag for model in after] == [model.etag for model in before]
    assert len({model.cohort for model in after}) == 1
    assert after[0].cohort.startswith("apply-")


async def test_what_differs_is_updated_there_and_back_and_there_again(arena: Arena) -> None:
    await actions(arena)
    file = arena.directory / "arena.yaml"
    for number, (old, new, fields) in enumerate(
        [
            ("display_name: Lambda", "display_name: Lambda II", "display_name"),
            ("display_name: Lambda II", "display_name: Lambda", "display_name"),
            ("display_name: Lambda", "display_name: Lambda II", "display_name"),
            ("labels: {team: core}", "may_judge: false", "labels, may_judge"),
            ("upstream_model: lambda}", "upstream_model: lambda-2}", "endpoint"),
        ]
    ):
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        said = await arena.said("apply", "-f", "arena.yaml")
        assert f"model lambda: updated ({fields})" in said, number
        assert ("now lambda@2" in said) is (fields == "endpoint")
        assert "model kappa: unchanged" in said
        assert await actions(arena) == dict.fromkeys(("algebra", "kappa", "lambda"), "unchanged")
    assert (await arena.client.get_model("lambda")).revision == 2


async def test_a_model_that_was_retired_is_left_so(arena: Arena) -> None:
    await actions(arena)
    await arena.said("retire", "kappa")
    assert (await actions(arena))["kappa"] == "retired"


async def test_a_dimension_that_would_have_to_change_is_told(arena: Arena) -> None:
    await actions(arena)
    (arena.directory / "pools" / "algebra.jsonl").write_text(POOL.replace("squared", "cubed"))
    file = arena.directory / "arena.yaml"
    file.write_text(ARENA.replace("k: 4", "k: 5"))
    told = await arena.refused("apply", "-f", "arena.yaml")
    other = "dimensions[0]: is there, and other than declared: selection.k is 4, declared 5"
    assert told.startswith(f"error: arena.yaml:12:5: {other}")
    assert "its pool holds other questions" in told


async def test_a_dimension_created_by_hand_is_taken_as_declared(arena: Arena) -> None:
    await arena.said("dimension", "create", "algebra", "pools/algebra.jsonl", "-k", "4", "--seed", "7")
    assert (await actions(arena))["algebra"] == "unchanged"


TABLE = "question,answer\nWhat is 3 squared?,9\nwhat is 3 squared,9\nWhat is 4 squared?,16\n"


async def test_a_declared_pool_may_be_a_table_without_its_doubles(arena: Arena) -> None:
    (arena.directory / "asked.csv").write_text(TABLE, encoding="utf-8")
    file = arena.directory / "arena.yaml"
    file.write_text(
        "dimensions:\n"
        "  - slug: asked\n"
        "    pool: asked.csv\n"
        "    map: {text: question, reference: answer}\n"
        "    merge_duplicates: true\n"
        "    selection: {k: 2}\n"
    )
    assert await actions(arena) == {"asked": "created"}
    assert await actions(arena) == {"asked": "unchanged"}
    queries = [query async for query in arena.client.queries("asked")]
    assert {(query.turns[0], query.reference) for query in queries} == {
        ("What is 3 squared?", "9"),
        ("What is 4 squared?", "16"),
    }


async def test_a_declared_table_is_refused_where_it_is_wrong(arena: Arena) -> None:
    (arena.directory / "asked.csv").write_text(TABLE + ",\n", encoding="utf-8")
    file = arena.directory / "arena.yaml"
    file.write_text("dimensions:\n  - slug: d\n    pool: asked.csv\n    map: {text: asked}\n    selection: {k: 2}\n")
    assert "arena.yaml:4:5: dimensions[0].map: text=asked: there is no column" in await arena.refused(
        "apply", "-f", "arena.yaml"
    )
    file.write_text(file.read_text().replace("asked}", "question}"))
    assert "asked.csv:5: " in await arena.refused("apply", "-f", "arena.yaml")


async def test_faults_in_a_file_name_their_lines(arena: Arena) -> None:
    (arena.directory / "arena.yaml").write_text(
        ARENA.replace("slug: lambda", "slug: Lambda").replace("k: 4", "k: four")
    )
    told = await arena.refused("apply", "-f", "arena.yaml")
    assert "arena.yaml:5:11: models[1].slug: 'Lambda' is not a slug" in told
    assert "arena.yaml:14:20: dimensions[0].selection.k: must be a whole number" in told
    assert await arena.refused("apply", "-f", "nowhere.yaml") == "error: nowhere.yaml: No such file or directory\n"


async def test_what_the_services_find_wrong_names_its_line_and_nothing_is_changed(arena: Arena) -> None:
    file = arena.directory / "arena.yaml"
    file.write_text(
        ARENA.replace("http://127.0.0.1:9/v1/", "http://10.0.0.7/v1")
        .replace("{temperature: 0.5, extra_body: {top_k: 40}}", "{temperature: 0.5, extra_body: {stream: true}}")
        .replace("k: 4", "k: 10")
    )
    told = await arena.refused("apply", "-f", "arena.yaml")
    assert told.startswith("error: 3 things are wrong\n  arena.yaml:3:26: models[0].endpoint.base_url: 10.0.0.7 is not")
    assert "\n  arena.yaml:8:43: models[1].answer_parameters.extra_body: must not hold stream\n" in told
    assert "\n  arena.yaml:14:20: dimensions[0].selection.k: is 10, but the pool holds 9\n" in told
    assert await arena.refused("apply", "-f", "arena.yaml", "--dry-run") == told
    assert json.loads(await arena.said("models", "--json")) == []
    (arena.directory / "pools" / "algebra.jsonl").write_text(POOL + "no question\n")
    file.write_text(ARENA)
    assert "algebra.jsonl:10: " in await arena.refused("apply", "-f", "arena.yaml")


async def test_a_dry_run_tells_the_changes_and_makes_none(arena: Arena) -> None:
    file = arena.directory / "arena.yaml"
    file.write_text("keys: [{key_reference: 'env:ONE_KEY', concurrency: 2}]\n" + ARENA)
    would = await arena.said("apply", "-f", "arena.yaml", "--dry-run")
    things = ("key env:ONE_KEY", "dimension algebra", "model kappa", "model lambda")
    assert would.splitlines() == [f"{thing}: would be created" for thing in things]
    assert json.loads(await arena.said("models", "--json")) == []
    assert json.loads(await arena.said("dimension", "list", "--json")) == []
    assert json.loads(await arena.said("keys", "list", "--json")) == []
    await actions(arena)
    file.write_text(file.read_text().replace("display_name: Lambda", "display_name: L"))
    would = await arena.said("apply", "-f", "arena.yaml", "--dry-run")
    assert would.splitlines()[2:] == ["model kappa: unchanged", "model lambda: would be updated (display_name)"]
    assert (await arena.client.get_model("lambda")).display_name == "Lambda"


async def test_how_a_dimension_is_judged_is_declared_and_kept(arena: Arena) -> None:
    file = arena.directory / "arena.yaml"
    (arena.directory / "rubric.txt").write_text("Shorter is better.")
    judging = (
        "    template: rubric@1\n    judging: {rubric_file: rubric.txt, exclude_family: true, judge_providers: [own]}\n"
    )
    file.write_text(ARENA + judging)
    assert (await actions(arena))["algebra"] == "created"
    assert (await actions(arena))["algebra"] == "unchanged"
    kept = (await arena.client.get_dimension("algebra")).judging
    assert (kept.rubric, kept.exclude_family, list(kept.judge_providers)) == ("Shorter is better.", True, ["own"])
    (arena.directory / "rubric.txt").write_text("Longer is better.")
    assert "judging.rubric is 'Shorter is better.', declared 'Longer is better.'" in await arena.refused(
        "apply", "-f", "arena.yaml"
    )


async def test_the_example_can_be_applied(arena: Arena) -> None:
    example = Path(__file__).parents[2] / "deploy" / "examples" / "arena.yaml"
    would = (await arena.said("apply", "-f", str(example), "--dry-run")).splitlines()
    assert len(would) == 27  # two keys, three budgets, two dimensions, twenty models
    assert all(line.endswith(": would be created") for line in would)


async def test_limits_of_keys_are_set_changed_and_lifted(arena: Arena) -> None:
    file = arena.directory / "arena.yaml"

    async def applied(limits: str) -> tuple[Any, Any]:
        file.write_text(f"keys: [{{key_reference: 'env:ONE_KEY'{limits}}}]\n")
        (change,) = map(json.loads, (await arena.said("apply", "-f", "arena.yaml", "--json")).splitlines())
        return change["action"], change["fields"]

    assert await applied("") == ("unchanged", [])
    assert await applied(", concurrency: 2, tokens_per_minute: 900") == ("created", [])
    assert await applied(", concurrency: 2, tokens_per_minute: 900") == ("unchanged", [])
    assert await applied(", concurrency: 3, tokens_per_minute: 900") == ("updated", ["concurrency"])
    (limits,) = [one async for one in arena.client.key_limits()]
    assert (limits.concurrency, limits.tokens_per_minute) == (3, 900)
    assert await applied("") == ("updated", ["concurrency", "tokens_per_minute"])
    assert [one async for one in arena.client.key_limits()] == []


async def test_another_project_is_another_arena(arena: Arena) -> None:
    await arena.said(*KAPPA, "--project", "research")
    assert json.loads(await arena.said("models", "--json")) == []
    assert len(json.loads(await arena.said("models", "--json", "--project", "research"))) == 1
    (arena.directory / "arena.yaml").write_text("project: other\n" + ARENA)
    assert (await actions(arena))["kappa"] == "created"
    assert (await actions(arena, "--project", "research"))["kappa"] == "unchanged"


def board(version: int, **fields: Any) -> scorer_pb2.Board:
    return scorer_pb2.Board(
        dimension="projects/default/dimensions/algebra",
        board_version=version,
        settled=True,
        connected=True,
        rows=[scorer_pb2.BoardRow(model="kappa@1", rank=1, rating=1000)],
        **fields,
    )


async def test_a_leaderboard_is_shown_or_said_not_to_be_there(arena: Arena) -> None:
    assert await arena.refused("leaderboard", "algebra") == "error: there is no settled board yet\n"
    arena.fake.boards = [board(3)]
    assert "kappa@1" in await arena.said("leaderboard", "algebra")
    assert json.loads(await arena.said("leaderboard", "algebra", "--json"))["rows"][0]["rating"] == 1000


async def test_why_says_what_it_has_to_be_asked(arena: Arena) -> None:
    assert "MODEL: is required, or --cell" in await arena.refused("why", "algebra")
    assert "leave MODEL and OPPONENT out" in await arena.refused("why", "algebra", "kappa", "--cell", "abcd")
    assert "first 4 to 64 hexadecimal digits" in await arena.refused("why", "algebra", "--cell", "xyz")
    assert await arena.refused("why", "algebra", "kappa") == "error: there is no settled board yet\n"
    arena.fake.boards = [board(3)]
    assert "nobody is not on board 3 of algebra" in await arena.refused("why", "algebra", "nobody")
    assert "no cell begins with 'abcd'" in await arena.refused("why", "algebra", "--cell", "abcd")
    assert "is kappa@1, and so is MODEL" in await arena.refused("why", "algebra", "kappa", "kappa@1")


async def test_a_leaderboard_is_followed_across_a_break(arena: Arena) -> None:
    arena.fake.boards = [board(3), board(5), board(8)]
    arena.fake.faults = [AWAY]
    lines = (await arena.said("leaderboard", "algebra", "--follow", "--json")).splitlines()
    assert [json.loads(line)["board_version"] for line in lines] == [3, 5, 8]
    assert [request.cursor for request in arena.fake.asked] == [0, 3]


def step(cursor: int, why: str = "", **fields: Any) -> ranker_pb2.WatchInsertionResponse:
    insertion = ranker_pb2.Insertion(model="kappa@1", phase=ranker_pb2.INSERTION_PHASE_COARSE, high=4, **fields)
    return ranker_pb2.WatchInsertionResponse(cursor=cursor, insertion=insertion, why=why)


async def test_an_insertion_is_watched_to_its_end(arena: Arena) -> None:
    await arena.said(*KAPPA)
    arena.fake.insertions = [ranker_pb2.Insertion(model="other@1"), ranker_pb2.Insertion(model="kappa@1")]
    arena.fake.steps = [step(1, "is admitted"), step(2, cells_total=8, cells_done=3), step(3, "rests at place 2")]
    said = await arena.said("watch", "algebra", "kappa")
    assert said.splitlines() == [
        "kappa@1 coarse · places 1 to 5 · is admitted",
        "kappa@1 coarse · places 1 to 5 · rests at place 2",
    ]
    assert arena.fake.asked[0].model == "kappa@1"
    lines = (await arena.said("watch", "algebra", "kappa@1", "--json")).splitlines()
    assert [json.loads(line)["insertion"]["cells_done"] for line in lines] == [0, 3, 0]


async def test_a_watch_of_all_goes_on_after_a_break(arena: Arena) -> None:
    arena.fake.steps = [step(1, "is admitted"), step(2, "rests at place 2")]
    arena.fake.faults = [AWAY, AWAY]
    lines = (await arena.said("watch", "algebra", "--json")).splitlines()
    assert [json.loads(line)["cursor"] for line in lines] == [1, 2]


async def test_a_model_that_cannot_enter_is_said_not_to(arena: Arena) -> None:
    await arena.said("dimension", "create", "algebra", "pools/algebra.jsonl", "-k", "2")
    await arena.said(*KAPPA)  # nobody listens at its endpoint
    result = await arena.dearena("watch", "algebra", "kappa")
    assert result.exit_code == 1
    assert "error: kappa@1 cannot enter algebra" in result.stderr


async def test_a_model_that_is_not_let_in_is_not_waited_for(arena: Arena) -> None:
    await arena.said("dimension", "create", "algebra", "pools/algebra.jsonl", "-k", "2", "--provider", "elsewhere")
    await arena.said(*KAPPA)
    assert "kappa@1 does not enter algebra" in await arena.refused("watch", "algebra", "kappa")
    assert "kappa@7 does not enter algebra" in await arena.refused("watch", "algebra", "kappa@7")


async def test_insertions_are_listed_page_by_page(arena: Arena) -> None:
    assert "there is no dimension" in await arena.refused("insertions", "algebra")
    await arena.said("dimension", "create", "algebra", "pools/algebra.jsonl", "-k", "2")
    assert "no model has been admitted yet · WAITING(5 seeds)" in await arena.said("insertions", "algebra")
    arena.fake.insertions = [ranker_pb2.Insertion(model=f"model-{number}@1") for number in range(3)]
    listed = json.loads(await arena.said("insertions", "algebra", "--json"))
    assert [insertion["model"] for insertion in listed] == ["model-0@1", "model-1@1", "model-2@1"]
    assert "model-2@1" in await arena.said("insertions", "algebra")


def batch(cells: Sequence[str]) -> judge_dispatcher_pb2.ListVotesResponse:
    count = len(cells)
    return judge_dispatcher_pb2.ListVotesResponse(
        models=["alpha@1", "beta@1", "gamma@1"],
        query_ids=["q1"],
        sequence=range(count),
        round=[3] * count,
        cell_id=cells,
        attempt=[1] * count,
        model_a=[0] * count,
        model_b=[1] * count,
        judge=[2] * count,
        query=[0] * count,
        outcome=[common_pb2.OUTCOME_A] * count,
        judge_calls=[2] * count,
        cost_nano_units=[0] * count,
    )


async def test_votes_are_exported_to_a_file_or_the_screen(arena: Arena) -> None:
    arena.fake.batches = [batch(["c1", "c2"]), batch([]), batch(["c3"])]
    lines = [json.loads(line) for line in (await arena.said("votes", "export", "algebra", "--round", "3")).splitlines()]
    assert [line["cell_id"] for line in lines] == ["c1", "c2", "c3"]
    assert (lines[0]["judge"], lines[0]["winner"], lines[0]["dimension"]) == ("gamma@1", "a", "algebra")
    assert arena.fake.asked[0].round == 3
    assert await arena.said("votes", "export", "algebra", "-o", "votes.jsonl.gz") == "3 votes are in votes.jsonl.gz\n"
    told = json.loads(await arena.said("votes", "export", "algebra", "-o", "votes.jsonl", "--json"))
    assert told == {"file": "votes.jsonl", "votes": 3}


async def test_votes_of_nowhere_are_not_an_empty_file(arena: Arena) -> None:
    assert "there is no dimension" in await arena.refused("votes", "export", "nowhere", "-o", "votes.jsonl")
    assert not list(arena.directory.glob("*votes*"))


async def test_an_export_that_breaks_off_leaves_no_file(arena: Arena) -> None:
    arena.fake.batches = [batch(["c1"])]
    arena.fake.faults = [AWAY]
    assert await arena.refused("votes", "export", "algebra", "-o", "votes.jsonl") == "error: away for a moment\n"
    assert not list(arena.directory.glob("*votes*"))


async def test_a_service_that_is_away_is_named_with_its_address(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEARENA_GATEWAY_ADDRESS", "127.0.0.1:9")
    monkeypatch.setenv("DEARENA_SCORER_ADDRESS", "127.0.0.1:9")
    assert "the scorer at 127.0.0.1:9" in await arena.refused("leaderboard", "algebra", "--follow")
    monkeypatch.setenv("DEARENA_RANKER_ADDRESS", "127.0.0.1:9")
    assert "the ranker at 127.0.0.1:9" in await arena.refused("watch", "algebra")
    assert await arena.refused("models") == (
        "error: the gateway at 127.0.0.1:9 cannot be reached; is the arena running? (`dearena up` starts one here)\n"
    )
    # A service at the wrong address knows nothing of the call.
    addresses = json.loads((arena.directory / ".dearena" / "endpoints.json").read_text())
    monkeypatch.setenv("DEARENA_GATEWAY_ADDRESS", addresses["query_selector"])
    assert "does not know this call" in await arena.refused("models")
