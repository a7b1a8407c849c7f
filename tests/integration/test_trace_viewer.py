"""The trace viewer of a local arena, where its environment has been made: takes spans, on loopback only."""

import asyncio
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from dearena.local import endpoints, ports, stack
from tests.fixtures.waiting import eventually

PYTHON = Path(__file__).parents[2] / ".venv-traces" / "bin" / "python"
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
"""127.0.0.1 as the kernel lists it, alone and within IPv6, and ::1."""


def test_the_viewer_is_told_where_to_listen_and_the_services_where_it_does(tmp_path: Path) -> None:
    with ports.claims() as claims:
        chosen, _ = endpoints.settle(tmp_path, claims, database="d")
    told = stack._with_traces(tmp_path, chosen, Path(sys.executable))
    assert told["DEARENA_OTLP_ENDPOINT"] == f"http://127.0.0.1:{chosen.ports['otlp']}"
    command = told["DEARENA_TRACES_COMMAND"].split()
    assert command[0] == sys.executable
    assert command[-3:] == [str(chosen.ports["traces"]), str(chosen.ports["otlp"]), str(tmp_path / "traces")]
    assert Path(command[-4]).is_file()


@pytest.mark.skipif(not PYTHON.exists(), reason="`make traces` has not been run")
@pytest.mark.timeout(400)
async def test_the_viewer_takes_spans_on_loopback_only(tmp_path: Path) -> None:
    page, otlp = ports.free_ports(2)
    viewer = Path(stack.__file__).with_name("trace_viewer.py")
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(str(PYTHON), "-I", str(viewer), str(page), str(otlp), str(tmp_path)),
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        await eventually(lambda: _get(f"http://127.0.0.1:{page}/healthz") is not None, stack.VIEWER_SECONDS, poll=0.5)
        listening = _listening(page, otlp)
        assert listening.keys() == {page, otlp}
        assert set().union(*listening.values()) <= LOOPBACK

        endpoint = f"http://127.0.0.1:{otlp}"
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True)))
        with provider.get_tracer("t").start_as_current_span("judge cell"):
            pass
        taken = OTLPMetricExporter(endpoint=endpoint, insecure=True).export(MetricsData([]))
        assert taken is MetricExportResult.SUCCESS
        url = f"http://127.0.0.1:{page}/v1/projects/default/spans"
        names = await eventually(lambda: [span["name"] for span in (_get(url) or {"data": []})["data"]], 60)
        assert names == ["judge cell"]
    finally:
        process.terminate()
        await process.wait()


def _get(url: str) -> dict[str, list[dict[str, str]]] | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            text = reply.read()
    except (urllib.error.URLError, OSError):
        return None
    return dict(json.loads(text)) if text.startswith(b"{") else {}


def _listening(*wanted: int) -> dict[int, set[str]]:
    """On which addresses somebody listens on these ports."""
    found: dict[int, set[str]] = {}
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text("ascii").splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, port = local.partition(":")
            if state == "0A" and int(port, 16) in wanted:
                found.setdefault(int(port, 16), set()).add(address)
    return found
