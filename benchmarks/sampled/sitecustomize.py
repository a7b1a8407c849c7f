"""Python imports this module at every start: with this folder on PYTHONPATH, a process samples its CPU time.

Every SAMPLE_SECONDS of CPU time that the process has used, what its main thread has used since is booked on where
that is just now. Other threads are booked as a whole, each by its name: those of Python from /proc, and the rest,
such as those of gRPC, as NO_PYTHON. The sums are written into the folder of DEARENA_CPU_SAMPLES when the process ends
in order, a line a place: seconds, and the stack, outermost first, as `file:function` between semicolons.
"""

import atexit
import os
import signal
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import FrameType

SAMPLE_SECONDS = 0.002
"""Of CPU time: at a millisecond or so a judge call, some thousands of samples in a run."""
LOOKS_AT_THREADS = 50
"""One sample of so many also looks at the other threads, which may have gone at the end."""
NO_PYTHON = "threads without Python"


def sample_this_process(folder: Path) -> None:
    """Begin, and write at the end of the process."""
    spent: defaultdict[tuple[str, ...], float] = defaultdict(float)
    threads: dict[tuple[str, int], float] = {}
    ticks = os.sysconf("SC_CLK_TCK")
    began, seen = time.process_time(), time.thread_time()
    looks = 0

    def look(_signal: int, frame: FrameType | None) -> None:
        nonlocal seen, looks
        used = time.thread_time()
        spent[stack_of(frame)] += used - seen
        seen = used
        looks += 1
        if looks % LOOKS_AT_THREADS == 0:
            look_at_threads()

    def look_at_threads() -> None:
        for thread in threading.enumerate():
            if thread is threading.main_thread() or thread.native_id is None:
                continue
            try:
                stat = Path(f"/proc/self/task/{thread.native_id}/stat").read_text("ascii", "replace")
            except OSError:  # it has just ended
                continue
            fields = stat.rpartition(")")[2].split()
            threads[thread.name, thread.native_id] = (int(fields[11]) + int(fields[12])) / ticks

    def write() -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        lines = [f"{seconds:.6f} {';'.join(stack)}\n" for stack, seconds in spent.items()]
        lines += [f"{seconds:.6f} thread {name.rstrip('_-0123456789')}\n" for (name, _), seconds in threads.items()]
        rest = time.process_time() - began - sum(spent.values()) - sum(threads.values())
        lines.append(f"{max(0.0, rest):.6f} {NO_PYTHON}\n")
        (folder / str(os.getpid())).write_text("".join(lines), "utf-8")

    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, SAMPLE_SECONDS, SAMPLE_SECONDS)
    atexit.register(write)


def stack_of(frame: FrameType | None) -> tuple[str, ...]:
    """Files and functions, outermost first."""
    places = []
    while frame is not None:
        places.append(f"{frame.f_code.co_filename}:{frame.f_code.co_qualname}")
        frame = frame.f_back
    return tuple(reversed(places))


if _folder := os.environ.get("DEARENA_CPU_SAMPLES"):
    sample_this_process(Path(_folder))
