"""Keys are nowhere but on their way: not in logs, the store, the bus, traces, the command line or the page.

Endpoints do here what endpoints do: quote the key in an answer, a verdict, an error; fail; refuse a wrong one.
"""

import asyncio
import base64
import json
import os
import sys
import urllib.request
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import bson
import nats
import pytest
import pytest_asyncio
from aiohttp import web
from nats.aio.client import Client
from nats.js.errors import NotFoundError
from pymongo import AsyncMongoClient

from dearena.local import servers
from dearena.sparring import chat
from dearena.sparring.calls import Completed
from dearena.sparring.planted import PlantedWorld
from dearena.v1 import gateway_pb2
from tests.fixtures.arena import Arena, arena
from tests.fixtures.model_endpoint import Behaviour, ModelEndpoint, fails, model_endpoint, says
from tests.fixtures.otlp import otlp_receiver
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

PROJECT = "keyed"
MARKER = "an unguarded remark"
"""What the quoting endpoints say beside the key: where it is found, the key would have been found."""

KEYS = {
    "by-variable": "sk-Planted/variable+0123456789abcdef==",
    "by-file": "sk-Planted.file_fedcba9876543210-XYZ",
    "quoting": "sk-Planted/quoted+in?answers&55555",
    "failing": "sk-Planted-with-errors-777777",
    "wrong": "sk-Planted-and-wrong-888888",
    "naming": "sk-Planted-as-a-model-999999",
    "moving": "sk-planted-as-a-host-333333",
    "literal": "sk-Planted-in-place-of-a-reference-1",
}
"""By model. The last stands in a registration by mistake."""
JUDGES = ("by-variable", "by-file", "quoting", "plain")
"""Models whose answers and verdicts can be used."""
WORLD = PlantedWorld(seed=0)


def forms(key: str) -> set[str]:
    """What a key may look like where it has leaked."""
    aligned = {base64.b64encode(b" " * before + key.encode()).decode()[4:-4] for before in range(3)}
    escaped = json.dumps(key)[1:-1]
    return {
        key,
        key.lower(),
        key[::-1],
        quote(key, safe=""),
        quote(key, safe="").lower(),
        escaped,
        escaped.replace("/", "\\/"),
        "".join(f"\\u{ord(letter):04x}" for letter in key),
        *aligned,
        *(one.replace("+", "-").replace("/", "_") for one in aligned),
    }


FORBIDDEN = {form.encode(): model for model, key in KEYS.items() for form in forms(key)}


def leaks(text: bytes) -> set[str]:
    """Models whose keys stand in a text."""
    return {model for form, model in FORBIDDEN.items() if form in text}


