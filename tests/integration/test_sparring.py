"""The sparring server alone, over real HTTP."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dearena.sparring import records
from dearena.sparring.calls import Purpose, World
from dearena.sparring.faulty import FaultyWorld
from dearena.sparring.planted import PlantedWorld
from dearena.sparring.server import Serving, serving
from tests.unit.sparring.prompts import NONCE, judging_prompt
from tests.unit.sparring.test_records import folder

PATIENCE_SECONDS = 20.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  # what is waited for sets no event
            await asyncio.sleep(0.005)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    worlds: dict[str, World] = {
        "economy": PlantedWorld(seed=0),
        "slow": PlantedWorld(seed=0, delay_seconds=0.2),
        "replay": records.load(folder(tmp_path)),
        "broken": FaultyWorld(),
    }
    async with serving(worlds) as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def ask(
    client: aiohttp.ClientSession,
    base_url: str,
    model: str,
    prompt: str = "Why?",
    *,
    purpose: Purpose = Purpose.ANSWER,
    query: str = "q1",
    request_id: str = "",
) -> tuple[int, Any]:
    """Status and body of one chat completion."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": prompt}],
        "dearena": {"query_id": query, "purpose": purpose, "request_id": request_id},
    }
    headers = {"X-Request-Id": request_id} if request_id else {}
    async with client.post(f"{base_url}/chat/completions", json=body, headers=headers) as response:
        return response.status, await response.json()


def text_of(body: Any) -> str:
    text = body["choices"][0]["message"]["content"]
    assert isinstance(text, str)
    return text


async def journal(client: aiohttp.ClientSession, url: str) -> Any:
    async with client.get(f"{url}/requests") as response:
        return await response.json()


async def test_planted_models_answer_and_judge_one_another(client: aiohttp.ClientSession, server: Serving) -> None:
    base_url = server.base_url("economy")
    answers = []
    for model in ("alpha", "beta"):
        status, body = await ask(client, base_url, model)
        assert status == 200
        assert body["model"] == model
        assert body["choices"][0]["finish_reason"] == "stop"
        assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"] > 2
        answers.append(text_of(body))
    status, body = await ask(client, base_url, "gamma", judging_prompt(*answers), purpose=Purpose.JUDGE)
    assert status == 200
    expected = PlantedWorld(seed=0).verdict("gamma", "q1", *answers)
    assert text_of(body).splitlines()[-1] == f"VERDICT {NONCE}: {expected}"


async def test_recorded_models_repeat_themselves_and_know_what_they_never_said(
    client: aiohttp.ClientSession, server: Serving
) -> None:
    base_url = server.base_url("replay")
    texts = [text_of((await ask(client, base_url, model))[1]) for model in ("A", "B")]
    assert texts == ["A says 4.", "B says 4."]
    _, body = await ask(client, base_url, "C", judging_prompt(*texts), purpose=Purpose.JUDGE)
    assert text_of(body).endswith(": 2")
    status, body = await ask(client, base_url, "A", judging_prompt(*texts), purpose=Purpose.JUDGE)
    assert (status, body["error"]["code"]) == (404, "no_record")


async def test_a_restarted_server_gives_the_same_verdict_on_answers_given_before(client: aiohttp.ClientSession) -> None:
    async def verdict(answers: list[str]) -> str:
        async with serving({"economy": PlantedWorld(seed=0)}) as server:
            prompt = judging_prompt(*answers)
            return text_of((await ask(client, server.base_url("economy"), "gamma", prompt, purpose=Purpose.JUDGE))[1])

    async with serving({"economy": PlantedWorld(seed=0)}) as server:
        answers = [text_of((await ask(client, server.base_url("economy"), model))[1]) for model in ("alpha", "beta")]
    assert await verdict(answers) == await verdict(answers)


async def test_the_journal_counts_every_chat_request_by_its_id(client: aiohttp.ClientSession, server: Serving) -> None:
    base_url = server.base_url("economy")
    for request_id in ("one", "two", "two", ""):
        await ask(client, base_url, "alpha", request_id=request_id)
    await ask(client, server.base_url("nowhere"), "alpha", request_id="three")
    async with client.post(f"{base_url}/chat/completions", data=b"{", headers={"X-Request-Id": "four"}) as response:
        assert response.status == 400
    async with client.get(f"{base_url}/models", headers={"X-Request-Id": "five"}) as response:
        assert response.status == 200
    report = await journal(client, server.url)
    assert report["total"] == 6
    assert report["by_request_id"] == {"one": 1, "two": 2, "three": 1, "four": 1}
    assert report["repeated"] == {"two": 2}
    assert report["without_id"] == 1
    assert report["by_model"] == {"economy/alpha": {"requests": 4, "in_flight_peak": 1}}
    async with client.delete(f"{server.url}/requests") as response:
        assert response.status == 204
    assert (await journal(client, server.url))["total"] == 0


