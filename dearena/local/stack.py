"""A whole arena on this machine: servers, services and sparring models as processes under one supervisord.

What it keeps lies in one state directory; what it starts ends with it.
"""

import asyncio
import fcntl
import http.client
import os
import secrets
import shlex
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import grpc
import grpc.aio
import yaml
from grpc_health.v1 import health_pb2, health_pb2_grpc

from dearena.client.addresses import Addresses
from dearena.local import endpoints, ports, servers
from dearena.local.endpoints import SERVICES, Endpoints
from dearena.local.servers import ServerFailed
from dearena.local.supervision import Supervisor
from dearena.local.together import all_of
from dearena.transport import Tls, open_channel

SERVING_SECONDS: Final = 90.0
"""Deadline from a service's start to its serving; a few seconds, unless the machine is very busy."""
VIEWER_SECONDS: Final = 300.0
"""Of the trace viewer: it reads 150 packages, and makes its database at the first start."""
ENOUGH_STARTS: Final = 3
"""A program that has died so often before it served will not serve."""
POLL_SECONDS: Final = 0.05
LOOK_SECONDS: Final = 1.0
"""Between looks at whether everything stays up."""

DATABASE: Final = "dearena"
_SECRET: Final = "installation.secret"  # noqa: S105 - a file's name
_WORLDS: Final = "worlds.yaml"
_LOCK: Final = "lock"
_VIEWER: Final = Path(__file__).with_name("trace_viewer.py")
_EARLY: Final = ("traces", "sparring")
"""Extras that what is started later speaks to."""
_KEPT: Final = ("mongod", "nats", "traces", "logs", _SECRET, _WORLDS, endpoints.FILE)
"""What a state directory holds, and a fresh start removes; anything else there is not ours."""

DEFAULT_WORLDS: Final[Mapping[str, Any]] = {
    "planted": {"kind": "planted", "seed": 0},
    "faulty": {"kind": "faulty"},
}
"""Sparring models to play with: planted skills, and endpoints that misbehave."""

Said = Callable[[str], None]


class AlreadyRunning(RuntimeError):
    """Another stack runs on this state directory."""


class Stack:
    """An arena that runs. Made by `running`."""

    def __init__(
        self, state: Path, addresses: Endpoints, supervisor: Supervisor, extras: Sequence[str], tls: Tls
    ) -> None:
        self.state = state
        self.endpoints = addresses
        self.services = SERVICES
        self.extras = tuple(extras)
        """Of "traces", "sparring" and "dashboard", those that run."""
        self._supervisor = supervisor
        self._tls = tls

    @property
    def addresses(self) -> Addresses:
        """Where a client finds the services."""
        return self.endpoints.addresses

    def log_of(self, program: str) -> Path:
        """Where a program writes what it says."""
        return self.state / "logs" / f"{program}.log"

    def pid_of(self, program: str) -> int | None:
        """The process id of a service, of `mongod`, `nats-server` or `sparring`; None while it does not run."""
        return self._supervisor.pid_of(program)

    async def stop(self, program: str) -> None:
        """Stop a program in order; it stays down until `start`."""
        await self._supervisor.stop_program(program)

    async def start(self, program: str) -> None:
        """Start a program that was stopped, and return when it serves."""
        self._supervisor.start_program(program)
        await self.serving(program)

    async def restart(self, program: str) -> None:
        """Stop a program in order, start it again, and return when it serves."""
        await self.stop(program)
        await self.start(program)

    async def serving(self, program: str) -> None:
        """Return when a program serves.

        Raises:
            ServerFailed: it does not within SERVING_SECONDS (the trace viewer: VIEWER_SECONDS), or dies again and
                again; with its log's tail.
        """
        seconds = VIEWER_SECONDS if program == "traces" else SERVING_SECONDS
        deadline = time.monotonic() + seconds
        tried: set[int | None] = {None}
        while not await self._is_ready(program):
            tried.add(self.pid_of(program))
            why = ""
            if len(tried) > ENOUGH_STARTS or self._supervisor.has_given_up(program):
                why = "does not stay up"
            elif time.monotonic() > deadline:
                why = f"did not serve within {seconds:.0f} s"
            if why:
                raise ServerFailed(f"{program} {why}\n{servers.tail_of(self.log_of(program))}")
            await asyncio.sleep(POLL_SECONDS)

    async def until_broken(self) -> None:
        """Wait for the day on which something does not stay up any more.

        Raises:
            ServerFailed: it has come; says what, with its log's tail.
        """
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                broken = [program for program in self._programs() if self._supervisor.has_given_up(program)]
            except OSError as error:
                log = servers.tail_of(self.log_of("supervisord"))
                raise ServerFailed(f"supervisord has gone: {error}\n{log}") from error
            for program in broken:
                raise ServerFailed(f"{program} does not stay up\n{servers.tail_of(self.log_of(program))}")

    def _programs(self) -> list[str]:
        return ["mongod", "nats-server", *self.services, *self.extras]

    async def _is_ready(self, program: str) -> bool:
        ports = self.endpoints.ports
        match program:
            case "mongod":
                return servers.accepts(ports["mongod"])
            case "nats-server":
                return servers.nats_is_healthy(ports["nats_monitor"])
            case "sparring":
                return await asyncio.to_thread(_is_well, f"{self.endpoints.sparring_url}/health")
            case "traces":
                return await asyncio.to_thread(_is_well, f"{self.endpoints.traces_url}/healthz")
            case "dashboard":
                return await asyncio.to_thread(_is_well, f"{self.endpoints.dashboard_url}/health")
        return await _serves(self.endpoints.address_of(program), self._tls)


