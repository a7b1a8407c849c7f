"""Ask a service of this container whether it serves: `python -m services.runtime.probe`, exit 0 when it does.

For container runtimes that know no gRPC probes; Kubernetes asks by itself, in plaintext: see DEARENA_HEALTH_LISTEN.
Where a service has no such port and speaks TLS, the probe does too, with the service's own certificate on both sides:
`localhost` must be among its names.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import ValidationError

from dearena.transport import PLAINTEXT, Tls
from services.runtime.settings import ServiceSettings

PATIENCE_SECONDS = 3.0
NAME = "localhost"
"""Whom the certificate must be for, whatever address the service listens on."""


@contextmanager
def _channel(address: str, tls: Tls) -> Iterator[grpc.Channel]:
    if tls.wanted:
        pems = tls.read()
        credentials = grpc.ssl_channel_credentials(pems.authorities or None, pems.key or None, pems.chain or None)
        opened = grpc.secure_channel(address, credentials, options=[("grpc.ssl_target_name_override", NAME)])
    else:
        opened = grpc.insecure_channel(address)
    with opened as channel:
        yield channel


def main() -> None:
    """Probe where DEARENA_HEALTH_LISTEN, or else DEARENA_LISTEN, says that this container's service listens."""
    try:
        settings = ServiceSettings()
    except ValidationError as error:
        sys.exit("; ".join(one["msg"] for one in error.errors(include_input=False, include_url=False)))
    host, _, port = (settings.health_listen or settings.listen).rpartition(":")
    address = f"{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{port}"  # noqa: S104 - read, not listened on
    with _channel(address, PLAINTEXT if settings.health_listen else settings.tls) as channel:
        try:
            reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)
        except grpc.RpcError as error:
            sys.exit(f"{address}: {error.code().name}: {error.details()}")
    if reply.status != health_pb2.HealthCheckResponse.SERVING:
        sys.exit(f"{address} does not serve yet")


if __name__ == "__main__":
    main()
