"""What every contestant's process does: make its input, then time one call for each line that it is sent.

It answers with one JSON object a line: first that its input is ready, then what each call took. So the calls
of several contestants can take turns on one machine, each with a memory and a warmth of its own.

Memory is VmHWM of /proc/self/status, set back before every call: the peak of the whole process during that
call, libraries and input included. `ru_maxrss` cannot be set back, and starts at what the parent had. Linux.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Final

from benchmarks.scoring_peers.planted_votes import PlantedVotes

KIB_PER_MIB: Final = 1024


@dataclass
class Result:
    """What a call found, and what its stages took."""

    strengths: list[float] = field(default_factory=list)
    """Log-odds in the order of the models' names; where their middle lies is the contestant's affair."""
    half_widths: list[float] = field(default_factory=list)
    """Of the 95 % intervals, in log-odds; empty where there are none."""
    stages: dict[str, float] = field(default_factory=dict)
    """Seconds by stage."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens within."""
        begin = time.perf_counter()
        yield
        self.stages[name] = time.perf_counter() - begin


Call = Callable[[], Result]
Prepare = Callable[..., Call]
"""Makes, untimed, the input of some planted votes, and returns the call to be timed."""


def serve(forms: Mapping[str, Prepare], *, distributions: tuple[str, ...]) -> None:
    """Be a contestant: `python -m benchmarks.scoring_peers.NAME FORM VOTES [VOTES …]`.

    Args:
        forms: what can be asked of this contestant, by name.
        distributions: those whose versions belong beside the figures.
    """
    form, *paths = sys.argv[1:]
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(**values: object) -> None:
        print(json.dumps(values), file=answers, flush=True)

    call = forms[form](*(PlantedVotes.load(Path(path)) for path in paths))
    answer(versions={name: metadata.version(name) for name in distributions})
    for _line in sys.stdin:
        gc.collect()
        _forget_peak()
        begin, cpu_begin = time.perf_counter(), time.process_time()
        result = call()
        seconds, cpu_seconds = time.perf_counter() - begin, time.process_time() - cpu_begin
        answer(
            seconds=seconds,
            cpu_seconds=cpu_seconds,
            stages=result.stages,
            peak_mib=_peak_mib(),
            strengths=result.strengths,
            half_widths=result.half_widths,
        )


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def _peak_mib() -> float:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / KIB_PER_MIB
