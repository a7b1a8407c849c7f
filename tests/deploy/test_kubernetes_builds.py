"""Every overlay, and the base with every combination of components, builds to what Kubernetes takes."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from jsonschema.protocols import Validator
from referencing import Registry, Resource

from tests.fixtures import cluster

SCHEMAS = cluster.KUBERNETES / "schemas"
KUBERNETES_SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema" / "v1.34.0-local-strict"
# The first who asks builds all, which a busy machine takes its time for.
pytestmark = pytest.mark.timeout(600)

EXTENSIONS = {
    "keda.sh/v1alpha1": {"ScaledObject"},
    "cert-manager.io/v1": {"Certificate", "Issuer"},
    "gateway.networking.k8s.io/v1": {"Gateway", "GRPCRoute", "HTTPRoute", "BackendTLSPolicy"},
    "monitoring.coreos.com/v1": {"ServiceMonitor", "PrometheusRule"},
}


def closed(schema: Any) -> Any:
    """An object that names its members has no others."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        inner.setdefault("additionalProperties", False)
    return inner


@cache
def _definitions() -> Registry[Any]:
    contents = json.loads((KUBERNETES_SCHEMAS / "_definitions.json").read_text("utf-8"))
    return Resource.from_contents(contents) @ Registry()


@cache
def validator_of(api_version: str, kind: str) -> Validator:
    """Of one kind: Kubernetes' own schema, or ours of an extension's."""
    if kind in EXTENSIONS.get(api_version, ()):
        spec = closed(yaml.safe_load((SCHEMAS / f"{kind}.yaml").read_text("utf-8")))
        return jsonschema.Draft202012Validator(
            {
                "type": "object",
                "properties": {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}, "spec": spec},
                "required": ["metadata", "spec"],
                "additionalProperties": False,
            }
        )
    group, _, version = api_version.rpartition("/")
    short = f"{group.partition('.')[0]}-{version}" if group else version
    schema = json.loads((KUBERNETES_SCHEMAS / f"{kind.lower()}-{short}.json").read_text("utf-8"))
    return jsonschema.Draft202012Validator(schema, registry=Resource.from_contents(schema) @ _definitions())


def test_there_is_a_build_for_each_overlay_and_each_combination() -> None:
    names = [build.name for build in cluster.builds()]
    alone, on_two, on_three = 2**6, 2**4, 2**3  # six components; one more stands on two of them; two more on three
    assert len(set(names)) == len(names) == len(cluster.OVERLAYS) + alone + 2 * on_two + on_three


@pytest.mark.parametrize("component", cluster.COMPONENTS)
def test_a_component_changes_what_is_built(component: str) -> None:
    needed = cluster.STANDS_ON.get(component, set())
    assert cluster.combined(sorted({component, *needed})).resources != cluster.combined(sorted(needed)).resources


def test_all_that_is_built_is_as_the_schemas_say() -> None:
    wrong = [
        f"{build}: {cluster.name_of(resource)} at {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for build, resource in cluster.distinct()
        for error in validator_of(resource["apiVersion"], resource["kind"]).iter_errors(resource)
    ]
    assert wrong == []


def test_there_is_no_schema_that_nothing_is_held_to() -> None:
    kinds = {resource["kind"] for _, resource in cluster.distinct()}
    elsewhere = {"MongoDBCommunity"}  # test_kubernetes_charts.py
    elsewhere |= EXTENSIONS["monitoring.coreos.com/v1"]  # test_kubernetes_watching.py
    assert {path.stem for path in SCHEMAS.glob("*.yaml")} - kinds == elsewhere


def test_everything_has_a_name_of_its_own_in_the_namespace() -> None:
    for build in cluster.builds():
        names = Counter(map(cluster.name_of, build.resources))
        assert {name for name, times in names.items() if times > 1} == set(), build.name
        away = {cluster.name_of(one) for one in build.resources if one["metadata"].get("namespace") != "dearena"}
        assert away == {"Namespace/dearena"}, build.name


def test_one_folder_a_service() -> None:
    rooms = {path.parent.name.replace("_", "-") for path in cluster.ROOT.glob("services/*/__main__.py")}
    folders = {path.parent.name for path in cluster.KUBERNETES.glob("base/*/kustomization.yaml")}
    assert folders == rooms | {"jobs"}
