"""Settings of the dashboard, from environment variables that begin with DEARENA_DASHBOARD_.

Where the services are is found as by every client: see `dearena.client.addresses`.
"""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from dearena.names import DEFAULT_PROJECT, check_slug
from services.runtime.settings import LogLevel


def _host_and_port(listen: str) -> str:
    host, colon, port = listen.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 2**16):
        raise ValueError("must be host:port; port 0 takes a free one")
    return listen


class DashboardSettings(BaseSettings):
    """Where the page is served, and how patient it is."""

    model_config = SettingsConfigDict(
        env_prefix="DEARENA_DASHBOARD_", env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    # host:port of the page; port 0 takes a free one. Whoever reaches it can read everything on it.
    listen: Annotated[str, AfterValidator(_host_and_port)] = "127.0.0.1:8080"
    # Deadline of each gRPC call: shorter tells sooner that a service is away, longer bears a busy one.
    call_seconds: float = Field(default=5.0, gt=0)
    # Silence after which a watching browser is sent a sign of life. Below the idle time-outs of proxies;
    # also how soon a browser is missed that left without a word.
    heartbeat_seconds: float = Field(default=15.0, gt=0)
    # Browsers that watch at the same time, each with a gRPC stream of its own.
    watchers: int = Field(default=64, ge=1)
    # How long replies in flight may take to end at a stop. Watches end at once.
    drain_seconds: float = Field(default=3.0, ge=0)

    # Shared with the rest of the arena, so named without the prefix.
    project: Annotated[str, AfterValidator(check_slug)] = Field(
        default=DEFAULT_PROJECT, validation_alias="DEARENA_PROJECT"
    )
    log_level: LogLevel = Field(default="info", validation_alias="DEARENA_LOG_LEVEL")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host.removeprefix("[").removesuffix("]"), int(port)
