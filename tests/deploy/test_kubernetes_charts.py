"""Our values for the charts of vendors are as the pinned schemas say, and fit what the rest of the arena expects."""

import re
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml

from benchmarks import sizes
from dearena import yaml_places
from services.runtime.topology import DEFAULT_PATH, Topology
from tests.deploy.test_kubernetes_builds import closed
from tests.deploy.test_kubernetes_pods import amount
from tests.fixtures import cluster

CHARTS = cluster.KUBERNETES / "charts"
VALUES = ("nats", "mongodb-operator", "collector", "monitoring")


@cache
def read(name: str) -> Any:
    return yaml_places.read(CHARTS / f"{name}.yaml").data


def schema_of(path: str) -> Any:
    return closed(yaml.safe_load((cluster.KUBERNETES / "schemas" / f"{path}.yaml").read_text("utf-8")))


@pytest.mark.parametrize("name", VALUES)
def test_values_are_as_the_pinned_schema_says(name: str) -> None:
    errors = jsonschema.Draft202012Validator(schema_of(f"charts/{name}")).iter_errors(read(name))
    assert [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors] == []


def test_the_database_is_as_the_operator_s_resource_is() -> None:
    resource = read("mongodb")
    errors = jsonschema.Draft202012Validator(schema_of("MongoDBCommunity")).iter_errors(resource["spec"])
    assert [error.message for error in errors] == []
    assert (resource["apiVersion"], resource["kind"]) == ("mongodbcommunity.mongodb.com/v1", "MongoDBCommunity")
    assert resource["metadata"] == {"name": "mongo", "namespace": "dearena"}


def test_each_file_of_values_has_its_schema_and_is_told_of_with_its_version() -> None:
    assert {path.stem for path in CHARTS.glob("*.yaml")} == {*VALUES, "mongodb"}
    assert {path.stem for path in (cluster.KUBERNETES / "schemas" / "charts").glob("*.yaml")} == set(VALUES)
    table = (CHARTS / "README.md").read_text("utf-8")
    for name in VALUES:
        command = (CHARTS / f"{name}.yaml").read_text("utf-8")
        schema = (cluster.KUBERNETES / "schemas" / "charts" / f"{name}.yaml").read_text("utf-8")
        (version,) = re.findall(r"--version (\d+\.\d+\.\d+) ", command)
        (row,) = [line for line in table.splitlines() if line.startswith(f"| `{name}.yaml`")]
        assert f"| {version} |" in row
        assert version in schema.splitlines()[0]


def test_the_bus_has_three_members_that_keep_what_the_topology_reserves() -> None:
    config = read("nats")["config"]
    assert (config["cluster"]["enabled"], config["cluster"]["replicas"]) == (True, 3)
    assert config["jetstream"]["fileStore"]["enabled"] is True
    size = int(config["jetstream"]["fileStore"]["pvc"]["size"].removesuffix("Gi")) * 2**30
    assert sum(stream.max_bytes for stream in Topology.read(DEFAULT_PATH).streams) < size
    production = cluster.overlay("production")
    job = production.one("Job", "topology")
    told = {name: value for name, value, _ in cluster.environment_of(production, job)}
    assert int(told["DEARENA_STREAM_REPLICAS"]) == config["cluster"]["replicas"]


def test_the_bus_lets_in_whom_its_password_is_for() -> None:
    values = read("nats")
    (name,) = re.findall(r"\$(\w+)", values["config"]["merge"]["authorization"]["password"])
    assert values["container"]["env"][name] == {
        "valueFrom": {"secretKeyRef": {"name": "nats-server", "key": "password"}}
    }


def test_the_scaler_asks_where_the_bus_tells() -> None:
    values = read("nats")
    (scaler,) = cluster.overlay("production").of("ScaledObject")
    (trigger,) = scaler["spec"]["triggers"]
    place = f"{values['fullnameOverride']}-headless.dearena.svc.cluster.local:{values['config']['monitor']['port']}"
    assert trigger["metadata"]["natsServerMonitoringEndpoint"] == place
    # Without accounts of its own a server has one, by this name.
    assert "accounts" not in values["config"]["merge"]
    assert trigger["metadata"]["account"] == "$G"


