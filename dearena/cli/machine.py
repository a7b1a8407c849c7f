"""What a machine must have to run an arena by itself, and what helps where it lacks something."""

import ctypes
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dearena.local import servers

NEEDED_GLIBC: Final = (2, 35)
"""Of the packaged mongod."""
NEEDED_PYTHON: Final = (3, 11)
NEEDED_DISK_BYTES: Final = 2 * 1000**3
"""An empty MongoDB takes 0.3 GB; a first arena with its logs and streams about one more."""

_LIBRARIES: Final = {"libcurl.so.4": "libcurl4", "libssl.so.3": "libssl3"}
"""That the packaged mongod is linked with, and the Debian and Ubuntu package of each."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    remedy: str
    """What to do about it; for people."""


def examine(directory: Path, environment: Mapping[str, str] | None = None) -> list[Check]:
    """Look at this machine; `directory` is where an arena would keep its data."""
    environment = os.environ if environment is None else environment
    return [
        check_platform(platform.system(), platform.machine()),
        check_glibc(os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else None),
        *(check_library(name, package, _loads) for name, package in _LIBRARIES.items()),
        check_python(sys.version_info[:3]),
        check_server("nats-server", servers.find_nats_server, environment.get("DEARENA_NATS_URL", "")),
        check_server("mongod", servers.find_mongod, environment.get("DEARENA_MONGO_URL", "")),
        check_disk(shutil.disk_usage(directory).free, directory),
    ]


def check_platform(system: str, machine: str) -> Check:
    """The packaged servers are built for Linux on x86-64."""
    return Check(
        "platform",
        system == "Linux" and machine in ("x86_64", "AMD64"),
        f"{system} {machine}",
        "use Linux on x86-64, or Docker: docker-compose.yml starts the whole arena in containers",
    )


def check_glibc(version: str | None) -> Check:
    """`version` as confstr has it: "glibc 2.36"; None where there is no glibc."""
    name, _, number = (version or "").partition(" ")
    parts = tuple(int(part) for part in number.split(".") if part.isdigit())
    return Check(
        "glibc",
        name == "glibc" and parts >= NEEDED_GLIBC,
        version or "none",
        "the packaged mongod needs glibc 2.35 or newer: use Debian 12, Ubuntu 22.04 or newer, "
        "or name a MongoDB in DEARENA_MONGO_URL",
    )


def check_library(name: str, package: str, loads: Callable[[str], bool]) -> Check:
    """A shared library that the packaged mongod is linked with."""
    found = loads(name)
    return Check(name, found, "found" if found else "missing", f"install it: apt-get install {package}")


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def check_python(version: tuple[int, ...]) -> Check:
    """The Python that runs this."""
    return Check(
        "python",
        version >= NEEDED_PYTHON,
        ".".join(str(part) for part in version),
        "install Python 3.11 or newer, and set it up again: make setup PYTHON=python3.11",
    )


def check_server(name: str, find: Callable[[], Path], url: str) -> Check:
    """A server's binary, unless the environment names a server that runs elsewhere."""
    if url:
        return Check(name, ok=True, found="one that runs elsewhere, named in the environment", remedy="")
    try:
        return Check(name, ok=True, found=str(find()), remedy="")
    except servers.ServerMissing as missing:
        return Check(name, ok=False, found="missing", remedy=str(missing))


def check_disk(free_bytes: int, directory: Path) -> Check:
    """Room for data, streams and logs."""
    return Check(
        "free disk",
        free_bytes >= NEEDED_DISK_BYTES,
        f"{free_bytes / 1000**3:.1f} GB",
        f"make room: {NEEDED_DISK_BYTES / 1000**3:.0f} GB are needed at {directory}",
    )
