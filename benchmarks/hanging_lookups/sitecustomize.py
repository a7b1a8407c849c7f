"""Python imports this module at every start: with this folder on PYTHONPATH, lookups of some names hang.

They hold their thread and end without an address, as those of the system do where no server replies. The names are
those that begin with BENCHMARK_HANGING_HOSTS, and they hang for BENCHMARK_LOOKUP_SECONDS.
"""

import os
import socket
import time
from typing import Any

_system = socket.getaddrinfo


def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
    """As the system's, but for the names that hang."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if name.startswith(os.environ["BENCHMARK_HANGING_HOSTS"]):
        time.sleep(float(os.environ["BENCHMARK_LOOKUP_SECONDS"]))
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return _system(host, *arguments, **named)


if os.environ.get("BENCHMARK_HANGING_HOSTS"):
    socket.getaddrinfo = getaddrinfo