def test_the_database_is_a_replica_set_of_three_that_tells_services_where_it_is() -> None:
    spec = read("mongodb")["spec"]
    assert spec["members"] == 3
    assert [user.get("connectionStringSecretName") for user in spec["users"]] == ["mongo-connection", None]
    compose = yaml_places.read(cluster.ROOT / "docker-compose.yml").data["services"]["mongo"]["image"]
    assert spec["version"].startswith(compose.removeprefix("mongo:") + ".")


def test_no_two_members_of_bus_or_database_go_at_once() -> None:
    assert read("nats")["podDisruptionBudget"]["enabled"] is True
    budget = cluster.overlay("production").one("PodDisruptionBudget", "mongo")["spec"]
    labels = read("mongodb")["spec"]["statefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert cluster.selects(budget["selector"], labels)
    assert budget["maxUnavailable"] == 1


def test_policies_know_the_vendors_pods_by_their_labels() -> None:
    mongo = read("mongodb")["spec"]["statefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert mongo["app.kubernetes.io/name"] == "mongo"
    # Charts label pods by nameOverride, or else by the chart's name.
    assert read("collector")["nameOverride"] == "collector"
    assert "nameOverride" not in read("nats")


def test_the_collector_is_the_one_of_compose_and_listens_where_services_send() -> None:
    values = read("collector")
    # Compose puts a tool for its health check beside it.
    made = yaml_places.read(cluster.ROOT / "docker-compose.yml").data["services"]["collector"]["build"][
        "dockerfile_inline"
    ]
    assert f"FROM {values['image']['repository']}:{values['image']['tag']}" in made.splitlines()
    config = yaml_places.read(cluster.ROOT / "deploy" / "observability" / "collector.yaml").data
    heard = config["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"].rpartition(":")[2]
    assert values["ports"]["otlp"]["containerPort"] == int(heard)
    assert values["fullnameOverride"] == "collector"
    # Spans are put together in one process before it is decided which to keep.
    assert values["replicaCount"] == 1
    build = cluster.overlay("production")
    arena = build.one("ConfigMap", "arena")["data"]
    assert arena["DEARENA_OTLP_ENDPOINT"] == f"https://{values['fullnameOverride']}:{heard}"


def test_vendors_pods_may_no_more_than_they_must() -> None:
    nats = read("nats")
    for pod, container in (
        (nats["podTemplate"]["merge"]["spec"]["securityContext"], nats["container"]["merge"]["securityContext"]),
        (read("collector")["podSecurityContext"], read("collector")["securityContext"]),
        (
            read("mongodb-operator")["operator"]["podSecurityContext"],
            read("mongodb-operator")["operator"]["securityContext"],
        ),
    ):
        assert pod["runAsNonRoot"] is True
        assert pod["runAsUser"] > 0
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["allowPrivilegeEscalation"] is False
        assert container["capabilities"] == {"drop": ["ALL"]}


def test_vendors_keep_within_the_memory_that_they_are_given() -> None:
    nats = read("nats")["container"]
    limit = amount(nats["resources"]["limits"]["memory"])
    assert 0.5 * limit <= amount(nats["env"]["GOMEMLIMIT"].replace("MiB", "Mi")) <= 0.95 * limit
    config = yaml_places.read(cluster.ROOT / "deploy" / "observability" / "collector.yaml").data
    refuses = config["processors"]["memory_limiter"]["limit_mib"] * 2**20
    assert refuses <= 0.8 * amount(read("collector")["resources"]["limits"]["memory"])
    spec = read("mongodb")["spec"]
    (mongod,) = [
        one for one in spec["statefulSet"]["spec"]["template"]["spec"]["containers"] if one["name"] == "mongod"
    ]
    cache = spec["additionalMongodConfig"]["storage.wiredTiger.engineConfig.cacheSizeGB"] * 2**30
    # What connections, sorts and writes take comes on top.
    assert cache <= 0.6 * amount(mongod["resources"]["limits"]["memory"])


def test_the_arenas_sizes_fit_on_the_disks_of_the_database() -> None:
    (data,) = [
        claim
        for claim in read("mongodb")["spec"]["statefulSet"]["spec"]["volumeClaimTemplates"]
        if claim["metadata"]["name"] == "data-volume"
    ]
    size = amount(data["spec"]["resources"]["requests"]["storage"])
    # 1,000 models in 10 dimensions, with an oplog of a twentieth of the disk beside it.
    assert sizes.estimate(1_000, 10, sizes.Assumed()).store_bytes + size / 20 <= 0.8 * size
