"""Ask a service of this container whether it serves: `python -m services.runtime.probe`, exit 0 when it does.

For container runtimes that know no gRPC probes; Kubernetes asks by itself.
"""

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.runtime.settings import ServiceSettings

PATIENCE_SECONDS = 3.0


def main() -> None:
    """Probe the address that DEARENA_LISTEN says this container's service listens on."""
    host, _, port = ServiceSettings().listen.rpartition(":")
    address = f"{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{port}"  # noqa: S104 - read, not listened on
    with grpc.insecure_channel(address) as channel:
        try:
            reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)
        except grpc.RpcError as error:
            sys.exit(f"{address}: {error.code().name}: {error.details()}")
    if reply.status != health_pb2.HealthCheckResponse.SERVING:
        sys.exit(f"{address} does not serve yet")


if __name__ == "__main__":
    main()