async def test_the_journal_sees_how_many_calls_are_in_flight(client: aiohttp.ClientSession, server: Serving) -> None:
    base_url = server.base_url("slow")
    await asyncio.gather(*(ask(client, base_url, f"model-{number % 2}") for number in range(6)))
    report = await journal(client, server.url)
    assert (report["in_flight"], report["in_flight_peak"]) == (0, 6)
    assert [of["in_flight_peak"] for of in report["by_model"].values()] == [3, 3]


async def test_models_are_listed_and_health_names_the_worlds(client: aiohttp.ClientSession, server: Serving) -> None:
    await ask(client, server.base_url("economy"), "alpha")
    for world, expected in (("replay", ["A", "B", "C"]), ("economy", ["alpha"])):
        async with client.get(f"{server.base_url(world)}/models") as response:
            assert [model["id"] for model in (await response.json())["data"]] == expected
    async with client.get(f"{server.url}/health") as response:
        assert await response.json() == {"status": "ok", "worlds": ["broken", "economy", "replay", "slow"]}


async def test_an_unknown_world_and_a_bad_body_are_explained(client: aiohttp.ClientSession, server: Serving) -> None:
    status, body = await ask(client, server.base_url("nowhere"), "alpha")
    assert (status, body["error"]["code"]) == (404, "unknown_world")
    assert "broken, economy, replay, slow" in body["error"]["message"]
    status, body = await ask(client, server.base_url("economy"), "")
    assert (status, body["error"]["code"]) == (400, "invalid_body")


async def test_faulty_endpoints_misbehave_over_the_wire(client: aiohttp.ClientSession, server: Serving) -> None:
    base_url = server.base_url("broken")
    messages = [{"role": "user", "content": "Why?"}]

    async def status_of(model: str, **headers: str) -> int:
        body = {"model": model, "messages": messages}
        async with client.post(f"{base_url}/chat/completions", json=body, headers=headers) as response:
            return response.status

    async with client.post(f"{base_url}/chat/completions", json={"model": "html", "messages": messages}) as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert (await response.text()).startswith("<!doctype html>")
    assert [await status_of("flaky", **{"X-Request-Id": "r"}) for _ in range(2)] == [503, 200]
    assert await status_of("locked") == 401
    assert await status_of("locked", Authorization="Bearer sparring-key") == 200
    status, body = await ask(client, base_url, "surrogate")
    assert status == 200
    assert "\ud83d" in text_of(body)


async def test_a_caller_that_leaves_a_hanging_endpoint_frees_it(client: aiohttp.ClientSession, server: Serving) -> None:
    hanging = asyncio.create_task(ask(client, server.base_url("broken"), "hang"))
    await until(lambda: server.journal.report()["in_flight"] == 1)
    hanging.cancel()
    await until(lambda: server.journal.report()["in_flight"] == 0)


async def test_stopping_ends_calls_in_flight_and_cuts_hanging_ones(client: aiohttp.ClientSession) -> None:
    worlds: dict[str, World] = {"slow": PlantedWorld(seed=0, delay_seconds=0.2), "broken": FaultyWorld()}
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with serving(worlds) as server:
            slow = asyncio.create_task(ask(client, server.base_url("slow"), "alpha"))
            hanging = asyncio.create_task(ask(client, server.base_url("broken"), "hang"))
            await until(lambda: server.journal.report()["in_flight"] == 2)
        status, _ = await slow
        assert status == 200
        with pytest.raises(aiohttp.ClientError):
            await hanging


class Process:
    """The server as a process of its own."""

    def __init__(self, port_file: Path) -> None:
        self.port_file = port_file

    async def start(self, *options: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dearena.sparring", "--port-file", str(self.port_file), *options),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )


async def test_the_process_serves_its_config_and_stops_at_sigterm(
    client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    config, port_file = tmp_path / "worlds.yaml", tmp_path / "port"
    config.write_text("worlds: {economy: {kind: planted, seed: 0}}")
    process = await Process(port_file).start("--config", str(config), "--planted", "other=1", "--faulty", "broken")
    try:
        await until(lambda: port_file.exists() or process.returncode is not None)
        url = f"http://127.0.0.1:{int(port_file.read_text())}"
        async with client.get(f"{url}/health") as response:
            assert (await response.json())["worlds"] == ["broken", "economy", "other"]
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_SECONDS):
            output, _ = await process.communicate()
        assert process.returncode == 0
        assert output.decode().strip() == f"sparring models at {url}: broken, economy, other"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "no world"),
        (["--config", "none.yaml"], "none.yaml"),
        (["--planted", "economy"], "NAME=SEED"),
        (["--planted", "My World=1"], "is not a slug"),
        (["--recorded", "replay=nowhere"], "holds neither"),
        (["--faulty", "broken", "--listen", "here"], "host:port"),
        (["--faulty", "broken", "--listen", "127.0.0.1:65536"], "host:port"),
    ],
)
async def test_the_process_says_what_is_wrong_with_its_options(tmp_path: Path, options: list[str], said: str) -> None:
    process = await Process(tmp_path / "port").start(*options)
    async with asyncio.timeout(PATIENCE_SECONDS):
        output, _ = await process.communicate()
    assert process.returncode == 2
    assert said in output.decode()
    assert not (tmp_path / "port").exists()
