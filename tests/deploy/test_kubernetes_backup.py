"""The nightly backup reaches the database, as its own user, and nothing else; and may no more than other pods."""

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml
from pymongo import uri_parser

from dearena import yaml_places
from tests.deploy.test_kubernetes_builds import validator_of
from tests.deploy.test_kubernetes_bus_and_store import MONGO, hosts_of_the_database, issued
from tests.deploy.test_kubernetes_network import VENDORS, places_of
from tests.fixtures import cluster, pages
from tests.fixtures.cluster import Build
from tests.fixtures.network_policies import Place, allowed

FOLDER: Final = cluster.KUBERNETES / "backup"
BUILD: Final = Build("backup", cluster.kustomized(FOLDER))
READER: Final[dict[str, Any]] = yaml.safe_load((FOLDER / "reader.yaml").read_text("utf-8"))
JOB: Final[dict[str, Any]] = BUILD.one("CronJob", "backup")["spec"]
POD: Final[dict[str, Any]] = JOB["jobTemplate"]["spec"]["template"]
PAGE: Final = pages.read(cluster.ROOT / "docs" / "operations" / "back-up.md")


def container_of(spec: dict[str, Any]) -> dict[str, Any]:
    (container,) = spec["containers"]
    return dict(container)


def variables() -> dict[str, Any]:
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container_of(POD["spec"])["env"]}


def test_what_is_built_is_as_the_schemas_say() -> None:
    for one in (*BUILD.resources, READER):
        errors = validator_of(one["apiVersion"], one["kind"]).iter_errors(one)
        assert [error.message for error in errors] == [], cluster.name_of(one)
        assert one["metadata"]["namespace"] == "dearena"


def test_its_pods_may_no_more_than_others() -> None:
    for spec in (POD["spec"], READER["spec"]):
        assert spec["automountServiceAccountToken"] is spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        container = container_of(spec)
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"].keys() == {"requests", "limits"}
        compose = yaml_places.read(cluster.ROOT / "docker-compose.yml").data["services"]["mongo"]["image"]
        assert container["image"] == compose  # of the version of the cluster's own, see test_kubernetes_charts.py


def test_it_dumps_the_whole_server_with_its_oplog_and_reaches_every_member(tmp_path: Path) -> None:
    (script,) = container_of(POD["spec"])["args"]
    (url,) = re.findall(r'--uri "(.+?)"', script)
    file = tmp_path / "ca.crt"
    file.touch()
    read = uri_parser.parse_uri(
        url.replace("$PASSWORD", "p").replace("$HOSTS", variables()["HOSTS"]).replace("/tls/ca.crt", str(file))
    )
    assert {host for host, _ in read["nodelist"]} == set(hosts_of_the_database())
    assert set(hosts_of_the_database()) <= set(issued("mongo-tls")["dnsNames"])
    # With a database it would dump that one alone, and refuse the oplog.
    assert read["database"] is None
    assert "--oplog" in script.split()
    (user,) = [one for one in MONGO["users"] if {"name": "backup", "db": "admin"} in one["roles"]]
    assert read["username"] == user["name"]
    assert variables()["PASSWORD"] == {"secretKeyRef": {**user["passwordSecretRef"], "key": "password"}}
    assert (read["options"]["tls"], read["options"]["replicaSet"]) == (True, "mongo")


def test_a_backup_takes_the_place_of_another_only_when_it_is_whole() -> None:
    container = container_of(POD["spec"])
    assert container["command"] == ["bash", "-euc"]
    dumped, moved = (line for line in container["args"][0].splitlines() if line)
    (part,) = re.findall(r"--archive=(\S+)", dumped)
    assert moved.split()[:2] == ["mv", part]
    assert JOB["concurrencyPolicy"] == "Forbid"  # two would write the same file


def test_its_files_are_where_it_writes_and_reads() -> None:
    for spec in (POD["spec"], READER["spec"]):
        mounts = {one["mountPath"]: one["name"] for one in container_of(spec)["volumeMounts"]}
        volumes = {one["name"]: one for one in spec["volumes"]}
        assert set(mounts.values()) == volumes.keys()
        claim = volumes[mounts["/backup"]]["persistentVolumeClaim"]["claimName"]
        assert BUILD.one("PersistentVolumeClaim", claim)
    tls = {one["name"]: one for one in POD["spec"]["volumes"]}["tls"]["secret"]
    assert issued(tls["secretName"])
    assert tls["items"] == [{"key": "ca.crt", "path": "ca.crt"}]


def test_it_speaks_to_the_database_alone() -> None:
    production = cluster.overlay("production")
    policies = [*production.of("NetworkPolicy"), *BUILD.of("NetworkPolicy")]
    backup = Place("backup", labels=POD["metadata"]["labels"])
    reader = Place("reader", labels=READER["metadata"]["labels"])
    (mongo,) = [place for place in VENDORS if place.name == "mongo"]
    assert allowed(policies, backup, mongo, 27017)
    others = [place for place in places_of(production) if place.name not in {"mongo", "dns"}]
    for port in (22, 53, 443, 4222, 8222, 27017, 50051):
        for place in others:
            assert not allowed(policies, backup, place, port), place
            assert not allowed(policies, place, backup, port), place
            assert not allowed(policies, reader, place, port), place
        assert not allowed(policies, reader, mongo, port)
    # Nor does anybody else come to the database for it.
    before = production.of("NetworkPolicy")
    for place in others:
        assert allowed(policies, place, mongo, 27017) == allowed(before, place, mongo, 27017), place


def test_the_page_applies_it_and_carries_a_backup_away() -> None:
    said = json.dumps(list(PAGE.commands()))
    assert "deploy/kubernetes/backup" in said
    copied = [command for command in PAGE.commands() if command[0] == "kubectl" and "cp" in command]
    (command,) = copied
    (source,) = [word for word in command if ":" in word]
    assert source.startswith(f"{READER['metadata']['name']}:/backup/dearena-")
