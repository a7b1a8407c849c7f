"""Where the services' CPU time goes: samples that processes took of themselves (sampled/sitecustomize.py), summed up.

What ran before the event loop, imports above all, is left out. Of a stack the innermost place counts, by whose code it
is: a module of ours, a library, or the standard library's asyncio. So `asyncio` holds the loop's own work, and what
extensions in C do when it calls them, such as gRPC's.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from rich.table import Table

FOLDER: Final = Path(__file__).parent / "sampled"
VARIABLE: Final = "DEARENA_CPU_SAMPLES"
LOOP: Final = "asyncio/runners.py:Runner.run"
LEAST_SHARE: Final = 0.01
"""Of all time; what has less is summed up."""
REST: Final = "all others"

_OURS: Final = ("services/", "dearena/", "benchmarks/")


def environment(samples: Path, python_path: str) -> dict[str, str]:
    """Variables that make services sample themselves into a folder; `python_path` is what they search besides."""
    return {"PYTHONPATH": f"{FOLDER}:{python_path}" if python_path else str(FOLDER), VARIABLE: str(samples)}


def read(path: Path) -> dict[str, float]:
    """Seconds by whose code it is, of one process."""
    return whose(path.read_text("utf-8").splitlines())


def whose(lines: Iterable[str]) -> dict[str, float]:
    """Seconds by whose code it is.

    Args:
        lines: seconds and a stack each, as samples are written.
    """
    seconds: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        amount, _, stack = line.partition(" ")
        places = stack.split(";")
        if ":" not in stack:  # a thread as a whole
            seconds[stack] += float(amount)
        elif any(place.endswith(LOOP) for place in places):
            seconds[_code(places[-1])] += float(amount)
    return dict(seconds)


def _code(place: str) -> str:
    path = place.rpartition(":")[0]
    if "site-packages/" in path:
        return path.partition("site-packages/")[2].partition("/")[0].removesuffix(".py")
    for ours in _OURS:
        if f"/{ours}" in path and "/python3" not in path:
            return (ours + path.rpartition(f"/{ours}")[2]).removesuffix(".py")
    if "/python3" in path:
        return "python: " + path.rpartition("/python3")[2].partition("/")[2].partition("/")[0].removesuffix(".py")
    return "python: generated code" if path.startswith("<") else path


def table(by_service: Mapping[str, Mapping[str, float]], calls: int) -> Table:
    """Shares of all time, by service and by whose code it is, greatest first."""
    total = sum(sum(seconds.values()) for seconds in by_service.values())
    rows: defaultdict[tuple[str, str], float] = defaultdict(float)
    for service, seconds in by_service.items():
        for code, amount in seconds.items():
            rows[service, code if amount >= LEAST_SHARE * total else REST] += amount
    shown = Table("service", "code", "share", "ms a call")
    for column in shown.columns[2:]:
        column.justify = "right"
    for (service, code), amount in sorted(rows.items(), key=lambda row: -row[1]):
        shown.add_row(service, code, f"{100 * amount / total:.1f} %", f"{1000 * amount / calls:.3f}")
    return shown