@asynccontextmanager
async def running(
    state: Path,
    *,
    fresh: bool = False,
    worlds: Mapping[str, Any] | None = DEFAULT_WORLDS,
    dashboard: bool = False,
    traces_python: Path | None = None,
    environment: Mapping[str, str] | None = None,
    said: Said = lambda _: None,
) -> AsyncIterator[Stack]:
    """Run an arena until the end of the block, whatever ends it.

    Args:
        state: directory of everything that is kept between runs; made if it is not there.
        fresh: begin with nothing; where the store runs elsewhere, with a new database in it.
        worlds: what the sparring server serves, as in its file, besides worlds of earlier runs whose models
            may be registered; None: no sparring server.
        dashboard: serve the page that shows the arena.
        traces_python: the interpreter of an environment with the trace viewer, which then runs and is sent all traces,
            whatever DEARENA_OTLP_ENDPOINT says; None: no viewer.
        environment: further variables for the services. DEARENA_MONGO_URL and DEARENA_NATS_URL, here or
            in our own environment, name servers that run elsewhere; then none are started.
        said: told of each step.

    Raises:
        AlreadyRunning: another stack runs on this state directory.
        ServerMissing, ServerFailed: something cannot be started; nothing is left running.
        InvalidField: certificates that the environment names are wrong; nothing was started.
    """
    given = {**os.environ, **(environment or {})}
    tls = Tls.find(given)
    tls.check_server()
    tls.read()
    state = state.resolve()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_one(state), ports.claims() as claims:
        supervisor = Supervisor(state)
        if supervisor.answers():
            said("ending what an interrupted run has left behind")
        await supervisor.shut_down()
        if fresh:
            _forget(state)
        external_store = bool(given.get("DEARENA_MONGO_URL"))
        database = given.get("DEARENA_MONGO_DATABASE") or DATABASE
        chosen, moved = endpoints.settle(
            state, claims, database=f"{database}-{uuid4().hex[:8]}" if fresh and external_store else database
        )
        if moved:
            said(f"other ports than before, for somebody has taken them: {', '.join(moved)}")
        if worlds is not None:
            write_worlds(state / _WORLDS, worlds)
        wanted = {"traces": traces_python is not None, "sparring": worlds is not None, "dashboard": dashboard}
        extras = [program for program, is_wanted in wanted.items() if is_wanted]
        if traces_python is not None:
            given |= _with_traces(state, chosen, traces_python)
        stack = Stack(state, chosen, supervisor, extras, tls)
        try:
            await supervisor.start(_environment(state, chosen, given))
            await _raise(stack, supervisor, given, said)
            yield stack
        finally:
            said("stopping")
            await supervisor.shut_down()


async def _raise(stack: Stack, supervisor: Supervisor, given: Mapping[str, str], said: Said) -> None:
    """Start everything in the order in which it is needed."""
    ports = stack.endpoints.ports
    stores = [] if given.get("DEARENA_MONGO_URL") else ["mongod"]
    buses = [] if given.get("DEARENA_NATS_URL") else ["nats-server"]
    early = [*stores, *buses, *(program for program in stack.extras if program in _EARLY)]
    late = [*stack.services, *(program for program in stack.extras if program not in early)]
    if early:
        said(f"starting {', '.join(early)}")
    for program in early:
        supervisor.start_program(program)

    async def provide_store() -> None:
        for program in stores:
            await stack.serving(program)
            await servers.initiate_replica_set(ports[program])

    async def provide_bus() -> None:
        for program in buses:
            await stack.serving(program)
        nats_url = given.get("DEARENA_NATS_URL") or servers.nats_url(ports["nats"])
        await servers.run_job([sys.executable, "-m", "services.runtime.topology"], {"DEARENA_NATS_URL": nats_url})

    # Spans that nobody takes are lost.
    viewers = [stack.serving(program) for program in stack.extras if program == "traces"]
    await all_of(provide_store(), provide_bus(), *viewers)
    said(f"starting {', '.join(late)}")
    for program in late:
        supervisor.start_program(program)
    await all_of(*(stack.serving(program) for program in (*stack.services, *stack.extras)))


