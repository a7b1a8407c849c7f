"""The trace viewer of a local arena: Phoenix, in an environment of its own, on loopback only.

Run as a file by that environment's Python, which knows nothing of this package:

    .venv-traces/bin/python -I dearena/local/trace_viewer.py HTTP-PORT OTLP-PORT DIRECTORY

Phoenix is told where its page listens, but its OTLP receiver listens on all interfaces whatever it is told. Traces are
not for the neighbours, so the address is put right where gRPC is asked for it.
"""

import os
import sys
from typing import Any

LOOPBACK = "127.0.0.1"


def settings(http_port: str, otlp_port: str, directory: str) -> dict[str, str]:
    """Phoenix's, as environment variables: here, kept in a directory, and in touch with nobody."""
    return {
        "PHOENIX_HOST": LOOPBACK,
        "PHOENIX_PORT": http_port,
        "PHOENIX_GRPC_PORT": otlp_port,
        "PHOENIX_WORKING_DIR": directory,
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        "PHOENIX_DISABLE_AGENT_ASSISTANT": "true",
        "PHOENIX_ENABLE_MCP_SERVER": "false",
    }


def main(http_port: str, otlp_port: str, directory: str) -> None:
    """Serve until SIGTERM."""
    for name in [name for name in os.environ if name.startswith("PHOENIX_")]:
        del os.environ[name]
    os.environ.update(settings(http_port, otlp_port, directory))

    import grpc.aio  # noqa: PLC0415 - Phoenix's, as all that follows
    from opentelemetry.proto.collector.metrics.v1 import (  # noqa: PLC0415
        metrics_service_pb2,
        metrics_service_pb2_grpc,
    )

    class Unheard(metrics_service_pb2_grpc.MetricsServiceServicer):
        """Takes metrics, which go the way of traces, and has no use for them."""

        async def Export(self, request: Any, context: Any) -> Any:
            return metrics_service_pb2.ExportMetricsServiceResponse()

    made = grpc.aio.server

    def on_loopback(*arguments: Any, **options: Any) -> Any:
        server = made(*arguments, **options)
        listens = server.add_insecure_port
        server.add_insecure_port = lambda address: listens(f"{LOOPBACK}:{address.rpartition(':')[2]}")  # type: ignore[method-assign]
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Unheard(), server)  # type: ignore[no-untyped-call]
        return server

    grpc.aio.server = on_loopback

    from phoenix.server.main import main as serve  # type: ignore[import-not-found] # noqa: PLC0415

    sys.argv = ["phoenix", "serve"]
    serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
