"""Settings of a service, from environment variables that begin with DEARENA_."""

import os
import socket
import uuid
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from dearena.faults import InvalidField
from dearena.transport import Tls
from services.runtime.bus_security import BusSecurity


def _instance() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"


def _in_lower_case(level: Any) -> Any:
    return level.lower() if isinstance(level, str) else level


LogLevel = Annotated[Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(_in_lower_case)]


class BusSettings(BaseSettings):
    """What whoever connects to the bus must know."""

    # What is wrong is said, and never the values: they may be secrets.
    model_config = SettingsConfigDict(
        env_prefix="DEARENA_", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    # tls://host:port for TLS. It may hold user and password, and then comes from a secret; it is never shown.
    nats_url: str = Field(default="nats://127.0.0.1:4222", repr=False)
    # Authorities of the bus's certificate; without them those of the machine.
    nats_ca_file: str = ""
    # One line, user:password or a token, read anew with each connection; in place of those in the URL.
    nats_credentials_file: str = ""
    # TLS before the server says anything, as its handshake_first has it.
    nats_tls_first: bool = False

    # PEM files: our certificate, to everybody whom we connect to and who connects to us, and the authorities of theirs.
    # Without them all is in plaintext. With authorities, a server turns away whoever has no certificate of them. Read
    # anew when they change.
    tls_cert_file: str = ""
    tls_key_file: str = ""
    tls_ca_file: str = ""

    @property
    def tls(self) -> Tls:
        """How services speak to each other."""
        return Tls(self.tls_cert_file, self.tls_key_file, self.tls_ca_file)

    @property
    def nats_security(self) -> BusSecurity:
        """How the bus is spoken to."""
        return BusSecurity(self.nats_ca_file, self.nats_credentials_file, self.nats_tls_first, self.tls)

    @model_validator(mode="after")
    def _check_security(self) -> Self:
        try:
            self.tls.check_server()
            self.tls.read()
            self.nats_security.check(self.nats_url)
        except InvalidField as fault:
            raise PydanticCustomError("security", "{problem}", {"problem": str(fault)}) from fault
        return self


class ServiceSettings(BusSettings):
    """What every service must know of its surroundings; each service adds its own fields."""

    # Where the truth is kept. A replica set, for transactions. It may hold a password, and is never shown.
    mongo_url: str = Field(default="mongodb://127.0.0.1:27017/?replicaSet=rs0", repr=False)
    mongo_database: str = "dearena"

    # host:port of the gRPC server; port 0 takes a free one.
    listen: str = "127.0.0.1:0"
    # host:port at which health alone is told in plaintext, for probes that speak no TLS. Empty: nowhere.
    health_listen: str = ""

    # gRPC targets of the services. In a cluster: dns:///name:port, spread by round robin.
    gateway_address: str = "127.0.0.1:50051"
    query_selector_address: str = "127.0.0.1:50052"
    ranker_address: str = "127.0.0.1:50053"
    judge_dispatcher_address: str = "127.0.0.1:50054"
    scorer_address: str = "127.0.0.1:50055"

    # OTLP over gRPC, for example http://127.0.0.1:4317; by TLS, as peers are spoken to, where it begins with https://.
    # Empty: nothing is traced, at no cost.
    otlp_endpoint: str = ""
    # Share of the cells whose traces are recorded, 0 to 1. All, unless there is no collector that chooses among whole
    # traces: what is not begun is lost, also where the cell fails.
    trace_ratio: float = Field(default=1.0, ge=0, le=1)
    # How often metrics are exported, where an endpoint is set.
    metrics_seconds: float = Field(default=10.0, gt=0)
    # Lets anyone who reaches the port list the methods.
    reflection: bool = False
    # How soon work is found again whose doorbell was lost, against idle reads of the store.
    sweep_seconds: float = Field(default=15.0, gt=0)
    # A fetch without messages ends after this: a stop waits so long, against idle requests to the bus.
    fetch_seconds: float = Field(default=1.0, gt=0)
    # How long calls in flight may take to end at a stop; below the pod's grace period.
    drain_seconds: float = Field(default=10.0, ge=0)
    # A caller hears UNAVAILABLE after this when the store is away; longer rides out elections.
    store_timeout_seconds: float = Field(default=2.5, gt=0)
    log_level: LogLevel = "info"
    # Names this process in leases and in `created_by`.
    instance: str = Field(default_factory=_instance)