def honest(*, quoting: bool) -> Behaviour:
    """A model of a planted world, which may quote the header it was sent in front of what it says."""

    async def behave(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        reply = WORLD.reply(chat.read_call(json.dumps(body).encode()))
        assert isinstance(reply, Completed)
        text = reply.text
        if quoting:
            header = request.headers["authorization"]
            key = header.removeprefix("Bearer ")
            shapes = [header, quote(key, safe=""), json.dumps(key), base64.b64encode(header.encode()).decode()]
            text = f"{MARKER}: I was sent {', '.join(shapes)}. {text}"
        return await says(text, model=body["model"])(request, body)

    return behave


async def quotes_in_errors(request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
    """Refuses, with the key as the error's code and in its message."""
    header = request.headers["authorization"]
    error = {"message": f"not for {header}", "code": header.removeprefix("Bearer "), "type": "invalid_request_error"}
    return web.json_response({"error": error}, status=400, headers={"X-Echo": header})


async def calls_itself_by_the_key(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Answers in the name of another model, which is called like the key."""
    return await says("42", model=request.headers["authorization"].removeprefix("Bearer "))(request, body)


async def moves_to_the_key(request: web.Request, _body: dict[str, Any]) -> web.StreamResponse:
    """Redirects to a host that is called like the key."""
    key = request.headers["authorization"].removeprefix("Bearer ")
    return web.Response(status=307, headers={"Location": f"https://{key}/v1?key={key}"})


BEHAVIOURS: Mapping[str, Behaviour] = {
    "by-variable": honest(quoting=False),
    "by-file": honest(quoting=True),
    "quoting": honest(quoting=True),
    "plain": honest(quoting=False),
    "failing": quotes_in_errors,
    "wrong": fails(401, "invalid_api_key"),
    "naming": calls_itself_by_the_key,
    "moving": moves_to_the_key,
}


@dataclass
class Traces:
    """Everything that a run leaves, by the place where it was left."""

    endpoint: ModelEndpoint
    found: dict[str, bytes] = field(default_factory=dict)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traces(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Traces]:
    """A whole run with planted keys, and all that came of it."""
    directory = tmp_path_factory.mktemp("keys")
    variables = {
        f"{slug.upper().replace('-', '_')}_KEY": key for slug, key in KEYS.items() if slug not in ("by-file", "literal")
    }
    (directory / "key").write_text(KEYS["by-file"] + "\n")
    async with otlp_receiver() as (otlp, spans), model_endpoint() as endpoint:
        for slug, behaviour in BEHAVIOURS.items():
            endpoint.behave(slug, behaviour)
        left = Traces(endpoint)
        environment = {
            **variables,
            "DEARENA_KEY_DIRECTORY": str(directory),
            "DEARENA_OTLP_ENDPOINT": otlp,
            "DEARENA_LOG_LEVEL": "debug",
            "DEARENA_PROJECT": PROJECT,
        }
        async with arena(directory, environment=environment, dashboard=True) as whole:
            bus = await nats.connect(servers.nats_url(whole.stack.endpoints.ports["nats"]))
            heard: list[bytes] = []

            async def hear(message: Any) -> None:
                heard.append(repr((message.subject, message.headers)).encode() + message.data)

            await bus.subscribe(">", cb=hear)
            await _play(whole, endpoint, directory)
            left.found |= await _command_lines(whole)
            left.found["comparisons"] = await _comparisons(whole)
            left.found["page"] = await asyncio.to_thread(_page, whole.stack.endpoints.dashboard_url)
            left.found |= await _collections(servers.mongo_url(whole.stack.endpoints.ports["mongod"]))
            left.found |= await _streams(bus)
            left.found["messages on the bus"] = b"\n".join(heard)
            await bus.close()
        left.found["exported traces"] = b"".join(spans.exports)
        for log in (directory / "state" / "logs").iterdir():
            left.found[f"log {log.name}"] = log.read_bytes()
        yield left


async def _play(whole: Arena, endpoint: ModelEndpoint, directory: Path) -> None:
    async with whole.client(PROJECT) as client:
        for slug in BEHAVIOURS:
            reference = f"env:{slug.upper().replace('-', '_')}_KEY"
            if slug == "by-file":
                reference = f"file:{directory / 'key'}"
            if slug == "plain":
                reference = ""
            named = gateway_pb2.Endpoint(base_url=endpoint.base_url, upstream_model=slug, key_reference=reference)
            await whole.register(client, slug, endpoint=named)
        await whole.dimension(client, "d", 3, seed_models=3)
        await whole.settled(client, len(JUDGES))
        for slug in BEHAVIOURS:
            await eventually(lambda slug=slug: len(endpoint.of(slug)) >= 3)


async def _command_lines(whole: Arena) -> dict[str, bytes]:
    """What commands say, the one that was given a key among them."""
    ranked = f"{JUDGES[-1]}"
    commands = [
        ("register", "literal", "--url", "http://127.0.0.1:9/v1", "--model", "m", "--key", KEYS["literal"]),
        ("register", "literal", "--url", f"http://x:{KEYS['literal']}@127.0.0.1:9/v1", "--model", "m"),
        ("models",),
        ("models", "--json"),
        ("leaderboard", "d", "--json"),
        ("judges", "d", "--json"),
        ("judges", "d", "--health"),
        ("insertions", "d", "--json"),
        ("explain", ranked, "-d", "d"),
        ("pairs", "d", "--json"),
        ("judge", "attack", "d", "quoting", "--attack", "authority", "--questions", "1", "--json"),
        ("keys", "--help"),
    ]
    return {f"dearena {' '.join(command[:2])} #{n}": await _said(whole, *command) for n, command in enumerate(commands)}


async def _comparisons(whole: Arena) -> bytes:
    """All that is kept of every cell, with what each judge replied."""
    async with whole.client(PROJECT) as client:
        cells = [vote.cell_id async for vote in client.votes("d")]
        return "\n".join([str(await client.comparison("d", cell)) for cell in cells]).encode()


async def _said(whole: Arena, *command: str) -> bytes:
    found = {**os.environ, "DEARENA_ENDPOINTS": str(whole.stack.state / "endpoints.json"), "DEARENA_PROJECT": PROJECT}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dearena.cli",
        *command,
        env=found,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output


def _page(url: str) -> bytes:
    of_dimension = ("board", "matrices", "judges", "pairs", "ranking", "insertions")
    read = b""
    for path in ("/", "/api/dimensions", "/api/correlations", *(f"/api/dimensions/d/{one}" for one in of_dimension)):
        with urllib.request.urlopen(url + path, timeout=10) as reply:
            read += reply.read()
    return read


async def _collections(url: str) -> dict[str, bytes]:
    """Every collection of every database, the store's own log of all that was ever written among them."""
    found = {}
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        for database in await client.list_database_names():
            for collection in await client[database].list_collection_names():
                documents = [bson.encode(document) async for document in client[database][collection].find()]
                found[f"collection {database}.{collection}"] = b"\n".join(documents)
    return found


async def _streams(bus: Client) -> dict[str, bytes]:
    """Every message that a stream keeps, with its subject and headers."""
    found = {}
    stream = bus.jetstream()
    for info in await stream.streams_info():
        assert info.config.name
        kept = b""
        for sequence in count(max(info.state.first_seq, 1)):
            if sequence > info.state.last_seq:
                break
            try:
                message = await stream.get_msg(info.config.name, sequence)
            except NotFoundError:
                continue
            kept += repr((message.subject, message.headers)).encode() + (message.data or b"") + b"\n"
        found[f"stream {info.config.name}"] = kept
    return found


async def test_no_key_is_left_anywhere(traces: Traces) -> None:
    found = {place: leaked for place, content in traces.found.items() if (leaked := leaks(content))}
    assert found == {}


async def test_the_keys_were_sent(traces: Traces) -> None:
    sent = {received.body["model"]: received.headers.get("authorization", "") for received in traces.endpoint.requests}
    assert sent == {slug: f"Bearer {KEYS[slug]}" if slug in KEYS else "" for slug in BEHAVIOURS}


async def test_what_stood_beside_the_keys_is_found_where_they_would_have_been(traces: Traces) -> None:
    """The run is no proof if nothing that quotes a key was kept, or if we cannot read what was."""
    places = {place for place, content in traces.found.items() if MARKER.encode() in content}
    assert {place.rpartition(".")[2] for place in places} >= {
        "answers",
        "completions",
        "transcripts",
        "rs",
        "comparisons",
    }
    for place in places:
        assert b"key withheld" in traces.found[place]


@pytest.mark.parametrize(
    ("place", "known"),
    [
        ("messages on the bus", b"judging.requested"),
        ("stream ", b"vote.cast"),
        ("exported traces", b"chat quoting"),
        ("log gateway", b'"service"'),
        ("log judge_dispatcher", b'"service"'),
        ("log ranker", b'"service"'),
        ("log scorer", b'"service"'),
        ("log query_selector", b'"service"'),
        ("page", b"<html"),
        ("page", b"by-variable"),
        ("persuasions", b"quoting@1"),
        ("dearena models", b"by-variable"),
        ("dearena judges", b"quoting"),
        ("dearena register", b"env:NAME"),
        (".models", b"env:QUOTING_KEY"),
        (".entrants", b"failing"),
    ],
)
async def test_every_place_was_looked_into(traces: Traces, place: str, known: bytes) -> None:
    assert any(known in content for name, content in traces.found.items() if place in name)
