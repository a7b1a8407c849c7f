"""How far a pool has come: a bar where standard error is a terminal, else a line now and then."""

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from dearena.cli import output
from dearena.client.pools import Stage

SECONDS_A_LINE: Final = 2.0
"""Between two lines; what is done sooner is told by its result alone."""

_MEBIBYTE: Final = 1 << 20


class PoolProgress:
    """Takes in what is being done, and shows it until it leaves.

    `with PoolProgress() as progress: progress(Stage.UPLOADING, sent, total)`
    """

    def __init__(self, *, seconds_a_line: float = SECONDS_A_LINE) -> None:
        self._shown: _Bar | _Lines = _Bar() if _is_terminal() else _Lines(seconds_a_line)

    def __call__(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """So much of a stage is done, in bytes; a total of 0: nobody knows."""
        self._shown.take(stage, done, total)

    def __enter__(self) -> Self:
        self._shown.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._shown.stop()


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


class _Bar:
    """One line that is drawn again and goes away at the end."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            DownloadColumn(binary_units=True),
            TimeElapsedColumn(),
            console=Console(stderr=True, markup=False, highlight=False, emoji=False),
            transient=True,
        )
        self._task: TaskID | None = None
        self._stage: Stage | None = None

    def start(self) -> None:
        self._progress.start()

    def stop(self) -> None:
        self._progress.stop()

    def take(self, stage: Stage, done: int, total: int) -> None:
        if self._task is None or stage is not self._stage:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._stage, self._task = stage, self._progress.add_task(str(stage), total=None)
        self._progress.update(self._task, completed=done, total=total or None)


class _Lines:
    """A line every so many seconds, also where a stage has no steps of its own."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)
        self._said: Callable[[], str] | None = None
        self._stage: Stage | None = None
        self._since = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def take(self, stage: Stage, done: int, total: int) -> None:
        if stage is not self._stage:
            self._stage, self._since = stage, time.monotonic()
        since = self._since
        self._said = lambda: _line(stage, done, total, time.monotonic() - since)

    def _tell(self) -> None:
        while not self._ended.wait(self._seconds):
            if self._said is not None:
                output.note(self._said())


def _line(stage: Stage, done: int, total: int, seconds: float) -> str:
    size = f" {done / _MEBIBYTE:.1f} of {total / _MEBIBYTE:.1f} MiB" if total else ""
    return f"{stage}{size}, {seconds:.0f} s"
