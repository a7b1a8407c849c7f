"""A supervisord of ours: one process that runs the others, started and spoken to through a private socket."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from supervisor.states import RUNNING_STATES, ProcessStates
from supervisor.xmlrpc import SupervisorTransport

from dearena.local.servers import POLL_SECONDS, ServerFailed, tail_of

PROCESS_FILE: Final = Path(__file__).parents[2] / "deploy" / "local" / "supervisord.conf"

START_SECONDS: Final = 15.0
SHUTDOWN_SECONDS: Final = 90.0
"""Above what the groups of the process file may take to stop, one after the other, by their stopwaitsecs."""

_RUN_LINK: Final = "run"
_SOCKET: Final = "control.sock"


class Supervisor:
    """The supervisord of one state directory.

    Its socket lies in a temporary directory that only we can enter, for the path of a Unix socket holds
    no more than 107 bytes; a link in the state directory leads there. When its owner is killed, supervisord
    ends by itself, in order; an owner that comes meanwhile finds it by the link and waits for its end, and
    nobody needs to trust a process id.
    """

    def __init__(self, state: Path) -> None:
        """`state` holds logs and the link; it must exist."""
        self._state = state
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, environment: Mapping[str, str]) -> None:
        """Run supervisord with the process file; no program starts by itself.

        Args:
            environment: the whole of it; programs inherit it.

        Raises:
            ServerFailed: it did not come up.
        """
        (self._state / "logs").mkdir(exist_ok=True)
        private = Path(tempfile.mkdtemp(prefix="dearena-"))
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(private)
        log = self._state / "logs" / "supervisord.log"
        command = [sys.executable, "-m", "dearena.local.bound_supervisord", "--configuration", str(PROCESS_FILE)]
        with log.open("ab") as output:
            # A session of its own: Ctrl-C at the terminal is for us, who stop all in order.
            process = self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - a fork is short, the command ours
                command,
                env={
                    **environment,
                    "DEARENA_OWNER": str(os.getpid()),
                    "DEARENA_STATE_DIR": str(self._state),
                    "DEARENA_CONTROL_SOCKET": str(self._socket),
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(f"supervisord did not start\n{tail_of(log)}")
            await asyncio.sleep(POLL_SECONDS)

    async def shut_down(self) -> None:
        """End all programs in order, then supervisord itself; harmless when none runs.

        Raises:
            ServerFailed: something still runs after SHUTDOWN_SECONDS.
        """
        if self._process is not None and self._process.poll() is None and not self.answers():
            # Stopped before it could listen, so it has started nothing yet.
            self._process.terminate()
        with suppress(OSError, xmlrpc.client.Fault):
            self._call("shutdown")
        deadline = time.monotonic() + SHUTDOWN_SECONDS
        while self.answers() or (self._process is not None and self._process.poll() is None):
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"not all processes ended within {SHUTDOWN_SECONDS:.0f} s\n"
                    f"{tail_of(self._state / 'logs' / 'supervisord.log')}"
                )
            await asyncio.sleep(POLL_SECONDS)
        self._process = None
        if self._link.is_symlink():
            shutil.rmtree(self._link.resolve(), ignore_errors=True)
            self._link.unlink()

    def answers(self) -> bool:
        """Whether a supervisord of this state directory runs."""
        try:
            self._call("getState")
        except OSError:
            return False
        except xmlrpc.client.Fault:  # it is shutting down
            return True
        return True

    def start_program(self, name: str) -> None:
        """Begin to start a program of the process file."""
        self._call("startProcess", self._full_name(name), False)  # noqa: FBT003 - do not wait

    async def stop_program(self, name: str) -> None:
        """Stop a program by SIGTERM; returns when it has ended. It stays down until it is started."""
        await asyncio.to_thread(self._call, "stopProcess", self._full_name(name), True)  # noqa: FBT003 - wait

    def pid_of(self, name: str) -> int | None:
        """The process id of a program; None while it does not run."""
        return self._info(name)["pid"] or None

    def has_given_up(self, name: str) -> bool:
        """Whether the program failed so often that it is not started any more."""
        return bool(self._info(name)["state"] == ProcessStates.FATAL)

    def is_meant_to_run(self, name: str) -> bool:
        """Whether the program runs, or is being started again."""
        return self._info(name)["state"] in RUNNING_STATES

    def _info(self, name: str) -> dict[str, Any]:
        info: dict[str, Any] = self._call("getProcessInfo", self._full_name(name))
        return info

    def _full_name(self, name: str) -> str:
        for info in self._call("getAllProcessInfo"):
            if info["name"] == name:
                return f"{info['group']}:{name}"
        raise KeyError(name)

    def _call(self, method: str, *arguments: Any) -> Any:
        # Connections are not shared: calls may come from several threads.
        transport = SupervisorTransport(serverurl=f"unix://{self._socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()

    @property
    def _link(self) -> Path:
        return self._state / _RUN_LINK

    @property
    def _socket(self) -> Path:
        return self._link.resolve() / _SOCKET
