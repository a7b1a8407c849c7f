"""Contestants that take turns: each a process of its own, asked for one call at a time, round by round."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1"}
THREAD_LIMITS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "XLA_FLAGS")
"""Peers run as they come, whatever this process was told."""


@dataclass(frozen=True)
class Contestant:
    """Whom to ask for what.

    Attributes:
        label: as it stands in tables.
        module: in this package.
        form: one of the module's.
        votes: files that it reads.
        environment: what it is told besides what this process was told.
        at_most: calls asked of one that takes long; None: as many as of the others.
    """

    label: str
    module: str
    form: str
    votes: tuple[Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    at_most: int | None = None


@dataclass
class Record:
    """What a contestant's calls took.

    Attributes:
        seconds: of each call. The first stands apart: it may compile, and hashes strings.
        cpu_seconds: of all threads, likewise; others on the machine lengthen these least.
        stages: seconds of each call's stages.
        peak_mib: peak memory of the process during each call.
        strengths: as found in the last call.
        half_widths: of its intervals.
    """

    label: str
    versions: Mapping[str, str]
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    stages: list[Mapping[str, float]] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)
    strengths: list[float] = field(default_factory=list)
    half_widths: list[float] = field(default_factory=list)

    @property
    def first(self) -> float:
        """Seconds of the cold call."""
        return self.seconds[0]

    @property
    def warm(self) -> list[float]:
        """The later calls; the first one where there was no other."""
        return self.seconds[1:] or self.seconds

    @property
    def median(self) -> float:
        """Seconds of a warm call."""
        return statistics.median(self.warm)

    @property
    def quickest(self) -> float:
        """Seconds of the quickest warm call."""
        return min(self.warm)

    @property
    def cpu(self) -> float:
        """CPU seconds of a warm call."""
        return statistics.median(self.cpu_seconds[1:] or self.cpu_seconds)

    @property
    def peak(self) -> float:
        """MiB, of all calls."""
        return max(self.peak_mib)

    def stage(self, name: str) -> float | None:
        """Median seconds of a stage in warm calls, if there is such a stage."""
        found = [stages[name] for stages in self.stages[1:] or self.stages if name in stages]
        return statistics.median(found) if found else None

    def summary(self) -> dict[str, Any]:
        """All but the strengths, for programs."""
        return {
            "label": self.label,
            "versions": dict(self.versions),
            "first_seconds": self.first,
            "warm_seconds": self.warm,
            "warm_median_seconds": self.median,
            "warm_min_seconds": self.quickest,
            "warm_median_cpu_seconds": self.cpu,
            "stages": [dict(stages) for stages in self.stages],
            "peak_mib": self.peak,
        }


class ContestantFailed(RuntimeError):
    """A contestant's process ended; what it said is on this process's stderr."""


class _Running:
    """A contestant's process, which stands between two calls."""

    def __init__(self, contestant: Contestant) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in THREAD_LIMITS}
        module = f"benchmarks.scoring_peers.{contestant.module}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, contestant.form, *map(str, contestant.votes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, **contestant.environment},
        )
        self._contestant = contestant

    def __enter__(self) -> Self:
        # Ready only when the input stands: making it must not run beside another's call.
        self.record = Record(self._contestant.label, self._answer()["versions"])
        return self

    def __exit__(self, *exception: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def call(self) -> None:
        """Ask for one call, unless enough were asked for."""
        record, at_most = self.record, self._contestant.at_most
        if at_most is not None and len(record.seconds) >= at_most:
            return
        assert self._process.stdin is not None
        print("call", file=self._process.stdin, flush=True)
        told = self._answer()
        record.seconds.append(told["seconds"])
        record.cpu_seconds.append(told["cpu_seconds"])
        record.stages.append(told["stages"])
        record.peak_mib.append(told["peak_mib"])
        record.strengths, record.half_widths = told["strengths"], told["half_widths"]

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ContestantFailed(f"{self._contestant.label} ended with code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def compete(contestants: Sequence[Contestant], rounds: int) -> list[Record]:
    """Ask every contestant once a round, in an order that moves on: none comes always after the same.

    Args:
        contestants: all of them are kept for as long as this takes, and only one of them has work at a time.
        rounds: calls of each; the first is the cold one.
    """
    with ExitStack() as processes:
        running = [processes.enter_context(_Running(contestant)) for contestant in contestants]
        for number in range(rounds):
            turn = number % len(running)
            for process in running[turn:] + running[:turn]:
                process.call()
        return [process.record for process in running]
