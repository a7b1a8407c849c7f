"""The image: built for real from the Dockerfile, and held to what containers of it may and may not do.

Minutes, so it runs by `make check-image` alone. It is built and mounted once for all tests here.
"""

import json
import re
import sys
from collections.abc import Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from dearena.local import ports
from tests.fixtures import image as images
from tests.fixtures.image import Image
from tests.fixtures.waiting import eventually

pytestmark = [pytest.mark.image, pytest.mark.timeout(1200)]

SERVICES = {"gateway": 2, "query_selector": 2, "ranker": 2, "judge_dispatcher": 2, "scorer": 2, "dashboard": 1}
"""With the code that each exits with when a setting is wrong."""

MOST_MEGABYTES = 310.0
"""Of what we lay upon the base: 284 when this was written. More should be a decision."""

STOP_SECONDS = 25.0
"""The least grace that compose and Kubernetes give a service of ours."""

COMPILERS = {"gcc", "g++", "cc", "c++", "clang", "ld", "as", "make", "rustc", "cargo", "go", "pip", "pip3", "ensurepip"}
PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")

IMPORT_ALL = """
import importlib, json, pkgutil, sys
failed, count = {}, 0
for package in ("services", "dearena"):
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if found.name.endswith("__main__"):
            continue
        count += 1
        try:
            importlib.import_module(found.name)
        except Exception as error:
            failed[found.name] = repr(error)
json.dump({"failed": failed, "count": count}, sys.stdout)
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    if reason := images.why_not():
        pytest.skip(reason)
    with images.built(tmp_path_factory.mktemp("image")) as built:
        yield built


def test_it_is_no_larger_than_need_be(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    parts = {"environment": image.megabytes("opt/dearena"), "our code": image.megabytes("app")}
    base = image.megabytes("usr", "etc", "var")
    with capsys.disabled():
        told = ", ".join(f"{name} {size:.0f} MB" for name, size in parts.items())
        sys.stdout.write(f"\nimage: {told}, on a base of {base:.0f} MB\n")
    assert sum(parts.values()) < MOST_MEGABYTES


def test_it_is_written_on_it_who_runs_it_and_how_it_stops(image: Image) -> None:
    assert image.config["User"] == "10001:10001"
    assert image.config["StopSignal"] == "SIGTERM"
    assert image.config["Entrypoint"] == ["python", "-m"]
    assert not [name for name in image.environment if re.search(r"KEY|SECRET|TOKEN|PASSWORD", name)]


def test_a_container_is_nobody_and_writes_nowhere_but_to_its_tmp(image: Image) -> None:
    done = image.run("sh", "-c", "id -u; id -G; touch /tmp/here && echo tmp; touch /app/x; touch /installation/x")
    assert done.stdout.split() == ["10001", "10001", "tmp"]
    assert done.stderr.count("Read-only file system") == 2, done.stderr


def test_nothing_is_in_it_that_only_builds(image: Image) -> None:
    everything = [path for path in image.root.rglob("*") if "proc" not in path.relative_to(image.root).parts[:1]]
    programs = {path.name for path in everything if path.parent.name in {"bin", "sbin"}}
    assert {"python3", "env"} <= programs
    assert not programs & COMPILERS
    ours = [path for path in everything if path.relative_to(image.root).parts[:2] == ("opt", "dearena")]
    assert len(ours) > 1000
    assert not [path for path in ours if path.name in {"pip", "setuptools", "wheel", "tests"}]
    assert not [path for path in everything if path.name in {"pip", "ensurepip"} and path.is_dir()]


def test_of_our_folder_only_what_runs_is_in_it(image: Image) -> None:
    app = image.root / "app"
    assert {path.name for path in app.iterdir()} == {"README.md", "dearena", "deploy", "pyproject.toml", "services"}
    for path in app.rglob("*"):
        assert not {".git", "tests", "keys", ".env", "keys.env"} & {path.name}, path
        if path.is_file():
            assert not PRIVATE.search(path.read_bytes()), path


def test_everything_imports_without_a_network(image: Image) -> None:
    done = image.run("python", "-c", IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["count"] > 300
    # What starts servers on a developer's machine takes packages that are no part of the image.
    local = {name: why for name, why in told["failed"].items() if name.startswith("dearena.local.")}
    assert set(local.values()) <= {repr(ModuleNotFoundError("No module named 'supervisor'"))}
    assert {name: why for name, why in told["failed"].items() if name not in local} == {}


def test_the_command_line_runs_without_a_network(image: Image) -> None:
    done = image.run("python", "-m", "dearena.cli", "--help")
    assert done.returncode == 0
    assert "leaderboard" in done.stdout
    fitted = image.run("python", "-m", "dearena.cli", "simulate", "--models", "8", "--queries", "8", "--seed", "1")
    assert fitted.returncode == 0, fitted.stderr
    assert "Spearman" in fitted.stdout


def test_a_probe_of_nobody_fails_in_one_line(image: Image) -> None:
    done = image.run("python", "-m", "services.runtime.probe", environment={"DEARENA_LISTEN": "127.0.0.1:9"})
    assert done.returncode == 1
    assert done.stderr.startswith("127.0.0.1:9: UNAVAILABLE")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_wrong_setting_is_told_in_one_line(image: Image, service: str) -> None:
    done = image.run("python", "-m", f"services.{service}", environment={"DEARENA_LOG_LEVEL": "loud"})
    assert done.returncode == SERVICES[service]
    assert "DEARENA_LOG_LEVEL" in done.stderr
    assert "loud" not in done.stderr
    assert done.stderr.count("\n") == 1


async def test_a_service_serves_as_the_first_process_and_leaves_in_time(
    image: Image, mongo_url: str, mongo_database: str, nats_url: str
) -> None:
    address = f"127.0.0.1:{ports.free_port()}"
    settings = {
        "DEARENA_LISTEN": address,
        "DEARENA_MONGO_URL": mongo_url,
        "DEARENA_MONGO_DATABASE": mongo_database,
        "DEARENA_NATS_URL": nats_url,
    }

    async def serves() -> bool:
        async with grpc.aio.insecure_channel(address) as channel:
            try:
                reply = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=2)
            except grpc.RpcError:
                return False
            serving: bool = reply.status == health_pb2.HealthCheckResponse.SERVING
            return serving

    with image.started("services.gateway", environment=settings, network=True) as container:
        await eventually(serves, deadline=60)
        container.terminate()
        code, written = container.end(STOP_SECONDS)
    assert code == 0, written
    assert "Traceback" not in written
