"""What compose tells the services fits: who listens where, what keeps what, and how long each is given to stop."""

import importlib.util
import ipaddress
import re
from datetime import timedelta
from typing import Any

import pytest
import yaml

from services.gateway.settings import GatewaySettings
from services.runtime.settings import ServiceSettings
from tests.deploy.test_compose import ROOT, SERVICES
from tests.fixtures.cluster import RPC_SERVICES

OURS = sorted(name for name, service in SERVICES.items() if service["image"].startswith("dearena:"))


def told(name: str) -> dict[str, str]:
    return dict(SERVICES[name].get("environment", {}))


def seconds(duration: str) -> float:
    """Of what docker-compose writes, `1m30s`."""
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", duration)
    assert found is not None, duration
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=rest).total_seconds()


def modules_of(service: dict[str, Any]) -> list[str]:
    """Programs of ours that it runs, its health check among them."""
    commands = [service.get("command") or [], service.get("healthcheck", {}).get("test", [])]
    words = [word for command in commands for word in command]
    return [word for word in words if re.fullmatch(r"(services|dearena)\.[\w.]+", word)]


@pytest.mark.parametrize("name", OURS)
def test_programs_that_are_run_are_there(name: str) -> None:
    for module in modules_of(SERVICES[name]):
        found = importlib.util.find_spec(module)
        assert found is not None, module
        assert found.submodule_search_locations is None or importlib.util.find_spec(f"{module}.__main__"), module
    if name in RPC_SERVICES:
        assert modules_of(SERVICES[name]) == [f"services.{name.replace('-', '_')}", "services.runtime.probe"]


@pytest.mark.parametrize("name", OURS)
def test_services_are_called_where_they_listen(name: str) -> None:
    for called in RPC_SERVICES:
        address = told(name).get(f"DEARENA_{called.replace('-', '_').upper()}_ADDRESS")
        if address is not None:
            port = told(called)["DEARENA_LISTEN"].rpartition(":")[2]
            assert address == f"dns:///{called}:{port}"
            assert [(str(one["published"]), str(one["target"])) for one in SERVICES[called]["ports"]] == [(port, port)]
    if name in {*RPC_SERVICES, "dashboard", "cli"}:
        assert sum(variable.endswith("_ADDRESS") for variable in told(name)) == len(RPC_SERVICES)


@pytest.mark.parametrize("name", sorted(RPC_SERVICES))
def test_what_stops_is_given_the_time_that_it_takes(name: str) -> None:
    fields = ServiceSettings.model_fields
    drains = 2 * fields["drain_seconds"].default  # messages, then calls
    if name == "gateway":
        drains += GatewaySettings.model_fields["drain_calls_seconds"].default
    assert seconds(SERVICES[name]["stop_grace_period"]) >= drains + 5


def test_the_replica_set_has_one_name() -> None:
    mongo = SERVICES["mongo"]["command"]
    name = mongo[mongo.index("--replSet") + 1]
    for service in OURS:
        if url := told(service).get("DEARENA_MONGO_URL"):
            assert url == f"mongodb://mongo:27017/?replicaSet={name}"
    assert SERVICES["replica-set"]["command"][-1] == "mongo:27017"
    assert f'"{name}"' in (ROOT / "services" / "runtime" / "replica_set.py").read_text("utf-8")


def test_what_must_not_be_lost_is_kept_in_volumes() -> None:
    kept = {
        name: {mount["target"] for mount in service.get("volumes", ()) if mount["type"] == "volume"}
        for name, service in SERVICES.items()
    }
    bus = (ROOT / "deploy" / "nats" / "nats.conf").read_text("utf-8")
    assert kept["nats"] == set(re.findall(r'store_dir: "(.+)"', bus))
    assert "/data/db" in kept["mongo"]  # of its image
    assert kept["secret"] == kept["judge-dispatcher"] == {"/installation"}
    assert told("judge-dispatcher")["DEARENA_INSTALLATION_SECRET_FILE"].startswith("/installation/")
    options = " ".join(SERVICES["prometheus"]["command"])
    assert kept["prometheus"] == set(re.findall(r"--storage\.tsdb\.path=(\S+)", options))


def test_the_bus_is_called_where_it_listens() -> None:
    bus = (ROOT / "deploy" / "nats" / "nats.conf").read_text("utf-8")
    (port,) = re.findall(r'listen: "0\.0\.0\.0:(\d+)"', bus)
    (monitor,) = re.findall(r'http: "0\.0\.0\.0:(\d+)"', bus)
    for service in OURS:
        if url := told(service).get("DEARENA_NATS_URL"):
            assert url == f"nats://nats:{port}"
    assert f":{monitor}/" in SERVICES["nats"]["healthcheck"]["test"][-1]
    topology = yaml.safe_load((ROOT / "deploy" / "nats" / "topology.yaml").read_text("utf-8"))
    (room,) = re.findall(r"max_file_store: (\d+)GB", bus)
    assert sum(stream["max_bytes"] for stream in topology["streams"]) < int(room) * 10**9


def test_only_the_gateway_reaches_models_and_models_nobody_else() -> None:
    with_models = {name for name, service in SERVICES.items() if "models" in (service.get("networks") or {})}
    assert with_models == {"gateway", "sparring"}
    assert set(SERVICES["sparring"]["networks"]) == {"models"}
    text = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    (subnet,) = re.findall(r":-([\d./]+)", text["networks"]["models"]["ipam"]["config"][0]["subnet"])
    allowed = [ipaddress.ip_network(one) for one in told("gateway")["DEARENA_ALLOW_PRIVATE"].split(",")]
    # That network, and of others no more than one address.
    assert ipaddress.ip_network(subnet) in allowed
    assert all(one.num_addresses == 1 for one in allowed if one != ipaddress.ip_network(subnet))