def _environment(state: Path, chosen: Endpoints, given: Mapping[str, str]) -> dict[str, str]:
    """What the process file expands and the services read."""
    mongod = nats = ["false"]
    if not given.get("DEARENA_MONGO_URL"):
        (state / "mongod").mkdir(exist_ok=True)
        mongod = servers.mongod_command(servers.find_mongod(), state / "mongod", chosen.ports["mongod"])
    if not given.get("DEARENA_NATS_URL"):
        config = state / "nats" / "nats.conf"
        config.parent.mkdir(exist_ok=True)
        config.write_text(
            servers.nats_config(
                port=chosen.ports["nats"], monitor_port=chosen.ports["nats_monitor"], data=state / "nats" / "streams"
            ),
            "utf-8",
        )
        nats = [str(servers.find_nats_server()), "--config", str(config)]
    secret = {}
    if not given.get("DEARENA_INSTALLATION_SECRET") and not given.get("DEARENA_INSTALLATION_SECRET_FILE"):
        secret = {"DEARENA_INSTALLATION_SECRET_FILE": str(_secret(state / _SECRET))}
    return {
        # Boards are equal to the bit with one BLAS thread, and five services on a laptop are quicker so.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        "DEARENA_MONGO_URL": servers.mongo_url(chosen.ports["mongod"]),
        "DEARENA_NATS_URL": servers.nats_url(chosen.ports["nats"]),
        # Sparring models, and whatever else serves models on this machine.
        "DEARENA_ALLOW_PRIVATE": "127.0.0.0/8,::1/128",
        **{name: value for name, value in given.items() if value or not name.startswith("DEARENA_")},
        **secret,
        **{f"DEARENA_{name.upper()}_ADDRESS": chosen.address_of(name) for name in SERVICES},
        "DEARENA_MONGO_DATABASE": chosen.database,
        "DEARENA_SPARRING_LISTEN": chosen.address_of("sparring"),
        "DEARENA_DASHBOARD_LISTEN": chosen.address_of("dashboard"),
        "DEARENA_PYTHON": sys.executable,
        "DEARENA_MONGOD_COMMAND": shlex.join(mongod),
        "DEARENA_NATS_COMMAND": shlex.join(nats),
        "DEARENA_TRACES_COMMAND": given.get("DEARENA_TRACES_COMMAND") or "false",
    }


def _with_traces(state: Path, chosen: Endpoints, python: Path) -> dict[str, str]:
    """What the trace viewer is run by, and that it is sent the traces."""
    kept = state / "traces"
    kept.mkdir(exist_ok=True)
    # Not resolved: the interpreter of an environment is a link, and knows its environment by where the link is.
    command = [str(python.absolute()), "-I", str(_VIEWER), str(chosen.ports["traces"]), str(chosen.ports["otlp"])]
    return {
        "DEARENA_OTLP_ENDPOINT": chosen.otlp_url,
        "DEARENA_TRACES_COMMAND": shlex.join([*command, str(kept)]),
    }


def _secret(path: Path) -> Path:
    """The installation secret, made once: recorded judgements carry its codes, so it lives as long as the data."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
    return path


def write_worlds(path: Path, worlds: Mapping[str, Any]) -> None:
    """Write what the sparring server serves; folders are relative to the working directory.

    Worlds of earlier runs stay, for models of them may be registered, but for recordings that have gone.
    """
    earlier = yaml.safe_load(path.read_text("utf-8"))["worlds"] if path.exists() else {}
    kept = {name: world for name, world in earlier.items() if Path(world.get("folder", "/")).is_dir()}
    absolute = {
        name: {**world, "folder": str(Path(world["folder"]).resolve())} if "folder" in world else dict(world)
        for name, world in worlds.items()
    }
    path.write_text(yaml.safe_dump({"worlds": {**kept, **absolute}}, sort_keys=False), "utf-8")


def _forget(state: Path) -> None:
    for name in _KEPT:
        path = state / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def _only_one(state: Path) -> Iterator[None]:
    """Hold the state directory. The lock goes with our process, however it ends."""
    with (state / _LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunning(
                f"an arena runs on {state} already, as process {file.read().strip() or 'unknown'}: "
                "stop it there (Ctrl-C), or name another state directory"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _is_well(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as reply:  # noqa: S310 - our own http address
            return bool(reply.status == 200)  # noqa: PLR2004 - OK
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return False


async def _serves(address: str, tls: Tls) -> bool:
    async with open_channel(address, tls=tls, options=()) as channel:
        try:
            reply = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.aio.AioRpcError:
            return False
    return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)
