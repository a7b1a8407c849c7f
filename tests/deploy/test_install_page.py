"""Whoever follows the page on installing has all that production asks for, by the charts that it names."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dearena import yaml_places
from tests.fixtures import cluster, pages

pytestmark = pytest.mark.timeout(600)

COMMANDS = list(pages.read(cluster.ROOT / "docs" / "operations" / "install.md").commands())
CHARTS = cluster.KUBERNETES / "charts"
REFERENCES = {
    "configMapRef": "ConfigMap", "configMapKeyRef": "ConfigMap",
    "configMap": "ConfigMap", "caConfigMapRef": "ConfigMap",
    "secretRef": "Secret", "secretKeyRef": "Secret", "passwordSecretRef": "Secret",
    "certificateKeySecretRef": "Secret", "caCertificateSecretRef": "Secret", "clientCertificateRef": "Secret",
}  # fmt: skip
"""Members of resources and values that name another resource, and of which kind it is."""
LISTS = {"certificateRefs": "Secret", "caCertificateRefs": "ConfigMap"}


def asked_for(value: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of whatever a resource, or a chart by its values, must find; what is optional is left out."""
    if isinstance(value, list):
        for one in value:
            yield from asked_for(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key in REFERENCES and isinstance(one, dict):
                if (name := one.get("name", one.get("existingName", one.get("secretName")))) and not one.get(
                    "optional"
                ):
                    yield REFERENCES[key], str(name)
            elif key in LISTS:
                yield from ((LISTS[key], str(reference["name"])) for reference in one)
            elif key == "secretName" and "optional" not in value:
                yield "Secret", str(one)
            else:
                yield from asked_for(one)


def with_members(command: list[str], *members: str) -> bool:
    return all(member in command for member in members)


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def made_by_hand() -> set[tuple[str, str]]:
    """Secrets and ConfigMaps that the page's commands make."""
    made = set()
    for command in COMMANDS:
        if command[0] == "kubectl" and "create" in command:
            rest = command[command.index("create") + 1 :]
            if rest[0] == "secret":
                made.add(("Secret", rest[2]))
            elif rest[0] == "configmap":
                made.add(("ConfigMap", rest[1]))
    return made


def test_whatever_production_asks_for_is_made_by_it_or_by_a_command() -> None:
    production = cluster.overlay("production")
    charts = [yaml_places.read(path).data for path in sorted(CHARTS.glob("*.yaml"))]
    needed = {one for resource in (*production.resources, *charts) for one in asked_for(resource)}
    assert {("Secret", "installation"), ("ConfigMap", "arena-ca"), ("ConfigMap", "collector")} <= needed
    made = {("ConfigMap", one["metadata"]["name"]) for one in production.of("ConfigMap")}
    made |= {("Secret", one["spec"]["secretName"]) for one in production.of("Certificate")}
    for chart in charts:
        for user in chart.get("spec", {}).get("users", []):  # by the operator of the database
            made |= {("Secret", user[name]) for name in ("connectionStringSecretName",) if name in user}
    assert needed - made - made_by_hand() == set()


def test_the_image_that_is_pushed_has_the_tag_that_the_overlay_pulls() -> None:
    tags = {
        word.rpartition(":")[2] for command in COMMANDS if command[:2] == ["docker", "push"] for word in command[2:]
    }
    built = {option(command, "--tag") for command in COMMANDS if command[:2] == ["docker", "build"]}
    pulled = {
        container["image"].rpartition(":")[2]
        for workload in cluster.overlay("production").workloads
        for container in cluster.containers_of(workload)
    }
    assert tags == {one.rpartition(":")[2] for one in built} == pulled


def test_neighbours_are_labelled_as_the_network_policies_know_them() -> None:
    known = set()
    for policy in cluster.overlay("production").of("NetworkPolicy"):
        known |= set(re.findall(r"'dearena-access': '(\w+)'", str(policy)))
    labelled = {
        word for command in COMMANDS if with_members(command, "kubectl", "label", "namespace") for word in command
    }
    assert known == {"ingress", "scaling", "monitoring"}
    assert {f"dearena-access={one}" for one in known} <= labelled
    # A namespace can be labelled when it is there: it is made before, or is the neighbours' own.
    made: set[str] = {"gateway-system"}
    for command in COMMANDS:
        if command[:3] == ["kubectl", "create", "namespace"]:
            made.add(command[3])
        elif "--create-namespace" in command:
            made.add(option(command, "--namespace"))
        elif command[:3] == ["kubectl", "label", "namespace"]:
            assert command[3] in made, command
        elif command[0] == "kubectl" and "--namespace" in command:
            assert option(command, "--namespace") in made, command


def test_charts_are_installed_as_their_values_say() -> None:
    installed = {}
    for command in COMMANDS:
        if command[:3] == ["helm", "upgrade", "--install"] and "--values" in command:
            said = (*command[3:5], option(command, "--version"), option(command, "--namespace"))
            installed[option(command, "--values").rpartition("/")[2]] = said
    for path in CHARTS.glob("*.yaml"):
        for line in re.findall(r"^# (helm install .+)$", path.read_text("utf-8"), re.MULTILINE):
            command = line.split()
            assert installed.pop(path.name) == (
                *command[2:4],
                option(command, "--version"),
                option(command, "--namespace"),
            )
    assert installed == {}


def test_the_operator_of_the_database_lives_where_no_policy_of_ours_cuts_it_off() -> None:
    (command,) = [one for one in COMMANDS if "mongodb/mongodb-kubernetes" in one]
    assert option(command, "--namespace") != "dearena"
    values = yaml_places.read(CHARTS / "mongodb-operator.yaml").data
    assert values["operator"]["watchNamespace"] == "dearena"
