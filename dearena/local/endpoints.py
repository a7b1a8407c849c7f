"""Where everything of a local arena listens: ports chosen once, kept in the state directory."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dearena.client.addresses import Addresses
from dearena.local.ports import LOOPBACK, Claims

SERVICES: Final = ("gateway", "query_selector", "ranker", "judge_dispatcher", "scorer")
_LISTENERS: Final = (*SERVICES, "sparring", "dashboard", "mongod", "nats", "nats_monitor", "traces", "otlp")

FILE: Final = "endpoints.json"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Loopback ports by listener, and the name of the database."""

    ports: Mapping[str, int]
    database: str

    @property
    def addresses(self) -> Addresses:
        """Where a client finds the services."""
        services = {name: self.address_of(name) for name in SERVICES}
        return Addresses(**services, sparring=self.sparring_url)

    def address_of(self, listener: str) -> str:
        """host:port."""
        return f"{LOOPBACK}:{self.ports[listener]}"

    @property
    def sparring_url(self) -> str:
        """Root of the sparring models; a model of world `w` is registered with `{root}/w/v1`."""
        return f"http://{self.address_of('sparring')}"

    @property
    def dashboard_url(self) -> str:
        """The page."""
        return f"http://{self.address_of('dashboard')}"

    @property
    def traces_url(self) -> str:
        """The trace viewer's page."""
        return f"http://{self.address_of('traces')}"

    @property
    def trace_url(self) -> str:
        """Of one trace's page, with `{trace_id}` in the place of its id."""
        return f"{self.traces_url}/redirects/traces/{{trace_id}}"

    @property
    def otlp_url(self) -> str:
        """Where the trace viewer takes spans, as OTLP over gRPC."""
        return f"http://{self.address_of('otlp')}"

    def as_json(self) -> dict[str, object]:
        """As it stands in the file, and as clients read it; see `dearena.client.addresses`."""
        services = {name: self.address_of(name) for name in SERVICES}
        urls = {"sparring": self.sparring_url, "dashboard": self.dashboard_url}
        return {**services, **urls, "ports": dict(self.ports), "database": self.database}


def settle(state: Path, claims: Claims, *, database: str) -> tuple[Endpoints, list[str]]:
    """The endpoints of a state directory: as they were, but for ports that somebody else has taken meanwhile.

    Args:
        state: the state directory.
        claims: takes the ports, so that nobody else does while they are ours.
        database: the database's name where none is kept.

    Returns:
        The endpoints, and the listeners that had to move to another port.
    """
    kept = _read(state / FILE)
    ports = {name: port for name, port in kept.ports.items() if claims.take(port)} if kept else {}
    missing = [name for name in _LISTENERS if name not in ports]
    ports |= dict(zip(missing, claims.fresh(len(missing)), strict=True))
    endpoints = Endpoints(ports, kept.database if kept else database)
    (state / FILE).write_text(json.dumps(endpoints.as_json(), indent=2) + "\n", "utf-8")
    moved = [name for name in kept.ports if ports[name] != kept.ports[name]] if kept else []
    return endpoints, moved


def _read(path: Path) -> Endpoints | None:
    try:
        members = json.loads(path.read_text("utf-8"))
        ports = {name: int(port) for name, port in members["ports"].items() if name in _LISTENERS}
        return Endpoints(ports, str(members["database"]))
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, AttributeError, TypeError):
        # Not worth an error: ports can be chosen anew. The database's name cannot be known any more.
        return None
